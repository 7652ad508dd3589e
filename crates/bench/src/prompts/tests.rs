//! What requests say, and that they say it again.

use super::*;
use crate::{
    oip::{Datatype, Model, Shape, Tensor},
    plan::{Target, tests::plan},
};

fn maker(input: Sizes, shared_prefix: u32) -> Maker {
    Maker::of(&Plan { prompts: Prompts::Synthetic { input, shared_prefix }, ..plan() }).unwrap()
}

fn json(ready: &Ready) -> Value {
    serde_json::from_slice(&ready.body).unwrap()
}

fn prompt(ready: &Ready) -> Vec<String> {
    let text = json(ready)["messages"][0]["content"].as_str().unwrap().to_owned();
    text.split(' ').map(str::to_owned).collect()
}

#[test]
fn a_request_is_the_same_again_and_another_one_is_not() {
    let maker = maker(Sizes::Between(10, 40), 0);
    assert_eq!(maker.make(17, None), maker.make(17, None));
    let ready: Vec<Ready> = (0..50).map(|n| maker.make(n, None)).collect();
    let sizes: std::collections::BTreeSet<u32> = ready.iter().map(|ready| ready.wanted_input).collect();
    assert!(sizes.len() > 10, "{sizes:?}");
    assert!(ready.iter().all(|ready| prompt(ready).len() == ready.wanted_input as usize));
    assert_ne!(prompt(&ready[0])[..10], prompt(&ready[1])[..10]);
}

#[test]
fn a_shared_prefix_is_the_same_in_all_and_counts() {
    let maker = maker(Sizes::Fixed(24), 16);
    let (one, other) = (prompt(&maker.make(0, None)), prompt(&maker.make(1, None)));
    assert_eq!((one.len(), &one[..16]), (24, &other[..16]));
    assert_ne!(one[16..], other[16..]);
}

#[test]
fn what_is_pinned_is_said() {
    let mut plan = plan();
    let body = json(&Maker::of(&plan).unwrap().make(0, None));
    assert_eq!((body["max_tokens"].as_u64(), body["stream"].as_bool()), (Some(8), Some(true)));
    assert!(body["min_tokens"].is_null());
    assert_eq!(body["stream_options"]["include_usage"], true);
    plan.output.ignore_eos = true;
    plan.output.usage = false;
    plan.output.extra.insert("temperature".into(), 0.into());
    plan.target.api = Api::Completions;
    let ready = Maker::of(&plan).unwrap().make(0, Some((3, 5)));
    let body = json(&ready);
    assert_eq!((body["min_tokens"].as_u64(), body["ignore_eos"].as_bool()), (Some(5), Some(true)));
    assert_eq!(body["temperature"].as_u64(), Some(0));
    assert!(body["stream_options"].is_null() && body["messages"].is_null());
    assert_eq!(body["prompt"].as_str().unwrap().split(' ').count(), 3);
    assert_eq!((ready.wanted_input, ready.wanted_output), (3, Some(5)));
}

#[test]
fn of_drawn_numbers_no_token_is_wanted() {
    let numbers = Tensor { name: "x".into(), datatype: Datatype::Fp32, shape: Shape(vec![1, 3]) };
    let model = Model { inputs: vec![numbers], ..Model::default() };
    let template = template::Template { model: Some(model), ..template::Template::default() };
    for api in [Api::Infer, Api::InferGrpc] {
        let target = Target { api, template: Some(template.clone()), ..plan().target };
        let ready = Maker::of(&Plan { target, ..plan() }).unwrap().make(0, None);
        assert!(ready.wanted_input == 0 && !ready.body.is_empty());
    }
}

#[test]
fn each_interface_is_asked_in_its_own_words() {
    let mut plan = Plan { prompts: Prompts::Synthetic { input: Sizes::Fixed(3), shared_prefix: 0 }, ..plan() };
    let body = |plan: &Plan| json(&Maker::of(plan).unwrap().make(4, None));
    plan.target.api = Api::Embeddings;
    let embedded = body(&plan);
    assert_eq!(embedded["input"].as_str().map(|text| text.split(' ').count()), Some(3));
    assert!(embedded["stream"].is_null() && embedded["max_tokens"].is_null(), "{embedded}");
    plan.target.api = Api::Infer;
    let unknown = Maker::of(&plan).err().map(|problem| problem.what);
    assert_eq!(unknown.as_deref(), Some("What chat takes is not known."));
    let text = Tensor { name: "text_input".into(), datatype: Datatype::Bytes, shape: Shape(vec![1]) };
    let model = Model { inputs: vec![text], ..Model::default() };
    plan.target.template = Some(template::Template { model: Some(model), ..template::Template::default() });
    let inferred = body(&plan);
    assert_eq!(inferred.pointer("/inputs/0/data/0"), embedded.get("input"));
    plan.target.api = Api::Http;
    let own = r#"{"q":"{{prompt}}","most":{{max_tokens}},"n":{{n}}}"#.to_owned();
    plan.target.template = Some(template::Template { body: Some(own), ..template::Template::default() });
    let worded = body(&plan);
    assert_eq!(
        (worded.get("q"), worded["most"].as_u64(), worded["n"].as_u64()),
        (embedded.get("input"), Some(8), Some(4))
    );
}

#[test]
fn blocks_of_a_trace_that_are_the_same_are_the_same_text() {
    let past =
        |blocks: &[u64], input: u32| Past { at: std::time::Duration::ZERO, input, output: 4, blocks: blocks.into() };
    let past = [past(&[7, 8], 600), past(&[7, 9], 700), past(&[], 600)];
    let maker = maker(Sizes::Fixed(1), 0).replaying(&past);
    let prompts: Vec<Vec<String>> = (0..3).map(|n| prompt(&maker.make(n, Some((past[n as usize].input, 4))))).collect();
    assert_eq!(prompts.iter().map(Vec::len).collect::<Vec<_>>(), [600, 700, 600]);
    assert_eq!(prompts[0][..512], prompts[1][..512]);
    assert_ne!(prompts[0][512..], prompts[1][512..600]);
    assert_ne!(prompts[0][..512], prompts[2][..512]);
}

#[test]
fn a_cold_cache_has_other_words_each_run_and_the_same_of_the_same_run() {
    let mut plan = Plan { prompts: Prompts::Synthetic { input: Sizes::Between(9, 99), shared_prefix: 0 }, ..plan() };
    let made = |plan: &Plan, run: &str| prompt(&Maker::of(plan).unwrap().of_run(run).make(3, None));
    assert_eq!(made(&plan, "one"), made(&plan, "two"));
    plan.manner.cache = Cache::Cold;
    assert_eq!(made(&plan, "one"), made(&plan, "one"));
    let (one, two) = (made(&plan, "one"), made(&plan, "two"));
    // As long as before: only the words are others.
    assert!(one != two && one.len() == two.len(), "{one:?} {two:?}");
}

#[test]
fn requests_of_a_mix_ask_its_models_by_their_weights() {
    let mut plan = plan();
    plan.manner.mix = ["a=1", "b=3"].map(|of| of.parse().unwrap()).into();
    let maker = Maker::of(&plan).unwrap();
    let asked: Vec<String> =
        (0..400).map(|n| json(&maker.make(n, None))["model"].as_str().unwrap().to_owned()).collect();
    let of_b = asked.iter().filter(|model| *model == "b").count();
    assert!((260..340).contains(&of_b) && asked.iter().all(|of| of == "a" || of == "b"), "{of_b}");
}

#[test]
fn a_turn_says_what_was_said_before() {
    let mut plan = plan();
    plan.manner.turns = Some(3);
    let maker = Maker::of(&plan).unwrap();
    let (first, said) = maker.turn(0, Turn { of: 0, at: 0, before: &[] }).unwrap();
    assert_eq!((first.wanted_input, json(&first)["messages"][0]["content"].as_str()), (16, Some(said.as_str())));
    let before = [json!({"role": "user", "content": said}), json!({"role": "assistant", "content": "well yes"})];
    let (second, _) = maker.turn(1, Turn { of: 0, at: 1, before: &before }).unwrap();
    let body = json(&second);
    assert_eq!((body["messages"].as_array().map(Vec::len), second.wanted_input), (Some(3), 16 + 2 + 16));
    assert_eq!(body["messages"][1], before[1]);
}
