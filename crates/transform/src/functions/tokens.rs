//! Functions that cut text into the tokens of a learned vocabulary.

use graph::ValueType::Int;

use super::{AnalyzerCode, Code, Count, Function, Param, Returns, Takes};

pub(super) const FUNCTIONS: &[Function] = &[Function {
    name: "tokenize_bpe",
    alias: None,
    params: &[
        Param::required("x", Takes::String).of(Count::One),
        Param::optional("vocab_size", Takes::LiteralInt { min: 256, max: 1_000_000 }, "8192"),
    ],
    returns: Returns::Type(Int),
    summary: "The ids, as a list, of the tokens that a text is made of, by byte pair encoding with a vocabulary of at \
              most `vocab_size` tokens that is learned from all texts. It begins with a token for each of the 256 \
              bytes, so that nothing is unknown; then come those that the most frequent pairs of neighbouring tokens \
              make, one after the other, of equally frequent ones that whose parts came first. Words are GPT-2's \
              (letters, digits or punctuation, with one space in front), and tokens do not cross them. Ids below \
              `vocab_size` go into an embedding as they are; `list_pad` brings lists to one length.",
    edges: "Missing values do not count and stay missing, the empty text has no tokens. Words of more than 1,000 \
            bytes do not count. Every distinct word is held in memory while tokens are learned. The same vocabulary as \
            HuggingFace's `BpeTrainer` learns with `ByteLevel`.",
    example: "tokenize_bpe(lower(company), vocab_size => 1000)",
    code: Code::Analyzer(AnalyzerCode::TokenizeBpe),
}];
