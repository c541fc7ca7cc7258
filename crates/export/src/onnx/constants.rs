//! What is the same for all rows, computed beforehand by the one evaluator.
//!
//! Not only to save work: ONNX Runtime folds constants too, and then takes a constant that is 1 in 32 bits for 1.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Float64Type, Int64Type, Schema};
use graph::{Graph, GraphBuilder, Literal, NodeId, Op, ValueType};

/// Returns the value of each node that has one for all rows.
pub(super) fn constants(graph: &Graph) -> Vec<Option<Literal>> {
    let mut builder = GraphBuilder::new();
    let mut folded: Vec<Option<NodeId>> = Vec::with_capacity(graph.nodes().len());
    for node in graph.nodes() {
        let operands: Option<Vec<NodeId>> =
            node.operands.iter().map(|operand| folded[operand.index()]).collect();
        folded.push(match (&node.op, operands) {
            // A vocabulary is not copied for one token.
            (Op::Input { .. } | Op::Lookup { .. }, _) | (_, None) => None,
            _ if node.shape.is_many() => None,
            (op, Some(operands)) => builder.node(op.clone(), &operands).ok(),
        });
    }
    for (place, node) in folded.iter().enumerate() {
        if let Some(node) = node {
            builder.output(&place.to_string(), *node).expect("places are all different");
        }
    }
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let row = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options)
        .expect("there are no columns that could be wrong");
    let values = builder.build().evaluate(&row);
    let mut values = values.iter().flatten();
    let types = graph.nodes().iter().map(|node| node.value_type);
    // Where constants grow beyond what the evaluator holds, there are none.
    let next = |(node, value_type): (Option<NodeId>, ValueType)| {
        node.and_then(|_| values.next()).map(|column| literal(column, value_type))
    };
    folded.into_iter().zip(types).map(next).collect()
}

/// Returns the value in the only row of a column.
fn literal(column: &ArrayRef, value_type: ValueType) -> Literal {
    if column.is_null(0) {
        return Literal::Null(value_type);
    }
    match value_type {
        ValueType::Int => Literal::Int(column.as_primitive::<Int64Type>().value(0)),
        ValueType::Float => Literal::Float(column.as_primitive::<Float64Type>().value(0)),
        ValueType::String => Literal::String(column.as_string::<i32>().value(0).to_owned()),
        ValueType::Bool => Literal::Bool(column.as_boolean().value(0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_no_input_is_computed_beforehand() {
        let mut builder = GraphBuilder::new();
        let (two, three) = (builder.literal(2i64).unwrap(), builder.literal(3i64).unwrap());
        let sum = builder.node(Op::Add, &[two, three]).unwrap();
        let x = builder.input("x", ValueType::Int).unwrap();
        let product = builder.node(Op::Multiply, &[sum, x]).unwrap();
        let text = builder.cast(sum, ValueType::String).unwrap();
        let hash = builder.node(Op::Hash { num_buckets: 1 }, &[text]).unwrap();
        for (name, node) in [("product", product), ("hash", hash)] {
            builder.output(name, node).unwrap();
        }
        let graph = builder.build();
        let found = constants(&graph);
        for (node, found) in graph.nodes().iter().zip(found) {
            let expected = match (&node.op, node.value_type) {
                (Op::Literal(literal), _) => Some(literal.clone()),
                (Op::Add, _) => Some(Literal::Int(5)),
                (Op::Cast { .. }, _) => Some(Literal::String("5".to_owned())),
                (Op::Hash { .. }, _) => Some(Literal::Int(0)),
                _ => None,
            };
            assert_eq!(found, expected, "{node:?}");
        }
    }
}
