//! What needs the person first: a program that signs in, and the passphrase of the encrypted file.

use crate::{exit::Failed, out::note, prompt, start::Session};
use pilothouse_wire::{Act, Acted, Code, Problem, units::visible, view::connections::PluginNotice};

/// How consent to a sign-in program is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consent {
    /// By whoever is at the terminal.
    Ask,
    /// Beforehand, to the program with this SHA-256.
    To(String),
}

impl Consent {
    /// By whoever is at the terminal.
    pub fn ask() -> Self {
        Self::Ask
    }

    /// As typed: a digest, or nothing.
    pub fn given(typed: Option<String>) -> Self {
        match typed.map(|digest| digest.trim().trim_start_matches("sha256:").to_lowercase()) {
            Some(digest) if !digest.is_empty() => Self::To(digest),
            _ => Self::Ask,
        }
    }

    /// Shows the program, and asks. Without a terminal and without a digest the answer is no.
    fn to(&self, plugin: &PluginNotice) -> Result<bool, Failed> {
        show(plugin);
        match self {
            Self::To(digest) => {
                let found = plugin.digest.as_deref().map(|found| found.trim_start_matches("sha256:").to_lowercase());
                if found.as_ref() == Some(digest) {
                    return Ok(true);
                }
                let problem = Problem::new(Code::PluginUntrusted, "The sign-in program is not the one that you named.");
                let problem = problem.why(match found {
                    Some(found) => format!("Its SHA-256 is {found}, not {digest}."),
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
    let arguments: Vec<String> = plugin.arguments.iter().map(|argument| visible(argument)).collect();
    note("This connection signs in with a program of this machine:");
    note(&format!("  Command    {}", visible(&plugin.command)));
    note(&format!("  Arguments  {}", if arguments.is_empty() { "none".to_owned() } else { arguments.join(" ") }));
    note(&format!("  SHA-256    {}", plugin.digest.as_deref().map_or("not found in the path".to_owned(), visible)));
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
    fn a_digest_is_consent_to_that_program_alone() {
        let plugin = |digest: Option<&str>| PluginNotice {
            command: "aws".into(),
            arguments: vec!["eks".into()],
            digest: digest.map(Into::into),
        };
        let consent = Consent::given(Some("SHA256:AB12".to_lowercase()));
        assert!(consent.to(&plugin(Some("sha256:ab12"))).unwrap());
        for other in [Some("ab13"), None] {
            assert!(matches!(consent.to(&plugin(other)), Err(Failed::Problem(_))), "{other:?}");
        }
        assert_eq!(Consent::given(Some(String::new())), Consent::Ask);
        assert_eq!(Consent::given(None), Consent::Ask);
    }
}
