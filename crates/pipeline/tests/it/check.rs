//! Mistakes of a file: all at once, each with its place.

use insta::assert_snapshot;

use crate::scene::Scene;

const COUNTER: &str = "[nodes.counter]";
const STEPS: &str = "num_steps = 3";
const MODEL: &str = "model = { linear = { label = \"tips\" } }";

/// Returns what a person reads when one part of the file is another.
fn mistakes(from: &str, to: &str) -> String {
    let scene = Scene::new();
    scene.replace("pipeline.toml", from, to);
    scene.mistakes(&[])
}

/// Returns the same for several, one after the other.
fn all(from: &str, to: &[&str]) -> String {
    to.iter().map(|to| mistakes(from, to)).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_pipeline_has_a_name() {
    assert_snapshot!(all("name = \"toys\"", &["nam = \"toys\"", "name = \"to ys\"", "name = 1", ""]), @r#"
    error: pipeline.toml:3:1: unknown key `pipeline.nam`
      hint: did you mean `name`?
    error: pipeline.toml:3:8: `pipeline.name`: expected up to 63 letters, digits, `_` and `-`, found the string "to ys"
    error: pipeline.toml:3:8: `pipeline.name`: expected a string, found the whole number 1
    error: pipeline.toml:2:2: missing key `pipeline.name`: expected a string
    "#);
    assert_snapshot!(mistakes("[pipeline]\nname = \"toys\"", "[pipelines]\nname = \"toys\""), @r#"
    error: pipeline.toml:1:1: missing table `pipeline`
      hint: begin the file with `[pipeline]` and `name = "..."`
    error: pipeline.toml:2:2: unknown key `pipelines`
      hint: did you mean `pipeline`?
    "#);
}

#[test]
fn a_component_that_is_not_there() {
    assert_snapshot!(
        all(
            COUNTER,
            &[
                "[nodes.countr]",
                "[nodes.my_thing]",
                "[nodes.my_thing]\ncomponent = \"Countr\"",
                "[nodes.my_thing]\ncomponent = 1",
                "[counter]",
                "[nodes.\"a.b\"]",
            ]
        ),
        @r#"
        error: pipeline.toml:8:8: node `countr`: there is no component `Countr`
          hint: did you mean `[nodes.counter]`?
        error: pipeline.toml:8:8: node `my_thing`: there is no component `MyThing`
          hint: say what it is with `component`: one of `Source`, `Counter`, `Judge`, `Learner`, `LatestModel`, `Comparer`
        error: pipeline.toml:9:13: node `my_thing`: there is no component `Countr`
          hint: did you mean `Counter`?
        error: pipeline.toml:9:13: `nodes.my_thing.component`: expected a string, found the whole number 1
        error: pipeline.toml:8:2: unknown key `counter`
          hint: did you mean `[nodes.counter]`?
        error: pipeline.toml:8:8: the id of a node: expected up to 63 letters, digits, `_` and `-`, found the string "a.b"
        "#
    );
}

#[test]
fn keys_that_every_node_has() {
    assert_snapshot!(mistakes(COUNTER, "[nodes.counter]\ncache = \"no\"\nwhatever = 1\ninputs = 3"), @r#"
    error: pipeline.toml:9:9: `nodes.counter.cache`: expected true or false, found the string "no"
    error: pipeline.toml:10:1: unknown key `nodes.counter.whatever`
      hint: expected one of `component`, `inputs`, `cache`
    error: pipeline.toml:11:10: `nodes.counter.inputs`: expected a table, found the whole number 3
    "#);
}

#[test]
fn a_key_that_is_not_there() {
    assert_snapshot!(all(STEPS, &["num_stps = 3", "wholly_different = 3"]), @r#"
    error: pipeline.toml:16:1: unknown key `nodes.learner.num_stps`
      hint: did you mean `num_steps`?
    error: pipeline.toml:16:1: unknown key `nodes.learner.wholly_different`
      hint: expected one of `features`, `level`, `model`, `num_steps`, `rate`, `slices`, `thresholds`
    "#);
}

#[test]
fn values_of_another_type_or_out_of_range() {
    assert_snapshot!(
        all(
            STEPS,
            &[
                "num_steps = \"many\"",
                "num_steps = 0",
                "num_steps = 3.0",
                "num_steps = 99999999999999999999999999999999999999999999",
                "rate = 0",
                "rate = nan",
                "level = \"wraning\"",
                "level = 2024-01-01",
                "features.a = 1",
            ]
        ),
        @r#"
        error: pipeline.toml:16:13: `nodes.learner.num_steps`: expected a whole number from 1 to 1000, found the string "many"
        error: pipeline.toml:16:13: `nodes.learner.num_steps`: expected a whole number from 1 to 1000, found the whole number 0
        error: pipeline.toml:16:13: `nodes.learner.num_steps`: expected a whole number from 1 to 1000, found the number 3.0
        error: pipeline.toml:16:13: the whole number 99999999999999999999999999999999999999999999 is too large
        error: pipeline.toml:16:8: `nodes.learner.rate`: expected a number greater than 0, found the whole number 0
        error: pipeline.toml:16:8: `nodes.learner.rate`: expected a number greater than 0, found the number NaN
        error: pipeline.toml:16:9: `nodes.learner.level`: expected one of `never`, `warning`, `error`, found the string "wraning"
          hint: did you mean `warning`?
        error: pipeline.toml:16:9: `nodes.learner.level`: expected one of `never`, `warning`, `error`, found the date or time 2024-01-01
        error: pipeline.toml:16:14: `nodes.learner.features.a`: expected a string, found the whole number 1
        "#
    );
}

#[test]
fn alternatives() {
    assert_snapshot!(
        all(STEPS, &["slices = \"al\"", "slices = [[\"a\", 1]]", "slices = 7"]),
        @r#"
        error: pipeline.toml:16:10: `nodes.learner.slices`: expected `overall` or `all` or a list, found the string "al"
          hint: did you mean `all`?
        error: pipeline.toml:16:17: `nodes.learner.slices.0.1`: expected a string, found the whole number 1
        error: pipeline.toml:16:10: `nodes.learner.slices`: expected `overall` or `all` or a list, found the whole number 7
        "#
    );
    assert_snapshot!(
        all(
            MODEL,
            &[
                "",
                "model = \"linear\"",
                "model = \"liner\"",
                "model = {}",
                "model = { liner = { label = \"tips\" } }",
                "model = { linear = { label = \"tips\" }, deep = { label = \"tips\" } }",
                "model = { linear = { lable = \"tips\" } }",
            ]
        ),
        @r#"
        error: pipeline.toml:14:8: missing key `nodes.learner.model`: expected a table with one of `linear`, `deep`
        error: pipeline.toml:15:9: `nodes.learner.model`: expected a table with one of `linear`, `deep`, found the string "linear"
          hint: write it as a table: `model = { linear = ... }`
        error: pipeline.toml:15:9: `nodes.learner.model`: expected a table with one of `linear`, `deep`, found the string "liner"
          hint: did you mean `linear`?
        error: pipeline.toml:15:1: `nodes.learner.model`: expected a table with one of `linear`, `deep`, found an empty table
        error: pipeline.toml:15:11: unknown key `nodes.learner.model.liner`
          hint: did you mean `linear`?
        error: pipeline.toml:15:1: `nodes.learner.model`: expected a table with one of `linear`, `deep`, found `linear`, `deep` together
        error: pipeline.toml:15:22: unknown key `nodes.learner.model.linear.lable`
          hint: did you mean `label`?
        "#
    );
}

#[test]
fn what_the_component_says_is_shown_where_it_is() {
    assert_snapshot!(
        all(
            STEPS,
            &[
                "features.a = \"tips frae\"",
                "features.a = \"\"\"\ntips \\\n   \\u0066are\n  frae\"\"\"",
                "[nodes.learner.features]\na = 'tips frae'",
                "[[nodes.learner.thresholds]]\nmetric = \"auc\"\n[[nodes.learner.thresholds]]\nmetric = \"auk\"",
            ]
        ),
        @r#"
        error: pipeline.toml:16:20: there is no feature `frae`
            features.a = "tips frae"
                               ^
          hint: did you mean `fare`?
        error: pipeline.toml:19:3: there is no feature `frae`
              frae"""
              ^
          hint: did you mean `fare`?
        error: pipeline.toml:17:11: there is no feature `frae`
            a = 'tips frae'
                      ^
          hint: did you mean `fare`?
        error: pipeline.toml:19:10: there is no feature `auk`
        "#
    );
    assert_snapshot!(mistakes("file = \"data.csv\"", "file = \"none.csv\""), @"error: pipeline.toml:6:8: no such file none.csv");
}

#[test]
fn what_fits_is_checked_further_though_other_keys_do_not_fit() {
    assert_snapshot!(
        mistakes(MODEL, "model = { deep = { label = \"tisp\", hidden = [1, 0, 70000] } }"),
        @r#"
        error: pipeline.toml:15:28: there is no feature `tisp`
          hint: did you mean `tips`?
        error: pipeline.toml:15:49: `nodes.learner.model.deep.hidden.1`: expected a whole number from 1 to 65535, found the whole number 0
        error: pipeline.toml:15:52: `nodes.learner.model.deep.hidden.2`: expected a whole number from 1 to 65535, found the whole number 70000
        "#
    );
    assert_snapshot!(
        mistakes(STEPS, "[[nodes.learner.thresholds]]\nmetric = \"auk\"\nupper = 1\n[[nodes.learner.thresholds]]\n"),
        @r#"
        error: pipeline.toml:17:10: there is no feature `auk`
        error: pipeline.toml:18:1: unknown key `nodes.learner.thresholds.0.upper`
          hint: expected one of `lower_bound`, `metric`
        error: pipeline.toml:19:1: missing key `nodes.learner.thresholds.1.metric`: expected a string
        "#
    );
}

#[test]
fn what_is_not_toml() {
    assert_snapshot!(
        all(COUNTER, &["[nodes.counter", "[nodes.counter]\n[nodes.counter]\na = \nb = 1 2"]),
        @r#"
        error: pipeline.toml:8:15: not TOML: unclosed table, expected `]`
        error: pipeline.toml:9:8: not TOML: duplicate key, found `counter`
        error: pipeline.toml:10:5: not TOML: string values must be quoted, expected literal string
        error: pipeline.toml:11:5: not TOML: string values must be quoted, expected literal string, found `1 2`
        "#
    );
}

#[test]
fn overrides_are_checked_like_the_file() {
    let scene = Scene::new();
    let sets = [
        "nodes.learner.num_steps=many",
        "nodes.learner.features.a=tips frae",
        "nodes.learner.num_stps=3",
        "nodes.learner.num_steps",
        "nodes.lerner.x=1",
        "nodes.judge.refuse=5",
    ];
    assert_snapshot!(scene.mistakes(&sets), @r#"
    error: --set nodes.learner.num_steps: expected a whole number from 1 to 1000, found the string "many"
    error: --set nodes.learner.features.a: character 6: there is no feature `frae`
        tips frae
             ^
      hint: did you mean `fare`?
    error: --set nodes.learner.num_stps: unknown key `nodes.learner.num_stps`
      hint: did you mean `num_steps`?
    error: --set nodes.learner.num_steps: expected KEY=VALUE
      hint: write it like `nodes.trainer.num_steps=100`
    error: --set nodes.lerner.x: node `lerner`: there is no component `Lerner`
      hint: did you mean `[nodes.learner]`?
    error: --set nodes.judge.refuse: expected a string, found the whole number 5
      hint: quote it: `--set 'nodes.judge.refuse="5"'`
    "#);
    let pipeline = scene
        .load(&["nodes.learner.num_steps=7", "nodes.learner.model.linear.label=fare"])
        .unwrap();
    let learner = pipeline.nodes().iter().find(|node| node.id() == "learner").unwrap();
    assert_eq!(learner.config()["num_steps"], 7);
    assert_eq!(learner.config()["model"]["linear"]["label"], "fare");
}

#[test]
fn many_mistakes_are_counted() {
    let keys: String = (0..40).map(|number| format!("key_{number} = 1\n")).collect();
    let said = mistakes(STEPS, &keys);
    assert_eq!(said.matches("error: ").count(), 25);
    assert!(said.ends_with("and 15 more mistakes"), "{said}");
}

#[test]
fn files_that_cannot_be_read() {
    let scene = Scene::new();
    std::fs::rename(scene.path("pipeline.toml"), scene.path("pipelines.toml")).unwrap();
    let dir = scene.path("").display().to_string();
    let say = |scene: &Scene| {
        let error = scene.load(&[]).err().unwrap();
        let hint = base::Classify::hint(&error).unwrap_or_default();
        format!("{:?}: {error} ({hint})", base::Classify::kind(&error)).replace(&dir, "[DIR]/")
    };
    assert_snapshot!(say(&scene), @"Usage: no pipeline file [DIR]/pipeline.toml (did you mean `[DIR]/pipelines.toml`?)");
    std::fs::write(scene.path("pipeline.toml"), b"[pipeline]\nname = \"\xff\"\n").unwrap();
    assert_snapshot!(say(&scene), @"Usage: [DIR]/pipeline.toml: not UTF-8 text, found the byte 0xff in line 2 ()");
    std::fs::write(scene.path("pipeline.toml"), vec![b'#'; 2 << 20]).unwrap();
    assert_snapshot!(say(&scene), @"Usage: error: [DIR]/pipeline.toml:1:1: the file has more than 1048576 bytes, which is the limit ()");
}
