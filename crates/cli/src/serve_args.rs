//! What may be typed about the browser door.

use clap::{Args, Subcommand};
use std::{net::IpAddr, path::PathBuf, time::Duration};

/// Of the browser door.
#[derive(Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct ServeArgs {
    /// Something else than to open it.
    #[command(subcommand)]
    pub verb: Option<ServeVerb>,
    /// The port; 0 for any that is free [default: 7447, or a free one where that is taken; with --wall 7447 alone]
    #[arg(long)]
    pub port: Option<u16>,
    /// Only this connection, by id or name; or a context of the kubeconfig, for this run alone
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
    /// The demo fleet, though connections are configured
    #[arg(long)]
    pub demo: bool,
    /// Open it in a browser at once
    #[arg(long)]
    pub open: bool,
    /// The wall: one screen that others may see, at /wall. No YAML, no logs, no settings, no search
    #[arg(long)]
    pub wall: bool,
    /// Listen on this address instead, so that other machines can show the wall; needs a token
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    pub listen: IpAddr,
    /// The certificate to show, PEM, with those that vouch for it behind it
    #[arg(long, value_name = "FILE", requires = "key")]
    pub cert: Option<PathBuf>,
    /// The key of the certificate, PEM
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub key: Option<PathBuf>,
    /// Speak to other machines without encryption: whoever listens can read everything, and get in
    #[arg(long, conflicts_with = "cert")]
    pub plain: bool,
    /// A name under which other machines call this one; may be repeated
    #[arg(long = "name", value_name = "HOST")]
    pub names: Vec<String>,
    /// Take the interface from this folder: for whoever writes it
    #[arg(long, value_name = "FOLDER", hide = true)]
    pub ui: Option<PathBuf>,
}

/// What else may be done about the browser door.
#[derive(Clone, Debug, Subcommand)]
pub enum ServeVerb {
    /// Tokens by which screens of other machines are let in
    #[command(subcommand)]
    Token(TokenVerb),
    /// A code that lets one screen of another machine in, once, within a quarter of an hour
    Code {
        /// The number of the token that it stands for, as the list has it [default: the newest]
        token: Option<u32>,
    },
}

/// What may be done about tokens.
#[derive(Clone, Debug, Subcommand)]
pub enum TokenVerb {
    /// Make one. It is shown this once, and kept as a hash
    New {
        /// What it is for, in your words
        name: Option<String>,
        /// How long it lets somebody in: 12h, 30d; a year at most
        #[arg(long, value_name = "SPAN", default_value = "30d", value_parser = span)]
        expires: Duration,
    },
    /// Those that let somebody in now
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// End one, and everything that it let in
    Revoke {
        /// Its number, as the list has it
        id: u32,
    },
}

/// A span of whole hours or days.
fn span(text: &str) -> Result<Duration, String> {
    const YEAR: u64 = 366 * 24;
    let wrong = || "give whole hours or days, such as 12h or 30d; a year at most".to_owned();
    let (number, hours) = match (text.strip_suffix('h'), text.strip_suffix('d')) {
        (Some(number), _) => (number, 1),
        (_, Some(number)) => (number, 24),
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let all = number.checked_mul(hours).filter(|hours| (1..=YEAR).contains(hours)).ok_or_else(wrong)?;
    Ok(Duration::from_secs(all * 3_600))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_whole_hours_or_days_up_to_a_year() {
        assert_eq!(span("12h"), Ok(Duration::from_secs(12 * 3_600)));
        assert_eq!(span("366d"), Ok(Duration::from_secs(366 * 86_400)));
        for wrong in
            ["", "h", "0h", "30", "1.5d", "-1d", "367d", "99999999999999999999d", "18446744073709551615d", "1w"]
        {
            assert!(span(wrong).is_err(), "{wrong}");
        }
    }
}
