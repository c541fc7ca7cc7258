//! Texts as their characters, and back.
//!
//! ONNX itself has no operator that takes a text apart into characters; the tokenizer that ONNX Runtime adds does. Its
//! result has as many columns as the longest text has characters, so long texts are taken one by one.

use formats::onnx::tensor_proto::DataType;
use formats::onnx::{TensorShapeProto, ValueInfoProto};

use super::emit::{Attribute, Emitter, Tensor, describe};

/// The texts of up to so many characters are short.
pub(super) const SHORT: &str = "(?s).{0,256}";

/// The texts of up to so many bytes are short.
pub(super) const SHORT_BYTES: &str = r"(?s)\C{0,64}";

/// Computes something of texts, shape `[N, 1]` each: of all short ones at once, then of each long one by itself.
///
/// `f` gets texts of shape `[M, 1]`, M at least 1, and gives one value each. Where one is long, M is 1.
pub(super) fn for_texts(
    e: &mut Emitter,
    texts: &[&Tensor],
    short: &str,
    result: DataType,
    f: &dyn Fn(&mut Emitter, &[Tensor]) -> Tensor,
) -> Tensor {
    let axis = || vec![("axis", Attribute::Int(0))];
    let (empty, more) = (e.text(""), e.text("x"));
    // A row of its own behind the others, so that there is one, with a character.
    let texts: Vec<Tensor> =
        texts.iter().map(|texts| e.with("Concat", &[texts, &more], axis())).collect();
    let is_short: Vec<Tensor> = texts.iter().map(|texts| e.matches(texts, short)).collect();
    let first = is_short[0].clone();
    let is_short = is_short[1..].iter().fold(first, |all, this| e.op("And", &[&all, this]));
    let is_long = e.op("Not", &[&is_short]);

    // The steps: all rows with the long ones emptied, then a row by itself in each. What they read is one behind the other.
    let both: Vec<Tensor> = texts
        .iter()
        .map(|texts| {
            let short = e.choose(&is_short, texts, &empty);
            e.with("Concat", &[&short, texts], axis())
        })
        .collect();
    let (zero, one, flat) = (e.list(&[0]), e.list(&[1]), e.list(&[-1]));
    let is_long = e.op("Reshape", &[&is_long, &flat]);
    let num_rows = e.op("Size", &[&is_long]);
    let num_rows = e.op("Reshape", &[&num_rows, &one]);
    let places = e.op("NonZero", &[&is_long]);
    let places = e.op("Reshape", &[&places, &flat]);
    let behind = e.op("Add", &[&places, &num_rows]);
    let next = e.op("Add", &[&behind, &one]);
    let starts = e.with("Concat", &[&zero, &behind], axis());
    let ends = e.with("Concat", &[&num_rows, &next], axis());
    let firsts = e.with("Concat", &[&zero, &places], axis());
    let num_steps = e.op("Size", &[&starts]);
    let ones = e.op("Expand", &[&one, &num_rows]);
    let axis_zero = e.longs(&[0], &[]);
    let exclusive = vec![("exclusive", Attribute::Int(1))];
    let numbers = e.with("CumSum", &[&ones, &axis_zero], exclusive);
    let column = e.list(&[-1, 1]);
    let numbers = e.op("Reshape", &[&numbers, &column]);
    let initial = match result {
        DataType::String => empty,
        DataType::Bool => e.bool(false),
        _ => e.int(0),
    };
    let shape = e.with("Concat", &[&num_rows, &one], axis());
    let initial = e.op("Expand", &[&initial, &shape]);
    let results = repeat(e, &num_steps, &[(&initial, result)], |e, step, results| {
        let step = e.op("Reshape", &[step, &one]);
        let mut at = |table: &Tensor| e.with("Gather", &[table, &step], axis());
        let (start, end, first) = (at(&starts), at(&ends), at(&firsts));
        let texts: Vec<Tensor> =
            both.iter().map(|texts| e.op("Slice", &[texts, &start, &end, &zero])).collect();
        let found = f(e, &texts);
        let count = e.op("Sub", &[&end, &start]);
        let last = e.op("Add", &[&first, &count]);
        let rows = e.op("Slice", &[&numbers, &first, &last, &zero]);
        vec![e.with("ScatterElements", &[&results[0], &rows, &found], axis())]
    });
    let minus_one = e.list(&[-1]);
    e.op("Slice", &[&results[0], &zero, &minus_one, &zero])
}

/// Returns the characters of texts of shape `[M, 1]`, shape `[M, D]`, with empty ones behind them.
pub(super) fn split(e: &mut Emitter, texts: &Tensor) -> Tensor {
    let flat = e.list(&[-1]);
    let texts = e.op("Reshape", &[texts, &flat]);
    let attributes = vec![
        ("mark", Attribute::Int(0)),
        ("mincharnum", Attribute::Int(1)),
        ("pad_value", Attribute::Text("")),
        ("separators", Attribute::Texts(vec![""])),
    ];
    e.microsoft("Tokenizer", &texts, DataType::String, attributes)
}

/// Returns the pieces of each row, shape `[M, D]`, one behind the other, shape `[M, 1]`; D is at least 1.
///
/// Two and two are put together until one is left.
pub(super) fn join(e: &mut Emitter, pieces: &Tensor) -> Tensor {
    let is_several = |e: &mut Emitter, pieces: &Tensor| {
        let width = width(e, pieces);
        let one = e.list(&[1]);
        let is_several = e.op("Greater", &[&width, &one]);
        let scalar = e.list(&[]);
        e.op("Reshape", &[&is_several, &scalar])
    };
    let condition = is_several(e, pieces);
    while_holds(e, &condition, pieces, DataType::String, |e, pieces| {
        let width = width(e, pieces);
        let (zero, one, two) = (e.list(&[0]), e.list(&[1]), e.list(&[2]));
        let (axis, end) = (e.list(&[1]), e.list(&[i64::MAX]));
        let half = e.op("Div", &[&width, &two]);
        let paired = e.op("Mul", &[&half, &two]);
        let even = e.op("Slice", &[pieces, &zero, &paired, &axis, &two]);
        let odd = e.op("Slice", &[pieces, &one, &paired, &axis, &two]);
        let rest = e.op("Slice", &[pieces, &paired, &end, &axis]);
        let pairs = e.op("StringConcat", &[&even, &odd]);
        let pieces = e.with("Concat", &[&pairs, &rest], vec![("axis", Attribute::Int(1))]);
        (is_several(e, &pieces), pieces)
    })
}

/// Returns the number of columns, shape `[1]`.
pub(super) fn width(e: &mut Emitter, tensor: &Tensor) -> Tensor {
    let from_second = vec![("start", Attribute::Int(1)), ("end", Attribute::Int(2))];
    e.with("Shape", &[tensor], from_second)
}

/// Returns the numbers of the columns from 0, shape `[1, D]`.
pub(super) fn positions(e: &mut Emitter, tensor: &Tensor) -> Tensor {
    let width = width(e, tensor);
    let scalar = e.list(&[]);
    let width = e.op("Reshape", &[&width, &scalar]);
    let (zero, one) = (e.longs(&[0], &[]), e.longs(&[1], &[]));
    let positions = e.op("Range", &[&zero, &width, &one]);
    let row = e.list(&[1, -1]);
    e.op("Reshape", &[&positions, &row])
}

/// Returns columns with an empty one behind them.
pub(super) fn with_empty_column(e: &mut Emitter, pieces: &Tensor) -> Tensor {
    let first = vec![("start", Attribute::Int(0)), ("end", Attribute::Int(1))];
    let num_rows = e.with("Shape", &[pieces], first);
    let one = e.list(&[1]);
    let shape = e.with("Concat", &[&num_rows, &one], vec![("axis", Attribute::Int(0))]);
    let empty = e.text("");
    let column = e.op("Expand", &[&empty, &shape]);
    e.with("Concat", &[pieces, &column], vec![("axis", Attribute::Int(1))])
}

/// Adds a choice of what is computed.
pub(super) fn branch(
    e: &mut Emitter,
    condition: &Tensor,
    result: DataType,
    then: impl FnOnce(&mut Emitter) -> Tensor,
    otherwise: impl FnOnce(&mut Emitter) -> Tensor,
) -> Tensor {
    let then = e.subgraph(Vec::new(), |e| vec![info(&then(e), result)]);
    let otherwise = e.subgraph(Vec::new(), |e| vec![info(&otherwise(e), result)]);
    let attributes =
        vec![("then_branch", Attribute::Graph(then)), ("else_branch", Attribute::Graph(otherwise))];
    e.with("If", &[condition], attributes)
}

/// Computes some values from themselves a number of times.
pub(super) fn repeat(
    e: &mut Emitter,
    times: &Tensor,
    initial: &[(&Tensor, DataType)],
    f: impl FnOnce(&mut Emitter, &Tensor, &[Tensor]) -> Vec<Tensor>,
) -> Vec<Tensor> {
    let condition = e.constant(super::emit::raw(DataType::Bool, &[], [1]));
    let (step, goes_on) = (e.fresh(), e.fresh());
    let values: Vec<Tensor> = initial.iter().map(|_| e.fresh()).collect();
    let mut inputs = vec![scalar(&step, DataType::Int64), scalar(&goes_on, DataType::Bool)];
    inputs.extend(values.iter().zip(initial).map(|(value, (_, of))| info(value, *of)));
    let body = e.subgraph(inputs, |e| {
        let goes_on = e.op("Identity", &[&goes_on]);
        let results = f(e, &step, &values);
        let mut outputs = vec![scalar(&goes_on, DataType::Bool)];
        outputs.extend(results.iter().zip(initial).map(|(value, (_, of))| info(value, *of)));
        outputs
    });
    let mut operands = vec![times, &condition];
    operands.extend(initial.iter().map(|(value, _)| *value));
    let outputs: Vec<Tensor> = initial.iter().map(|_| e.fresh()).collect();
    let named: Vec<&Tensor> = outputs.iter().collect();
    e.node("", "Loop", &operands, &named, vec![("body", Attribute::Graph(body))]);
    outputs
}

/// Computes a value from itself while a condition holds, a tensor with one value.
fn while_holds(
    e: &mut Emitter,
    condition: &Tensor,
    initial: &Tensor,
    result: DataType,
    f: impl FnOnce(&mut Emitter, &Tensor) -> (Tensor, Tensor),
) -> Tensor {
    let (step, goes_on, value) = (e.fresh(), e.fresh(), e.fresh());
    let inputs = vec![
        scalar(&step, DataType::Int64),
        scalar(&goes_on, DataType::Bool),
        info(&value, result),
    ];
    let body = e.subgraph(inputs, |e| {
        let (goes_on, value) = f(e, &value);
        vec![scalar(&goes_on, DataType::Bool), info(&value, result)]
    });
    let no_limit = Tensor::named("");
    let attributes = vec![("body", Attribute::Graph(body))];
    e.with("Loop", &[&no_limit, condition, initial], attributes)
}

/// Describes a tensor of any shape.
fn info(tensor: &Tensor, data_type: DataType) -> ValueInfoProto {
    describe(tensor.name(), data_type, None)
}

/// Describes a tensor of one value without axes.
fn scalar(tensor: &Tensor, data_type: DataType) -> ValueInfoProto {
    describe(tensor.name(), data_type, Some(TensorShapeProto::default()))
}
