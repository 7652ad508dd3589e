//! A record by its place: a file here, or the door of a recorder on another machine. The token is never an argument.

use crate::{exit::Failed, prompt, serve};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use pilothouse_engine::record::{
    self, Moment, Opened,
    far::{self, Address, Trust},
};
use pilothouse_wire::{Code, Problem, form::SecretInput};
use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

/// The variable that a token may be in.
pub const VARIABLE: &str = "PILOTHOUSE_TOKEN";
/// A file of a token is no longer.
const MOST_TOKEN: u64 = 4_096;
/// How much of a far record is taken unless somebody says.
const USUAL: Moment = Moment::Before(Duration::from_secs(24 * 3_600));

/// Where a record is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file here.
    Here(PathBuf),
    /// A recorder's door.
    Far(Address),
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("https://") || text.starts_with("http://") {
            return text.parse().map(Self::Far);
        }
        Ok(Self::Here(text.into()))
    }
}

/// Of a recorder on another machine.
#[derive(Args, Clone, Debug, Default)]
pub struct FarArgs {
    /// Of an address: certificates in PEM, only what they signed is believed [default: what this machine trusts]
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Of an address: the file that the token is in [default: PILOTHOUSE_TOKEN, else it is asked for]
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Of an address that begins with http://: send the token to another machine in the clear
    #[arg(long)]
    pub plain: bool,
}

impl FarArgs {
    fn trust(&self) -> Trust {
        Trust { authorities: self.ca.clone(), plain: self.plain }
    }

    fn token(&self) -> Result<SecretInput, Failed> {
        if let Some(file) = &self.token_file {
            return Ok(read(file)?);
        }
        match std::env::var(VARIABLE) {
            Ok(token) if !token.trim().is_empty() => Ok(SecretInput(token.trim().to_owned())),
            _ => prompt::secret("Token of the recorder"),
        }
    }
}

fn read(file: &Path) -> Result<SecretInput, Problem> {
    let unusable = |why: String| {
        Problem::new(Code::BadInput, format!("There is no token in {}.", file.display()))
            .why(format!("{why}."))
            .next("Put the token alone into it, as `pilothouse record token new` prints it.")
    };
    let mut text = String::new();
    let read = File::open(file).and_then(|file| file.take(MOST_TOKEN).read_to_string(&mut text));
    read.map_err(|error| unusable(error.to_string()))?;
    let token = text.trim();
    if token.is_empty() || token.contains(char::is_whitespace) {
        return Err(unusable("It is empty, or has more than one word in it".into()));
    }
    Ok(SecretInput(token.to_owned()))
}

/// Opens a record, wherever it is; what was fetched or unpacked for that goes with it, also if somebody interrupts.
pub async fn open(place: &Place, far: &FarArgs, from: Option<Moment>, to: Option<Moment>) -> Result<Opened, Failed> {
    match place {
        Place::Here(_) if from.is_some() || to.is_some() => {
            Err(Failed::Usage("--from and --to are of an address: a file is opened whole.".into()))
        }
        Place::Here(file) => unless_interrupted(record::open(file)).await,
        Place::Far(address) => {
            let (token, trust, bar) = (far.token()?, far.trust(), Bar::new());
            let opened = far::open(address, &trust, &token, from.unwrap_or(USUAL), to, bar.follow());
            unless_interrupted(opened).await
        }
    }
}

/// Fetches a part of a far record into a file, and holds it against its hashes.
pub async fn fetch(
    address: &Address,
    far: &FarArgs,
    from: Moment,
    to: Option<Moment>,
    into: &Path,
) -> Result<(), Failed> {
    let (token, trust, bar) = (far.token()?, far.trust(), Bar::new());
    unless_interrupted(far::fetch(address, &trust, &token, (from, to), into, bar.follow())).await
}

async fn unless_interrupted<T>(work: impl Future<Output = Result<T, Problem>>) -> Result<T, Failed> {
    tokio::select! {
        done = work => Ok(done?),
        () = serve::interruption_or_hangup() => {
            Err(Problem::new(Code::Cut, "Interrupted.").why("Nothing of what was begun is kept.").into())
        }
    }
}

/// How much has come, of how much; shown to a person at a terminal.
struct Bar(ProgressBar);

impl Bar {
    fn new() -> Self {
        let bar = ProgressBar::new_spinner().with_message("The recorder gathers what is asked for");
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(bar)
    }

    fn follow(&self) -> impl FnMut(u64, u64) {
        let bar = self.0.clone();
        move |there, all| {
            if bar.length().is_none() {
                bar.set_length(all);
                let style = ProgressStyle::with_template("{bar:32} {bytes} of {total_bytes}, {eta} to go");
                bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            }
            bar.set_position(there);
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_told_from_a_file() {
        assert_eq!("part.pilothouse".parse(), Ok(Place::Here("part.pilothouse".into())));
        assert!(matches!("https://recorder.example:7448/".parse(), Ok(Place::Far(_))));
        assert!("https://".parse::<Place>().is_err());
    }

    #[test]
    fn a_token_is_one_word_of_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        for (text, good) in [("phr_x\n", true), ("  phr_x  ", true), ("", false), ("a token", false)] {
            std::fs::write(&file, text).unwrap();
            let token = read(&file);
            assert_eq!(token.is_ok(), good, "{text}");
            assert!(token.map_or(true, |token| token.0 == "phr_x"));
        }
        assert!(read(&folder.path().join("none")).is_err());
    }
}
