//! What a person wants, as it may be shown, framed and written down.

use super::{GONE, names_a_secret, redact_url};
use pilothouse_wire::plan::Deed;

/// A value without what its name says is a secret, and without the credentials of an address.
#[must_use]
pub fn redact_named(name: &str, value: &str) -> String {
    if names_a_secret(name) { GONE.to_owned() } else { redact_url(value) }
}

/// A deed without the values that are secrets. One that differs from what it was is only to be looked at: done, it would put
/// the sign there that stands for the secret.
#[must_use]
pub fn redact_deed(deed: &Deed) -> Deed {
    match deed {
        Deed::SetTag { version, key, value } => {
            Deed::SetTag { version: *version, key: key.clone(), value: redact_named(key, value).into() }
        }
        Deed::SetModel(uri) => Deed::SetModel(redact_url(uri).into()),
        Deed::Scale(_)
        | Deed::Restart
        | Deed::Pause
        | Deed::Resume
        | Deed::Promote
        | Deed::PromoteFully
        | Deed::Abort
        | Deed::Retry
        | Deed::Terminate
        | Deed::Undo(_)
        | Deed::SetImage { .. }
        | Deed::Cordon
        | Deed::Uncordon
        | Deed::Drain
        | Deed::Delete
        | Deed::SetAlias { .. }
        | Deed::RemoveAlias(_)
        | Deed::RemoveTag { .. }
        | Deed::Silence { .. }
        | Deed::Unsilence
        | Deed::Canary(_)
        | Deed::Stop
        | Deed::Start
        | Deed::SetWeights { .. }
        | Deed::MemberWeight(_)
        | Deed::RunWorkers(_)
        | Deed::BeginWorkers { .. }
        | Deed::EndWorkers => deed.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deed_is_shown_without_a_value_that_is_a_secret() {
        let tag = |key: &str, value: &str| Deed::SetTag { version: Some(3), key: key.into(), value: value.into() };
        assert_eq!(redact_deed(&tag("hub_token", "hunter2")), tag("hub_token", GONE));
        assert_eq!(redact_deed(&tag("from", "https://ada:hunter2@hub/x")), tag("from", "https://hub/x"));
        assert_eq!(redact_deed(&tag("team", "chat")), tag("team", "chat"));
        let model = |uri: &str| Deed::SetModel(uri.into());
        assert_eq!(redact_deed(&model("s3://models/chat")), model("s3://models/chat"));
        assert_eq!(redact_deed(&model("https://hub/x?token=hunter2")), model("https://hub/x?token=…"));
    }
}
