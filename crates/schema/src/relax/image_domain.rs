//! Images: how many of the values have to be some, and how large the largest may be.

use formats::metadata::ImageDomain;
use formats::metadata::anomaly_info::{Reason, Type};
use formats::metadata::custom_statistic::Val;
use formats::metadata::feature_name_statistics::Stats;

use super::reason;
use crate::view::FeatureView;

/// The label under which statistics count what no decoder recognised.
const UNKNOWN_FORMAT: &str = "UNKNOWN";

/// Lowers the fraction of values that have to be images, and raises the size that they may have. A limit
/// that the statistics cannot tell of goes, as that is a finding too.
pub(super) fn relax(domain: &mut ImageDomain, view: &FeatureView<'_>, reasons: &mut Vec<Reason>) {
    if let Some(limit) = domain.minimum_supported_image_fraction {
        match supported_fraction(view) {
            None => {
                domain.minimum_supported_image_fraction = None;
                reasons.push(not_available("minimum_supported_image_fraction"));
            }
            Some(fraction) if fraction < limit => {
                domain.minimum_supported_image_fraction = Some(fraction);
                reasons.push(reason(
                    Type::LowSupportedImageFraction,
                    "Low supported image fraction",
                    format!(
                        "Fraction of values containing TensorFlow supported images: {fraction:.6} is lower than the threshold set in the Schema: {limit:.6}."
                    ),
                ));
            }
            Some(_) => {}
        }
    }
    if let Some(limit) = domain.max_image_byte_size {
        match &view.data().stats {
            Some(Stats::BytesStats(stats)) => {
                let largest = stats.max_num_bytes_int;
                if largest > limit {
                    domain.max_image_byte_size = Some(largest);
                    reasons.push(size_exceeded(largest, limit));
                }
            }
            _ => {
                domain.max_image_byte_size = None;
                reasons.push(not_available("max_image_byte_size"));
            }
        }
    }
}

/// Returns the reason that an image is too large.
pub(crate) fn size_exceeded(found: i64, limit: i64) -> Reason {
    reason(
        Type::MaxImageByteSizeExceeded,
        "Num bytes exceeds the max byte size.",
        format!("The largest image has bytes: {found}. The max allowed byte size is: {limit}."),
    )
}

/// Returns the share of values in a known format, in the single precision that limits are written in.
fn supported_fraction(view: &FeatureView<'_>) -> Option<f32> {
    let stat = view.custom_stats().iter().find(|stat| stat.name == "image_format_histogram")?;
    let Some(Val::RankHistogram(histogram)) = &stat.val else { return None };
    let (mut supported, mut all) = (0.0, 0.0);
    for bucket in &histogram.buckets {
        all += bucket.sample_count;
        if bucket.label != UNKNOWN_FORMAT {
            supported += bucket.sample_count;
        }
    }
    // No values are no bad ones.
    Some(if all > 0.0 { crate::domain::single(supported / all) } else { 1.0 })
}

fn not_available(limit: &str) -> Reason {
    reason(
        Type::StatsNotAvailable,
        "Image stats are not computed.",
        format!(
            "image_domain.{limit} cannot be verified because the statistics that it needs have not been computed."
        ),
    )
}
