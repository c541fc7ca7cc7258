//! A language model with its tokenizer: texts in, texts and scores out.
//!
//! Entry types: [`TextModel`] (a folder in the HuggingFace Llama layout with a `tokenizer.json`, and the graph that made
//! the tokens it was trained on, if there was one), [`Completion`] (an iterator over pieces of new text), [`TextScore`]
//! (how well a text was foreseen) and [`TextPredictor`] (both for rows of examples). **Invariants:** a text becomes tokens
//! the way it did for training; what is given out piece by piece never splits a character, and never shows a part of a
//! text that ends it; a seed gives the same text whatever else is going on.
//! Not here: the network (`language`), the tokenizer (`tokenizer`), who asks (`serve`, `components`, `cli`).

mod completion;
mod error;
mod predictor;
mod score;
mod stop;
mod text_model;
mod tokenizer_file;

pub use completion::{Completion, CompletionOptions, NewToken, Piece};
pub use error::TextModelError;
pub use predictor::{Ask, TextPredictor};
pub use score::TextScore;
pub use text_model::TextModel;
pub use tokenizer_file::{TokenizerFiles, TokenizerSource};
