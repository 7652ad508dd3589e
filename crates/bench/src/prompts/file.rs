//! Prompts of a file: lines of JSON, plain text with a prompt a line, or conversations of ShareGPT.

use crate::plan::Api;
use pilothouse_wire::{Code, Problem};
use serde::Deserialize;
use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
};

/// A file of prompts is no larger.
const LARGEST: u64 = 1 << 30;

/// A prompt of a file.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub(super) struct Line {
    pub prompt: Option<String>,
    pub messages: Option<Vec<Value>>,
    /// The most tokens of its answer; what the plan says is for those without.
    #[serde(alias = "max_tokens")]
    pub output_tokens: Option<u32>,
    /// What the person says after the prompt, answer for answer.
    #[serde(skip)]
    pub then: Vec<String>,
}

/// A conversation of ShareGPT (`ShareGPT_V3_unfiltered_cleaned_split.json` and what is made of it): an array of
/// `{"id": …, "conversations": [{"from": "human" | "gpt", "value": …}, …]}`.
#[derive(Deserialize)]
struct Shared {
    #[serde(default)]
    conversations: Vec<Said>,
}

#[derive(Deserialize)]
struct Said {
    from: String,
    value: String,
}

impl Line {
    fn text(prompt: String) -> Self {
        Self { prompt: Some(prompt), ..Self::default() }
    }

    /// What the person says in a conversation at this place; none where it is over.
    pub fn said(&self, at: u32) -> Option<&str> {
        match at.checked_sub(1) {
            None => self.prompt.as_deref(),
            Some(later) => self.then.get(later as usize).map(String::as_str),
        }
    }
}

/// Reads a file; by how it is called it is known what is in it.
pub(super) fn open(file: &Path, api: Api, has_turns: bool) -> Result<Vec<Line>, Problem> {
    let unusable = |why: String| {
        Problem::new(Code::BadInput, format!("The prompts of {} cannot be used.", file.display())).why(why).next(
            "Give a JSON object a line, {\"prompt\": \"…\"} or {\"messages\": […]}; conversations of ShareGPT as .json; or a prompt a \
             line as .txt.",
        )
    };
    let opened = std::fs::File::open(file).map_err(|error| unusable(format!("{error}.")))?.take(LARGEST);
    let read = match file.extension().and_then(|end| end.to_str()) {
        Some("txt") => plain(opened),
        Some("json") => shared(opened),
        _ => lines(opened, api),
    };
    let lines = read.map_err(unusable)?;
    match lines.iter().position(|line| has_turns && line.messages.is_some()) {
        Some(at) => Err(unusable(format!(
            "Line {}: messages are a whole conversation, and turns are to be made of it.",
            at + 1
        ))),
        None => Ok(lines),
    }
}

fn some(lines: Vec<Line>) -> Result<Vec<Line>, String> {
    if lines.is_empty() { Err("There is no prompt in it.".into()) } else { Ok(lines) }
}

fn plain(from: impl Read) -> Result<Vec<Line>, String> {
    let mut all = Vec::new();
    for (number, text) in BufReader::new(from).lines().enumerate() {
        let text = text.map_err(|error| format!("Line {}: {error}.", number + 1))?;
        let text = text.trim();
        if !text.is_empty() {
            all.push(Line::text(text.to_owned()));
        }
    }
    some(all)
}

fn shared(from: impl Read) -> Result<Vec<Line>, String> {
    let all: Vec<Shared> = serde_json::from_reader(BufReader::new(from))
        .map_err(|error| format!("It is no list of conversations: {error}."))?;
    let line = |of: Shared| {
        let is_person = |said: &Said| matches!(said.from.as_str(), "human" | "user") && !said.value.trim().is_empty();
        let mut said = of.conversations.into_iter().filter(is_person).map(|said| said.value);
        let first = Line::text(said.next()?);
        Some(Line { then: said.collect(), ..first })
    };
    some(all.into_iter().filter_map(line).collect())
}

fn lines(from: impl Read, api: Api) -> Result<Vec<Line>, String> {
    let mut all = Vec::new();
    for (number, text) in BufReader::new(from).lines().enumerate() {
        let number = number + 1;
        let text = text.map_err(|error| format!("Line {number}: {error}."))?;
        if text.trim().is_empty() {
            continue;
        }
        let line: Line = serde_json::from_str(&text).map_err(|error| format!("Line {number}: {error}."))?;
        match (&line.prompt, &line.messages, api) {
            (Some(prompt), None, _) if !prompt.is_empty() => {}
            (None, Some(messages), Api::Chat) if !messages.is_empty() => {}
            (None, Some(_), api) if api != Api::Chat => {
                return Err(format!("Line {number}: {} have a prompt, not messages.", api.name()));
            }
            _ => return Err(format!("Line {number}: it has neither a prompt nor messages, or both.")),
        }
        if line.output_tokens == Some(0) {
            return Err(format!("Line {number}: output_tokens cannot be 0."));
        }
        all.push(line);
    }
    some(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        plan::{Plan, Prompts, tests::plan},
        prompts::{Maker, Turn},
    };

    /// Of a file of this name with this text.
    fn maker(name: &str, text: &str, has_turns: bool) -> Result<Maker, Problem> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        let mut plan = Plan { prompts: Prompts::File(file), ..plan() };
        plan.manner.turns = has_turns.then_some(4);
        Maker::of(&plan)
    }

    #[test]
    fn prompts_of_a_file_are_taken_in_order_and_again() {
        let text = "{\"prompt\":\"say one\"}\n\n{\"messages\":[{\"role\":\"user\",\"content\":\"two of them\"}],\"max_tokens\":3}\n";
        let maker = maker("p.jsonl", text, false).unwrap();
        let content = |n| {
            let body: serde_json::Value = serde_json::from_slice(&maker.make(n, None).body).unwrap();
            body["messages"][0]["content"].as_str().unwrap().to_owned()
        };
        assert_eq!([0, 1, 2].map(content), ["say one", "two of them", "say one"]);
        let ready = [0, 1].map(|n| maker.make(n, None)).map(|ready| (ready.wanted_input, ready.wanted_output));
        assert_eq!(ready, [(2, Some(8)), (3, Some(3))]);
        assert_eq!(maker.lines(), Some(2));
    }

    #[test]
    fn what_is_no_prompt_says_where() {
        for (text, api, want) in [
            ("", Api::Chat, "There is no prompt in it."),
            ("{\"prompt\":\"a\"}\n{}", Api::Chat, "Line 2: it has neither a prompt nor messages, or both."),
            ("{\"messages\":[{}]}", Api::Completions, "Line 1: completions have a prompt, not messages."),
            ("{\"prompt\":\"a\",\"output_tokens\":0}", Api::Chat, "Line 1: output_tokens cannot be 0."),
        ] {
            assert_eq!(lines(text.as_bytes(), api), Err(want.to_owned()));
        }
        assert!(lines("nonsense".as_bytes(), Api::Chat).unwrap_err().starts_with("Line 1: "));
    }

    const SHARE: &str = r#"[
        {"id": "a", "conversations": [
            {"from": "system", "value": "be kind"},
            {"from": "human", "value": "what is it"},
            {"from": "gpt", "value": "a thing"},
            {"from": "human", "value": "and why so"}]},
        {"id": "b", "conversations": [{"from": "gpt", "value": "hello"}]},
        {"id": "c", "conversations": [{"from": "user", "value": "go on please"}]}]"#;

    #[test]
    fn of_sharegpt_the_first_is_asked_or_a_conversation_is_played() {
        let first = maker("s.json", SHARE, false).unwrap();
        let wanted = [0, 1].map(|n| first.make(n, None).wanted_input);
        // What begins with no person is no prompt.
        assert_eq!((first.lines(), wanted), (Some(2), [3, 3]));
        let played = maker("s.json", SHARE, true).unwrap();
        let said = |of, at| played.turn(9, Turn { of, at, before: &[] }).map(|(_, said)| said);
        assert_eq!(said(0, 0).as_deref(), Some("what is it"));
        assert_eq!((said(0, 1).as_deref(), said(0, 2)), (Some("and why so"), None));
        assert_eq!((said(1, 0).as_deref(), said(3, 1)), (Some("go on please"), None));
        for (text, want) in [
            ("{}", "It is no list of conversations: "),
            ("[]", "There is no prompt in it."),
            (r#"[{"conversations": [{"from": "gpt", "value": "x"}]}]"#, "There is no prompt in it."),
        ] {
            let why = maker("s.json", text, false).err().and_then(|problem| problem.why).unwrap_or_default();
            assert!(why.starts_with(want), "{why}");
        }
    }

    #[test]
    fn a_text_has_a_prompt_a_line_and_a_conversation_takes_them_one_by_one() {
        let plain = maker("p.txt", "say one\n\n{\"not\": json}\r\n", false).unwrap();
        assert_eq!((plain.lines(), [0, 1].map(|n| plain.make(n, None).wanted_input)), (Some(2), [2, 2]));
        let turns = maker("p.txt", "a\nb\n", true).unwrap();
        let said = |of, at| turns.turn(9, Turn { of, at, before: &[] }).map(|(_, said)| said);
        assert_eq!([said(0, 0), said(0, 1), said(1, 0)].map(Option::unwrap_or_default), ["a", "", "b"]);
        let messages = "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}";
        let why = maker("p.jsonl", messages, true).err().and_then(|problem| problem.why);
        assert_eq!(why.as_deref(), Some("Line 1: messages are a whole conversation, and turns are to be made of it."));
    }
}
