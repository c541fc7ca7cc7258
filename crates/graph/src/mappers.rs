//! tf.Transform's mappers as compositions of operations, each formula in one place.

use crate::{Boundaries, BuildError, GraphBuilder, NodeId, Op, Table, ValueType};

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

    /// Returns the FLOAT `(x - mean) / sqrt(variance)` with the mean and variance of the key at an INT `place`.
    ///
    /// As [`GraphBuilder::scale_to_z_score`]; where there is no such key, `x` itself.
    ///
    /// # Errors
    ///
    /// As [`GraphBuilder::node`].
    ///
    /// # Source
    ///
    /// `tft.scale_to_z_score_per_key`.
    pub fn scale_to_z_score_per_key(
        &mut self,
        x: NodeId,
        place: NodeId,
        mean_and_variance: &[(f64, f64)],
    ) -> Result<NodeId, BuildError> {
        let x = self.cast(x, ValueType::Float)?;
        let means = mean_and_variance.iter().map(|&(mean, _)| Some(mean));
        let divisor =
            |&(_, variance): &(f64, f64)| Some(if variance > 0.0 { variance.sqrt() } else { 1.0 });
        let divisors = Table::floats(mean_and_variance.iter().map(divisor), Some(1.0));
        let mean = self.node(Op::Gather(Table::floats(means, Some(0.0))), &[place])?;
        let divisor = self.node(Op::Gather(divisors), &[place])?;
        let centred = self.node(Op::Subtract, &[x, mean])?;
        self.node(Op::Divide, &[centred, divisor])
    }

    /// Returns the FLOAT `x` brought to a range by the least and greatest value of the key at an INT `place`.
    ///
    /// As [`GraphBuilder::scale_by_min_max`]; where there is no such key it is the sigmoid that is brought to the
    /// range.
    ///
    /// # Errors
    ///
    /// As [`GraphBuilder::node`].
    ///
    /// # Source
    ///
    /// `tft.scale_by_min_max_per_key`.
    pub fn scale_by_min_max_per_key(
        &mut self,
        x: NodeId,
        place: NodeId,
        min_and_max: &[(f64, f64)],
        (output_min, output_max): (f64, f64),
    ) -> Result<NodeId, BuildError> {
        let x = self.cast(x, ValueType::Float)?;
        let has_range = |&(min, max): &(f64, f64)| min < max;
        let ranges = min_and_max.iter().map(|pair| Some(has_range(pair)));
        let mins = min_and_max.iter().map(|&(min, _)| Some(min));
        let widths = min_and_max
            .iter()
            .map(|pair| Some(if has_range(pair) { pair.1 - pair.0 } else { 1.0 }));
        let has_range = self.node(Op::Gather(Table::bools(ranges, Some(false))), &[place])?;
        let min = self.node(Op::Gather(Table::floats(mins, Some(0.0))), &[place])?;
        let width = self.node(Op::Gather(Table::floats(widths, Some(1.0))), &[place])?;
        let shifted = self.node(Op::Subtract, &[x, min])?;
        let scaled = self.node(Op::Divide, &[shifted, width])?;
        let sigmoid = self.node(Op::Sigmoid, &[x])?;
        let unit = self.node(Op::Select, &[has_range, scaled, sigmoid])?;
        let range = self.literal(output_max - output_min)?;
        let brought = self.node(Op::Multiply, &[unit, range])?;
        // A missing place has chosen the sigmoid; the offset is missing there.
        let offset = self.node(Op::Gather(Table::floats([], Some(output_min))), &[place])?;
        self.node(Op::Add, &[brought, offset])
    }

    /// Returns the FLOAT of a standard normal distribution that Tukey's HH distribution makes `x` of.
    ///
    /// With `y = (x - location) / scale`, undivided where the scale is 0, it is `sqrt(W(h y^2) / h)` with the sign of
    /// `y`, where `h` is the left parameter for negative `y` and the right one for others; `y` itself where
    /// `h y^2 < 1e-7`. Missing stays missing, NaN stays NaN.
    ///
    /// # Errors
    ///
    /// As [`GraphBuilder::node`].
    ///
    /// # Source
    ///
    /// `tft.scale_to_gaussian`.
    pub fn inverse_tukey_hh(
        &mut self,
        x: NodeId,
        (location, scale): (f64, f64),
        (left, right): (f64, f64),
    ) -> Result<NodeId, BuildError> {
        let x = self.cast(x, ValueType::Float)?;
        let location = self.literal(location)?;
        let mut y = self.node(Op::Subtract, &[x, location])?;
        if scale != 0.0 {
            let scale = self.literal(scale)?;
            y = self.node(Op::Divide, &[y, scale])?;
        }
        let zero = self.literal(0.0)?;
        let is_left = self.node(Op::Less, &[y, zero])?;
        let negated = self.node(Op::Negate, &[y])?;
        let on_left = self.one_side(negated, left)?;
        let on_left = self.node(Op::Negate, &[on_left])?;
        let on_right = self.one_side(y, right)?;
        self.node(Op::Select, &[is_left, on_left, on_right])
    }

    fn one_side(&mut self, y: NodeId, h: f64) -> Result<NodeId, BuildError> {
        if h == 0.0 {
            return Ok(y);
        }
        let (factor, least) = (self.literal(h)?, self.literal(1e-7)?);
        let square = self.node(Op::Multiply, &[y, y])?;
        let argument = self.node(Op::Multiply, &[factor, square])?;
        let w = self.node(Op::LambertW, &[argument])?;
        let quotient = self.node(Op::Divide, &[w, factor])?;
        let root = self.node(Op::Sqrt, &[quotient])?;
        let is_small = self.node(Op::Less, &[argument, least])?;
        self.node(Op::Select, &[is_small, y, root])
    }

    /// Returns the FLOAT from 0 to 1 that says where among some boundaries a number is.
    ///
    /// The `i`-th of `n` boundaries, from 0, is at `i / (n - 1)`, numbers between two of them in proportion, those
    /// before the first at 0, those behind the last at 1. With one boundary it is 0 below and 1 from it on. NaN is at
    /// 0.5, missing stays missing. Infinite boundaries do not count; without any others everything is at 0.5.
    ///
    /// # Errors
    ///
    /// As [`GraphBuilder::node`].
    ///
    /// # Source
    ///
    /// `tft.apply_buckets_with_interpolation`.
    pub fn apply_buckets_with_interpolation(
        &mut self,
        x: NodeId,
        boundaries: &Boundaries,
    ) -> Result<NodeId, BuildError> {
        let x = self.cast(x, ValueType::Float)?;
        let finite: Vec<f64> =
            boundaries.values().iter().copied().filter(|boundary| boundary.is_finite()).collect();
        let half = self.literal(0.5)?;
        let (first, last) = match finite.as_slice() {
            [] => {
                let nowhere = self.node(Op::Bucketize(Boundaries::new(Vec::new())?), &[x])?;
                return self.node(Op::Gather(Table::floats([], Some(0.5))), &[nowhere]);
            }
            [only] => {
                let bucket = self.node(Op::Bucketize(Boundaries::new(vec![*only])?), &[x])?;
                let unit = self.cast(bucket, ValueType::Float)?;
                let is_nan = self.node(Op::IsNan, &[x])?;
                return self.node(Op::Select, &[is_nan, half, unit]);
            }
            [first, .., last] => (self.literal(*first)?, self.literal(*last)?),
        };
        let clipped = self.node(Op::Greatest, &[x, first])?;
        let clipped = self.node(Op::Least, &[clipped, last])?;
        let bucket = self.node(Op::Bucketize(Boundaries::new(finite.clone())?), &[clipped])?;
        // Clipped numbers are in buckets 1 to n; the last one holds the last boundary alone.
        let lows = [finite[0]].into_iter().chain(finite.iter().copied()).map(Some);
        let width = |pair: &[f64]| if pair[0] < pair[1] { pair[1] - pair[0] } else { 1.0 };
        let widths = [1.0].into_iter().chain(finite.windows(2).map(width)).map(Some);
        let low = self.node(Op::Gather(Table::floats(lows, Some(0.0))), &[bucket])?;
        let width = self.node(Op::Gather(Table::floats(widths, Some(1.0))), &[bucket])?;
        let within = self.node(Op::Subtract, &[clipped, low])?;
        let within = self.node(Op::Divide, &[within, width])?;
        let num_before = self.cast(bucket, ValueType::Float)?;
        let one = self.literal(1.0)?;
        let num_before = self.node(Op::Subtract, &[num_before, one])?;
        let place = self.node(Op::Add, &[num_before, within])?;
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53 boundaries")]
        let num_widths = self.literal((finite.len() - 1) as f64)?;
        let unit = self.node(Op::Divide, &[place, num_widths])?;
        // Where the first boundary repeats, what was clipped to it is not in its first bucket.
        let (is_below, zero) = (self.node(Op::Less, &[x, first])?, self.literal(0.0)?);
        let unit = self.node(Op::Select, &[is_below, zero, unit])?;
        let is_nan = self.node(Op::IsNan, &[x])?;
        self.node(Op::Select, &[is_nan, half, unit])
    }
}
