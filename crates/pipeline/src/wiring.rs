//! Which output each input takes, in which order nodes can run, and which nodes wait for a gate.

mod order;
mod ports;

pub(crate) use order::{gates, order, sorted};
pub(crate) use ports::{Wires, wire};
