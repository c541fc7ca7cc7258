//! Whatever is in the file, the check ends and says something.

use std::path::Path;
use std::sync::Arc;

use engine::LocalEngine;
use pipeline::{LoadError, Location, Pipeline};
use proptest::prelude::*;

use crate::scene::PIPELINE;
use crate::toys::{quiet, registry};

/// Checks a text; places that are told have to exist.
fn check(text: &str, overrides: &[String]) {
    let engine = LocalEngine::with_all_cores(Arc::default());
    let loaded = Pipeline::parse(
        text,
        Path::new("/nowhere/pipeline.toml"),
        overrides,
        &registry(Vec::new(), &quiet()),
        &engine,
    );
    let Err(LoadError::Mistakes(mistakes)) = loaded else { return };
    assert!(mistakes.count() > 0);
    for mistake in mistakes.iter() {
        assert!(!mistake.message.is_empty());
        if let Location::File { line, column, .. } = &mistake.location {
            let lines: Vec<&str> = text.split('\n').collect();
            assert!((1..=lines.len()).contains(line), "{mistake}");
            assert!((1..=lines[line - 1].chars().count() + 1).contains(column), "{mistake}");
        }
    }
    assert_eq!(mistakes.render().matches("error: ").count(), mistakes.iter().count());
}

/// Pieces of which pipeline files are made.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "[pipeline]\n",
            "name = \"x\"\n",
            "[nodes.source]\n",
            "[nodes.learner]\n",
            "[nodes.comparer]\n",
            "[nodes.judge]\n",
            "[nodes.a.inputs]\n",
            "component = \"Learner\"\n",
            "inputs.examples = \"a.b\"\n",
            "inputs.model = \"comparer.blessing\"\n",
            "model = { linear = { label = 1 } }\n",
            "cache = 3\n",
            "model = { deep = { label = \"ü\", hidden = [0, -1, 1e9] }, linear = {} }\n",
            "model = \"deep\"\n",
            "[[nodes.learner.thresholds]]\n",
            "metric = \"auk\"\n",
            "slices = [[], [\"a\", 1]]\n",
            "features.a = \"x\\ty \\u00fc\"\n",
            "features = { a = '''\n x\n''' }\n",
            "num_steps = 99999999999\n",
            "rate = nan\n",
            "rate = inf\n",
            "level = 2024-01-01\n",
            "nodes = []\n",
            "x = [[[[{}]]]]\n",
            "= = =\n",
            "\"\" = 1\n",
            "\"a.b\".c = 1\n",
            "\u{feff}",
            "\r\n",
            "'''",
            "\"\"\"",
            "\\",
        ])
        .prop_map(str::to_owned),
        "[ -~\n]{0,20}",
        "\\PC{0,8}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_text_is_checked_to_the_end(text in prop::collection::vec(piece(), 0..24)) {
        check(&text.concat(), &[]);
    }

    #[test]
    fn any_damage_to_a_good_file_is_checked_to_the_end(
        at in 0..PIPELINE.len(), removed in 0..20usize, put in piece(),
    ) {
        let mut text = PIPELINE.to_owned();
        let end = (at + removed).min(text.len());
        text.replace_range(at..end, &put);
        check(&text, &[]);
    }

    #[test]
    fn any_override_is_checked_to_the_end(
        key in "[a-z.\"0-9=]{0,12}|nodes\\.(source|learner)\\.[a-z_.0-9]{1,16}", value in piece(),
    ) {
        check(PIPELINE, &[format!("{key}={value}"), key]);
    }
}
