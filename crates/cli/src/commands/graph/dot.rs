//! A graph as Graphviz draws it.

use std::fmt::Write as _;

use graph::{Graph, Op};

/// Returns a graph in Graphviz's language: raw features above, what is made of them below.
pub(super) fn dot(graph: &Graph) -> String {
    let mut text = String::from(
        "digraph transform {\n  rankdir=TB;\n  node [fontname=\"sans-serif\", fontsize=11];\n",
    );
    for (index, node) in graph.nodes().iter().enumerate() {
        let (label, shape) = match &node.op {
            Op::Input { name, .. } => (format!("{name}\n{}", node.node_type()), "box"),
            Op::Literal(_) => (node.constants().map_or(String::new(), |c| c.to_string()), "plain"),
            op => (op.name().to_owned(), "ellipse"),
        };
        let _ = writeln!(text, "  n{index} [label={}, shape={shape}];", quoted(&label));
        for operand in &node.operands {
            let _ = writeln!(text, "  n{} -> n{index};", operand.index());
        }
    }
    for (index, (output, node)) in graph.outputs().iter().zip(graph.output_nodes()).enumerate() {
        let label = quoted(&format!("{}\n{}", output.name, output.node_type()));
        let _ = writeln!(text, "  o{index} [label={label}, shape=box, style=filled];");
        let _ = writeln!(text, "  n{} -> o{index};", node.index());
    }
    text.push_str("}\n");
    text
}

/// Returns a text as Graphviz reads it.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{escaped}\"")
}
