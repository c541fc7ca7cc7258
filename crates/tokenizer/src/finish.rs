//! What becomes of the ids of a text's tokens: cut, put between others, filled up.

use crate::TokenizerError;
use crate::file::{
    Direction, PaddingFile, PaddingStrategy, PostProcessorFile, TemplatePiece, TruncationFile,
    TruncationStrategy,
};

pub(crate) struct Finish {
    /// Ids that go before and behind a text's, of each processor in order.
    templates: Vec<(Vec<u32>, Vec<u32>)>,
    truncation: Option<TruncationFile>,
    padding: Option<PaddingFile>,
}

/// No text is filled up to more.
const MAX_LENGTH: usize = 1 << 20;

impl Finish {
    pub(crate) fn of_file(
        processor: Option<PostProcessorFile>,
        truncation: Option<TruncationFile>,
        padding: Option<PaddingFile>,
    ) -> Result<Self, TokenizerError> {
        let mut templates = Vec::new();
        if let Some(processor) = processor {
            push(processor, &mut templates)?;
        }
        let finish = Self { templates, truncation, padding };
        finish.check()?;
        Ok(finish)
    }

    fn check(&self) -> Result<(), TokenizerError> {
        if let Some(truncation) = &self.truncation {
            let reason = match truncation.max_length.checked_sub(self.num_added()) {
                None => "`max_length` is less than what is put around every text",
                Some(length) if length < truncation.stride => "`stride` is as long as a text",
                _ if truncation.strategy == TruncationStrategy::OnlySecond => {
                    "`OnlySecond` cuts the second of two texts, and there is one"
                }
                _ => return self.check_padding(),
            };
            return Err(TokenizerError::Part { part: "truncation", reason });
        }
        self.check_padding()
    }

    fn check_padding(&self) -> Result<(), TokenizerError> {
        let Some(padding) = &self.padding else { return Ok(()) };
        let length = match padding.strategy {
            PaddingStrategy::BatchLongest => 0,
            PaddingStrategy::Fixed(length) => length,
        };
        if length.max(padding.pad_to_multiple_of.unwrap_or(0)) > MAX_LENGTH {
            let reason = "a length beyond 2^20";
            return Err(TokenizerError::Part { part: "padding", reason });
        }
        Ok(())
    }

    fn num_added(&self) -> usize {
        self.templates.iter().map(|(before, behind)| before.len() + behind.len()).sum()
    }

    /// Returns the greatest id that is added, if any is.
    pub(crate) fn most(&self) -> Option<u32> {
        let added = self.templates.iter().flat_map(|(before, behind)| before.iter().chain(behind));
        added.copied().chain(self.padding.as_ref().map(|padding| padding.pad_id)).max()
    }

    pub(crate) fn finish(&self, mut ids: Vec<u32>, add_special_tokens: bool) -> Vec<u32> {
        if let Some(truncation) = &self.truncation {
            let added = if add_special_tokens { self.num_added() } else { 0 };
            let most = truncation.max_length.saturating_sub(added);
            let too_many = ids.len().saturating_sub(most);
            match truncation.direction {
                Direction::Right => ids.truncate(most),
                Direction::Left => drop(ids.drain(..too_many)),
            }
        }
        if add_special_tokens {
            for (before, behind) in &self.templates {
                ids.splice(0..0, before.iter().copied());
                ids.extend(behind);
            }
        }
        if let Some(padding) = &self.padding {
            let mut length = match padding.strategy {
                PaddingStrategy::BatchLongest => ids.len(),
                PaddingStrategy::Fixed(length) => length,
            };
            if let Some(multiple) = padding.pad_to_multiple_of.filter(|multiple| *multiple > 0) {
                length = length.next_multiple_of(multiple);
            }
            let missing = std::iter::repeat_n(padding.pad_id, length.saturating_sub(ids.len()));
            match padding.direction {
                Direction::Right => ids.extend(missing),
                Direction::Left => drop(ids.splice(0..0, missing)),
            }
        }
        ids
    }
}

fn push(
    processor: PostProcessorFile,
    templates: &mut Vec<(Vec<u32>, Vec<u32>)>,
) -> Result<(), TokenizerError> {
    match processor {
        PostProcessorFile::Sequence { processors } => {
            return processors.into_iter().try_for_each(|processor| push(processor, templates));
        }
        PostProcessorFile::ByteLevel { .. } => {}
        PostProcessorFile::BertProcessing { sep, cls }
        | PostProcessorFile::RobertaProcessing { sep, cls, .. } => {
            templates.push((vec![cls.1], vec![sep.1]));
        }
        PostProcessorFile::TemplateProcessing { single, special_tokens, .. } => {
            let (mut before, mut behind) = (Vec::new(), Vec::new());
            let mut has_text = false;
            for piece in single {
                match piece {
                    TemplatePiece::Sequence { id, .. } => {
                        if has_text || id != "A" {
                            let reason = "`single` is not of the one text `A`";
                            return Err(TokenizerError::Part { part: "post_processor", reason });
                        }
                        has_text = true;
                    }
                    TemplatePiece::SpecialToken { id, .. } => {
                        let found = special_tokens.get(&id);
                        let (part, token) = ("post_processor", id);
                        let found = found.ok_or(TokenizerError::UnknownToken { part, token })?;
                        let ids = &found.ids;
                        if has_text { &mut behind } else { &mut before }.extend(ids);
                    }
                }
            }
            if !has_text {
                let reason = "`single` is without the text `A`";
                return Err(TokenizerError::Part { part: "post_processor", reason });
            }
            templates.push((before, behind));
        }
    }
    Ok(())
}
