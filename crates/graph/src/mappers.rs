//! tf.Transform's mappers as compositions of operations, each formula in one place.

use crate::{BuildError, GraphBuilder, NodeId, Op, ValueType};

impl GraphBuilder {
    /// Returns the FLOAT `(x - mean) / sqrt(variance)`, or `x - mean` where the variance is 0, NaN or negative.
    ///
    /// Missing stays missing, NaN stays NaN. `x` is a number.
    ///
    /// # Errors
    ///
    /// As [`GraphBuilder::node`].
    ///
    /// # Source
    ///
    /// `tft.scale_to_z_score`: a constant column is centred and not divided.
    pub fn scale_to_z_score(
        &mut self,
        x: NodeId,
        mean: f64,
        variance: f64,
    ) -> Result<NodeId, BuildError> {
        let x = self.cast(x, ValueType::Float)?;
        let mean = self.literal(mean)?;
        let centred = self.node(Op::Subtract, &[x, mean])?;
        if variance > 0.0 {
            let std_dev = self.literal(variance.sqrt())?;
            self.node(Op::Divide, &[centred, std_dev])
        } else {
            Ok(centred)
        }
    }

    /// Returns the FLOAT `(x - min) / (max - min)` brought to the range from `output_min` to `output_max`.
    ///
    /// Where `min` is not less than `max` (a constant column, or one without values), it is `sigmoid(x)` that is
    /// brought to the range. Values outside of `[min, max]` are not clipped. Missing stays missing, NaN stays NaN.
    ///
    /// # Errors
    ///
    /// As [`GraphBuilder::node`].
    ///
    /// # Source
    ///
    /// `tft.scale_by_min_max`.
    pub fn scale_by_min_max(
        &mut self,
        x: NodeId,
        (min, max): (f64, f64),
        (output_min, output_max): (f64, f64),
    ) -> Result<NodeId, BuildError> {
        let x = self.cast(x, ValueType::Float)?;
        let unit = if min < max {
            let (min, range) = (self.literal(min)?, self.literal(max - min)?);
            let shifted = self.node(Op::Subtract, &[x, min])?;
            self.node(Op::Divide, &[shifted, range])?
        } else {
            self.node(Op::Sigmoid, &[x])?
        };
        let (range, offset) = (self.literal(output_max - output_min)?, self.literal(output_min)?);
        let scaled = self.node(Op::Multiply, &[unit, range])?;
        self.node(Op::Add, &[scaled, offset])
    }
}
