//! Options whose values make no sense by themselves, or not together.

use crate::config::BoostedTreesConfig;
use crate::{ClassWeights, Config, ModelConfig, OptimizerConfig, Problem, TaskConfig};

/// Returns the options whose values make no sense by themselves.
pub(crate) fn check_values(config: &Config) -> Vec<Problem> {
    let mut problems = Problems(Vec::new());
    check_steps(config, &mut problems);
    check_optimizer(config, &mut problems);
    check_model(config, &mut problems);
    check_task(config, &mut problems);
    if let ModelConfig::BoostedTrees(trees) = &config.model {
        check_trees(config, trees, &mut problems);
    }
    if config.features.as_ref().is_some_and(Vec::is_empty) {
        problems.require(false, "features", "[]", "at least one feature");
    }
    problems.0
}

struct Problems(Vec<Problem>);

impl Problems {
    fn require(&mut self, is_good: bool, key: &str, found: impl ToString, expected: &str) {
        if !is_good {
            self.say(key, format!("{}, expected {expected}", found.to_string()));
        }
    }

    fn say(&mut self, key: &str, message: String) {
        self.0.push(Problem { key: key.to_owned(), message, hint: None });
    }
}

const AT_LEAST_1: &str = "at least 1";
const ABOVE_0: &str = "a finite number above 0";

fn is_positive(value: f64) -> bool {
    value > 0.0 && value.is_finite()
}

fn is_not_negative(value: f64) -> bool {
    value >= 0.0 && value.is_finite()
}

fn check_steps(config: &Config, problems: &mut Problems) {
    let range = "between 1 and 1048576";
    problems.require(
        (1..=1 << 20).contains(&config.batch_size),
        "batch_size",
        config.batch_size,
        range,
    );
    let rate = config.learning_rate;
    problems.require(is_positive(rate), "learning_rate", rate, ABOVE_0);
    problems.require(config.eval_every_steps > 0, "eval_every_steps", 0, AT_LEAST_1);
    problems.require(config.accumulate_batches > 0, "accumulate_batches", 0, AT_LEAST_1);
    problems.require(config.num_steps != Some(0), "num_steps", 0, AT_LEAST_1);
    problems.require(config.epochs != Some(0), "epochs", 0, AT_LEAST_1);
    let every = config.checkpoint_every_steps;
    problems.require(every != Some(0), "checkpoint_every_steps", 0, AT_LEAST_1);
    if let Some(norm) = config.gradient_clip_norm {
        problems.require(is_positive(norm), "gradient_clip_norm", norm, ABOVE_0);
    }
    let ratio = config.learning_rate_schedule.final_ratio;
    let key = "learning_rate_schedule.final_ratio";
    problems.require((0.0..=1.0).contains(&ratio), key, ratio, "between 0 and 1");
    if let Some(stopping) = &config.early_stopping {
        problems.require(stopping.patience > 0, "early_stopping.patience", 0, AT_LEAST_1);
        problems.require(
            is_not_negative(stopping.min_delta),
            "early_stopping.min_delta",
            stopping.min_delta,
            "a finite number of at least 0",
        );
        if !stopping.metric.is_of(config.model.task()) {
            let message = format!(
                "`{}` is not measured for this task, expected another metric",
                stopping.metric.name()
            );
            problems.say("early_stopping.metric", message);
        }
    }
}

fn check_optimizer(config: &Config, problems: &mut Problems) {
    let share = "at least 0 and below 1";
    let is_share = |value: f64| (0.0..1.0).contains(&value);
    let mut check = |name: &str, betas: [f64; 2], epsilon: f64| {
        for (place, beta) in betas.into_iter().enumerate() {
            let key = format!("optimizer.{name}.beta_{}", place + 1);
            problems.require(is_share(beta), &key, beta, share);
        }
        let key = format!("optimizer.{name}.epsilon");
        problems.require(is_positive(epsilon), &key, epsilon, ABOVE_0);
    };
    match &config.optimizer {
        OptimizerConfig::Adam(adam) => check("adam", [adam.beta_1, adam.beta_2], adam.epsilon),
        OptimizerConfig::AdamW(adam) => {
            check("adam_w", [adam.beta_1, adam.beta_2], adam.epsilon);
            let (key, decay) = ("optimizer.adam_w.weight_decay", adam.weight_decay);
            problems.require(is_not_negative(decay), key, decay, "a finite number of at least 0");
        }
        OptimizerConfig::Sgd(sgd) => {
            problems.require(is_share(sgd.momentum), "optimizer.sgd.momentum", sgd.momentum, share);
        }
    }
}

fn check_model(config: &Config, problems: &mut Problems) {
    let key = config.model.key();
    let (hidden, dimension) = config.model.layers();
    for width in hidden {
        let is_good = (1..=8192).contains(width);
        problems.require(is_good, &format!("{key}.hidden"), width, "widths between 1 and 8192");
    }
    let dimension = dimension.unwrap_or(1);
    let is_good = (1..=4096).contains(&dimension);
    let expected = "between 1 and 4096";
    problems.require(is_good, &format!("{key}.embedding_dimension"), dimension, expected);
    if let ModelConfig::TwoTower(model) = &config.model {
        let is_good = (1..=8192).contains(&model.dimension);
        let expected = "between 1 and 8192";
        problems.require(is_good, "model.two_tower.dimension", model.dimension, expected);
        let is_one = !matches!(
            model.task,
            TaskConfig::MultiClassClassification | TaskConfig::MultiLabelClassification
        );
        if !is_one {
            let message = "two towers give one number, expected a task of one".to_owned();
            problems.say("model.two_tower.task", message);
        }
    }
}

fn check_task(config: &Config, problems: &mut Problems) {
    let task = config.model.task();
    let is_multi_class = task == TaskConfig::MultiClassClassification;
    if let Some(num_classes) = config.num_classes {
        if !is_multi_class {
            let message = "only multi_class_classification has classes to count".to_owned();
            problems.say("num_classes", message);
        }
        let is_good = (2..=65536).contains(&num_classes);
        problems.require(is_good, "num_classes", num_classes, "between 2 and 65536");
    }
    match (task == TaskConfig::Ranking, &config.ranking) {
        (true, None) => {
            let message = "a ranking needs the feature that its queries have in common, expected `ranking = { query = … }`";
            problems.say("ranking", message.to_owned());
        }
        (false, Some(_)) => {
            problems.say("ranking", "the task is none, expected `task = \"ranking\"`".to_owned());
        }
        _ => {}
    }
    let Some(weights) = &config.class_weights else { return };
    if !is_multi_class && task != TaskConfig::BinaryClassification {
        problems.say("class_weights", "this task has no classes to weigh".to_owned());
    }
    if let ClassWeights::Numbers(weights) = weights {
        let expected = if is_multi_class { config.num_classes } else { Some(2) };
        if expected.is_some_and(|expected| expected != weights.len()) {
            let expected = expected.unwrap_or_default();
            let message = format!("{} numbers, expected one per class, {expected}", weights.len());
            problems.say("class_weights", message);
        }
        let is_good = weights.iter().all(|&weight| is_not_negative(weight));
        let is_some = weights.iter().any(|&weight| weight > 0.0);
        if !is_good || !is_some {
            let message = "expected finite numbers of at least 0, not all of them 0".to_owned();
            problems.say("class_weights", message);
        }
    }
}

fn check_trees(config: &Config, trees: &BoostedTreesConfig, problems: &mut Problems) {
    let key = |name: &str| format!("model.boosted_trees.{name}");
    let mut ranged = |name: &str, value: usize, (min, max): (usize, usize)| {
        let expected = format!("between {min} and {max}");
        problems.require((min..=max).contains(&value), &key(name), value, &expected);
    };
    ranged("num_trees", trees.num_trees, (1, 100_000));
    ranged("max_leaves", trees.max_leaves, (2, 65_536));
    ranged("max_depth", trees.max_depth, (1, 1000));
    ranged("min_examples_per_leaf", trees.min_examples_per_leaf, (1, usize::MAX));
    for (name, value) in [
        ("shrinkage", trees.shrinkage),
        ("example_ratio", trees.example_ratio),
        ("feature_ratio", trees.feature_ratio),
    ] {
        let is_good = value > 0.0 && value <= 1.0;
        problems.require(is_good, &key(name), value, "above 0 and at most 1");
    }
    for (name, value) in [("l2", trees.l2), ("min_gain", trees.min_gain)] {
        let expected = "a finite number of at least 0";
        problems.require(is_not_negative(value), &key(name), value, expected);
    }
    // What a user sets should do something.
    let default = Config::new(config.model.clone());
    let set = [
        ("num_steps", config.num_steps != default.num_steps),
        ("epochs", config.epochs != default.epochs),
        ("batch_size", config.batch_size != default.batch_size),
        ("accumulate_batches", config.accumulate_batches != default.accumulate_batches),
        ("optimizer", config.optimizer != default.optimizer),
        ("learning_rate", (config.learning_rate - default.learning_rate).abs() > 0.0),
        ("learning_rate_schedule", config.learning_rate_schedule != default.learning_rate_schedule),
        ("gradient_clip_norm", config.gradient_clip_norm.is_some()),
        ("eval_every_steps", config.eval_every_steps != default.eval_every_steps),
        ("combiner", config.combiner != default.combiner),
    ];
    for (key, _) in set.into_iter().filter(|(_, is_set)| *is_set) {
        let message = "trees are not grown in steps over batches, so it says nothing to them";
        problems.say(key, message.to_owned());
    }
}
