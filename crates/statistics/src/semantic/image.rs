//! Images: their formats, by their first bytes, and how large the largest is.

use formats::metadata::custom_statistic::Val;
use formats::metadata::rank_histogram::Bucket;
use formats::metadata::{CustomStatistic, RankHistogram};
use sketch::bytes::{Reader, Stored};
use sketch::{StateError, as_f64};

/// The formats that TensorFlow decodes, in the order of their names, and what each begins with.
const FORMATS: [(&str, &[u8]); 4] =
    [("bmp", b"BM"), ("gif", b"GIF8"), ("jpeg", b"\xff\xd8\xff"), ("png", b"\x89PNG\r\n\x1a\n")];

/// The name of what is in no format known here; schema validation knows it.
const UNKNOWN: &str = "UNKNOWN";

/// How many values are of each format.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Images {
    counts: [u64; FORMATS.len()],
    max_width: u64,
    max_height: u64,
}

impl Images {
    /// Counts a value. Its size is read from its header; one whose header is damaged has none.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        let Some(format) = FORMATS.iter().position(|(_, begin)| bytes.starts_with(begin)) else {
            return;
        };
        self.counts[format] += 1;
        if let Ok(size) = imagesize::blob_size(bytes) {
            self.max_width = self.max_width.max(size.width as u64);
            self.max_height = self.max_height.max(size.height as u64);
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(count, other)| *count += other);
        self.max_width = self.max_width.max(other.max_width);
        self.max_height = self.max_height.max(other.max_height);
    }

    /// How many values are images.
    pub(super) fn num_known(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Returns how many values are of each format that occurs, and the greatest width and height, in pixels, of
    /// those whose header says it.
    pub(super) fn custom_stats(&self, num_values: u64) -> Vec<CustomStatistic> {
        let unknown = (UNKNOWN, num_values.saturating_sub(self.num_known()));
        let known = FORMATS.iter().map(|(name, _)| *name).zip(self.counts);
        let buckets = std::iter::once(unknown).chain(known).filter(|&(_, count)| count > 0);
        let bucket = |(name, count): (&str, u64)| Bucket {
            label: name.to_owned(),
            sample_count: as_f64(count),
            ..Bucket::default()
        };
        let histogram =
            RankHistogram { buckets: buckets.map(bucket).collect(), ..RankHistogram::default() };
        let mut found = vec![CustomStatistic {
            name: "image_format_histogram".to_owned(),
            val: Some(Val::RankHistogram(histogram)),
        }];
        let sizes = [("image_max_width", self.max_width), ("image_max_height", self.max_height)];
        found.extend(sizes.into_iter().filter(|&(_, size)| size > 0).map(|(name, size)| {
            CustomStatistic { name: name.to_owned(), val: Some(Val::Num(as_f64(size))) }
        }));
        found
    }
}

impl Stored for Images {
    fn write(&self, out: &mut Vec<u8>) {
        self.counts.iter().for_each(|count| count.write(out));
        self.max_width.write(out);
        self.max_height.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, StateError> {
        let mut read = Self::default();
        for count in &mut read.counts {
            *count = input.take_total()?;
        }
        read.max_width = u64::read(input)?;
        read.max_height = u64::read(input)?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_and_sizes_are_read_from_headers() {
        let mut images = Images::default();
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        png.extend([0, 0, 0, 64, 0, 0, 1, 0, 8, 2, 0, 0, 0]);
        let mut gif = b"GIF89a".to_vec();
        gif.extend([200, 1, 10, 0, 0xf0, 0, 0]);
        // Damaged headers, and what is no image.
        let others: [&[u8]; 5] = [b"\xff\xd8\xff", b"BM", b"\x89PNG\r\n", b"", b"GIF"];
        for bytes in [png.as_slice(), &gif].into_iter().chain(others) {
            images.add(bytes);
        }
        assert_eq!((images.counts, images.num_known()), ([1, 1, 1, 1], 4));
        assert_eq!((images.max_width, images.max_height), (456, 256));
        let stats = images.custom_stats(7);
        let Some(Val::RankHistogram(histogram)) = &stats[0].val else { panic!("{stats:?}") };
        let labels: Vec<_> =
            histogram.buckets.iter().map(|b| (b.label.as_str(), b.sample_count)).collect();
        let expected = [("UNKNOWN", 3.0), ("bmp", 1.0), ("gif", 1.0), ("jpeg", 1.0), ("png", 1.0)];
        assert_eq!(labels, expected);
    }
}
