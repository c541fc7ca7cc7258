//! What values look like beyond their type: images, natural language, dates and times.
//!
//! A feature is said to be of such a domain if it has at least [`MIN_VALUES`] values and [`MIN_RATIO`] of them look
//! like it. Schema inference takes that from the custom statistic `domain_info`, written as the text of a feature.
//!
//! # Source
//!
//! `ImageStatsGenerator`, `NLDomainInferringStatsGenerator` and `TimeStatsGenerator` of TensorFlow Data Validation.

mod image;
mod language;
mod time;

use arrow::array::Array;
use arrow::datatypes::DataType;
use formats::metadata::CustomStatistic;
use formats::metadata::custom_statistic::Val;
use sketch::bytes::{Reader, Stored};
use sketch::{StateError, as_f64};

use crate::Config;
use crate::columns::{visit_numbers, visit_strings};
use crate::pass::{Feature, Kind, Treatment};
use image::Images;
use time::{NUM_STRING_FORMATS, UNIX_TIMES};

/// How many values a feature has to have.
const MIN_VALUES: u64 = 100;
/// How many of them have to look alike.
const MIN_RATIO: f64 = 0.8;

/// What was seen of one feature's values.
#[derive(Clone, Debug)]
pub(crate) struct Semantics {
    /// Whether a schema says that the values are images, so that nothing else is looked for.
    are_images: bool,
    /// Whether the values are whole numbers, and not texts.
    are_numbers: bool,
    num_values: u64,
    num_invalid_utf8: u64,
    num_language: u64,
    /// Of texts, how many are of each format of dates and times; of whole numbers, of each unit since 1970.
    times: Vec<u64>,
    images: Images,
}

impl Semantics {
    /// Returns what is looked for in a feature; nothing if that is nothing.
    pub(crate) fn new(feature: &Feature, config: &Config) -> Option<Self> {
        let are_images = feature.treatment == Treatment::Bytes;
        let num_formats = match feature.shape.kind {
            Kind::String => NUM_STRING_FORMATS,
            Kind::Int => UNIX_TIMES.len(),
            _ => return None,
        };
        (are_images || config.enable_semantic_domain_stats).then(|| Self {
            are_images,
            are_numbers: feature.shape.kind == Kind::Int,
            num_values: 0,
            num_invalid_utf8: 0,
            num_language: 0,
            times: vec![0; num_formats],
            images: Images::default(),
        })
    }

    /// Takes in values without lists around them.
    pub(crate) fn update(&mut self, array: &dyn Array) {
        if array.data_type() == &DataType::Null {
            return;
        }
        if self.are_numbers {
            visit_numbers(array, &mut |_, value| {
                self.num_values += 1;
                let formats = UNIX_TIMES.iter().zip(&mut self.times);
                formats.for_each(|(unit, count)| *count += u64::from(unit.holds(value)));
            });
            return;
        }
        visit_strings(array, &mut |_, bytes, _| {
            self.num_values += 1;
            self.images.add(bytes);
            if self.are_images {
                return;
            }
            match std::str::from_utf8(bytes) {
                Ok(text) => {
                    self.num_language += u64::from(language::is_language(text));
                    time::count_formats(text, &mut self.times);
                }
                Err(_) => self.num_invalid_utf8 += 1,
            }
        });
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.num_values += other.num_values;
        self.num_invalid_utf8 += other.num_invalid_utf8;
        self.num_language += other.num_language;
        self.times.iter_mut().zip(&other.times).for_each(|(count, other)| *count += other);
        self.images.merge(&other.images);
    }

    /// Returns what was found: of each domain that most values look like, its name and how many do.
    pub(crate) fn custom_stats(&self, config: &Config) -> Vec<CustomStatistic> {
        let mut found = Vec::new();
        let infers = config.enable_semantic_domain_stats;
        let is_most = |count: u64| {
            let ratio = as_f64(count) / as_f64(self.num_values);
            (infers && self.num_values >= MIN_VALUES && ratio >= MIN_RATIO).then_some(ratio)
        };
        let domain = |text: String| CustomStatistic {
            name: "domain_info".to_owned(),
            val: Some(Val::Str(text)),
        };
        let ratio_of = |name: &str, ratio: f64| CustomStatistic {
            name: name.to_owned(),
            val: Some(Val::Num(ratio)),
        };
        if is_most(self.images.num_known()).is_some() {
            found.push(domain("image_domain {}".to_owned()));
            found.extend(self.images.custom_stats(self.num_values));
        } else if self.are_images && self.num_values > 0 {
            found.extend(self.images.custom_stats(self.num_values));
        }
        if self.num_invalid_utf8 > 0 {
            return found;
        }
        if let Some(ratio) = is_most(self.num_language) {
            found.push(domain("natural_language_domain {}".to_owned()));
            found.push(ratio_of("natural_language_match_rate", ratio));
        }
        // The first of those that most values have.
        let most = self
            .times
            .iter()
            .enumerate()
            .max_by_key(|&(index, &count)| (count, std::cmp::Reverse(index)));
        if let Some((index, &count)) = most
            && let Some(ratio) = is_most(count)
        {
            found.push(domain(if self.are_numbers {
                format!("time_domain {{integer_format: {}}}", UNIX_TIMES[index].format)
            } else {
                format!("time_domain {{string_format: '{}'}}", time::string_format(index))
            }));
            found.push(ratio_of("time_match_ratio", ratio));
        }
        found
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        self.num_values.write(out);
        self.num_invalid_utf8.write(out);
        self.num_language.write(out);
        self.times.iter().for_each(|count| count.write(out));
        self.images.write(out);
    }

    /// Reads what belongs to `self`, which is new.
    pub(crate) fn read(&mut self, input: &mut Reader<'_>) -> Result<(), StateError> {
        self.num_values = input.take_total()?;
        self.num_invalid_utf8 = input.take_total()?;
        self.num_language = input.take_total()?;
        for count in &mut self.times {
            *count = input.take_total()?;
        }
        self.images = Images::read(input)?;
        Ok(())
    }
}
