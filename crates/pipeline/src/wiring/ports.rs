//! Inputs to outputs: by type, by key, or as the file says.

use std::collections::BTreeMap;
use std::sync::Arc;

use artifact::{Input, Kind, Registry};
use base::nearest;

use crate::definition::{Definition, Draft, DraftInput, snake_case};
use crate::mistake::Collector;

/// The wired inputs of one node: the node and the output behind each key.
pub(crate) type Wires = BTreeMap<&'static str, (usize, &'static str)>;

/// Wires all nodes; adds the nodes that others have use for by default.
pub(crate) fn wire(
    definition: &mut Definition,
    registry: &Registry,
    mistakes: &mut Collector,
) -> Vec<Wires> {
    let is_whole = definition.is_whole;
    let mut wiring = Wiring { nodes: &mut definition.nodes, registry, mistakes, is_whole };
    let mut wires: Vec<Wires> =
        (0..wiring.nodes.len()).map(|index| wiring.wire_node(index)).collect();
    wiring.add_providers(&mut wires);
    wires
}

struct Wiring<'a> {
    nodes: &'a mut Vec<Draft>,
    registry: &'a Registry,
    mistakes: &'a mut Collector,
    is_whole: bool,
}

/// What can be said about an input that the file does not wire.
enum Found {
    One(usize, &'static str),
    None,
    Several(Vec<(usize, &'static str)>),
}

impl Wiring<'_> {
    fn wire_node(&mut self, index: usize) -> Wires {
        let mut wires = Wires::new();
        let Some(component) = self.nodes[index].component.as_ref().map(Arc::clone) else {
            return wires;
        };
        let written = std::mem::take(&mut self.nodes[index].inputs);
        for input in &written {
            let port = component.inputs().iter().find(|port| port.key == input.key);
            match port {
                None => self.no_such_port(index, input, component.inputs()),
                Some(port) => {
                    if let Some(source) = self.explicit(index, input, port) {
                        wires.insert(port.key, source);
                    }
                }
            }
        }
        for port in component.inputs() {
            if written.iter().any(|input| input.key == port.key) {
                continue;
            }
            match self.by_type(index, port) {
                Found::One(node, output) => {
                    wires.insert(port.key, (node, output));
                }
                Found::Several(candidates) => self.ambiguous(index, port, &candidates),
                Found::None
                    if port.required && port.default_provider.is_none() && self.is_whole =>
                {
                    self.missing(index, port);
                }
                Found::None => {}
            }
        }
        self.nodes[index].inputs = written;
        wires
    }

    fn by_type(&self, index: usize, port: &Input) -> Found {
        let mut candidates = Vec::new();
        for (other, node) in self.nodes.iter().enumerate().filter(|(other, _)| *other != index) {
            let outputs = node.component.as_ref().map_or(&[][..], |component| component.outputs());
            let same = outputs.iter().filter(|output| output.artifact_type == port.artifact_type);
            candidates.extend(same.map(|output| (other, output.key)));
        }
        let by_key: Vec<_> =
            candidates.iter().copied().filter(|(_, key)| *key == port.key).collect();
        match (candidates.as_slice(), by_key.as_slice()) {
            (_, [(node, output)]) => Found::One(*node, output),
            ([(node, output)], []) if port.required => Found::One(*node, output),
            ([], _) => Found::None,
            (_, []) if !port.required => Found::None,
            (_, []) => Found::Several(candidates),
            _ => Found::Several(by_key),
        }
    }

    fn explicit(
        &mut self,
        index: usize,
        input: &DraftInput,
        port: &Input,
    ) -> Option<(usize, &'static str)> {
        let path = format!("nodes.{}.inputs.{}", self.nodes[index].id, input.key);
        let mut complain = |message: String, hint: Option<String>| {
            self.mistakes.add(input.place, format!("`{path}`: {message}"), hint);
        };
        let (id, key) = input.source.split_once('.').unwrap_or((&input.source, ""));
        let Some(source) = self.nodes.iter().position(|node| node.id == id) else {
            let near = nearest(id, self.nodes.iter().map(|node| node.id.as_str()));
            complain(
                format!("there is no node `{id}`"),
                near.map(|near| format!("did you mean `{near}`?")),
            );
            return None;
        };
        let outputs = self.nodes[source].component.as_ref()?.outputs();
        let Some(output) = outputs.iter().find(|output| output.key == key) else {
            let fitting = outputs.iter().find(|output| output.artifact_type == port.artifact_type);
            let near = nearest(key, outputs.iter().map(|output| output.key));
            let hint = near.or(fitting.map(|output| output.key));
            let hint = hint.map(|key| format!("did you mean `{id}.{key}`?"));
            if key.is_empty() {
                complain(format!("expected \"node.output\", found \"{id}\""), hint);
            } else {
                complain(format!("node `{id}` has no output `{key}`"), hint);
            }
            return None;
        };
        if output.artifact_type != port.artifact_type {
            let (expected, found) = (port.artifact_type.name, output.artifact_type.name);
            let message =
                format!("expected an output of type {expected}, `{id}.{key}` is of type {found}");
            let mut others = self.nodes.iter().enumerate().filter(|(other, _)| *other != index);
            let fitting = others.find_map(|(_, node)| {
                let mut outputs = node.component.as_ref()?.outputs().iter();
                let output = outputs.find(|output| output.artifact_type == port.artifact_type)?;
                Some(format!("`{}.{}` is one", node.id, output.key))
            });
            complain(message, fitting);
            return None;
        }
        if source == index {
            complain("a node cannot read its own output".to_owned(), None);
            return None;
        }
        Some((source, output.key))
    }

    fn no_such_port(&mut self, index: usize, input: &DraftInput, ports: &'static [Input]) {
        let message =
            format!("unknown input `nodes.{}.inputs.{}`", self.nodes[index].id, input.key);
        let hint = match nearest(&input.key, ports.iter().map(|port| port.key)) {
            Some(near) => Some(format!("did you mean `{near}`?")),
            None if ports.is_empty() => Some("this component has no inputs".to_owned()),
            None => {
                let keys: Vec<_> = ports.iter().map(|port| format!("`{}`", port.key)).collect();
                Some(format!("expected one of {}", keys.join(", ")))
            }
        };
        self.mistakes.add(input.key_place, message, hint);
    }

    fn ambiguous(&mut self, index: usize, port: &Input, candidates: &[(usize, &'static str)]) {
        let node = &self.nodes[index];
        let names: Vec<_> = candidates
            .iter()
            .map(|(other, key)| format!("`{}.{key}`", self.nodes[*other].id))
            .collect();
        let message =
            format!("node `{}`: its input `{}` could be {}", node.id, port.key, names.join(" or "));
        let first = names[0].trim_matches('`');
        let hint = format!("say which, such as `inputs.{} = \"{first}\"`", port.key);
        self.mistakes.add(node.place, message, Some(hint));
    }

    fn missing(&mut self, index: usize, port: &Input) {
        let node = &self.nodes[index];
        let message = format!(
            "node `{}`: no other node has the {} that its input `{}` needs",
            node.id, port.artifact_type.name, port.key
        );
        let makers = self.registry.iter().filter(|component| {
            component.outputs().iter().any(|output| output.artifact_type == port.artifact_type)
                && matches!(component.kind(), Kind::Executor(_))
                && node.component.as_ref().is_none_or(|own| own.name() != component.name())
        });
        let makers: Vec<_> =
            makers.map(|component| format!("`[nodes.{}]`", snake_case(component.name()))).collect();
        let hint = (!makers.is_empty()).then(|| format!("add {}", makers.join(" or ")));
        self.mistakes.add(node.place, message, hint);
    }

    /// Adds a node for each input that has a default provider and nothing else.
    fn add_providers(&mut self, wires: &mut Vec<Wires>) {
        // Provider nodes that were added, by component and wiring, so that equal ones are shared.
        let mut added: Vec<(&'static str, Wires, usize)> = Vec::new();
        for index in 0..wires.len() {
            let Some(component) = self.nodes[index].component.as_ref().map(Arc::clone) else {
                continue;
            };
            for port in component.inputs() {
                let is_written = self.nodes[index].inputs.iter().any(|input| input.key == port.key);
                let Some(provider) = port.default_provider else { continue };
                if wires[index].contains_key(port.key) || is_written {
                    continue;
                }
                let Some((name, output, provider_wires)) =
                    self.provider(index, port, provider, &wires[index])
                else {
                    if port.required && self.is_whole {
                        self.missing(index, port);
                    }
                    continue;
                };
                let same = added
                    .iter()
                    .find(|(other, wires, _)| *other == name && *wires == provider_wires);
                let node = match same {
                    Some((_, _, node)) => *node,
                    None => {
                        let node = self.add_node(index, name);
                        wires.push(provider_wires.clone());
                        added.push((name, provider_wires, node));
                        node
                    }
                };
                wires[index].insert(port.key, (node, output));
            }
        }
    }

    /// Returns a provider's name, its output and its wires. Inputs that both have are wired alike.
    fn provider(
        &self,
        index: usize,
        port: &Input,
        name: &str,
        wires: &Wires,
    ) -> Option<(&'static str, &'static str, Wires)> {
        let component = self.registry.get(name)?;
        let fits = |output: &&artifact::Output| output.artifact_type == port.artifact_type;
        let output = component.outputs().iter().find(fits)?;
        let own = self.nodes[index].component.as_ref()?.inputs();
        let mut provider_wires = Wires::new();
        for input in component.inputs() {
            let is_shared = own
                .iter()
                .any(|port| port.key == input.key && port.artifact_type == input.artifact_type);
            let source = if is_shared {
                wires.get(input.key).copied()
            } else {
                match self.by_type(index, input) {
                    Found::One(node, output) => Some((node, output)),
                    _ => None,
                }
            };
            match source {
                Some(source) => drop(provider_wires.insert(input.key, source)),
                None if input.required => return None,
                None => {}
            }
        }
        Some((component.name(), output.key, provider_wires))
    }

    fn add_node(&mut self, requirer: usize, component: &str) -> usize {
        let is_taken = |id: &str| self.nodes.iter().any(|node| node.id == id);
        let mut id = snake_case(component);
        if is_taken(&id) {
            id = format!("{id}_{}", self.nodes[requirer].id);
        }
        while is_taken(&id) {
            id.push('_');
        }
        self.nodes.push(Draft {
            id,
            place: self.nodes[requirer].place,
            component: self.registry.get(component).map(Arc::clone),
            config: crate::document::Table::default(),
            inputs: Vec::new(),
            cache: true,
            is_implicit: true,
        });
        self.nodes.len() - 1
    }
}
