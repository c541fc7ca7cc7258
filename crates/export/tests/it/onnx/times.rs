//! Parts of times and beginnings of periods, from the first to the last point in time.

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use graph::{GraphBuilder, Op, Period, TimeOp, TimePart, TimeUnit, ValueType, Zone};

use crate::onnx::onnx_runtime::{self, Job};
use crate::onnx::skew::onnx_difference;
use crate::random_graphs::Draw;

/// Times around the ends of what there is, around years and leap days, and anywhere.
fn times() -> Vec<i64> {
    let mut times = vec![
        i64::MIN,
        i64::MIN + 1,
        i64::MAX,
        -1,
        0,
        1,
        -62_135_596_800,
        951_782_400,
        4_107_542_399,
    ];
    for end in [-377_705_023_201, 253_402_207_200] {
        for factor in [1, 1_000, 1_000_000] {
            times.extend((-2..=2).map(|beside| end * factor + beside));
            times.extend([end * factor + factor - 1, end * factor + factor]);
        }
    }
    let mut draw = Draw::new(1);
    for year in 0..60 {
        // About the turns of years, in seconds.
        times.extend((0..3).map(|_| year * 31_556_952 + draw.one(-600_000i64..200_000)));
    }
    times.extend((0..60).map(|_| draw.one(i64::MIN..i64::MAX)));
    times.extend((0..60).map(|_| draw.one(-377_705_023_201i64..377_705_023_201)));
    times
}

#[test]
fn parts_of_times_are_the_same() {
    let Some(python) = onnx_runtime::python() else { return };
    let mut builder = GraphBuilder::new();
    let time = builder.input("time", ValueType::Int).unwrap();
    let mut nodes = vec![time];
    let zones = ["UTC", "+05:30", "-08:00"].map(|name| Zone::new(name).unwrap());
    let units =
        [TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond];
    let parts = [
        TimePart::Year,
        TimePart::IsoYear,
        TimePart::Quarter,
        TimePart::Month,
        TimePart::Week,
        TimePart::Day,
        TimePart::DayOfWeek,
        TimePart::IsoDayOfWeek,
        TimePart::DayOfYear,
        TimePart::Hour,
        TimePart::Minute,
        TimePart::Second,
    ];
    let periods = [
        Period::Year,
        Period::Quarter,
        Period::Month,
        Period::Week,
        Period::Day,
        Period::Hour,
        Period::Minute,
        Period::Second,
    ];
    for (place, unit) in units.into_iter().enumerate() {
        for zone in &zones[..1 + place % 3] {
            for part in parts {
                let op = TimeOp::Part { part, zone: zone.clone(), unit };
                nodes.push(builder.node(Op::Time(op), &[time]).unwrap());
            }
            for period in periods {
                let op = TimeOp::Truncate { period, zone: zone.clone(), unit };
                nodes.push(builder.node(Op::Time(op), &[time]).unwrap());
            }
        }
    }
    for node in &nodes {
        builder.output(&format!("node {}", node.index()), *node).unwrap();
    }
    let graph = builder.build();
    let column = Arc::new(Int64Array::from(times()));
    let rows = RecordBatch::try_from_iter([("time", column as _)]).unwrap();
    let results = onnx_runtime::run(&python, &[Job::new(&graph, &rows)]);
    assert_eq!(onnx_difference(&graph, &rows, &results[0]), None);
}
