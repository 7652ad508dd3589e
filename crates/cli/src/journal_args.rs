//! What may be typed about the record.

use crate::{
    far::{FarArgs, Place},
    serve_args::TokenVerb,
};
use clap::{Args, Subcommand};
use pilothouse_engine::record::{Moment, span};
use std::{net::IpAddr, path::PathBuf, time::Duration};

/// The record of what was seen.
#[derive(Args, Clone, Debug)]
pub struct JournalArgs {
    /// What about it
    #[command(subcommand)]
    pub verb: JournalVerb,
    /// The journal; to export from, also the address of a recorder [default: that of this account]
    #[arg(long, global = true, value_name = "FILE")]
    pub journal: Option<Place>,
}

/// What is done with the record.
#[derive(Clone, Debug, Subcommand)]
pub enum JournalVerb {
    /// From when to when it tells, what it takes, and what is missing
    Info {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Write a part of it into one file, to be sent and opened elsewhere
    Export {
        /// From when: 2026-11-24T03:00:00Z, or so long before its end: 90m, 2h, 3d
        #[arg(long, value_name = "TIME")]
        from: Moment,
        /// Until when [default: its end]
        #[arg(long, value_name = "TIME")]
        to: Option<Moment>,
        /// Replace the names of clusters, nodes, namespaces, pods, images, people and all else, and texts: the same name by
        /// the same other one
        #[arg(long)]
        pseudonyms: bool,
        #[command(flatten)]
        far: FarArgs,
        /// The file
        file: PathBuf,
    },
    /// Read all of it, and say what does not read
    Verify {
        /// An export; the journal if none is given
        file: Option<PathBuf>,
    },
    /// Drop what is old, and give the room back
    Prune {
        /// What is older than this before its end: 12h, 7d
        #[arg(long, value_name = "SPAN", default_value = "7d", value_parser = span)]
        older_than: Duration,
    },
}

/// Of a record in a file.
#[derive(Args, Clone, Debug)]
pub struct OpenArgs {
    /// An export, a copied journal, or the address of a recorder: https://host:port/
    #[arg(value_name = "FILE")]
    pub place: Place,
    /// Of an address: from when, a time or so long before its end [default: 24h]
    #[arg(long, value_name = "TIME")]
    pub from: Option<Moment>,
    /// Of an address: until when [default: its end]
    #[arg(long, value_name = "TIME")]
    pub to: Option<Moment>,
    #[command(flatten)]
    pub far: FarArgs,
    /// The port; 0 for any that is free [default: 7447, or a free one where that is taken]
    #[arg(long)]
    pub port: Option<u16>,
    /// Open it in a browser at once
    #[arg(long)]
    pub open: bool,
    /// Take the interface from this folder: for whoever writes it
    #[arg(long, value_name = "FOLDER", hide = true)]
    pub ui: Option<PathBuf>,
}

/// Of a recorder.
#[derive(Args, Clone, Debug, Default)]
#[command(args_conflicts_with_subcommands = true)]
pub struct RecordArgs {
    /// Something else than to record.
    #[command(subcommand)]
    pub verb: Option<RecordVerb>,
    /// Only this connection, by id or name; or a context of the kubeconfig, for this run alone
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
    /// The demo fleet, though connections are configured
    #[arg(long)]
    pub demo: bool,
    /// Open a door on this address too, where who has a token reads the record, and nothing else
    #[arg(long, value_name = "IP")]
    pub listen: Option<IpAddr>,
    /// The door's port; 0 for any that is free [default: 7448]
    #[arg(long, requires = "listen")]
    pub port: Option<u16>,
    /// The certificate to show, PEM, with those that vouch for it behind it
    #[arg(long, value_name = "FILE", requires_all = ["key", "listen"])]
    pub cert: Option<PathBuf>,
    /// The key of the certificate, PEM
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub key: Option<PathBuf>,
    /// Speak to other machines without encryption: whoever listens can read everything, and get in
    #[arg(long, conflicts_with = "cert", requires = "listen")]
    pub plain: bool,
    /// A name under which other machines call this one; may be repeated
    #[arg(long = "name", value_name = "HOST", requires = "listen")]
    pub names: Vec<String>,
    /// The file of tokens that open the door [default: record.json beside the settings]
    #[arg(long, value_name = "FILE", requires = "listen")]
    pub tokens: Option<PathBuf>,
}

/// What else may be done about a recorder.
#[derive(Clone, Debug, Subcommand)]
pub enum RecordVerb {
    /// Tokens by which other machines read the record
    Token(RecordTokenArgs),
}

/// Of tokens of the record.
#[derive(Args, Clone, Debug)]
pub struct RecordTokenArgs {
    /// What about them
    #[command(subcommand)]
    pub verb: TokenVerb,
    /// The file that they are in [default: record.json beside the settings]
    #[arg(long, global = true, value_name = "FILE")]
    pub tokens: Option<PathBuf>,
}
