//! Functions that cut text into the tokens of a learned vocabulary, or of a tokenizer file.

use graph::ValueType::Int;

use super::{AnalyzerCode, Code, Count, Function, Mapper, Param, Returns, Takes};

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
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
    },
    Function {
        name: "tokenize_wordpiece",
        alias: None,
        params: &[
            Param::required("x", Takes::String).of(Count::One),
            Param::optional("vocab_size", Takes::LiteralInt { min: 2, max: 1_000_000 }, "8192"),
        ],
        returns: Returns::Type(Int),
        summary: "The ids, as a list, of the pieces that a text is made of, by BERT's WordPiece with a vocabulary of at \
                  most `vocab_size` pieces that is learned from all texts. Words end at whitespace, and each \
                  punctuation mark and ideograph is one; of a word the longest piece that it begins with is taken, \
                  again and again, pieces within a word beginning with `##`. Id 0 is `[UNK]`, for words that cannot \
                  be made; then come single characters in order, then what the most frequent pairs of neighbouring \
                  pieces make. `lower` and `strip_accents` before it give what BERT calls uncased.",
        edges: "Missing values do not count and stay missing, the empty text has no pieces. Words of more than 100 \
                characters are `[UNK]`. Of more characters than `vocab_size` only the most frequent are pieces. Every \
                distinct word is held in memory while pieces are learned.",
        example: "tokenize_wordpiece(lower(company), vocab_size => 1000)",
        code: Code::Analyzer(AnalyzerCode::TokenizeWordPiece),
    },
    Function {
        name: "tokenize",
        alias: None,
        params: &[
            Param::required("x", Takes::String).of(Count::One),
            Param::required("file", Takes::LiteralString),
            Param::optional("add_special_tokens", Takes::LiteralBool, "true"),
        ],
        returns: Returns::Type(Int),
        summary: "The ids, as a list, of the tokens that a HuggingFace tokenizer file (`tokenizer.json`) makes of a text: \
                  normalizer, pre-tokenizer, model (`BPE`, `WordPiece`, `WordLevel` or `Unigram`), added tokens, \
                  post-processor, truncation and padding are the file's.",
        edges: "The path is relative to the folder of the pipeline file; the file is copied into the graph, and the graph \
                knows a changed copy. `add_special_tokens => false` leaves out what the post-processor puts around a text. \
                A file with a part that is not known here is refused at check time (`Precompiled` normalizers, \
                `UnicodeScripts`, look-around in patterns other than `\\s+(?!\\S)|\\s+` at their end), and so is one with \
                dropout. Missing stays missing.",
        example: "tokenize(company, 'tokenizer.json')",
        code: Code::Mapper(Mapper::Tokenize),
    },
];
