//! An endless, shuffled stream of blocks of tokens.

use std::sync::Arc;

use crate::{LoaderError, Permutation, TokenShards};

const MAGIC: [u8; 8] = *b"cuptok01";

/// How blocks are dealt out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenLoaderConfig {
    /// How many blocks a batch of one rank has.
    pub batch_size: usize,
    /// Which of the ranks this is.
    pub rank: usize,
    /// How many ranks there are.
    pub world_size: usize,
    /// Seeds the order; `None` reads the blocks as they come.
    pub seed: Option<u64>,
}

impl TokenLoaderConfig {
    /// Returns the settings of a loader that is alone.
    pub fn new(batch_size: usize, seed: Option<u64>) -> Self {
        Self { batch_size, rank: 0, world_size: 1, seed }
    }
}

/// An endless stream of batches of blocks, epoch after epoch, each with an order of its own.
///
/// All ranks together read the same blocks in a step, whatever their number, as long as `batch_size * world_size` is
/// the same: rank 0 the first `batch_size` of them, rank 1 the next. An epoch has every block once; the batch in which
/// one ends goes on with the next.
#[derive(Clone, Debug)]
pub struct TokenLoader {
    shards: Arc<TokenShards>,
    config: TokenLoaderConfig,
    /// How many blocks all ranks together have read.
    position: u64,
    /// The epoch that was read last, with its order.
    order: (u64, Permutation),
}

impl TokenLoader {
    /// Returns the stream from its beginning.
    ///
    /// # Errors
    ///
    /// [`LoaderError::Setting`].
    pub fn new(shards: Arc<TokenShards>, config: TokenLoaderConfig) -> Result<Self, LoaderError> {
        let setting = |setting, found: usize, expected: &str| {
            let (found, expected) = (found.to_string(), expected.to_owned());
            Err(LoaderError::Setting { setting, found, expected })
        };
        if !(1..=1 << 24).contains(&config.batch_size) {
            return setting("batch_size", config.batch_size, "between 1 and 16777216");
        }
        if config.rank >= config.world_size {
            return setting("rank", config.rank, "less than `world_size`");
        }
        let order = (0, Permutation::new(shards.num_blocks(), config.seed.unwrap_or(0), 0));
        Ok(Self { shards, config, position: 0, order })
    }

    /// Returns the shards that are read.
    pub fn shards(&self) -> &TokenShards {
        &self.shards
    }

    /// Replaces `tokens` with the next batch, shape `[batch_size, block_length + 1]`.
    ///
    /// # Errors
    ///
    /// [`LoaderError::Token`]; the position is then still that before the batch.
    pub fn next_batch(&mut self, tokens: &mut Vec<u32>) -> Result<(), LoaderError> {
        tokens.clear();
        let (batch_size, rank) = (self.config.batch_size as u64, self.config.rank as u64);
        let first = self.position + rank * batch_size;
        for place in first..first + batch_size {
            let block = self.block_at(place);
            self.shards.read(block, tokens)?;
        }
        self.position += batch_size * self.config.world_size as u64;
        Ok(())
    }

    /// Returns how many times all blocks were read, by all ranks together.
    #[expect(clippy::cast_precision_loss, reason = "a number to show")]
    pub fn epochs(&self) -> f64 {
        self.position as f64 / self.shards.num_blocks() as f64
    }

    /// Leaves out so many batches.
    pub fn skip(&mut self, num_batches: u64) {
        let global = (self.config.batch_size * self.config.world_size) as u64;
        self.position = self.position.saturating_add(num_batches.saturating_mul(global));
    }

    /// Returns the position as bytes, the same for all ranks, for [`TokenLoader::resume`].
    pub fn state(&self) -> Vec<u8> {
        let seed = self.config.seed.map_or(0, |seed| seed.wrapping_add(1));
        let numbers = [seed, self.shards.num_blocks(), self.position];
        MAGIC.into_iter().chain(numbers.into_iter().flat_map(u64::to_le_bytes)).collect()
    }

    /// Goes to a position that [`TokenLoader::state`] gave. The number of ranks may be another.
    ///
    /// # Errors
    ///
    /// [`LoaderError::Position`] when the bytes are not a position, or one of other shards or another seed.
    pub fn resume(&mut self, state: &[u8]) -> Result<(), LoaderError> {
        let wrong = |reason| Err(LoaderError::Position { reason });
        let Some(numbers) = state.strip_prefix(&MAGIC).filter(|rest| rest.len() == 24) else {
            return wrong("not what `state` gave");
        };
        let (numbers, _) = numbers.as_chunks();
        let [seed, num_blocks, position] =
            [0, 1, 2].map(|place| u64::from_le_bytes(numbers[place]));
        if seed != self.config.seed.map_or(0, |seed| seed.wrapping_add(1)) {
            return wrong("it has another seed");
        }
        if num_blocks != self.shards.num_blocks() {
            return wrong("it is of shards with another number of blocks");
        }
        self.position = position;
        Ok(())
    }

    fn block_at(&mut self, place: u64) -> u64 {
        let num_blocks = self.shards.num_blocks();
        let (epoch, place) = (place / num_blocks, place % num_blocks);
        let Some(seed) = self.config.seed else { return place };
        if self.order.0 != epoch {
            self.order = (epoch, Permutation::new(num_blocks, seed, epoch));
        }
        self.order.1.get(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write_token_shard;

    /// Shards of 10 and 7 blocks of one token, so that the first token of a block is its number.
    fn shards() -> Arc<TokenShards> {
        let dir = tempfile::tempdir().unwrap();
        write_token_shard(dir.path(), "a", 100, 1, &mut (0..11)).unwrap();
        write_token_shard(dir.path(), "b", 100, 1, &mut (10..18)).unwrap();
        Arc::new(TokenShards::open(dir.path()).unwrap())
    }

    fn batches(loader: &mut TokenLoader, count: usize) -> Vec<Vec<u32>> {
        let mut batch = Vec::new();
        let mut next = || {
            loader.next_batch(&mut batch).unwrap();
            batch.iter().step_by(2).copied().collect()
        };
        (0..count).map(|_| next()).collect()
    }

    #[test]
    fn an_epoch_has_every_block_once_in_an_order_of_its_own() {
        let mut loader = TokenLoader::new(shards(), TokenLoaderConfig::new(1, Some(5))).unwrap();
        let epochs: Vec<Vec<u32>> = (0..3).map(|_| batches(&mut loader, 17).concat()).collect();
        for epoch in &epochs {
            let mut sorted = epoch.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..17).collect::<Vec<_>>());
        }
        assert!(epochs[0] != epochs[1] && epochs[1] != epochs[2]);
        let mut plain = TokenLoader::new(shards(), TokenLoaderConfig::new(5, None)).unwrap();
        assert_eq!(batches(&mut plain, 4).concat(), (0..17).chain(0..3).collect::<Vec<_>>());
    }

    #[test]
    fn ranks_share_what_one_would_read() {
        let alone = TokenLoaderConfig::new(6, Some(2));
        let mut alone = TokenLoader::new(shards(), alone).unwrap();
        let config = |rank| TokenLoaderConfig { batch_size: 2, rank, world_size: 3, seed: Some(2) };
        let mut ranks: Vec<_> =
            (0..3).map(|rank| TokenLoader::new(shards(), config(rank)).unwrap()).collect();
        for _ in 0..10 {
            let together: Vec<_> = ranks.iter_mut().map(|rank| batches(rank, 1).concat()).collect();
            assert_eq!(together.concat(), batches(&mut alone, 1).concat());
        }
        assert_eq!(ranks[0].state(), alone.state());
    }

    #[test]
    fn a_resumed_loader_gives_what_the_other_would_have_given() {
        let config = TokenLoaderConfig::new(3, Some(9));
        let mut loader = TokenLoader::new(shards(), config).unwrap();
        batches(&mut loader, 23);
        let mut resumed = TokenLoader::new(shards(), config).unwrap();
        resumed.resume(&loader.state()).unwrap();
        let mut skipped = TokenLoader::new(shards(), config).unwrap();
        skipped.skip(23);
        let expected = batches(&mut loader, 9);
        assert_eq!(batches(&mut resumed, 9), expected);
        assert_eq!(batches(&mut skipped, 9), expected);

        let mut other = TokenLoader::new(shards(), TokenLoaderConfig::new(3, Some(8))).unwrap();
        assert!(other.resume(&loader.state()).is_err());
        for len in 0..loader.state().len() {
            assert!(resumed.resume(&loader.state()[..len]).is_err());
        }
    }

    #[test]
    fn settings_that_make_no_sense_are_named() {
        for (config, name) in [
            (TokenLoaderConfig::new(0, None), "batch_size"),
            (
                TokenLoaderConfig { rank: 2, world_size: 2, ..TokenLoaderConfig::new(1, None) },
                "rank",
            ),
        ] {
            let error = TokenLoader::new(shards(), config).unwrap_err();
            assert!(matches!(error, LoaderError::Setting { setting, .. } if setting == name));
        }
    }
}
