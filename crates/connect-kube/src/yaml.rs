//! An object as YAML, read from the server now, without secrets.

use crate::{client::Client, failure::Failure, read, scrub::scrub};
use pilothouse_wire::{ObjectRef, Problem};
use serde_json::Value;

/// Reads an object and prints it.
///
/// # Errors
/// If this kind of object is none of the server's, or it cannot be read.
pub(crate) async fn yaml(client: &Client, object: &ObjectRef) -> Result<String, Problem> {
    let spot = read::spot(client, object).await?;
    let mut object = read::object(client, &spot, object.kind_word()).await?;
    scrub(&mut object);
    print(&object).ok_or_else(|| Failure::Unreadable("It is no object in JSON".to_owned()).problem(&client.place))
}

/// What may stand between two slashes of a path: names of Kubernetes and nothing that leads elsewhere.
pub(crate) fn is_segment(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b':');
    !name.is_empty() && name.bytes().all(plain) && !name.bytes().all(|byte| byte == b'.')
}

pub(crate) fn print(object: &Value) -> Option<String> {
    serde_saphyr::to_string(object).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn it_is_printed_as_kubectl_does() {
        let object = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": { "name": "chat", "labels": { "yes": "true", "n": "8", "none": "null" } },
            "spec": { "containers": [{ "name": "a", "args": ["--x=1", "two words"] }], "hostNetwork": true },
        });
        insta::assert_snapshot!(print(&object).unwrap());
    }

    #[test]
    fn nothing_but_a_name_gets_into_a_path() {
        for good in ["h100-117", "a.b-c", "system:node:x"] {
            assert!(is_segment(good), "{good}");
        }
        for bad in ["", "..", "a/b", "a?b", "a%2fb", "a b"] {
            assert!(!is_segment(bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn text_reads_back_as_it_was(text in "[ -~\n…é]{0,40}") {
            let printed = print(&json!({ "a": [text.clone()] })).unwrap();
            let read: Value = serde_saphyr::from_str(&printed).unwrap();
            prop_assert_eq!(&read["a"][0], &Value::String(text), "{}", printed);
        }
    }
}
