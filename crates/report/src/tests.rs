use formats::metadata::DatasetFeatureStatistics;
use serde_json::{Value, json};

use super::*;

fn statistics(text: &str) -> DatasetFeatureStatistics {
    formats::text::parse(text).unwrap()
}

fn fares() -> DatasetFeatureStatistics {
    statistics(
        "num_examples: 10
         features { path { step: 'fare' } type: FLOAT num_stats {
           common_stats { num_non_missing: 8 num_missing: 2 tot_num_values: 8 }
           mean: 2.5 std_dev: 1 num_zeros: 3 min: 0 median: 2 max: inf
           histograms { num_nan: 1 buckets { low_value: 0 high_value: 4 sample_count: 6.5 } type: STANDARD }
           histograms { num_nan: 1 buckets { low_value: 0 high_value: inf sample_count: 7 } type: QUANTILES }
         } }
         features { path { step: 'paid' } type: STRING string_stats {
           common_stats { num_non_missing: 10 tot_num_values: 10 }
           unique: 2
           rank_histogram { buckets { label: 'Cash' sample_count: 7 } buckets { label: '</script>' sample_count: 3 } }
         } }",
    )
}

fn report<'a>(current: &'a DatasetFeatureStatistics) -> Report<'a> {
    Report {
        title: "fares <& more>",
        current: Dataset { name: "new.csv", statistics: current },
        baseline: None,
        schema: None,
        anomalies: &[],
        distances: &[],
        slices: &[],
        more_slices: 0,
    }
}

/// Returns the object that the page's script reads.
fn data(report: &Report<'_>) -> Value {
    let html = report.html();
    let (_, rest) = html.split_once("<script type=\"application/json\" id=\"data\">").unwrap();
    let (text, _) = rest.split_once("</script>").unwrap();
    serde_json::from_str(text).unwrap()
}

#[test]
fn the_page_asks_nothing_of_the_network_and_takes_no_data_for_html() {
    let current = fares();
    let html = report(&current).html();
    let without_namespace = html.replace("http://www.w3.org/2000/svg", "");
    for foreign in ["http:", "https:", "//cdn", " src=", "@import", "url(", "{{"] {
        assert!(!without_namespace.contains(foreign), "{foreign}");
    }
    assert!(html.contains("default-src 'none'"));
    assert!(html.contains("<title>fares &lt;&amp; more&gt;</title>"));
    assert_eq!(html.matches("</script>").count(), 2);
    assert_eq!(data(&report(&current))["features"][1]["top"][1][0], "</script>");
}

#[test]
fn every_number_arrives() {
    let data = data(&report(&fares()));
    assert_eq!(
        data["features"][0]["stats"][0],
        json!({
            "present": 8, "missing": 2, "total": 8, "values": [0, 0.0, 0],
            "mean": 2.5, "std": 1.0, "min": 0.0, "median": 2.0, "max": "inf", "zeros": 3,
            "histogram": [[0, 4, 6.5]], "nan": 1, "quantiles": [[0, "inf", 7]],
        })
    );
    assert_eq!(data["features"][0]["stats"][1], Value::Null);
    assert_eq!(data["features"][0]["kind"], "number");
    assert_eq!(data["features"][1]["top"], json!([["Cash", 7, null], ["</script>", 3, null]]));
    assert_eq!(data["datasets"], json!([{ "name": "new.csv", "examples": 10, "features": 2 }]));
}

#[test]
fn two_datasets_share_rows_by_name() {
    let before = statistics(
        "num_examples: 4
         features { name: 'gone' type: INT num_stats { mean: 1 } }
         features { name: 'paid' type: STRING string_stats {
           rank_histogram { buckets { label: 'Card' sample_count: 3 } buckets { label: 'Cash' sample_count: 1 } } } }",
    );
    let current = fares();
    let anomalies = ["paid", "never", ""].map(|feature| Anomaly {
        feature: feature.to_owned(),
        severity: "ERROR",
        short_description: "short".to_owned(),
        description: "long".to_owned(),
    });
    let distance = |feature: &str| Distance {
        feature: feature.to_owned(),
        measure: "L_INFTY".to_owned(),
        formula: "max",
        value: 0.5,
        threshold: Some(0.25),
    };
    let data = data(&Report {
        baseline: Some(Dataset { name: "old.csv", statistics: &before }),
        schema: Some("schema.pbtxt"),
        anomalies: &anomalies,
        distances: &[distance("paid"), distance("nowhere"), distance("fare")],
        ..report(&current)
    });
    let features = data["features"].as_array().unwrap();
    let names: Vec<_> = features.iter().map(|feature| feature["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["fare", "paid", "gone", "never"]);
    let paid = &features[1];
    assert_eq!(paid["types"], json!(["STRING", "STRING"]));
    let top = json!([["Cash", 7, 1], ["</script>", 3, null], ["Card", null, 3]]);
    assert_eq!(paid["top"], top);
    assert_eq!(paid["anomalies"], json!([0]));
    let expected = json!([{ "measure": "L_INFTY", "value": 0.5, "threshold": 0.25, "formula": 0 }]);
    assert_eq!(paid["distances"], expected);
    assert_eq!(features[2]["stats"][0], Value::Null);
    assert_eq!(features[3]["kind"], "none");
    assert_eq!(data["formulas"], json!(["max"]));
    assert_eq!(data["anomalies"].as_array().unwrap().len(), 3);
}

#[test]
fn slices_are_there_to_be_picked() {
    let (all, part) =
        (fares(), statistics("num_examples: 3 features { name: 'fare' type: FLOAT }"));
    let slice = Report {
        title: "paid_</script>",
        current: Dataset { name: "the slice", statistics: &part },
        baseline: Some(Dataset { name: "all", statistics: &all }),
        ..report(&part)
    };
    let data = data(&Report { slices: &[slice], more_slices: 2, ..report(&all) });
    assert_eq!(data["datasets"].as_array().unwrap().len(), 1);
    assert_eq!(data["more_slices"], 2);
    let [slice] = data["slices"].as_array().unwrap().as_slice() else { panic!("{data}") };
    assert_eq!(slice["title"], "paid_</script>");
    assert_eq!(slice["datasets"][0], json!({ "name": "the slice", "examples": 3, "features": 1 }));
    assert_eq!(slice["datasets"][1]["examples"], 10);
    let names: Vec<_> = slice["features"].as_array().unwrap().iter().map(|f| &f["name"]).collect();
    assert_eq!(names, ["fare", "paid"]);
}

#[test]
fn a_page_of_a_thousand_features_is_small() {
    let mut current = fares();
    let [fare, paid] = [current.features[0].clone(), current.features[1].clone()];
    current.features = (0..1000).map(|i| if i % 2 == 0 { &fare } else { &paid }.clone()).collect();
    for (index, feature) in current.features.iter_mut().enumerate() {
        let path = formats::metadata::Path { step: vec![format!("feature_{index}")] };
        feature.field_id = Some(formats::metadata::feature_name_statistics::FieldId::Path(path));
    }
    let html = report(&current).html();
    assert!(html.len() < 2_000_000, "{} bytes", html.len());
    assert_eq!(data(&report(&current))["features"].as_array().unwrap().len(), 1000);
}

#[test]
fn features_made_of_columns_are_shown_by_what_does_not_match() {
    let current = statistics(
        "features { path { step: 'sparse' } custom_stats { name: 'missing_value' num: 2 } }
         features { path { step: 'review' } type: STRING string_stats { unique: 3 }
           custom_stats { name: 'domain_info' str: 'natural_language_domain {}' } }",
    );
    let data = data(&report(&current));
    let sparse = &data["features"][0];
    assert_eq!((&sparse["kind"], &sparse["types"]), (&json!("composite"), &json!([null, null])));
    assert_eq!(sparse["stats"][0]["notes"], json!([["missing value", "2"]]));
    let review = &data["features"][1];
    assert_eq!((&review["kind"], &review["types"][0]), (&json!("text"), &json!("STRING")));
    let notes = json!([["looks like", "natural_language_domain {}"]]);
    assert_eq!(review["stats"][0]["notes"], notes);
}
