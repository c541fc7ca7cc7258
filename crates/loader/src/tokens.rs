//! Token shards on disk: what a language model is trained on.
//!
//! A shard is two files of one name. `NAME.tokens` holds the tokens one behind the other, little-endian, two bytes
//! each if the vocabulary has at most 65,536 tokens and four if it has more. `NAME.tokens.json`, written after it,
//! says what they are:
//!
//! ```json
//! { "version": 1, "vocabulary_size": 50257, "token_bytes": 2, "num_tokens": 1000000, "block_length": 1024 }
//! ```
//!
//! A block is `block_length + 1` tokens: the first `block_length` are what the model reads, the last as many what it
//! has to predict. Block `i` of a shard begins at its token `i * block_length`, so that the last token of a block is
//! the first of the next, and a shard has `(num_tokens - 1) / block_length` blocks; what is left over at its end is
//! not read. A folder holds any number of shards, in the order of their names; blocks count through all of them.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use base::IoError;
use memmap2::Mmap;
use serde::{Deserialize, Serialize};

use crate::LoaderError;

const SUFFIX: &str = ".tokens";
const HEADER_SUFFIX: &str = ".tokens.json";
const VERSION: u64 = 1;

/// No block is longer; it keeps all arithmetic far from overflow.
const MAX_BLOCK_LENGTH: usize = 1 << 24;

#[derive(Deserialize)]
struct AnyVersion {
    version: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct V1 {
    version: u64,
    vocabulary_size: u32,
    token_bytes: u64,
    num_tokens: u64,
    block_length: usize,
}

/// Writes a shard of tokens below a folder, which is made if need be, and returns how many tokens it has.
///
/// The shard is there whole or not at all: its header is written last.
///
/// # Errors
///
/// [`LoaderError::Token`] for a token that is not below `vocabulary_size`, [`LoaderError::Setting`] for a block length
/// of 0 or beyond 2^24, and [`LoaderError::Io`].
pub fn write_token_shard(
    dir: &Path,
    name: &str,
    vocabulary_size: u32,
    block_length: usize,
    tokens: &mut dyn Iterator<Item = u32>,
) -> Result<u64, LoaderError> {
    check_block_length(block_length)?;
    fs::create_dir_all(dir).map_err(IoError::at("create", dir))?;
    let path = dir.join(format!("{name}{SUFFIX}"));
    let token_bytes = token_bytes(vocabulary_size);
    let mut num_tokens = 0;
    base::publish::write_file_with(&path, |file| {
        let failed = |error| LoaderError::from(IoError::at("write", &path)(error));
        let mut out = BufWriter::with_capacity(1 << 18, file);
        for token in &mut *tokens {
            if token >= vocabulary_size {
                let (path, place) = (path.clone(), num_tokens);
                return Err(LoaderError::Token { path, token, place, vocabulary_size });
            }
            let bytes = token.to_le_bytes();
            out.write_all(&bytes[..token_bytes]).map_err(failed)?;
            num_tokens += 1;
        }
        out.flush().map_err(failed)
    })?;
    let header = V1 {
        version: VERSION,
        vocabulary_size,
        token_bytes: token_bytes as u64,
        num_tokens,
        block_length,
    };
    let path = dir.join(format!("{name}{HEADER_SUFFIX}"));
    let mut text = serde_json::to_string_pretty(&header)
        .map_err(|source| LoaderError::Header { path: path.clone(), source })?;
    text.push('\n');
    base::publish::write_file(&path, text.as_bytes())?;
    Ok(num_tokens)
}

fn token_bytes(vocabulary_size: u32) -> usize {
    if vocabulary_size <= 1 << 16 { 2 } else { 4 }
}

fn check_block_length(block_length: usize) -> Result<(), LoaderError> {
    if (1..=MAX_BLOCK_LENGTH).contains(&block_length) {
        return Ok(());
    }
    let (setting, found) = ("block_length", block_length.to_string());
    Err(LoaderError::Setting { setting, found, expected: "between 1 and 16777216".to_owned() })
}

/// The token shards of a folder, mapped into memory: nothing is read before it is asked for.
#[derive(Debug)]
pub struct TokenShards {
    shards: Vec<Shard>,
    vocabulary_size: u32,
    block_length: usize,
    token_bytes: usize,
    num_tokens: u64,
    num_blocks: u64,
}

#[derive(Debug)]
struct Shard {
    path: PathBuf,
    bytes: Mmap,
    first_block: u64,
}

impl TokenShards {
    /// Opens all shards of a folder.
    ///
    /// # Errors
    ///
    /// [`LoaderError`]: no shard or not one whole block, a header that is not one, one that says other things than its
    /// file or the other shards.
    pub fn open(dir: &Path) -> Result<Self, LoaderError> {
        Self::open_with(dir, None)
    }

    /// Opens all shards of a folder and cuts them into blocks of another length.
    ///
    /// # Errors
    ///
    /// As [`TokenShards::open`], and [`LoaderError::Setting`] for a length of 0 or beyond 2^24.
    pub fn with_block_length(dir: &Path, block_length: usize) -> Result<Self, LoaderError> {
        Self::open_with(dir, Some(block_length))
    }

    fn open_with(dir: &Path, wanted_length: Option<usize>) -> Result<Self, LoaderError> {
        let mut names = Vec::new();
        for entry in fs::read_dir(dir).map_err(IoError::at("read", dir))? {
            let name = entry.map_err(IoError::at("read", dir))?.file_name();
            let name = name.to_str().and_then(|name| name.strip_suffix(HEADER_SUFFIX));
            names.extend(name.map(str::to_owned));
        }
        names.sort_unstable();
        let nothing = |reason| LoaderError::Nothing { path: dir.to_path_buf(), reason };
        let mut found: Option<Self> = None;
        for name in names {
            let path = dir.join(format!("{name}{HEADER_SUFFIX}"));
            let header = read_header(&path)?;
            let block_length = wanted_length.unwrap_or(header.block_length);
            check_block_length(block_length)?;
            let all = found.get_or_insert_with(|| Self {
                shards: Vec::new(),
                vocabulary_size: header.vocabulary_size,
                block_length,
                token_bytes: token_bytes(header.vocabulary_size),
                num_tokens: 0,
                num_blocks: 0,
            });
            let expect = |what, found: u64, expected: u64| match found == expected {
                true => Ok(()),
                false => Err(LoaderError::Mismatch { path: path.clone(), what, found, expected }),
            };
            let size = u64::from(header.vocabulary_size);
            expect("the vocabulary's size", size, all.vocabulary_size.into())?;
            expect("the block length", block_length as u64, all.block_length as u64)?;
            expect("the size of a token", header.token_bytes, all.token_bytes as u64)?;

            let path = dir.join(format!("{name}{SUFFIX}"));
            let bytes = map(&path)?;
            let expected = header.num_tokens.saturating_mul(header.token_bytes);
            if bytes.len() as u64 != expected {
                let (what, found) = ("the size in bytes", bytes.len() as u64);
                return Err(LoaderError::Mismatch { path, what, found, expected });
            }
            all.shards.push(Shard { path, bytes, first_block: all.num_blocks });
            all.num_tokens += header.num_tokens;
            all.num_blocks += header.num_tokens.saturating_sub(1) / block_length as u64;
        }
        match found {
            None => Err(nothing("no token shards, expected files `*.tokens.json`")),
            Some(all) if all.num_blocks == 0 => Err(nothing("not one whole block of tokens")),
            Some(all) => Ok(all),
        }
    }

    /// Returns how many different tokens there are; all are below this.
    pub fn vocabulary_size(&self) -> u32 {
        self.vocabulary_size
    }

    /// Returns how many tokens of a block a model reads; the block has one more.
    pub fn block_length(&self) -> usize {
        self.block_length
    }

    /// Returns how many tokens there are.
    pub fn num_tokens(&self) -> u64 {
        self.num_tokens
    }

    /// Returns how many blocks there are, at least one.
    pub fn num_blocks(&self) -> u64 {
        self.num_blocks
    }

    /// Appends the `block_length + 1` tokens of a block.
    ///
    /// # Errors
    ///
    /// [`LoaderError::Token`] when one is not below the vocabulary's size.
    ///
    /// # Panics
    ///
    /// If there are not so many blocks.
    pub fn read(&self, block: u64, tokens: &mut Vec<u32>) -> Result<(), LoaderError> {
        assert!(block < self.num_blocks, "block {block} of {}", self.num_blocks);
        let shard = &self.shards[self.shards.partition_point(|s| s.first_block <= block) - 1];
        let within = usize::try_from(block - shard.first_block).expect("it is mapped into memory");
        let first = within * self.block_length;
        let bytes =
            &shard.bytes[first * self.token_bytes..][..(self.block_length + 1) * self.token_bytes];
        let start = tokens.len();
        let is_unknown = |token: u32| token >= self.vocabulary_size;
        // One loop over whole vectors; the place of an unknown token is only looked for where there is one.
        let mut any_unknown = false;
        let mut noted = |token: u32| {
            any_unknown |= is_unknown(token);
            token
        };
        if self.token_bytes == 2 {
            let pairs = bytes.as_chunks().0.iter();
            tokens.extend(pairs.map(|b| noted(u32::from(u16::from_le_bytes(*b)))));
        } else {
            tokens.extend(bytes.as_chunks().0.iter().map(|b| noted(u32::from_le_bytes(*b))));
        }
        let mut read = tokens[start..].iter();
        let place = if any_unknown { read.position(|&token| is_unknown(token)) } else { None };
        match place {
            None => Ok(()),
            Some(place) => Err(LoaderError::Token {
                path: shard.path.clone(),
                token: tokens[start + place],
                place: (first + place) as u64,
                vocabulary_size: self.vocabulary_size,
            }),
        }
    }
}

fn read_header(path: &Path) -> Result<V1, LoaderError> {
    let text = fs::read(path).map_err(IoError::at("read", path))?;
    let malformed = |source| LoaderError::Header { path: path.to_path_buf(), source };
    let AnyVersion { version } = serde_json::from_slice(&text).map_err(malformed)?;
    if version != VERSION {
        let path = path.to_path_buf();
        return Err(LoaderError::Version { path, found: version, newest: VERSION });
    }
    serde_json::from_slice(&text).map_err(malformed)
}

#[expect(
    unsafe_code,
    reason = "mapping a file is how a shard larger than memory is read at random"
)]
fn map(path: &Path) -> Result<Mmap, LoaderError> {
    let file = File::open(path).map_err(IoError::at("open", path))?;
    // SAFETY: shards are written once, under another name, and never changed; who truncates one by hand while it is
    // read ends the process by a signal, as with any mapped file.
    let map = unsafe { Mmap::map(&file) };
    Ok(map.map_err(IoError::at("map", path))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(dir: &Path, name: &str, size: u32, length: usize, tokens: &[u32]) {
        write_token_shard(dir, name, size, length, &mut tokens.iter().copied()).unwrap();
    }

    fn blocks(shards: &TokenShards) -> Vec<Vec<u32>> {
        let block = |block| {
            let mut tokens = Vec::new();
            shards.read(block, &mut tokens).unwrap();
            tokens
        };
        (0..shards.num_blocks()).map(block).collect()
    }

    #[test]
    fn blocks_share_one_token_and_do_not_cross_shards() {
        for size in [100, 70_000] {
            let dir = tempfile::tempdir().unwrap();
            write(dir.path(), "b", size, 3, &[50, 51, 52, 53]);
            write(dir.path(), "a", size, 3, &[1, 2, 3, 4, 5, 6, 7, 8]);
            write(dir.path(), "c", size, 3, &[9]);
            let shards = TokenShards::open(dir.path()).unwrap();
            assert_eq!((shards.num_tokens(), shards.num_blocks()), (13, 3));
            assert_eq!(blocks(&shards), [[1, 2, 3, 4], [4, 5, 6, 7], [50, 51, 52, 53]]);
            let shards = TokenShards::with_block_length(dir.path(), 7).unwrap();
            assert_eq!(blocks(&shards), [[1, 2, 3, 4, 5, 6, 7, 8]]);
        }
    }

    #[test]
    fn the_files_are_as_documented() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "x", 65_536, 2, &[1, 256, 65_535]);
        assert_eq!(fs::read(dir.path().join("x.tokens")).unwrap(), [1, 0, 0, 1, 255, 255]);
        let header = fs::read_to_string(dir.path().join("x.tokens.json")).unwrap();
        let header: serde_json::Value = serde_json::from_str(&header).unwrap();
        let expected = serde_json::json!({
            "version": 1, "vocabulary_size": 65536, "token_bytes": 2, "num_tokens": 3, "block_length": 2
        });
        assert_eq!(header, expected);
    }

    type Spoil<'a> = &'a dyn Fn(&Path);

    #[test]
    fn spoiled_shards_are_clear_errors() {
        let cases: [(Spoil<'_>, &str); 7] = [
            (
                &|dir| fs::write(dir.join("a.tokens"), [1, 0, 2]).unwrap(),
                "a.tokens: the size in bytes is 3, expected 8",
            ),
            (
                &|dir| fs::write(dir.join("a.tokens"), [1, 0, 2, 0, 3, 0, 77, 0]).unwrap(),
                "a.tokens: token 77 at 3, expected one below the vocabulary's size, 10",
            ),
            (
                &|dir| fs::write(dir.join("a.tokens.json"), "{}").unwrap(),
                "a.tokens.json: not the header of a token shard",
            ),
            (
                &|dir| fs::write(dir.join("a.tokens.json"), r#"{"version": 9}"#).unwrap(),
                "a.tokens.json: format version 9, expected at most 1",
            ),
            (&|dir| fs::remove_file(dir.join("a.tokens")).unwrap(), "cannot open"),
            (
                &|dir| write(dir, "b", 11, 3, &[1, 2]),
                "b.tokens.json: the vocabulary's size is 11, expected 10",
            ),
            (&|dir| fs::remove_file(dir.join("a.tokens.json")).unwrap(), ": no token shards"),
        ];
        for (spoil, expected) in cases {
            let dir = tempfile::tempdir().unwrap();
            write(dir.path(), "a", 10, 3, &[1, 2, 3, 4]);
            spoil(dir.path());
            let read =
                TokenShards::open(dir.path()).and_then(|shards| shards.read(0, &mut Vec::new()));
            let message = read.unwrap_err().to_string();
            assert!(message.contains(expected), "{message}\n{expected}");
        }
        let dir = tempfile::tempdir().unwrap();
        let error = write_token_shard(dir.path(), "a", 10, 3, &mut [3, 10].into_iter());
        assert!(matches!(error, Err(LoaderError::Token { token: 10, place: 1, .. })));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        assert!(write_token_shard(dir.path(), "a", 10, 0, &mut [3].into_iter()).is_err());
    }
}
