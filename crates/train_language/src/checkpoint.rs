//! What is in a checkpoint of a training.

use base::Unusable;
use serde::{Deserialize, Serialize};

const MAGIC: &[u8; 8] = b"cuplm001";

/// What a training needs to go on as if it had not been interrupted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Checkpoint {
    /// Everything but the numbers below.
    pub(crate) state: State,
    /// The weights.
    pub(crate) weights: Vec<f32>,
    /// The running means of the gradients.
    pub(crate) mean: Vec<f32>,
    /// The running means of their squares.
    pub(crate) square: Vec<f32>,
}

/// Where a training is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct State {
    /// What the training depends on, as a digest: configuration and tokens.
    pub(crate) training: String,
    /// How many steps are done.
    pub(crate) step: u64,
    /// How many batches were left out after rollbacks.
    pub(crate) skipped: u64,
    /// How many times the training went back to a checkpoint.
    pub(crate) rollbacks: u32,
    /// The last losses, for the detection of spikes.
    pub(crate) losses: Vec<f64>,
    /// The loss curve: step, training loss, evaluation loss.
    pub(crate) history: Vec<(u64, f64, Option<f64>)>,
    /// The sum and number of the losses since the curve's last point.
    pub(crate) since: (f64, u64),
}

impl Checkpoint {
    /// Returns the bytes of a checkpoint: 8 that name the format, the length of the state as JSON (8 bytes), the state, the
    /// number of weights (8 bytes), weights, means and squares in single precision.
    pub(crate) fn bytes(state: &State, numbers: [&[f32]; 3]) -> Vec<u8> {
        let text = serde_json::to_vec(state).expect("numbers and a text are JSON");
        let mut bytes = Vec::with_capacity(text.len() + numbers[0].len() * 12 + 128);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&text);
        bytes.extend_from_slice(&(numbers[0].len() as u64).to_le_bytes());
        for values in numbers {
            bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        }
        bytes
    }

    /// Reads what [`Checkpoint::bytes`] wrote after a step.
    pub(crate) fn read(step: u64, bytes: &[u8]) -> Result<Self, Unusable> {
        parse(bytes).filter(|found| found.state.step == step).ok_or(Unusable::Damaged)
    }
}

fn parse(bytes: &[u8]) -> Option<Checkpoint> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (text, rest) = counted(rest, 1)?;
    let state = serde_json::from_slice(text).ok()?;
    let (count, _) = rest.split_first_chunk::<8>()?;
    let count = usize::try_from(u64::from_le_bytes(*count)).ok()?;
    let (numbers, rest) = counted(rest, 12)?;
    let values = |place: usize| {
        let part = &numbers[place * count * 4..(place + 1) * count * 4];
        part.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
    };
    rest.is_empty().then(|| Checkpoint {
        state,
        weights: values(0),
        mean: values(1),
        square: values(2),
    })
}

/// Splits off what a length says that there is, each of `width` bytes.
fn counted(bytes: &[u8], width: usize) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk::<8>()?;
    let len = usize::try_from(u64::from_le_bytes(*len)).ok()?.checked_mul(width)?;
    rest.split_at_checked(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_nothing_else() {
        let state = State { step: 7, losses: vec![0.1, 3.25], ..State::default() };
        let values = [1.5, f32::MIN_POSITIVE, -0.0];
        let bytes = Checkpoint::bytes(&state, [&values, &[1.0; 3], &[2.0; 3]]);
        let found = Checkpoint::read(7, &bytes).unwrap();
        assert_eq!((found.state, found.mean, found.square), (state, vec![1.0; 3], vec![2.0; 3]));
        let bits: Vec<u32> = found.weights.into_iter().map(f32::to_bits).collect();
        assert_eq!(bits, values.map(f32::to_bits));
        assert_eq!(Checkpoint::read(8, &bytes).unwrap_err(), Unusable::Damaged);
        for length in 0..bytes.len() {
            assert!(Checkpoint::read(7, &bytes[..length]).is_err(), "cut at {length}");
        }
    }
}
