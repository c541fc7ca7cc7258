//! Generation goes on from its cache as if all had been computed anew.

use std::sync::Arc;

use language::{Finish, Generation, LanguageError, Likelihood, Limits, Prompt, Sampling};

use crate::{model, shape, tokens};

#[test]
fn the_cache_gives_what_computing_anew_gives() {
    let model = model(shape());
    let tokens = tokens(150);
    let whole = model.logits(&tokens).unwrap();
    let vocab = model.shape().vocab_size;
    let mut cache = model.cache();
    let mut last = model.extend(&mut cache, &tokens[..90]).unwrap();
    for (n, token) in tokens[90..].iter().enumerate() {
        let expected = &whole[(89 + n) * vocab..(90 + n) * vocab];
        for (a, b) in last.iter().zip(expected) {
            assert!((a - b).abs() < 2e-5 * (1.0 + b.abs()), "{a} {b} at {n}");
        }
        last = model.extend(&mut cache, &[*token]).unwrap();
    }
    assert_eq!(cache.len(), 150);
}

#[test]
fn what_comes_later_changes_nothing_before() {
    let model = model(shape());
    let mut tokens = tokens(100);
    let one = model.logits(&tokens).unwrap();
    tokens[99] = 1;
    let other = model.logits(&tokens).unwrap();
    let before = 99 * model.shape().vocab_size;
    assert!(one[..before] == other[..before]);
    assert!(one[before..] != other[before..]);
}

#[test]
fn losses_are_those_of_the_logits() {
    let model = model(shape());
    let tokens = tokens(161);
    let logits = model.logits(&tokens[..160]).unwrap();
    let losses = model.losses(&tokens).unwrap();
    assert_eq!(losses.len(), 160);
    for ((row, loss), target) in logits.chunks(61).zip(&losses).zip(&tokens[1..]) {
        let sum: f64 = row.iter().map(|logit| f64::from(*logit).exp()).sum();
        let expected = sum.ln() - f64::from(row[*target as usize]);
        assert!((f64::from(loss.loss) - expected).abs() < 1e-5, "{loss:?} {expected}");
        let is_likeliest = row.iter().all(|logit| *logit <= row[*target as usize]);
        assert_eq!(loss.is_likeliest, is_likeliest);
    }
}

#[test]
fn a_seed_gives_a_text_and_limits_end_it() {
    let model = Arc::new(model(shape()));
    let start = |seed, max_tokens| {
        let sampling = Sampling { seed, ..Sampling::default() };
        let limits = Limits { max_tokens, stop: Vec::new() };
        Generation::new(Arc::clone(&model), &tokens(5), sampling, limits).unwrap()
    };
    let text = |seed| start(seed, Some(20)).map(Result::unwrap).collect::<Vec<_>>();
    assert_eq!(text(1), text(1));
    assert_ne!(text(1), text(2));

    let mut few = start(1, Some(3));
    let count = few.by_ref().count();
    let expected = text(1).len().min(3);
    assert_eq!(count, expected);
    // As many as there are positions, and one that the last of them foresees.
    for seed in 0..20 {
        let mut all = start(seed, None);
        let count = all.by_ref().count();
        match all.finish() {
            Some(Finish::Length) => assert_eq!(count, 156),
            Some(Finish::Stop) => assert!(count < 156),
            None => panic!("it ended without a reason"),
        }
        assert!(all.next().is_none());
    }
}

#[test]
fn several_texts_go_on_from_one_prompt() {
    let model = Arc::new(model(shape()));
    // Longer than what is taken in at a time would need another model; the pieces are those of the cache's test.
    let prompt = Prompt::new(Arc::clone(&model), &tokens(5), &|| false).unwrap().unwrap();
    assert_eq!(prompt.num_tokens(), 5);
    for seed in [1, 2] {
        let sampling = Sampling { seed, ..Sampling::default() };
        let limits = Limits { max_tokens: Some(12), stop: Vec::new() };
        let alone =
            Generation::new(Arc::clone(&model), &tokens(5), sampling, limits.clone()).unwrap();
        let together = Generation::after(prompt.clone(), sampling, limits).unwrap();
        let text = |of: Generation| of.map(Result::unwrap).collect::<Vec<_>>();
        assert_eq!(text(together), text(alone));
    }
    assert!(Prompt::new(model, &tokens(5), &|| true).unwrap().is_none());
}

#[test]
fn likelihoods_are_those_of_the_losses_and_of_generation() {
    let model = Arc::new(model(shape()));
    let tokens = tokens(150);
    let losses = model.losses(&tokens).unwrap();
    let likelihoods = model.likelihoods(&tokens, 2).unwrap();
    assert_eq!(likelihoods.len(), 149);
    for (likelihood, loss) in likelihoods.iter().zip(&losses) {
        assert!((likelihood.log_probability + loss.loss).abs() < 1e-5);
        assert_eq!(loss.is_likeliest, likelihood.top[0].0 == likelihood.token);
        assert!(likelihood.top[0].1 >= likelihood.top[1].1);
    }
    let limits = Limits { max_tokens: Some(8), stop: Vec::new() };
    let mut text =
        Generation::new(Arc::clone(&model), &tokens[..9], Sampling::default(), limits).unwrap();
    let mut so_far = tokens[..9].to_vec();
    while let Some(token) = text.next() {
        let token = token.unwrap();
        so_far.push(token);
        let found = Likelihood::of(text.logits(), token, 1);
        let expected = model.likelihoods(&so_far, 1).unwrap().pop().unwrap();
        assert!((found.log_probability - expected.log_probability).abs() < 1e-4);
    }
    assert!(so_far.len() > 9);
}

#[test]
fn greedy_takes_the_likeliest() {
    let model = Arc::new(model(shape()));
    let sampling = Sampling { temperature: 0.0, ..Sampling::default() };
    let limits = Limits { max_tokens: Some(10), stop: Vec::new() };
    let mut so_far = tokens(7);
    let text: Vec<u32> = Generation::new(Arc::clone(&model), &so_far, sampling, limits)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    for token in &text {
        let logits = model.logits(&so_far).unwrap();
        let row = &logits[logits.len() - 61..];
        assert!(row.iter().all(|logit| *logit <= row[*token as usize] + 1e-5));
        so_far.push(*token);
    }
    assert!(!text.is_empty());
}

#[test]
fn tokens_and_lengths_that_cannot_be_are_errors() {
    let model = model(shape());
    let unknown = model.logits(&[3, 61]).unwrap_err();
    assert!(matches!(unknown, LanguageError::UnknownToken { token: 61, vocab_size: 61 }));
    let long = model.extend(&mut model.cache(), &tokens(161)).unwrap_err();
    assert!(matches!(long, LanguageError::TooLong { found: 161, limit: 160 }));
    let none = model.extend(&mut model.cache(), &[]).unwrap_err();
    assert!(matches!(none, LanguageError::EmptyPrompt));
}
