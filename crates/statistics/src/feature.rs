//! What is known of one feature: how many examples have it, with how many values, and which.

use arrow::array::{Array, ArrayRef, AsArray, GenericListArray, OffsetSizeTrait};
use arrow::datatypes::DataType;
use sketch::bytes::{Reader, Stored};
use sketch::{Count, Distribution, StateError, Weight, as_f64};

use crate::Config;
use crate::columns::{Flat, valid_part, valid_runs};
use crate::natural_language::LanguageState;
use crate::pass::{Feature, Kind};
use crate::semantic::Semantics;
use crate::values::Values;
use crate::weight::{repeat_weights, total};

/// What was seen of one feature.
#[derive(Clone, Debug)]
pub(crate) struct FeatureState {
    /// Examples that have the feature, those with an empty list included; of a feature of a struct, the
    /// structs that have it.
    pub(crate) num_non_missing: u64,
    /// How many values they have, innermost lists together; empty for features that are not lists, which
    /// have one each.
    pub(crate) lengths: Distribution,
    /// Values in all examples together, NaN included.
    pub(crate) tot_num_values: u64,
    /// The first two by weight; zero when examples have none.
    pub(crate) weighted: Weighted,
    /// Of lists of lists, every level of lists, the outer ones first.
    pub(crate) levels: Vec<Level>,
    pub(crate) values: Values,
    /// What the values look like, where somebody wants to know.
    pub(crate) semantics: Option<Semantics>,
    /// Their language, where the schema says that it is one.
    pub(crate) language: Option<Box<LanguageState>>,
}

/// Sums of weights.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Weighted {
    pub(crate) num_non_missing: Weight,
    pub(crate) tot_num_values: Weight,
}

/// What was seen of one level of nested lists.
#[derive(Clone, Debug)]
pub(crate) struct Level {
    /// Lists that are there.
    pub(crate) num_non_missing: u64,
    /// How long they are.
    pub(crate) lengths: Distribution,
    /// How long they are together.
    pub(crate) tot_num_values: u64,
    pub(crate) weighted: Weighted,
}

/// The structs of a column without the lists around them, and the weight of each.
pub(crate) struct Structs {
    pub(crate) array: ArrayRef,
    pub(crate) weights: Option<Vec<Weight>>,
}

impl FeatureState {
    pub(crate) fn new(feature: &Feature, config: &Config) -> Self {
        let max_numbers = config.max_exact_numbers.get() as usize;
        let level = || Level {
            num_non_missing: 0,
            lengths: Distribution::new(max_numbers),
            tot_num_values: 0,
            weighted: Weighted::default(),
        };
        let num_levels = feature.shape.num_levels;
        Self {
            num_non_missing: 0,
            lengths: Distribution::new(max_numbers),
            tot_num_values: 0,
            weighted: Weighted::default(),
            levels: if num_levels > 1 {
                (0..num_levels).map(|_| level()).collect()
            } else {
                vec![]
            },
            values: Values::new(feature, config),
            semantics: Semantics::new(feature, config),
            language: feature.language.as_ref().map(|it| Box::new(LanguageState::new(it, config))),
        }
    }

    /// Takes in one column of the feature's own shape, or of no values; `weights` has one for each row. Returns
    /// the structs that the column holds, if it does.
    pub(crate) fn update(
        &mut self,
        feature: &Feature,
        column: &dyn Array,
        weights: Option<&[Weight]>,
    ) -> Option<Structs> {
        let is_struct = feature.shape.kind == Kind::Struct;
        if let (Some(state), Some(language)) = (&mut self.language, &feature.language) {
            state.update(language, column);
        }
        match (column.data_type(), feature.shape.num_levels) {
            (DataType::Null, _) => return None,
            (_, 0) if is_struct => return Some(self.update_structs(column, weights)),
            (_, 0) => self.update_scalars(column, weights),
            (DataType::List(_), 1) if !is_struct && weights.is_none() => {
                self.update_lists(column.as_list::<i32>());
            }
            (DataType::LargeList(_), 1) if !is_struct && weights.is_none() => {
                self.update_lists(column.as_list::<i64>());
            }
            (_, num_levels) => {
                let structs = self.update_levels(num_levels, column, weights);
                return is_struct.then_some(structs);
            }
        }
        None
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.num_non_missing += other.num_non_missing;
        self.tot_num_values += other.tot_num_values;
        self.weighted.merge(other.weighted);
        self.lengths.merge(&other.lengths);
        for (level, other) in self.levels.iter_mut().zip(&other.levels) {
            level.num_non_missing += other.num_non_missing;
            level.lengths.merge(&other.lengths);
            level.tot_num_values += other.tot_num_values;
            level.weighted.merge(other.weighted);
        }
        self.values.merge(&other.values);
        if let (Some(semantics), Some(other)) = (&mut self.semantics, &other.semantics) {
            semantics.merge(other);
        }
        if let (Some(language), Some(other)) = (&mut self.language, &other.language) {
            language.merge(other);
        }
    }

    /// Takes in values without lists around them.
    fn update_values(&mut self, array: &dyn Array, weights: Option<&[Weight]>) {
        self.values.update(array, weights);
        if let Some(semantics) = &mut self.semantics {
            semantics.update(array);
        }
    }

    fn update_scalars(&mut self, column: &dyn Array, weights: Option<&[Weight]>) {
        let num_values = (column.len() - column.logical_null_count()) as u64;
        self.add_scalars(num_values, column, weights);
        self.update_values(column, weights);
    }

    fn update_structs(&mut self, column: &dyn Array, weights: Option<&[Weight]>) -> Structs {
        let num_values = (column.len() - column.null_count()) as u64;
        self.add_scalars(num_values, column, weights);
        match column.nulls().filter(|nulls| nulls.null_count() > 0) {
            None => {
                Structs { array: column.slice(0, column.len()), weights: weights.map(Into::into) }
            }
            Some(nulls) => {
                let valid = |weights: &[Weight]| {
                    nulls.valid_indices().map(|index| weights[index]).collect()
                };
                Structs { array: valid_part(column, nulls), weights: weights.map(valid) }
            }
        }
    }

    fn add_scalars(&mut self, num_values: u64, column: &dyn Array, weights: Option<&[Weight]>) {
        self.num_non_missing += num_values;
        self.tot_num_values += num_values;
        if let Some(weights) = weights {
            let weight = match column.logical_nulls() {
                None => total(weights.iter().copied()),
                Some(nulls) => total(nulls.valid_indices().map(|index| weights[index])),
            };
            self.weighted.merge(Weighted { num_non_missing: weight, tot_num_values: weight });
        }
    }

    /// Nulls within a list are no values.
    fn update_lists<O: OffsetSizeTrait>(&mut self, lists: &GenericListArray<O>) {
        let offsets = lists.value_offsets();
        let items = lists.values();
        let item_nulls = items.logical_nulls().filter(|nulls| nulls.null_count() > 0);
        for (start, end) in valid_runs(lists.nulls(), lists.len()) {
            for row in start..end {
                let (from, to) = (offsets[row].as_usize(), offsets[row + 1].as_usize());
                let num_nulls = match &item_nulls {
                    Some(nulls) => nulls.slice(from, to - from).null_count(),
                    None => 0,
                };
                let length = (to - from - num_nulls) as u64;
                self.tot_num_values += length;
                self.lengths.add(as_f64(length), 1);
            }
            self.num_non_missing += (end - start) as u64;
            let (from, to) = (offsets[start].as_usize(), offsets[end].as_usize());
            self.update_values(items.slice(from, to - from).as_ref(), None);
        }
    }

    /// Takes away `num_levels` of lists. A null in the place of a list counts as a value of the list around it;
    /// a null in the place of an innermost value counts as none.
    fn update_levels(
        &mut self,
        num_levels: usize,
        column: &dyn Array,
        weights: Option<&[Weight]>,
    ) -> Structs {
        let mut array = column.slice(0, column.len());
        let mut weights: Option<Vec<Weight>> = weights.map(Into::into);
        // For each example that has the feature, how many lists or values of the current level it has.
        let mut of_examples: Vec<usize> = Vec::new();
        for level in 0..num_levels {
            if array.data_type() == &DataType::Null {
                // Nothing but missing lists: no example has any values.
                of_examples.fill(0);
                break;
            }
            let mut flat = Flat::of(array.as_ref());
            if level + 1 == num_levels {
                flat = flat.without_nulls();
            }
            let seen = Seen::of(&flat.lengths, weights.as_deref());
            if level == 0 {
                self.num_non_missing += seen.num_non_missing;
                self.weighted.num_non_missing =
                    self.weighted.num_non_missing.plus(seen.weighted.num_non_missing);
                of_examples = flat.lengths.iter().flatten().copied().collect();
            } else {
                let mut lengths = flat.lengths.iter();
                for num_values in &mut of_examples {
                    *num_values = lengths.by_ref().take(*num_values).flatten().sum();
                }
            }
            if level + 1 == num_levels {
                self.tot_num_values += seen.tot_num_values;
                self.weighted.tot_num_values =
                    self.weighted.tot_num_values.plus(seen.weighted.tot_num_values);
            }
            if let Some(level) = self.levels.get_mut(level) {
                level.update(&flat.lengths, seen);
            }
            weights = weights.map(|weights| repeat_weights(&weights, &flat.lengths));
            array = flat.values;
        }
        of_examples.iter().for_each(|&length| self.lengths.add(as_f64(length as u64), 1));
        self.update_values(array.as_ref(), weights.as_deref());
        Structs { array, weights }
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        self.num_non_missing.write(out);
        self.tot_num_values.write(out);
        self.weighted.write(out);
        self.lengths.write(out);
        for level in &self.levels {
            level.num_non_missing.write(out);
            level.lengths.write(out);
            level.tot_num_values.write(out);
            level.weighted.write(out);
        }
        self.values.write(out);
        self.semantics.iter().for_each(|semantics| semantics.write(out));
        self.language.iter().for_each(|language| language.write(out));
    }

    pub(crate) fn read(
        input: &mut Reader<'_>,
        feature: &Feature,
        config: &Config,
    ) -> Result<Self, StateError> {
        let mut read = Self::new(feature, config);
        read.num_non_missing = input.take_total()?;
        read.tot_num_values = input.take_total()?;
        read.weighted = Weighted::read(input)?;
        read.lengths = Distribution::read(input)?;
        for level in &mut read.levels {
            *level = Level {
                num_non_missing: input.take_total()?,
                lengths: Distribution::read(input)?,
                tot_num_values: input.take_total()?,
                weighted: Weighted::read(input)?,
            };
        }
        read.values.read(input)?;
        if let Some(semantics) = &mut read.semantics {
            semantics.read(input)?;
        }
        if let Some(language) = &mut read.language {
            language.read(input)?;
        }
        Ok(read)
    }
}

/// What a column of lists adds.
#[derive(Clone, Copy, Default)]
struct Seen {
    num_non_missing: u64,
    tot_num_values: u64,
    weighted: Weighted,
}

impl Seen {
    fn of(lengths: &[Option<usize>], weights: Option<&[Weight]>) -> Self {
        let mut seen = Self {
            num_non_missing: lengths.iter().flatten().count() as u64,
            tot_num_values: lengths.iter().flatten().sum::<usize>() as u64,
            weighted: Weighted::default(),
        };
        for (&weight, length) in weights.unwrap_or_default().iter().zip(lengths) {
            if let Some(length) = length {
                let tot_num_values = weight.times(*length as u64);
                seen.weighted.merge(Weighted { num_non_missing: weight, tot_num_values });
            }
        }
        seen
    }
}

impl Level {
    fn update(&mut self, lengths: &[Option<usize>], seen: Seen) {
        self.num_non_missing += seen.num_non_missing;
        self.tot_num_values += seen.tot_num_values;
        self.weighted.merge(seen.weighted);
        lengths.iter().flatten().for_each(|&length| self.lengths.add(as_f64(length as u64), 1));
    }
}

impl Weighted {
    fn merge(&mut self, other: Self) {
        self.num_non_missing = self.num_non_missing.plus(other.num_non_missing);
        self.tot_num_values = self.tot_num_values.plus(other.tot_num_values);
    }
}

impl Stored for Weighted {
    fn write(&self, out: &mut Vec<u8>) {
        self.num_non_missing.write(out);
        self.tot_num_values.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, StateError> {
        Ok(Self { num_non_missing: Weight::take(input)?, tot_num_values: Weight::take(input)? })
    }
}
