//! What was learned of keys, by their places, and mappers made of it.

use arrow::array::RecordBatch;
use graph::Literal::{Float, Int, Null};
use graph::{Boundaries, Graph, GraphBuilder, KeyedBoundaries, Literal, Op, Table, ValueType};

use crate::{cell, column, compute, show};

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

fn tables() -> [Table; 3] {
    [
        Table::floats([Some(1.5), None, Some(NAN)], Some(-0.0)),
        Table::ints([Some(i64::MIN), None], None),
        Table::bools([Some(true), Some(false), None], Some(true)),
    ]
}

fn boundaries() -> KeyedBoundaries {
    let keys = [vec![0.0, 1.0, 1.0], vec![], vec![-INF, INF]];
    KeyedBoundaries::new(keys.map(|key| Boundaries::new(key).unwrap()).to_vec())
}

#[test]
fn constants_are_found_by_place_and_others_are_the_default() {
    let places = [Int(0), Int(1), Int(2), Int(3), Int(-1), Int(i64::MIN), Null(ValueType::Int)];
    let rows: Vec<&[Literal]> = places.iter().map(std::slice::from_ref).collect();
    let shown =
        tables().map(|table| compute(&Op::Gather(table), &[ValueType::Int], &rows).join(" "));
    assert_eq!(shown[0], "1.5 null NaN -0.0 -0.0 -0.0 null");
    assert_eq!(shown[1], "-9223372036854775808 null null null null null null");
    assert_eq!(shown[2], "true false null true true true null");
}

#[test]
fn each_key_has_its_own_buckets() {
    let row = |x: f64, place: i64| [Float(x), Int(place)];
    let mut rows =
        vec![row(-1.0, 0), row(0.0, 0), row(0.5, 0), row(1.0, 0), row(NAN, 0), row(7.0, 1)];
    rows.extend([row(-INF, 2), row(INF, 2), row(NAN, 2), row(0.0, 3), row(0.0, -1)]);
    rows.extend([[Null(ValueType::Float), Int(0)], [Float(0.0), Null(ValueType::Int)]]);
    let rows: Vec<&[Literal]> = rows.iter().map(|row| row.as_slice()).collect();
    let op = Op::BucketizePerKey(boundaries());
    let shown = compute(&op, &[ValueType::Float, ValueType::Int], &rows).join(" ");
    assert_eq!(shown, "0 1 1 3 3 0 1 2 2 -1 -1 null null");
}

#[test]
fn lambert_w_undoes_what_it_undoes() {
    let xs = [0.0, 1e-300, 1e-9, 0.1, 0.3678, 0.5, 1.0, 2.7, 2.8, 10.0, 1e5, 1e300];
    let rows: Vec<[Literal; 1]> = xs.iter().map(|&x| [Float(x)]).collect();
    let rows: Vec<&[Literal]> = rows.iter().map(|row| row.as_slice()).collect();
    for (x, shown) in xs.iter().zip(compute(&Op::LambertW, &[ValueType::Float], &rows)) {
        let w: f64 = shown.parse().unwrap();
        // The logarithm's own error grows by the factor of its argument.
        assert!((w * w.exp() - x).abs() <= 1e-13 * (1.0 + w.abs()) * x.abs(), "W({x}) = {w}");
    }
    let edges = [[Float(-1e-9)], [Float(INF)], [Float(NAN)], [Null(ValueType::Float)]];
    let rows: Vec<&[Literal]> = edges.iter().map(|row| row.as_slice()).collect();
    assert_eq!(compute(&Op::LambertW, &[ValueType::Float], &rows).join(" "), "NaN NaN NaN null");
}

/// A graph with all of it, of a number and a place.
fn mappers() -> Graph {
    let mut builder = GraphBuilder::new();
    let x = builder.input("x", ValueType::Float).unwrap();
    let place = builder.input("place", ValueType::Int).unwrap();
    let z = builder.scale_to_z_score_per_key(x, place, &[(1.0, 4.0), (2.0, 0.0)]).unwrap();
    let ranges = [(0.0, 4.0), (2.0, 2.0)];
    let unit = builder.scale_by_min_max_per_key(x, place, &ranges, (-1.0, 1.0)).unwrap();
    let [floats, ints, bools] = tables();
    let outputs = [
        ("z", Ok(z)),
        ("unit", Ok(unit)),
        ("float", builder.node(Op::Gather(floats), &[place])),
        ("int", builder.node(Op::Gather(ints), &[place])),
        ("bool", builder.node(Op::Gather(bools), &[place])),
        ("bucket", builder.node(Op::BucketizePerKey(boundaries()), &[x, place])),
        ("w", builder.node(Op::LambertW, &[x])),
    ];
    for (name, node) in outputs {
        builder.output(name, node.unwrap()).unwrap();
    }
    builder.build()
}

fn evaluated(graph: &Graph, rows: &[[Literal; 2]], name: &str) -> String {
    let columns = [("x", ValueType::Float, 0), ("place", ValueType::Int, 1)];
    let columns = columns.map(|(name, value_type, at)| {
        (name, column(value_type, &rows.iter().map(|row| row[at].clone()).collect::<Vec<_>>()))
    });
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let at = graph.outputs().iter().position(|output| output.name == name).unwrap();
    let values = &graph.evaluate(&batch).unwrap()[at];
    let value_type = graph.outputs()[at].value_type;
    let shown: Vec<_> = (0..rows.len()).map(|row| show(&cell(values, value_type, row))).collect();
    shown.join(" ")
}

#[test]
fn keys_are_scaled_by_what_is_known_of_them_and_unknown_ones_not() {
    let rows = [
        [Float(5.0), Int(0)],
        [Float(5.0), Int(1)],
        [Float(0.0), Int(-1)],
        [Float(5.0), Null(ValueType::Int)],
        [Null(ValueType::Float), Int(0)],
        [Float(NAN), Int(0)],
    ];
    let graph = mappers();
    assert_eq!(evaluated(&graph, &rows, "z"), "2.0 3.0 0.0 null null NaN");
    assert_eq!(evaluated(&graph, &rows, "unit"), "1.5 0.9866142981514305 0.0 null null NaN");
    assert_eq!(graph.outputs()[5].num_buckets, Some(4));
}

#[test]
fn a_graph_of_keys_is_read_back_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    mappers().save(dir.path()).unwrap();
    assert_eq!(Graph::load(dir.path()).unwrap(), mappers());
    let whole = serde_json::to_string(&mappers()).unwrap();
    assert_eq!(serde_json::from_str::<Graph>(&whole).unwrap(), mappers());
}

fn interpolated(values: &[f64]) -> String {
    let mut builder = GraphBuilder::new();
    let x = builder.input("x", ValueType::Float).unwrap();
    let boundaries = Boundaries::new(values.to_vec()).unwrap();
    let node = builder.apply_buckets_with_interpolation(x, &boundaries).unwrap();
    builder.output("y", node).unwrap();
    let xs = [-INF, 0.0, 1.0, 2.0, 3.0, 5.0, 9.0, INF, NAN];
    let mut rows: Vec<_> = xs.map(|x| [Float(x), Int(0)]).to_vec();
    rows.push([Null(ValueType::Float), Int(0)]);
    evaluated(&builder.build(), &rows, "y")
}

#[test]
fn numbers_between_boundaries_are_in_proportion() {
    let between = "0.0 0.0 0.0 0.25 0.5 0.75 1.0 1.0 0.5 null";
    assert_eq!(interpolated(&[1.0, 3.0, 7.0]), between);
    assert_eq!(interpolated(&[-INF, 1.0, 3.0, 7.0, INF]), between);
    assert_eq!(interpolated(&[1.0, 1.0]), "0.0 0.0 1.0 1.0 1.0 1.0 1.0 1.0 0.5 null");
    assert_eq!(interpolated(&[2.0]), "0.0 0.0 0.0 1.0 1.0 1.0 1.0 1.0 0.5 null");
    assert_eq!(interpolated(&[]), "0.5 0.5 0.5 0.5 0.5 0.5 0.5 0.5 0.5 null");
}
