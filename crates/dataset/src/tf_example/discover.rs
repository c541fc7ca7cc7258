//! Finds out which features records have, of which kind, and how many values.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use base::BoxError;
use dataflow::{Accumulator, Engine, Pass, fold};
use formats::example::{
    ExampleVisitor, Feature, FeatureReader, StepsReader, ValueKind, visit_example,
    visit_sequence_example,
};
use formats::wire::WireError;
use serde::{Deserialize, Serialize};

use super::decoder::check_name;
use super::names::Names;
use super::{ExampleProblem, Payload, TfExampleError};
use crate::tfrecord::RecordColumns;
use crate::{FeatureType, TfRecordFiles};

/// Records whose names differ from one another would otherwise fill the memory.
const MAX_FEATURES: usize = 1 << 16;

/// The version of the byte form.
const VERSION: u32 = 1;

/// Reads all records and returns the schema that holds them without loss.
///
/// Columns are sorted by name, those of feature lists behind the others. A feature is a scalar column if every
/// example that has it has exactly one value, and a list column otherwise. Bytes are `Utf8` if all values are
/// UTF-8, and `Binary` otherwise. Integers in some records and floats in others are `Float32`. A feature without a
/// kind in any record has a `Null` column.
///
/// # Errors
///
/// An [`EngineError`](dataflow::EngineError) around [`TfExampleError`] when records cannot be read,
/// [`TfExampleError::KindConflict`] when two records have bytes and numbers under one name,
/// [`TfExampleError::NameInBoth`] when a name is in the context and in the feature lists,
/// [`TfExampleError::TooManyFeatures`] beyond 65,536 names.
pub fn discover_schema(
    engine: &dyn Engine,
    files: &TfRecordFiles,
    payload: Payload,
) -> Result<SchemaRef, BoxError> {
    let discovery = fold(engine, files, &DiscoverFeatures { payload })?;
    Ok(discovery.finish()?.schema()?)
}

/// The pass over raw records (a [`TfRecordFiles`] source) that finds their features.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DiscoverFeatures {
    /// What the records hold.
    pub payload: Payload,
}

impl Pass for DiscoverFeatures {
    type State = Discovery;

    fn columns(&self) -> Option<Vec<String>> {
        None
    }

    fn start(&self) -> Result<Discovery, BoxError> {
        Ok(Discovery {
            payload: self.payload,
            context: Findings::default(),
            lists: Findings::default(),
        })
    }
}

/// What was found so far.
#[derive(Clone, Debug)]
pub struct Discovery {
    payload: Payload,
    context: Findings,
    lists: Findings,
}

/// The features of one map, by the numbers of their names.
#[derive(Clone, Debug, Default)]
struct Findings {
    names: Names,
    found: Vec<Found>,
    /// What the record in hand has of each feature; the last of one name counts.
    in_hand: Vec<Option<Observation>>,
    /// Features that are in hand.
    touched: Vec<usize>,
}

/// What was found of one feature.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Found {
    /// The first record with values of each kind, in the order of [`ValueKind::ALL`].
    first: [Option<Place>; 3],
    /// Whether every example that has the feature has exactly one value.
    is_single: bool,
    is_utf8: bool,
}

/// One record.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Place {
    path: String,
    number: u64,
}

/// What one record has of one feature.
#[derive(Clone, Copy, Debug)]
struct Observation {
    has: [bool; 3],
    num_values: u64,
    is_utf8: bool,
}

impl Observation {
    const NOTHING: Self = Self { has: [false; 3], num_values: 0, is_utf8: true };

    /// Takes in a feature; bytes are looked at only where they may still all be text.
    #[inline(always)]
    fn add(&mut self, feature: Feature<'_>, may_be_text: bool) -> Result<(), WireError> {
        if let Some(kind) = feature.kind() {
            self.has[kind as usize] = true;
        }
        match feature {
            Feature::Bytes(list) if may_be_text => list.for_each(|value| {
                self.num_values += 1;
                self.is_utf8 &= str::from_utf8(value).is_ok();
            }),
            feature => {
                self.num_values += feature.count()?;
                Ok(())
            }
        }
    }
}

impl Findings {
    /// Returns the number of a name.
    #[inline]
    fn find(&mut self, name: &[u8]) -> Result<usize, Box<ExampleProblem>> {
        match self.names.find(name) {
            Some(number) => Ok(number),
            None => self.meet(name),
        }
    }

    #[cold]
    fn meet(&mut self, name: &[u8]) -> Result<usize, Box<ExampleProblem>> {
        check_name(name)?;
        self.found.push(Found { first: [const { None }; 3], is_single: true, is_utf8: true });
        self.in_hand.push(None);
        Ok(self.names.add(name))
    }

    #[inline]
    fn observe(&mut self, number: usize, observation: Observation) {
        if self.in_hand[number].replace(observation).is_none() {
            self.touched.push(number);
        }
    }

    /// Takes in what is in hand.
    fn end_record(&mut self, path: &str, record_number: u64) {
        for number in self.touched.drain(..) {
            let Some(observation) = self.in_hand[number].take() else { continue };
            let found = &mut self.found[number];
            let Observation { has, num_values, is_utf8 } = observation;
            for (first, has) in found.first.iter_mut().zip(has) {
                if has && first.is_none() {
                    *first = Some(Place { path: path.to_owned(), number: record_number });
                }
            }
            found.is_single &= num_values == 1 || has == [false; 3];
            found.is_utf8 &= is_utf8;
        }
    }

    fn merge(&mut self, other: Self) -> Result<(), TfExampleError> {
        for (name, theirs) in other.names.iter().zip(other.found) {
            self.add(name, theirs)?;
        }
        Ok(())
    }

    /// Takes in what was found of a feature later on.
    fn add(&mut self, name: &[u8], theirs: Found) -> Result<(), TfExampleError> {
        let Some(number) = self.names.find(name) else {
            self.names.add(name);
            self.found.push(theirs);
            self.in_hand.push(None);
            return self.check_limit();
        };
        let ours = &mut self.found[number];
        for (ours, theirs) in ours.first.iter_mut().zip(theirs.first) {
            if ours.is_none() {
                *ours = theirs;
            }
        }
        ours.is_single &= theirs.is_single;
        ours.is_utf8 &= theirs.is_utf8;
        Ok(())
    }

    fn check_limit(&self) -> Result<(), TfExampleError> {
        if self.found.len() > MAX_FEATURES {
            return Err(TfExampleError::TooManyFeatures { limit: MAX_FEATURES });
        }
        Ok(())
    }

    fn by_name(&self) -> BTreeMap<String, Found> {
        let name = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
        self.names.iter().map(name).zip(self.found.iter().cloned()).collect()
    }
}

/// Takes the features of one record in hand.
struct InHand<'d>(&'d mut Findings, &'d mut Findings);

impl ExampleVisitor for InHand<'_> {
    type Error = Box<ExampleProblem>;

    #[inline(always)]
    fn feature(
        &mut self,
        name: &[u8],
        feature: FeatureReader<'_>,
    ) -> Result<(), Box<ExampleProblem>> {
        let number = self.0.find(name)?;
        let mut observation = Observation::NOTHING;
        let may_be_text = self.0.found[number].is_utf8;
        feature.read::<(), WireError>(|feature| observation.add(feature, may_be_text))?;
        self.0.observe(number, observation);
        Ok(())
    }

    fn feature_list(
        &mut self,
        name: &[u8],
        steps: StepsReader<'_>,
    ) -> Result<(), Box<ExampleProblem>> {
        let number = self.1.find(name)?;
        let mut observation = Observation::NOTHING;
        let may_be_text = self.1.found[number].is_utf8;
        steps.for_each::<WireError>(|feature| observation.add(feature, may_be_text))?;
        self.1.observe(number, observation);
        Ok(())
    }
}

/// The byte form.
#[derive(Serialize, Deserialize)]
struct StoredV1 {
    version: u32,
    payload: Payload,
    context: BTreeMap<String, Found>,
    lists: BTreeMap<String, Found>,
}

impl Accumulator for Discovery {
    type Output = Discovered;

    fn update(&mut self, batch: &RecordBatch) -> Result<(), BoxError> {
        let columns = RecordColumns::of(batch).ok_or(TfExampleError::NotRecords)?;
        let path = columns.path();
        for row in 0..columns.records.len() {
            let number = columns.numbers.value(row);
            self.context.names.begin();
            self.lists.names.begin();
            let record = columns.records.value(row);
            let mut in_hand = InHand(&mut self.context, &mut self.lists);
            let walked = match self.payload {
                Payload::TfExample => visit_example(record, &mut in_hand),
                Payload::TfSequenceExample => visit_sequence_example(record, &mut in_hand),
            };
            walked.map_err(|problem| TfExampleError::Record {
                path: PathBuf::from(path),
                number,
                offset: columns.offsets.value(row),
                problem: *problem,
            })?;
            self.context.end_record(path, number);
            self.lists.end_record(path, number);
            self.context.check_limit()?;
            self.lists.check_limit()?;
        }
        Ok(())
    }

    fn merge(&mut self, other: Self) -> Result<(), BoxError> {
        self.context.merge(other.context)?;
        self.lists.merge(other.lists)?;
        Ok(())
    }

    fn finish(self) -> Result<Discovered, BoxError> {
        Ok(Discovered { context: self.context.by_name(), lists: self.lists.by_name() })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let stored = StoredV1 {
            version: VERSION,
            payload: self.payload,
            context: self.context.by_name(),
            lists: self.lists.by_name(),
        };
        serde_json::to_vec(&stored).expect("names, numbers and flags are JSON")
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, BoxError> {
        let stored: StoredV1 = serde_json::from_slice(bytes)
            .map_err(|error| TfExampleError::BadState { reason: error.to_string() })?;
        if stored.version != VERSION {
            let reason = format!("its version is {}, expected {VERSION}", stored.version);
            return Err(TfExampleError::BadState { reason }.into());
        }
        let mut discovery = DiscoverFeatures { payload: stored.payload }.start()?;
        for (name, found) in stored.context {
            discovery.context.add(name.as_bytes(), found)?;
        }
        for (name, found) in stored.lists {
            discovery.lists.add(name.as_bytes(), found)?;
        }
        Ok(discovery)
    }
}

/// All that was found.
#[derive(Clone, Debug)]
pub struct Discovered {
    context: BTreeMap<String, Found>,
    lists: BTreeMap<String, Found>,
}

impl Discovered {
    /// Returns the names of all features, those without a kind too: first those of examples or contexts, then those
    /// of feature lists, each sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.context.keys().chain(self.lists.keys()).map(String::as_str)
    }

    /// Returns the schema that holds all records without loss; see [`discover_schema`].
    ///
    /// # Errors
    ///
    /// [`TfExampleError::KindConflict`], [`TfExampleError::NameInBoth`].
    pub fn schema(&self) -> Result<SchemaRef, TfExampleError> {
        let list = |data_type| DataType::List(Arc::new(Field::new_list_field(data_type, true)));
        let mut fields = Vec::with_capacity(self.context.len() + self.lists.len());
        for (name, found) in &self.context {
            let data_type = match found.data_type(name)? {
                DataType::Null => DataType::Null,
                data_type if found.is_single => data_type,
                data_type => list(data_type),
            };
            fields.push(Field::new(name, data_type, true));
        }
        for (name, found) in &self.lists {
            if self.context.contains_key(name) {
                return Err(TfExampleError::NameInBoth { feature: name.clone() });
            }
            fields.push(Field::new(name, list(list(found.data_type(name)?)), true));
        }
        Ok(Arc::new(Schema::new(fields)))
    }
}

impl Found {
    /// Returns the type of the values.
    fn data_type(&self, name: &str) -> Result<DataType, TfExampleError> {
        let [bytes, floats, ints] = [ValueKind::Bytes, ValueKind::Float, ValueKind::Int]
            .map(|kind| self.first[kind as usize].as_ref());
        if let (None, Some(_), Some(_)) = (bytes, floats, ints) {
            return Ok(DataType::Float32);
        }
        let mut kinds = ValueKind::ALL
            .into_iter()
            .zip(&self.first)
            .filter_map(|(kind, first)| first.as_ref().map(|place| (kind, place)));
        let Some((kind, place)) = kinds.next() else { return Ok(DataType::Null) };
        if let Some((other, other_place)) = kinds.next() {
            return Err(TfExampleError::KindConflict {
                feature: name.to_owned(),
                first: FeatureType::from(kind),
                first_path: PathBuf::from(&place.path),
                first_number: place.number,
                second: FeatureType::from(other),
                second_path: PathBuf::from(&other_place.path),
                second_number: other_place.number,
            });
        }
        Ok(match kind {
            ValueKind::Bytes if self.is_utf8 => DataType::Utf8,
            ValueKind::Bytes => DataType::Binary,
            ValueKind::Float => DataType::Float32,
            ValueKind::Int => DataType::Int64,
        })
    }
}
