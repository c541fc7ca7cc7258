//! Whole schemas and whole results of validation, as TensorFlow Data Validation 1.16.1 wrote them.

use std::path::{Path, PathBuf};

use formats::Message;
use formats::metadata::{
    Anomalies, DatasetFeatureStatistics, DatasetFeatureStatisticsList, Schema,
};
use schema::{
    InferConfig, ValidateOptions, check_schema, findings, infer_schema, read_schema, update_schema,
    validate_statistics,
};

/// Measured distances agree to this; they are sums of a few logarithms.
const TOLERANCE: f64 = 1e-9;

/// Where the golden files are, if they are there.
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn golden() -> Option<PathBuf> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/golden"));
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: {} is not there", path.display());
    None
}

fn statistics(path: &Path) -> DatasetFeatureStatistics {
    let bytes = std::fs::read(path).unwrap();
    DatasetFeatureStatisticsList::decode(bytes.as_slice()).unwrap().datasets.swap_remove(0)
}

#[test]
fn inferred_schemas_are_those_of_the_reference() {
    let Some(golden) = golden() else { return };
    let split = |name| format!("tfx_taxi/statistics_gen/Split-{name}/FeatureStats.pb");
    for (from, further, infer_feature_shape, expected) in [
        ("tfdv/taxi_stats.binpb".to_owned(), None, true, "tfdv/taxi_schema.pbtxt"),
        ("tfdv/taxi_stats.binpb".to_owned(), None, false, "tfdv/taxi_schema_noshape.pbtxt"),
        ("tfdv/00_baseline/stats.binpb".to_owned(), None, true, "tfdv/00_baseline/schema.pbtxt"),
        (split("train"), Some(split("eval")), false, "tfx_taxi/schema_gen/schema.pbtxt"),
    ] {
        let config = InferConfig { infer_feature_shape, ..InferConfig::default() };
        let mut schema = infer_schema(&statistics(&golden.join(&from)), &config).unwrap();
        if let Some(further) = further {
            update_schema(&mut schema, &statistics(&golden.join(further)), &config).unwrap();
        }
        let mut expected = read_schema(&golden.join(expected)).unwrap();
        if from.starts_with("tfx_taxi") {
            // This one was made from statistics in another order than those that are kept with it.
            for schema in [&mut schema, &mut expected] {
                schema.feature.sort_by(|a, b| a.name.cmp(&b.name));
                schema.string_domain.sort_by(|a, b| a.name.cmp(&b.name));
            }
        }
        assert_eq!(formats::text::print(&schema), formats::text::print(&expected), "{from}");
    }
}

#[test]
fn curated_schemas_of_the_reference_are_sound_and_survive_a_round_trip() {
    let Some(golden) = golden() else { return };
    for path in [
        "tfx_taxi/penguin/schema/schema.pbtxt",
        "tfx_taxi/transform/transform_graph/metadata/schema.pbtxt",
        "tfx_taxi/transform/transform_graph/transformed_metadata/schema.pbtxt",
        "tft/schema.pbtxt",
        "tft/transform_output/transformed_metadata/schema.pbtxt",
    ] {
        let schema = read_schema(&golden.join(path)).unwrap();
        assert!(!schema.feature.is_empty(), "{path}");
        assert_eq!(check_schema(&schema), [], "{path}");
        let text = formats::text::print(&schema);
        assert_eq!(formats::text::parse::<Schema>(&text).unwrap(), schema, "{path}");
    }
}

#[test]
fn the_statistics_of_the_pipeline_fit_its_schema() {
    let Some(golden) = golden().map(|golden| golden.join("tfx_taxi")) else { return };
    let schema = read_schema(&golden.join("schema_gen/schema.pbtxt")).unwrap();
    for split in ["train", "eval"] {
        let path = format!("statistics_gen/Split-{split}/FeatureStats.pb");
        let statistics = statistics(&golden.join(path));
        let anomalies =
            validate_statistics(&statistics, &schema, &ValidateOptions::default()).unwrap();
        assert_eq!(findings(&anomalies), [], "{split}");
    }
}

/// What a case is compared with besides its schema.
#[derive(Clone, Copy)]
enum Other {
    Nothing,
    Previous,
    Serving,
    Environment(&'static str),
}

#[test]
fn anomalies_are_those_of_the_reference() {
    let Some(golden) = golden().map(|golden| golden.join("tfdv")) else { return };
    let baseline = statistics(&golden.join("00_baseline/stats.binpb"));
    for (case, other) in [
        ("00_baseline", Other::Nothing),
        ("01_missing_column", Other::Nothing),
        ("02_new_column", Other::Nothing),
        ("03_new_category_value", Other::Nothing),
        ("04_wrong_type_int_to_string", Other::Nothing),
        ("06_presence_low", Other::Nothing),
        ("07_numeric_domain_out_of_range", Other::Nothing),
        ("09_drift_linf_js_loose", Other::Previous),
        ("09_drift_linf_js_tight", Other::Previous),
        ("10_skew_loose", Other::Serving),
        ("10_skew_tight", Other::Serving),
        ("11_drift_normalized_abs_difference", Other::Previous),
        ("12_env_serving_ok", Other::Environment("SERVING")),
        ("14_new_company_values", Other::Nothing),
        ("15_dataset_too_few_examples", Other::Nothing),
    ] {
        let folder = golden.join(case);
        let schema = read_schema(&folder.join("schema.pbtxt")).unwrap();
        let mut options = ValidateOptions::default();
        match other {
            Other::Nothing => {}
            Other::Previous => options.previous = Some(&baseline),
            Other::Serving => options.serving = Some(&baseline),
            Other::Environment(environment) => options.environment = Some(environment),
        }
        let statistics = statistics(&folder.join("stats.binpb"));
        let found = validate_statistics(&statistics, &schema, &options).unwrap();
        let text = std::fs::read_to_string(folder.join("anomalies.pbtxt")).unwrap();
        assert_same(case, found, formats::text::parse(&text).unwrap());
    }
}

/// Every field has to be the same, measured distances within the tolerance.
pub(crate) fn assert_same(case: &str, mut found: Anomalies, expected: Anomalies) {
    let measurements = |anomalies: &Anomalies| -> Vec<f64> {
        let infos = anomalies.drift_skew_info.iter();
        infos
            .flat_map(|info| info.drift_measurements.iter().chain(&info.skew_measurements))
            .map(|measurement| measurement.value())
            .collect()
    };
    let pairs: Vec<(f64, f64)> =
        measurements(&found).into_iter().zip(measurements(&expected)).collect();
    for (found, expected) in &pairs {
        assert!((found - expected).abs() <= TOLERANCE, "{case}: {found} is not {expected}");
    }
    let mut values = pairs.iter().map(|(_, expected)| *expected);
    for info in &mut found.drift_skew_info {
        for measurement in info.drift_measurements.iter_mut().chain(&mut info.skew_measurements) {
            measurement.value = values.next();
        }
    }
    assert_eq!(formats::text::print(&found), formats::text::print(&expected), "{case}");
}
