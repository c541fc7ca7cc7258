//! A language model with its tokenizer, on disk and in memory.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use base::IoError;
use graph::{Graph, GraphInput, Shape, ValueType};
use language::LanguageModel;
use tokenizer::Tokenizer;

use crate::TextModelError;
use crate::tokenizer_file::TOKENIZER_FILE;

/// The folder of the graph that makes tokens of raw examples, within that of the model.
pub(crate) const GRAPH: &str = "graph";

/// The column of texts where there is no graph.
const TEXT: &str = "text";

/// A language model with its tokenizer.
#[derive(Debug)]
pub struct TextModel {
    model: Arc<LanguageModel>,
    tokenizer: Tokenizer,
    graph: Option<Graph>,
    inputs: Vec<GraphInput>,
}

impl TextModel {
    /// Reads the folder of a language model: `config.json`, weights, `tokenizer.json`, and `graph`, if it is there.
    ///
    /// # Errors
    ///
    /// [`TextModelError`], naming the file and what is wrong with it.
    pub fn load(dir: &Path) -> Result<Self, TextModelError> {
        let path = dir.join(TOKENIZER_FILE);
        if !path.is_file() {
            return Err(TextModelError::NoTokenizer { dir: dir.to_path_buf() });
        }
        let bytes = std::fs::read(&path).map_err(IoError::at("read", &path))?;
        let tokenizer = Tokenizer::from_bytes(bytes);
        let tokenizer = tokenizer.map_err(|source| TextModelError::Tokenizer { path, source })?;
        let graph = match dir.join(GRAPH) {
            graph if graph.is_dir() => {
                let loaded = Graph::load(&graph).map_err(TextModelError::Graph)?;
                check(&loaded, &graph)?;
                Some(loaded)
            }
            _ => None,
        };
        let inputs = match &graph {
            Some(graph) => graph.inputs().to_vec(),
            None => {
                let (name, value_type) = (TEXT.to_owned(), ValueType::String);
                vec![GraphInput { name, value_type, shape: Shape::One }]
            }
        };
        Ok(Self { model: Arc::new(LanguageModel::load(dir)?), tokenizer, graph, inputs })
    }

    /// Tells whether a folder holds a language model, by its files' names.
    pub fn is_in(dir: &Path) -> bool {
        LanguageModel::is_in(dir)
    }

    /// Returns the model.
    pub fn model(&self) -> &Arc<LanguageModel> {
        &self.model
    }

    /// Returns the tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Returns the raw features that tokens are made of: those of the graph, or one of texts, `text`.
    pub fn inputs(&self) -> &[GraphInput] {
        &self.inputs
    }

    /// Returns the token that a text stands behind: the one that begins texts, or ends them.
    pub fn boundary(&self) -> Option<u32> {
        let shape = self.model.shape();
        shape.bos_token.or_else(|| shape.eos_tokens.first().copied())
    }

    /// Returns the tokens of a prompt, made as those of texts were for training, without one that ends a text.
    ///
    /// Where a graph made them of one raw text, it makes these; else the tokenizer does, with its special tokens.
    ///
    /// # Errors
    ///
    /// [`TextModelError`] when the graph fails, or nothing is left and no token begins a text.
    pub fn encode(&self, prompt: &str) -> Result<Vec<u32>, TextModelError> {
        let tokens = match (&self.graph, self.inputs.as_slice()) {
            (Some(_), [GraphInput { name, value_type: ValueType::String, shape: Shape::One }]) => {
                let column: ArrayRef = Arc::new(StringArray::from(vec![prompt]));
                let row = RecordBatch::try_from_iter([(name, column)]);
                let row = row.map_err(|source| TextModelError::Batch { source })?;
                self.documents(&row)?.pop().flatten().unwrap_or_default()
            }
            _ => self.with_tokenizer(prompt)?,
        };
        self.open(tokens)
    }

    /// Makes the tokens of a text those of a prompt: without those that end it, and never none.
    pub(crate) fn open(&self, mut tokens: Vec<u32>) -> Result<Vec<u32>, TextModelError> {
        let ends = &self.model.shape().eos_tokens;
        while tokens.len() > 1 && tokens.last().is_some_and(|last| ends.contains(last)) {
            tokens.pop();
        }
        if tokens.is_empty() {
            tokens.push(self.boundary().ok_or(TextModelError::EmptyPrompt)?);
        }
        Ok(tokens)
    }

    /// Returns the tokens of each example, behind the one that begins a text where there is one; nothing where the
    /// text is missing.
    ///
    /// # Errors
    ///
    /// [`TextModelError`] when a raw feature is not there, or the graph fails.
    pub fn documents(
        &self,
        examples: &RecordBatch,
    ) -> Result<Vec<Option<Vec<u32>>>, TextModelError> {
        let Some(graph) = &self.graph else { return self.texts(examples) };
        let made = graph.evaluate(examples).map_err(TextModelError::Graph)?;
        let array = &made[0];
        let wrong = || TextModelError::GraphOutput {
            dir: GRAPH.into(),
            found: array.data_type().to_string(),
        };
        let row = |row: usize| -> Result<Option<Vec<u32>>, TextModelError> {
            if array.is_null(row) {
                return Ok(None);
            }
            let values = match array.data_type() {
                DataType::List(_) => array.as_list::<i32>().value(row),
                DataType::LargeList(_) => array.as_list::<i64>().value(row),
                DataType::FixedSizeList(..) => array.as_fixed_size_list().value(row),
                _ => return Err(wrong()),
            };
            let values = cast(&values, &DataType::Int64).map_err(|_| wrong())?;
            let ids = values.as_primitive::<Int64Type>().iter().flatten();
            let tokens = ids.map(token).collect::<Result<Vec<_>, _>>()?;
            Ok(Some(self.begun(tokens)))
        };
        (0..array.len()).map(row).collect()
    }

    fn texts(&self, examples: &RecordBatch) -> Result<Vec<Option<Vec<u32>>>, TextModelError> {
        let column = examples.column_by_name(TEXT).and_then(|it| cast(it, &DataType::Utf8).ok());
        let Some(column) = column else {
            let fields = examples.schema_ref().fields().iter();
            let names: Vec<String> = fields.map(|field| format!("`{}`", field.name())).collect();
            let found = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            return Err(TextModelError::NoText { column: TEXT.to_owned(), found });
        };
        let texts = column.as_string::<i32>().iter();
        texts.map(|text| text.map(|text| self.with_tokenizer(text)).transpose()).collect()
    }

    fn with_tokenizer(&self, text: &str) -> Result<Vec<u32>, TextModelError> {
        let mut ids = Vec::new();
        self.tokenizer.encode(text, true, &mut ids);
        ids.into_iter().map(token).collect()
    }

    /// Puts the token that begins a text in front, unless it is there.
    fn begun(&self, mut tokens: Vec<u32>) -> Vec<u32> {
        if let Some(bos) = self.model.shape().bos_token
            && tokens.first() != Some(&bos)
        {
            tokens.insert(0, bos);
        }
        tokens
    }
}

fn token(id: i64) -> Result<u32, TextModelError> {
    u32::try_from(id).map_err(|_| TextModelError::TokenId { id })
}

fn check(graph: &Graph, dir: &Path) -> Result<(), TextModelError> {
    let outputs = graph.outputs();
    let is_tokens = matches!(outputs, [output]
        if output.value_type == ValueType::Int && output.shape != Shape::One);
    if is_tokens {
        return Ok(());
    }
    let names: Vec<String> = outputs.iter().map(|output| format!("`{}`", output.name)).collect();
    Err(TextModelError::GraphOutput { dir: dir.to_path_buf(), found: names.join(", ") })
}
