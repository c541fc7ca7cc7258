//! New texts.

use language::{Finish, Sampling};
use text_model::{Completion, CompletionOptions, TextModel};

use crate::{BOUNDARY, model};

fn complete(model: &TextModel, prompt: &str, options: CompletionOptions) -> (String, Completion) {
    let tokens = model.encode(prompt).unwrap();
    let prompt = model.prompt(&tokens, &|| false).unwrap().unwrap();
    let mut completion = model.complete(prompt, options).unwrap();
    let mut text = String::new();
    for piece in completion.by_ref() {
        let piece = piece.unwrap();
        text.push_str(&piece.text);
    }
    (text, completion)
}

fn options(seed: u64, max_tokens: usize) -> CompletionOptions {
    let sampling = Sampling { seed, ..Sampling::default() };
    CompletionOptions { sampling, max_tokens: Some(max_tokens), ..CompletionOptions::default() }
}

#[test]
fn pieces_are_the_text_of_all_tokens() {
    let (_dir, model) = model(128);
    for seed in 0..20 {
        let tokens = model.encode("the thing").unwrap();
        let prompt = model.prompt(&tokens, &|| false).unwrap().unwrap();
        let mut completion = model.complete(prompt, options(seed, 60)).unwrap();
        let (mut text, mut ids) = (String::new(), Vec::new());
        for piece in completion.by_ref() {
            let piece = piece.unwrap();
            text.push_str(&piece.text);
            ids.extend(piece.token.map(|token| token.id));
        }
        assert_eq!(text, model.tokenizer().decode(&ids, true).unwrap());
        assert_eq!(completion.num_tokens(), ids.len());
        assert!(!ids.contains(&BOUNDARY));
        match completion.finish() {
            Some(Finish::Length) => assert_eq!(ids.len(), 60),
            Some(Finish::Stop) => assert!(ids.len() < 60),
            None => panic!("it ended without a reason"),
        }
    }
}

#[test]
fn a_seed_gives_a_text() {
    let (_dir, model) = model(64);
    let text = |seed| complete(&model, "in", options(seed, 20)).0;
    assert_eq!(text(5), text(5));
    assert_ne!(text(5), text(6));
}

#[test]
fn a_text_that_ends_it_is_not_given() {
    let (_dir, model) = model(128);
    let (whole, _) = complete(&model, "in", options(3, 60));
    // Something from the middle of it.
    let chars: Vec<char> = whole.chars().collect();
    let stop: String = chars[chars.len() / 2..chars.len() / 2 + 3].iter().collect();
    let with = CompletionOptions { stop: vec![stop.clone()], ..options(3, 60) };
    let (text, completion) = complete(&model, "in", with);
    assert_eq!(completion.finish(), Some(Finish::Stop));
    assert_eq!(text, whole[..whole.find(&stop).unwrap()]);
    assert!(completion.num_tokens() < 60);
}

#[test]
fn tokens_say_how_likely_they_were() {
    let (_dir, model) = model(64);
    let tokens = model.encode("a").unwrap();
    let prompt = model.prompt(&tokens, &|| false).unwrap().unwrap();
    let sampling = Sampling { temperature: 0.0, ..Sampling::default() };
    let options = CompletionOptions {
        sampling,
        max_tokens: Some(5),
        num_top: Some(3),
        ..CompletionOptions::default()
    };
    for piece in model.complete(prompt, options).unwrap() {
        let Some(token) = piece.unwrap().token else { continue };
        let likelihood = token.likelihood.unwrap();
        assert_eq!(likelihood.top.len(), 3);
        assert_eq!(likelihood.top[0], (token.id, likelihood.log_probability));
    }
}

#[test]
fn what_cannot_go_on_is_told() {
    let (_dir, model) = model(16);
    let long = model.encode(&"the ".repeat(30)).unwrap();
    let error = model.prompt(&long, &|| false).unwrap_err().to_string();
    assert!(error.contains("the model has positions for 16"), "{error}");
    // Nothing to begin with is the beginning of a text.
    assert_eq!(model.encode("").unwrap(), [BOUNDARY]);
    assert!(model.prompt(&[BOUNDARY], &|| true).unwrap().is_none());
}
