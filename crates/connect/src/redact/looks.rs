//! What is a credential by its looks, whatever stands around it.

/// Begins of tokens that are known by them, and how much has to follow.
const BEGINS: &[(&str, usize)] = &[
    ("ghp_", 4),
    ("gho_", 4),
    ("ghu_", 4),
    ("ghs_", 4),
    ("ghr_", 4),
    ("github_pat_", 4),
    ("glpat-", 4),
    ("sk-live-", 1),
    ("sk-test-", 1),
    ("sk-proj-", 1),
    ("sk-ant-", 1),
    ("sk_live_", 1),
    ("sk_test_", 1),
    ("xoxa-", 1),
    ("xoxb-", 1),
    ("xoxp-", 1),
    ("xoxr-", 1),
    ("xoxs-", 1),
    ("AKIA", 8),
    ("ASIA", 8),
    ("eyJ", 8),
    ("hf_", 8),
    ("nvapi-", 4),
    ("AIza", 8),
    ("ya29.", 4),
];

/// Private keys, tokens of a known form, and long runs of the letters of base64 and hexadecimal: tokens, keys. Paths,
/// names of hosts and digests of images are none.
#[must_use]
pub fn looks_secret(text: &str) -> bool {
    let run = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '=' | '_' | '-' | '.');
    if text.contains("-----BEGIN") {
        return true;
    }
    if text.split(|c| !run(c) || c == '=').any(has_known_form) {
        return true;
    }
    let text = text.split_once("sha256:").map_or(text, |(before, _)| before);
    text.split(|c| !run(c)).any(|part| {
        let digits = part.chars().filter(char::is_ascii_digit).count();
        let letters = part.chars().filter(char::is_ascii_alphabetic).count();
        // Times, versions and numbers are digits mostly; names have few.
        let mixed = digits >= 3 && letters >= 8;
        part.len() >= 24 && mixed && !is_name(part)
    })
}

fn has_known_form(part: &str) -> bool {
    let follows = |(begin, least): &(&str, usize)| part.strip_prefix(begin).is_some_and(|rest| rest.len() >= *least);
    // Some are a name as well: sk-learn is no key, sk-4fG81 may be one.
    let short = part.strip_prefix("sk-").is_some_and(|rest| {
        rest.len() >= 8 && rest.contains(|c: char| c.is_ascii_digit()) && !rest.contains(['-', '.'])
    });
    short || BEGINS.iter().any(follows)
}

/// `ip-10-0-0-1.eu-west-1.compute.internal`, `chat-70b-7c9f4d-x2k8q`: short parts between dashes and dots.
fn is_name(part: &str) -> bool {
    part.split(['-', '.']).all(|piece| piece.len() <= 16) && part.contains(['-', '.'])
}
