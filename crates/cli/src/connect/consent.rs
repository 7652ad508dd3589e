//! What needs the person first: a program that signs in, and the passphrase of the encrypted file.

use crate::{exit::Failed, out::note, prompt, start::Session};
use pilothouse_wire::{Act, Acted, Code, Problem, units::visible, view::connections::PluginNotice};

/// How consent to a sign-in program is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consent {
    /// By whoever is at the terminal.
    Ask,
    /// Beforehand, to the command with this fingerprint.
    To(String),
}

impl Consent {
    /// By whoever is at the terminal.
    pub fn ask() -> Self {
        Self::Ask
    }

    /// As typed: a fingerprint, or nothing.
    pub fn given(typed: Option<String>) -> Self {
        match typed.map(|typed| typed.trim().to_lowercase().trim_start_matches("sha256:").to_owned()) {
            Some(fingerprint) if !fingerprint.is_empty() => Self::To(fingerprint),
            _ => Self::Ask,
        }
    }

    /// Shows the program, and asks. Without a terminal and without a fingerprint the answer is no.
    fn to(&self, plugin: &PluginNotice) -> Result<bool, Failed> {
        show(plugin);
        match self {
            Self::To(named) => {
                let found = plugin.fingerprint.as_deref().unwrap_or_default();
                if plugin.digest.is_some() && found == named {
                    return Ok(true);
                }
                let problem = Problem::new(Code::PluginUntrusted, "The sign-in program is not the one that you named.");
                let problem = problem.why(match plugin.digest.as_deref() {
                    Some(digest) if digest == named => format!(
                        "{digest} is the program alone. With its arguments and variables its fingerprint is {found}."
                    ),
                    Some(_) => format!("Its fingerprint is {found}, not {named}."),
                    None => format!("{} was not found in the path.", visible(&plugin.command)),
                });
                Err(problem.next("Look at it, and confirm the one that you want to run.").into())
            }
            Self::Ask if prompt::somebody_answers() => prompt::yes("Run it to sign in?"),
            Self::Ask => Ok(false),
        }
    }
}

fn show(plugin: &PluginNotice) {
    note("This connection signs in with a program of this machine:");
    note(&format!("  Command      {}", visible(&plugin.command)));
    let arguments = if plugin.arguments.is_empty() { "none".to_owned() } else { visible(&plugin.line()) };
    note(&format!("  Arguments    {arguments}"));
    match plugin.hidden() {
        0 => {}
        hidden => note(&format!("  Not shown    {hidden}, each as …; the fingerprint covers them")),
    }
    note(&format!("  Program      {}", plugin.digest.as_deref().map_or("not found in the path".to_owned(), visible)));
    note(&format!("  Fingerprint  {}", plugin.fingerprint.as_deref().map_or("none".to_owned(), visible)));
}

/// Acts; asks for a passphrase and for consent where that is what is missing.
pub async fn act(session: &Session, wanted: Act, consent: &Consent) -> Result<Acted, Failed> {
    let operator = session.operator();
    let acted = match operator.act(wanted.clone()).await {
        Err(problem) if problem.code == Code::VaultLocked && prompt::somebody_answers() => {
            note(&visible(&problem.to_string()));
            let passphrase = prompt::secret("Passphrase")?;
            operator.act(Act::UnlockVault(passphrase)).await?;
            operator.act(wanted).await?
        }
        acted => acted?,
    };
    match acted {
        Acted::NeedsConsent { id, plugin } => {
            if consent.to(&plugin)? {
                Ok(operator.act(Act::TrustPlugin { id, plugin }).await?)
            } else {
                Ok(Acted::NeedsConsent { id, plugin })
            }
        }
        acted => Ok(acted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_consent_to_that_command_alone() {
        let plugin = |digest: Option<&str>, fingerprint: Option<&str>| PluginNotice {
            command: "aws".into(),
            arguments: vec!["eks".into()],
            digest: digest.map(Into::into),
            fingerprint: fingerprint.map(Into::into),
        };
        for typed in ["SHA256:AB12", " ab12"] {
            let consent = Consent::given(Some(typed.to_owned()));
            assert!(consent.to(&plugin(Some("77d0"), Some("ab12"))).unwrap());
            for other in [
                plugin(Some("77d0"), Some("ab13")),
                plugin(Some("ab12"), Some("77d0")),
                plugin(Some("77d0"), None),
                plugin(None, Some("ab12")),
            ] {
                let Err(Failed::Problem(problem)) = consent.to(&other) else { panic!("{other:?}") };
                let why = problem.why.unwrap();
                let named = if other.digest.is_some() { other.fingerprint.unwrap_or_default() } else { other.command };
                assert!(why.contains(&named), "{why}");
            }
        }
        assert_eq!(Consent::given(Some(String::new())), Consent::Ask);
        assert_eq!(Consent::given(None), Consent::Ask);
    }
}
