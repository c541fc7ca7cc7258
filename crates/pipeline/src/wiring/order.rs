//! The order in which nodes can run: after all that they read, and after the gates that judge what they read.

use crate::definition::Draft;
use crate::mistake::Collector;
use crate::wiring::Wires;

/// Returns the nodes that can run, each after those it reads from; otherwise in the order of the file, a node
/// that was added right before the one that it was added for. Circles are reported, and left out with what
/// depends on them.
pub(crate) fn order(nodes: &[Draft], wires: &[Wires], mistakes: &mut Collector) -> Vec<usize> {
    let rank = |index: usize| {
        let requirer = if nodes[index].is_implicit {
            let readers =
                (0..nodes.len()).filter(|&other| reads(wires, other).any(|from| from == index));
            readers.min().unwrap_or(index)
        } else {
            index
        };
        (requirer, !nodes[index].is_implicit, index)
    };
    let mut waiting: Vec<usize> = (0..nodes.len()).collect();
    waiting.sort_by_key(|&index| rank(index));
    let mut ordered: Vec<usize> = Vec::new();
    while let Some(at) =
        waiting.iter().position(|&index| reads(wires, index).all(|from| ordered.contains(&from)))
    {
        ordered.push(waiting.remove(at));
    }
    report_circles(nodes, wires, &waiting, mistakes);
    ordered
}

fn reads(wires: &[Wires], index: usize) -> impl Iterator<Item = usize> {
    wires[index].values().map(|(from, _)| *from)
}

fn report_circles(nodes: &[Draft], wires: &[Wires], waiting: &[usize], mistakes: &mut Collector) {
    let mut seen: Vec<usize> = Vec::new();
    for &start in waiting {
        let mut path = Vec::new();
        let mut at = start;
        // Every waiting node reads from a waiting one, so this comes back to itself or to what was seen.
        while !path.contains(&at) && !seen.contains(&at) {
            path.push(at);
            let Some(next) = reads(wires, at).find(|from| waiting.contains(from)) else { break };
            at = next;
        }
        if let Some(begin) = path.iter().position(|&index| index == at) {
            // The path goes from readers to what they read; people think the other way.
            let mut circle: Vec<usize> = path[begin..].iter().rev().copied().collect();
            let first =
                circle.iter().position(|index| Some(index) == circle.iter().min()).unwrap_or(0);
            circle.rotate_left(first);
            circle.push(circle[0]);
            let ids: Vec<_> =
                circle.iter().map(|&index| format!("`{}`", nodes[index].id)).collect();
            let message = format!("these nodes wait for one another: {}", ids.join(" -> "));
            mistakes.add(nodes[circle[0]].place, message, None);
        }
        seen.extend(path);
    }
}

/// Returns for each node the gates that it waits for, besides what it reads.
///
/// `reads` and `is_gate` are by node, in an order in which nodes can run. A gate judges what it was made from:
/// every node that depends on any of that waits for its answer, except those that the gate itself needs.
pub(crate) fn gates(reads: &[Vec<usize>], is_gate: &[bool]) -> Vec<Vec<usize>> {
    let count = reads.len();
    let mut waits: Vec<Vec<usize>> = vec![Vec::new(); count];
    for gate in (0..count).filter(|&index| is_gate[index]) {
        let needed = ancestors(gate, reads, &waits);
        let judged = ancestors(gate, reads, &vec![Vec::new(); count]);
        for (node, wait) in (0..count).map(|node| (node, ancestors(node, reads, &[]))) {
            let depends = wait.iter().zip(&judged).any(|(one, other)| *one && *other);
            if node != gate && depends && !needed[node] && !wait[gate] {
                waits[node].push(gate);
            }
        }
    }
    waits
}

/// Returns the nodes so that each comes after what it reads and what it waits for; otherwise as they are.
pub(crate) fn sorted(reads: &[Vec<usize>], waits: &[Vec<usize>]) -> Vec<usize> {
    let mut waiting: Vec<usize> = (0..reads.len()).collect();
    let mut ordered: Vec<usize> = Vec::new();
    let is_ready = |node: usize, ordered: &[usize]| {
        reads[node].iter().chain(&waits[node]).all(|from| ordered.contains(from))
    };
    while let Some(at) = waiting.iter().position(|&node| is_ready(node, &ordered)) {
        ordered.push(waiting.remove(at));
    }
    ordered
}

/// Returns which nodes a node comes after, by what it reads and by the gates it waits for.
fn ancestors(node: usize, reads: &[Vec<usize>], waits: &[Vec<usize>]) -> Vec<bool> {
    let mut found = vec![false; reads.len()];
    let mut todo = vec![node];
    while let Some(at) = todo.pop() {
        let gates = waits.get(at).map_or(&[][..], Vec::as_slice);
        for &from in reads[at].iter().chain(gates) {
            if !found[from] {
                found[from] = true;
                todo.push(from);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_gate_judges_waits_for_it() {
        // example_gen, statistics_gen, schema_gen, example_validator, transform, trainer
        let reads = [vec![], vec![0], vec![1], vec![1, 2], vec![0, 2], vec![4]];
        let is_gate = [false, false, false, true, false, false];
        assert_eq!(gates(&reads, &is_gate), [vec![], vec![], vec![], vec![], vec![3], vec![3]]);
    }

    #[test]
    fn what_has_nothing_to_do_with_a_gate_does_not_wait() {
        let reads = [vec![], vec![0], vec![], vec![2]];
        assert!(gates(&reads, &[false, true, false, false]).iter().all(Vec::is_empty));
    }

    #[test]
    fn gates_never_wait_for_one_another_in_a_circle() {
        // Two gates over the same data, each with a helper of its own.
        let reads = [vec![], vec![0], vec![0], vec![1], vec![2], vec![0]];
        let waits = gates(&reads, &[false, false, false, true, true, false]);
        assert_eq!(waits[5], [3, 4]);
        for node in 0..reads.len() {
            assert!(!ancestors(node, &reads, &waits)[node], "{node} waits for itself");
        }
    }
}
