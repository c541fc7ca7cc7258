//! What a checked call of a function of lists becomes.

use graph::{ListOp, Literal, Op, ValueType};

use super::Checker;
use super::call::Given;
use crate::functions::ListCode;
use crate::ir::NodeId;

impl Checker<'_> {
    pub(super) fn list(
        &mut self,
        code: ListCode,
        given: &[Given<'_>],
        value_type: Option<ValueType>,
    ) -> NodeId {
        let args: Vec<NodeId> = given.iter().flat_map(|given| &given.nodes).copied().collect();
        let number = |place: usize| given[place].int().and_then(|n| u32::try_from(n).ok());
        let text = |place: usize, default: &str| given[place].text().unwrap_or(default).to_owned();
        let op = match code {
            ListCode::Get | ListCode::Slice if given[1].int() == Some(0) => {
                let at = given[1].at().unwrap_or(0);
                let message = "places count from 1, or from -1 at the back: found 0".to_owned();
                self.report(at, message, None);
                return self.arena.mistake(value_type);
            }
            ListCode::Get => ListOp::Get { place: given[1].int().unwrap_or(1) },
            ListCode::Slice => ListOp::Slice {
                start: given[1].int().unwrap_or(1),
                length: given[2].int().and_then(|length| u64::try_from(length).ok()),
            },
            ListCode::Pad => return self.pad(&args, number(1).unwrap_or(0), given, value_type),
            ListCode::Join => ListOp::Join { separator: text(1, "") },
            ListCode::Split => ListOp::Split { separator: text(1, "") },
            ListCode::NGrams | ListCode::BagOfWords => {
                let (least, most) = (number(1).unwrap_or(1), number(2).unwrap_or(1));
                if least > most {
                    let at = given[1].at().unwrap_or(0);
                    let message =
                        format!("`least` is {least}, expected at most `most`, which is {most}");
                    self.report(at, message, None);
                    return self.arena.mistake(value_type);
                }
                ListOp::NGrams { least, most, separator: text(3, " ") }
            }
            ListCode::Cross => {
                let separator = text(2, "_x_");
                if args.iter().all(|arg| !self.arena.shape(*arg).is_many()) {
                    let separator = self.arena.literal(Literal::String(separator));
                    let front = self.arena.op(Op::Concat, vec![args[0], separator], value_type);
                    return self.arena.op(Op::Concat, vec![front, args[1]], value_type);
                }
                ListOp::Cross { separator }
            }
            ListCode::OneHot => ListOp::OneHot { depth: number(1).unwrap_or(0) },
            ListCode::MultiHot => ListOp::MultiHot { depth: number(1).unwrap_or(0) },
            ListCode::TermIds => ListOp::TermIds { size: number(1).unwrap_or(0) },
        };
        let node = self.arena.op(Op::OfList(op), args, value_type);
        if code == ListCode::BagOfWords {
            return self.arena.op(Op::OfList(ListOp::Distinct), vec![node], value_type);
        }
        node
    }

    fn pad(
        &mut self,
        args: &[NodeId],
        length: u32,
        given: &[Given<'_>],
        value_type: Option<ValueType>,
    ) -> NodeId {
        let Some(value) = self.arena.as_literal(args[1]).cloned() else {
            // A column of unknown type has been taken for what the constant is; nothing else is one.
            let at = given[2].at().unwrap_or(0);
            self.report(at, "argument `value` of `list_pad`: expected a constant".to_owned(), None);
            return self.arena.mistake(value_type);
        };
        self.arena.op(Op::OfList(ListOp::Pad { length, value }), vec![args[0]], value_type)
    }
}
