//! What a checked call of an analyzer becomes.

use graph::{ListOp, Literal, Op, Shape, ValueType, Vocabulary};

use super::Checker;
use super::call::Given;
use super::emit::count;
use crate::ast::ExprKind;
use crate::functions::{AnalyzerCode, Function};
use crate::ir::{Analyzer, NodeCode, NodeId, OfNumbers, PerKey, Range, VocabularyOptions};

/// Each covariance is a constant of the graph.
const MAX_COVARIANCES: u32 = 32;
/// Time grows with the third power of the length.
const MAX_COMPONENTS: u32 = 512;

/// What a call was given, by the names of the parameters.
struct Args<'a> {
    function: &'a Function,
    given: &'a [Given<'a>],
}

impl Args<'_> {
    fn of(&self, name: &str) -> Option<&Given<'_>> {
        let place = self.function.params.iter().position(|param| param.name == name)?;
        self.given.get(place).filter(|given| !given.exprs.is_empty())
    }

    fn int(&self, name: &str) -> Option<i64> {
        self.of(name).and_then(Given::int)
    }

    fn size(&self, name: &str) -> Option<usize> {
        self.int(name).and_then(|value| usize::try_from(value).ok())
    }

    fn float(&self, name: &str) -> Option<f64> {
        self.of(name).and_then(Given::float)
    }

    fn is_true(&self, name: &str) -> bool {
        self.of(name).is_some_and(Given::is_true)
    }

    fn value(&self, name: &str) -> Option<NodeId> {
        self.of(name).and_then(|given| given.nodes.first().copied())
    }

    /// Returns where an argument stands.
    fn at(&self, name: &str) -> usize {
        self.of(name).and_then(Given::at).unwrap_or(0)
    }
}

impl Checker<'_> {
    pub(super) fn analyzer(
        &mut self,
        function: &Function,
        code: AnalyzerCode,
        given: &[Given<'_>],
        value_type: Option<ValueType>,
    ) -> NodeId {
        let args = Args { function, given };
        let num_problems = self.problems.len();
        let analyzer = self.of_code(code, &args);
        let (Some((analyzer, nodes)), true) = (analyzer, self.problems.len() == num_problems)
        else {
            return self.arena.mistake(value_type);
        };
        self.arena.add(NodeCode::Analyzer(analyzer), nodes, value_type)
    }

    /// Returns an analyzer and its arguments; nothing where a mistake was reported.
    fn of_code(&mut self, code: AnalyzerCode, args: &Args<'_>) -> Option<(Analyzer, Vec<NodeId>)> {
        let num_buckets = args.size("num_buckets").unwrap_or(1);
        let x = args.value("x").or(args.value("key"))?;
        let unit = || Range { min: Literal::Float(0.0), max: Literal::Float(1.0) };
        let of_numbers = match code {
            AnalyzerCode::ScaleToZScore => OfNumbers::ScaleToZScore,
            AnalyzerCode::ScaleByMinMax => OfNumbers::ScaleByMinMax(self.range(args)?),
            AnalyzerCode::ScaleTo01 => OfNumbers::ScaleByMinMax(unit()),
            AnalyzerCode::ScaleToGaussian => OfNumbers::ScaleToGaussian,
            AnalyzerCode::Statistic(statistic) => OfNumbers::Statistic(statistic),
            AnalyzerCode::BucketizeWithInterpolation => {
                OfNumbers::BucketizeWithInterpolation { num_buckets }
            }
            AnalyzerCode::Bucketize => match args.value("weights") {
                Some(weights) => {
                    return Some((Analyzer::WeightedBuckets { num_buckets }, vec![x, weights]));
                }
                None => OfNumbers::Bucketize { num_buckets },
            },
            AnalyzerCode::Quantile => {
                let fraction = args.float("fraction").unwrap_or(0.5);
                if !(0.0..=1.0).contains(&fraction) {
                    let message = format!("`fraction` is {fraction:?}, expected from 0 to 1");
                    self.report(args.at("fraction"), message, None);
                }
                OfNumbers::Quantile { fraction: Literal::Float(fraction) }
            }
            AnalyzerCode::Density => {
                let (num_buckets, nodes) = self.density(args, x);
                return Some((Analyzer::Density { num_buckets }, nodes));
            }
            AnalyzerCode::Histogram => {
                let (num_buckets, nodes) = self.density(args, x);
                return Some((Analyzer::Histogram { num_buckets }, nodes));
            }
            AnalyzerCode::Covariance => {
                let length = self.length(args, x, MAX_COVARIANCES)?;
                return Some((Analyzer::Covariance { length }, vec![x]));
            }
            AnalyzerCode::PrincipalComponents => {
                let length = self.length(args, x, MAX_COMPONENTS)?;
                let output_dim = args.int("output_dim").and_then(|n| u32::try_from(n).ok())?;
                if output_dim > length {
                    let message = format!(
                        "`output_dim` is {output_dim}, expected at most the {length} values of the list"
                    );
                    self.report(args.at("output_dim"), message, None);
                    return None;
                }
                let analyzer = Analyzer::PrincipalComponents { length, output_dim };
                return Some((analyzer, vec![x]));
            }
            AnalyzerCode::Vocabulary => return self.vocabulary(args, x),
            AnalyzerCode::TokenizeBpe | AnalyzerCode::TokenizeWordPiece => {
                let vocab_size = args.size("vocab_size").unwrap_or(8192);
                let (cut, analyzer) = match code {
                    AnalyzerCode::TokenizeBpe => {
                        (ListOp::ByteWords, Analyzer::BytePairs { vocab_size })
                    }
                    _ => (ListOp::BertWords, Analyzer::WordPieces { vocab_size }),
                };
                let words = self.arena.op(Op::OfList(cut), vec![x], Some(ValueType::String));
                return Some((analyzer, vec![words]));
            }
            AnalyzerCode::TermWeights => return Some(self.term_weights(args, x)),
            AnalyzerCode::CountPerKey => return Some((Analyzer::CountPerKey, vec![x])),
            AnalyzerCode::ScaleToZScorePerKey
            | AnalyzerCode::ScaleByMinMaxPerKey
            | AnalyzerCode::ScaleTo01PerKey
            | AnalyzerCode::BucketizePerKey
            | AnalyzerCode::StatisticPerKey(_) => {
                let per_key = match code {
                    AnalyzerCode::ScaleByMinMaxPerKey => PerKey::ScaleByMinMax(self.range(args)?),
                    AnalyzerCode::ScaleTo01PerKey => PerKey::ScaleByMinMax(unit()),
                    AnalyzerCode::BucketizePerKey => PerKey::Bucketize { num_buckets },
                    AnalyzerCode::StatisticPerKey(statistic) => PerKey::Statistic(statistic),
                    _ => PerKey::ScaleToZScore,
                };
                return Some((Analyzer::PerKey(per_key), vec![x, args.value("key")?]));
            }
        };
        Some((Analyzer::Numbers(of_numbers), vec![x]))
    }

    fn range(&mut self, args: &Args<'_>) -> Option<Range> {
        let (min, max) =
            (args.float("output_min").unwrap_or(0.0), args.float("output_max").unwrap_or(1.0));
        if min >= max {
            let at = args.of("output_min").or(args.of("output_max")).and_then(Given::at);
            let message = format!(
                "`output_min` is {min:?}, expected less than `output_max`, which is {max:?}"
            );
            self.report(at.unwrap_or(0), message, None);
            return None;
        }
        Some(Range { min: Literal::Float(min), max: Literal::Float(max) })
    }

    /// Returns the weights of terms: of each is counted in how many lists it is, and how many lists there are.
    fn term_weights(&mut self, args: &Args<'_>, x: NodeId) -> (Analyzer, Vec<NodeId>) {
        let size = args.int("vocab_size").and_then(|size| u32::try_from(size).ok()).unwrap_or(0);
        let is_smooth = args.of("smooth").is_none() || args.is_true("smooth");
        let (int, text) = (Some(ValueType::Int), Some(ValueType::String));
        let terms = self.arena.op(Op::OfList(ListOp::TermIds { size }), vec![x], int);
        let terms = self.arena.op(Op::Cast { to: ValueType::String }, vec![terms], text);
        let lengths = self.arena.op(Op::OfList(ListOp::Length), vec![x], int);
        (Analyzer::TermWeights { size, is_smooth }, vec![x, terms, lengths])
    }

    /// Returns how many values a list always has, or reports that this is not known, or too much.
    fn length(&mut self, args: &Args<'_>, x: NodeId, most: u32) -> Option<u32> {
        let name = args.function.name;
        let (message, hint) = match self.arena.shape(x) {
            Shape::Vector(length) if (1..=most).contains(&length) => return Some(length),
            Shape::Vector(length) => {
                (format!("`{name}` of {length} values, expected 1 to {most}"), None)
            }
            _ => {
                let message = format!(
                    "argument `x` of `{name}`: found a list of any length, expected one whose length is always the same"
                );
                (message, Some("`list(a, b)` and `list_pad(x, 8, 0)` are such".to_owned()))
            }
        };
        self.report(args.at("x"), message, hint);
        None
    }

    /// Returns how many buckets there are and the bucket of each number, which is counted when the buckets are known.
    fn density(&mut self, args: &Args<'_>, x: NodeId) -> (usize, Vec<NodeId>) {
        // NaN is in no bucket.
        let is_nan = self.arena.op(Op::IsNan, vec![x], Some(ValueType::Bool));
        let missing = self.null(Some(ValueType::Float));
        let float = Some(ValueType::Float);
        let number = self.arena.op(Op::Select, vec![is_nan, missing, x], float);
        match args.size("num_boundaries") {
            Some(num_boundaries) => {
                let num_buckets = num_boundaries.saturating_sub(1).max(1);
                let buckets = Analyzer::Numbers(OfNumbers::EqualWidthBuckets { num_buckets });
                let code = NodeCode::Analyzer(buckets);
                let bucket = self.arena.add(code, vec![number], Some(ValueType::Int));
                (num_buckets, vec![bucket, number])
            }
            None => {
                let tenths = (1..10_u8).map(|tenth| f64::from(tenth) / 10.0).collect();
                let tenths = graph::Boundaries::new(tenths).expect("tenths ascend");
                let op = Op::Bucketize(tenths);
                let bucket = self.arena.op(op, vec![number], Some(ValueType::Int));
                (10, vec![bucket])
            }
        }
    }

    fn vocabulary(&mut self, args: &Args<'_>, x: NodeId) -> Option<(Analyzer, Vec<NodeId>)> {
        let optional = |name| args.value(name);
        let (labels, key, weights) = (optional("labels"), optional("key"), optional("weights"));
        let num_oov_buckets = count(args.int("num_oov_buckets")).unwrap_or(0);
        let coverage = ["coverage_top_k", "coverage_frequency_threshold"];
        let given_coverage = coverage.into_iter().find(|name| args.of(name).is_some());
        let mut without_effect = |name: &str, reason: &str, hint: &str| {
            if args.of(name).is_some() {
                let message = format!("`{name}` has no effect {reason}");
                self.report(args.at(name), message, Some(hint.to_owned()));
            }
        };
        if num_oov_buckets > 0 {
            let reason = "where `num_oov_buckets` is not 0";
            without_effect("default_value", reason, "leave one of them out");
        }
        if labels.is_none() {
            for name in ["use_adjusted_mutual_info", "min_diff_from_avg"] {
                without_effect(name, "without `labels`", "give `labels`, or leave it out");
            }
        }
        if key.is_none() {
            for name in coverage {
                without_effect(name, "without a `key`", "give a `key`, or leave it out");
            }
        } else if given_coverage.is_none() {
            let hint = "give `coverage_top_k` or `coverage_frequency_threshold`";
            without_effect("key", "without a bound for what each key adds", hint);
        }
        for name in ["frequency_threshold", "coverage_frequency_threshold", "min_diff_from_avg"] {
            if let Some(value) = args.float(name).filter(|value| *value < 0.0) {
                let message = format!("`{name}` is {value:?}, expected at least 0");
                self.report(args.at(name), message, None);
            }
        }
        let reserved_tokens = self.reserved_tokens(args);
        let name = args.of("vocab_filename").and_then(Given::text).map(str::to_owned);
        let float = |name: &str| args.float(name).map(Literal::Float);
        let options = VocabularyOptions {
            top_k: args.size("top_k"),
            frequency_threshold: float("frequency_threshold"),
            num_oov_buckets,
            default_value: args.int("default_value").unwrap_or(-1),
            has_weights: weights.is_some(),
            has_labels: labels.is_some(),
            use_adjusted_mutual_info: args.is_true("use_adjusted_mutual_info"),
            min_diff_from_avg: match args.of("min_diff_from_avg").and_then(Given::text) {
                Some(_auto) => None,
                None => Some(float("min_diff_from_avg").unwrap_or(Literal::Float(0.0))),
            },
            has_key: key.is_some(),
            coverage_top_k: args.size("coverage_top_k"),
            coverage_frequency_threshold: float("coverage_frequency_threshold"),
            reserved_tokens,
            fingerprint_shuffle: args.is_true("fingerprint_shuffle"),
            stores_frequency: args.is_true("store_frequency"),
            are_ints: self.was_int(args, x),
            name,
        };
        let nodes: Vec<_> = [Some(x), labels, key, weights].into_iter().flatten().collect();
        self.check_vocabulary_name(args, &options, &nodes);
        Some((Analyzer::Vocabulary(options), nodes))
    }

    /// Returns whether a value was an integer and became text because it has to be.
    fn was_int(&self, args: &Args<'_>, x: NodeId) -> bool {
        let node = self.arena.node(x);
        let is_cast = node.code == NodeCode::Op(Op::Cast { to: ValueType::String });
        let is_int = || self.arena.value_type(node.args[0]) == Some(ValueType::Int);
        let is_written = args.of("x").is_some_and(|given| {
            given.exprs.first().is_some_and(|expr| matches!(expr.kind, ExprKind::Cast { .. }))
        });
        is_cast && is_int() && !is_written
    }

    /// Returns the tokens of a text that separates them by commas.
    fn reserved_tokens(&mut self, args: &Args<'_>) -> Vec<String> {
        let Some(text) = args.of("reserved_tokens").and_then(Given::text) else {
            return Vec::new();
        };
        let tokens: Vec<String> = text.split(',').map(|token| token.trim().to_owned()).collect();
        let repeated = (1..tokens.len()).find(|&place| tokens[..place].contains(&tokens[place]));
        if let Some(wrong) = tokens.iter().find(|token| !Vocabulary::can_hold(token)) {
            let message =
                format!("a reserved token is {wrong:?}, expected some text without line breaks");
            self.report(args.at("reserved_tokens"), message, None);
        } else if let Some(place) = repeated {
            let message = format!("the reserved token `{}` is given twice", tokens[place]);
            self.report(args.at("reserved_tokens"), message, None);
        }
        tokens
    }

    /// Reports the name of a vocabulary if another one has it.
    fn check_vocabulary_name(
        &mut self,
        args: &Args<'_>,
        options: &VocabularyOptions,
        nodes: &[NodeId],
    ) {
        let Some(name) = &options.name else { return };
        if name.is_empty() {
            let message = "`vocab_filename` is empty, expected a name".to_owned();
            self.report(args.at("vocab_filename"), message, None);
        }
        let is_taken = self.arena.nodes().any(|(_, node)| match &node.code {
            NodeCode::Analyzer(Analyzer::Vocabulary(other)) => {
                other.name.as_ref() == Some(name) && (other != options || node.args != nodes)
            }
            _ => false,
        });
        if is_taken {
            let message = format!("two vocabularies are named `{name}`");
            self.report(args.at("vocab_filename"), message, None);
        }
    }
}
