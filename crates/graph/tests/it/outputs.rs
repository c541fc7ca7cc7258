//! What a graph makes: outputs, their parts, their numbers of buckets.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float32Array, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Float32Type, Schema};
use graph::{
    Boundaries, BuildError, GraphBuilder, GraphError, Literal, NodeId, Op, ValueType, Vocabulary,
};

#[test]
fn equal_nodes_are_one() {
    let mut builder = GraphBuilder::new();
    let mut log = || {
        let fare = builder.input("fare", ValueType::Float).unwrap();
        let one = builder.literal(1.0).unwrap();
        let sum = builder.node(Op::Add, &[fare, one]).unwrap();
        builder.node(Op::Ln, &[sum]).unwrap()
    };
    assert_eq!(log(), log());
    let (zero, minus_zero) = (builder.literal(0.0).unwrap(), builder.literal(-0.0).unwrap());
    assert_ne!(zero, minus_zero);
}

#[test]
fn a_part_reads_only_what_it_needs() {
    let mut builder = GraphBuilder::new();
    let fare = builder.input("fare", ValueType::Float).unwrap();
    let tips = builder.input("tips", ValueType::Float).unwrap();
    let company = builder.input("company", ValueType::String).unwrap();
    let rate = builder.literal(0.2).unwrap();
    let fifth = builder.node(Op::Multiply, &[fare, rate]).unwrap();
    let label = builder.node(Op::Greater, &[tips, fifth]).unwrap();
    let unused = builder.vocabulary("unused", Vocabulary::new(["x"]).unwrap()).unwrap();
    let used = builder.vocabulary("company", Vocabulary::new(["a", "b"]).unwrap()).unwrap();
    let lookup = |vocabulary| Op::Lookup { vocabulary, num_oov_buckets: 0, default_value: -1 };
    let id = builder.node(lookup(used), &[company]).unwrap();
    let other = builder.node(lookup(unused), &[company]).unwrap();
    for (name, node) in [("other", other), ("label", label), ("id", id), ("fare", fare)] {
        builder.output(name, node).unwrap();
    }
    let graph = builder.build();
    let names = |graph: &graph::Graph| {
        graph.inputs().iter().map(|input| input.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&graph), ["fare", "tips", "company"]);

    let part = graph.project(&["id", "fare"]).unwrap();
    assert_eq!(names(&part), ["fare", "company"]);
    assert_eq!(part.nodes().len(), 3);
    assert!(part.vocabularies().map(|(name, _)| name).eq(["company"]));
    assert_eq!(part.outputs()[0].name, "id");
    let examples: [(&str, ArrayRef); 2] = [
        ("fare", Arc::new(Float32Array::from(vec![1.5]))),
        ("company", crate::column(ValueType::String, &["b".into()])),
    ];
    let batch = part.apply(&RecordBatch::try_from_iter(examples).unwrap()).unwrap();
    assert_eq!(batch.schema(), part.schema());
    assert_eq!(crate::show(&crate::cell(batch.column(0), ValueType::Int, 0)), "1");
    assert_eq!(batch.column(1).as_primitive::<Float32Type>().values(), &[1.5]);

    let error = graph.project(&["lable"]).unwrap_err();
    assert!(
        matches!(&error, GraphError::UnknownOutput { nearest, .. } if nearest.as_deref() == Some("label"))
    );
}

#[test]
fn rows_without_columns_are_counted() {
    let mut builder = GraphBuilder::new();
    let node = builder.literal(2.5).unwrap();
    builder.output("constant", node).unwrap();
    let graph = builder.build();
    let options = RecordBatchOptions::new().with_row_count(Some(3));
    let none = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options);
    let none = none.unwrap();
    let batch = graph.apply(&none).unwrap();
    assert_eq!(batch.column(0).as_primitive::<Float32Type>().values(), &[2.5, 2.5, 2.5]);
    assert_eq!(*batch.column(0).data_type(), DataType::Float32);
    assert_eq!(graph.project(&[]).unwrap().apply(&none).unwrap().num_rows(), 3);
}

#[test]
fn ids_have_a_bound() {
    let mut builder = GraphBuilder::new();
    let text = builder.input("text", ValueType::String).unwrap();
    let number = builder.input("number", ValueType::Float).unwrap();
    let int = builder.input("int", ValueType::Int).unwrap();
    let vocabulary = builder.vocabulary("v", Vocabulary::new(["a", "b", "c"]).unwrap()).unwrap();
    let condition = builder.node(Op::IsNull, &[number]).unwrap();
    let check = |expected: Option<u64>, make: &dyn Fn(&mut GraphBuilder) -> NodeId| {
        let mut builder = builder.clone();
        let node = make(&mut builder);
        builder.output("id", node).unwrap();
        assert_eq!(builder.build().outputs()[0].num_buckets, expected);
    };
    let lookup = |num_oov_buckets, default_value| {
        move |builder: &mut GraphBuilder| {
            let op = Op::Lookup { vocabulary, num_oov_buckets, default_value };
            builder.node(op, &[text]).unwrap()
        }
    };
    check(Some(3), &lookup(0, -1));
    check(Some(8), &lookup(5, -1));
    check(Some(8), &lookup(5, 100));
    check(Some(4), &lookup(0, 3));
    check(Some(7), &|b| b.node(Op::Hash { num_buckets: 7 }, &[text]).unwrap());
    check(Some(3), &|b| {
        let boundaries = Boundaries::new(vec![0.0, 1.0]).unwrap();
        b.node(Op::Bucketize(boundaries), &[number]).unwrap()
    });
    let filled = |with: i64| {
        move |b: &mut GraphBuilder| {
            let (id, with) = (lookup(0, -1)(b), b.literal(with).unwrap());
            b.node(Op::Coalesce, &[id, with]).unwrap()
        }
    };
    check(Some(3), &filled(0));
    check(Some(4), &filled(3));
    check(Some(3), &filled(-1));
    check(None, &|b| {
        let id = lookup(0, -1)(b);
        b.node(Op::Coalesce, &[id, int]).unwrap()
    });
    // Constants alone are not ids, as of a label.
    check(None, &|b| {
        let (one, zero) = (b.literal(1i64).unwrap(), b.literal(0i64).unwrap());
        b.node(Op::Select, &[condition, one, zero]).unwrap()
    });
    check(None, &|_| int);
}

#[test]
fn scaling_has_tf_transforms_formulas() {
    let scaled = |make: &dyn Fn(&mut GraphBuilder, NodeId) -> NodeId| {
        let mut builder = GraphBuilder::new();
        let x = builder.input("x", ValueType::Int).unwrap();
        let node = make(&mut builder, x);
        builder.output("out", node).unwrap();
        let x = crate::column(ValueType::Int, &[Literal::Int(5), Literal::Null(ValueType::Int)]);
        let batch = RecordBatch::try_from_iter([("x", x)]).unwrap();
        let out = builder.build().evaluate(&batch).unwrap();
        [0, 1].map(|row| crate::show(&crate::cell(&out[0], ValueType::Float, row))).join(" ")
    };
    let z = |mean, variance| scaled(&move |b, x| b.scale_to_z_score(x, mean, variance).unwrap());
    assert_eq!(z(3.0, 4.0), "1.0 null");
    assert_eq!(z(3.0, 0.0), "2.0 null");
    assert_eq!(z(3.0, f64::NAN), "2.0 null");
    let range = |range, output| scaled(&move |b, x| b.scale_by_min_max(x, range, output).unwrap());
    assert_eq!(range((1.0, 9.0), (0.0, 1.0)), "0.5 null");
    assert_eq!(range((1.0, 9.0), (-1.0, 1.0)), "0.0 null");
    assert_eq!(range((6.0, 7.0), (0.0, 1.0)), "-1.0 null");
    assert_eq!(range((5.0, 5.0), (0.0, 1.0)), format!("{} null", 1.0 / (1.0 + (-5f64).exp())));
}

#[test]
fn mistakes_are_told_in_the_types_of_the_caller() {
    let mut builder = GraphBuilder::new();
    let text = builder.input("text", ValueType::String).unwrap();
    let int = builder.input("int", ValueType::Int).unwrap();
    let told = |error: BuildError| error.to_string();
    assert_eq!(
        told(builder.node(Op::Ln, &[text]).unwrap_err()),
        "`ln` of STRING, expected one FLOAT"
    );
    assert_eq!(
        told(builder.node(Op::Divide, &[int, text]).unwrap_err()),
        "`divide` of INT, STRING, expected two FLOATs"
    );
    assert_eq!(
        told(builder.node(Op::Add, &[int]).unwrap_err()),
        "`add` of INT, expected two INTs or FLOATs"
    );
    assert_eq!(
        told(builder.input("int", ValueType::Float).unwrap_err()),
        "feature `int` is read as INT and as FLOAT"
    );
    assert_eq!(
        told(builder.node(Op::Hash { num_buckets: 0 }, &[text]).unwrap_err()),
        "`hash` into 0 buckets, expected 1 to 9223372036854775807"
    );
    builder.output("out", text).unwrap();
    assert_eq!(told(builder.output("out", int).unwrap_err()), "two outputs are named `out`");
    assert_eq!(
        told(Boundaries::new(vec![1.0, 0.5]).unwrap_err()),
        "boundary 1 is less than the one before it"
    );
    assert_eq!(told(Boundaries::new(vec![f64::NAN]).unwrap_err()), "boundary 0 is not a number");
}
