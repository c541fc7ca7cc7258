//! How well texts were foreseen.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::Float32Type;
use model::Predictor;
use text_model::{Ask, CompletionOptions, TextPredictor};

use crate::{BOUNDARY, model};

#[test]
fn a_score_is_the_sum_over_tokens_that_have_one_before_them() {
    let (_dir, model) = model(64);
    let tokens = model.encode("the thing").unwrap();
    let score = model.score(&tokens).unwrap();
    assert_eq!(score.num_tokens as usize, tokens.len() - 1);
    assert_eq!(score.num_bytes, 9);
    let losses = model.model().losses(&tokens).unwrap();
    let sum: f64 = losses.iter().map(|loss| f64::from(loss.loss)).sum();
    assert_eq!(score.negative_log_likelihood, sum);
    assert_eq!(score.num_likeliest, losses.iter().filter(|loss| loss.is_likeliest).count() as u64);
    assert_eq!(model.score(&[BOUNDARY]).unwrap(), Default::default());
    assert_eq!(model.score(&[]).unwrap(), Default::default());
    assert!(model.score(&[BOUNDARY, 999]).is_err());
}

#[test]
fn a_long_text_is_scored_in_pieces() {
    let (_dir, model) = model(16);
    let tokens = model.encode(&"the thing in a ".repeat(8)).unwrap();
    assert!(tokens.len() > 40);
    let score = model.score(&tokens).unwrap();
    assert_eq!(score.num_tokens as usize, tokens.len() - 1);
    assert_eq!(score.num_bytes, 8 * 15);
    // The pieces, each of as many tokens as there are positions, and the one before.
    let sum: f64 = (0..tokens.len() - 1)
        .step_by(16)
        .flat_map(|at| model.model().losses(&tokens[at..(at + 17).min(tokens.len())]).unwrap())
        .map(|loss| f64::from(loss.loss))
        .sum();
    assert_eq!(score.negative_log_likelihood, sum);
}

#[test]
fn rows_are_scored_and_completed() {
    let (_dir, model) = model(64);
    let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("the thing"), None, Some("")]));
    let batch = RecordBatch::try_from_iter([("text", texts)]).unwrap();
    let scores = TextPredictor::new(Arc::clone(&model), Ask::Score).predict(&batch).unwrap();
    let column = |name: &str| {
        scores.column_by_name(name).unwrap().as_primitive::<Float32Type>().values().to_vec()
    };
    let expected = model.score(&model.encode("the thing").unwrap()).unwrap();
    assert_eq!(column("prediction")[0], expected.negative_log_likelihood as f32);
    assert!(column("prediction")[1].is_nan() && column("num_tokens")[1].is_nan());
    assert_eq!(column("num_tokens")[2], 0.0);
    assert_eq!(column("num_bytes")[0], 9.0);

    let options = CompletionOptions { max_tokens: Some(4), ..CompletionOptions::default() };
    let ask = Ask::Complete(Box::new(options));
    let completed = TextPredictor::new(model, ask).predict(&batch).unwrap();
    let texts = completed.column_by_name("completion").unwrap().as_string::<i32>();
    assert!(texts.iter().map(|text| text.is_some()).eq([true, false, true]));
    let reasons = completed.column_by_name("finish_reason").unwrap().as_string::<i32>();
    assert!(reasons.iter().flatten().all(|reason| reason == "length" || reason == "stop"));
}
