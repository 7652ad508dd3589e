//! What may be typed behind `connect`. The flags of a new connection are drawn from what its kind asks for.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, Subcommand};
use pilothouse_connect::{FieldSpec, InputSpec, Kind};
use pilothouse_engine::KINDS;
use pilothouse_wire::{ConnectionId, form::Draft};
use std::collections::BTreeMap;

/// Of the connections.
#[derive(Args, Debug)]
pub struct ConnectArgs {
    /// The command.
    #[command(subcommand)]
    pub verb: ConnectVerb,
}

/// What can be done with connections.
#[derive(Debug, Subcommand)]
pub enum ConnectVerb {
    /// Add a connection
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Add(NewConnection),
    /// Make the calls that a connection makes, with its secrets, and keep nothing
    Test {
        /// Its id
        id: String,
    },
    /// Change a connection's settings
    Edit(EditArgs),
    /// Stop a connection, and keep its settings
    Pause {
        /// Its id
        id: String,
    },
    /// Start a paused connection again
    Resume {
        /// Its id
        id: String,
    },
    /// Say that something may be done through a connection; until then it is read alone
    Operate {
        /// Its id
        id: String,
        /// Read it alone again
        #[arg(long)]
        off: bool,
        /// It is what users depend on: what is done there is confirmed by typing its name
        #[arg(long, value_name = "yes|no", value_parser = yes_or_no)]
        production: Option<bool>,
    },
    /// Remove a connection, what is known of it, and its secrets
    Remove {
        /// Its id
        id: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// What is configured
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Servers found inside of the connected clusters; none is contacted
    Services {
        /// As JSON
        #[arg(long)]
        json: bool,
        /// How long clusters may take to be looked through, in seconds
        #[arg(long, value_name = "SECONDS", default_value_t = 15)]
        wait: u64,
    },
    /// Contexts found in kubeconfig files; none is contacted
    Contexts {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// Changes to a connection.
#[derive(Args, Debug)]
pub struct EditArgs {
    /// Its id
    pub id: String,
    /// Another name for people; the id stays
    #[arg(long)]
    pub name: Option<String>,
    /// A setting; without a value it is taken away. May be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    pub set: Vec<(String, String)>,
    /// A secret that is read from stdin, or asked for on a terminal; may be repeated
    #[arg(long, value_name = "KEY")]
    pub secret: Vec<String>,
    /// Consent to the sign-in program that was shown: its fingerprint, or nothing to be asked
    #[arg(long, value_name = "SHA256", num_args = 0..=1, default_missing_value = "")]
    pub trust_plugin: Option<String>,
}

/// A connection as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewConnection {
    /// What it is.
    pub draft: Draft,
    /// Keys of secrets that are to be read.
    pub secrets: Vec<String>,
    /// Consent to its sign-in program; empty: to be asked.
    pub trust_plugin: Option<String>,
    /// Test it, and keep nothing.
    pub dry_run: bool,
}

impl NewConnection {
    fn read(kind: &Kind, matches: &ArgMatches) -> Self {
        let mut values = BTreeMap::new();
        for field in kind.fields {
            let value = match field.input {
                InputSpec::Secret => None,
                InputSpec::Toggle => matches.get_flag(field.key).then(|| "true".to_owned()),
                InputSpec::Text(_) | InputSpec::Choice(_) => matches.get_one::<String>(field.key).cloned(),
            };
            values.extend(value.map(|value| (field.key.to_owned(), value)));
        }
        values.extend(matches.get_many::<(String, String)>("set").into_iter().flatten().cloned());
        let name = matches.get_one::<String>("name").cloned();
        let name = name.unwrap_or_else(|| usual_name(kind, &values));
        Self {
            draft: Draft { kind: kind.id.to_owned(), name, values },
            secrets: matches.get_many::<String>("secret").into_iter().flatten().cloned().collect(),
            trust_plugin: matches.get_one::<String>("trust-plugin").cloned(),
            dry_run: matches.get_flag("dry-run"),
        }
    }
}

/// The name of a connection that was given none: its first setting, as an id.
fn usual_name(kind: &Kind, values: &BTreeMap<String, String>) -> String {
    let first = kind.fields.iter().find_map(|field| values.get(field.key));
    ConnectionId::slug(first.map_or(kind.id, String::as_str)).to_string()
}

impl FromArgMatches for NewConnection {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut new = Self::default();
        new.update_from_arg_matches(matches)?;
        Ok(new)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        if let Some((id, matches)) = matches.subcommand()
            && let Some(kind) = KINDS.iter().find(|kind| kind.id == id)
        {
            *self = Self::read(kind, matches);
        }
        Ok(())
    }
}

impl Args for NewConnection {
    fn augment_args(command: Command) -> Command {
        KINDS.iter().fold(command, |command, kind| command.subcommand(kind_command(kind)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn kind_command(kind: &Kind) -> Command {
    let permissions = if kind.permissions.is_empty() {
        String::new()
    } else {
        format!("What it needs to be allowed:\n  {}", kind.permissions.join("\n  "))
    };
    let command = Command::new(kind.id).about(kind.summary).after_help(permissions);
    let own = kind.fields.iter().filter_map(field_arg);
    command.args(own).args(common_args(kind))
}

/// What every kind of connection takes.
fn common_args(kind: &Kind) -> [Arg; 5] {
    [
        Arg::new("name").long("name").value_name("NAME").help("Its name; the id is made of it"),
        Arg::new("set")
            .long("set")
            .value_name("KEY=VALUE")
            .value_parser(pair)
            .action(ArgAction::Append)
            .help("Any setting by its key; may be repeated"),
        Arg::new("secret").long("secret").value_name("KEY").action(ArgAction::Append).help(secret_help(kind)),
        Arg::new("trust-plugin")
            .long("trust-plugin")
            .value_name("SHA256")
            .help("Consent to the sign-in program with this fingerprint; asked for on a terminal"),
        Arg::new("dry-run").long("dry-run").action(ArgAction::SetTrue).help("Test it, and keep nothing"),
    ]
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("say yes or no".to_owned()),
    }
}

fn secret_help(kind: &Kind) -> String {
    let keys: Vec<&str> =
        kind.fields.iter().filter(|field| matches!(field.input, InputSpec::Secret)).map(|field| field.key).collect();
    let of = if keys.is_empty() { String::new() } else { format!(" ({})", keys.join(", ")) };
    format!("A secret{of}: read from stdin, one line each, or asked for on a terminal; may be repeated")
}

fn field_arg(field: &FieldSpec) -> Option<Arg> {
    let arg = Arg::new(field.key).long(field.key).help(field.help).required(field.required);
    match field.input {
        InputSpec::Secret => None,
        InputSpec::Toggle => Some(arg.required(false).action(ArgAction::SetTrue)),
        InputSpec::Choice(choices) => Some(arg.value_parser(clap::builder::PossibleValuesParser::new(choices))),
        InputSpec::Text("") => Some(arg.value_name("VALUE")),
        InputSpec::Text(example) => Some(arg.value_name("VALUE").help(format!("{} Such as {example}", field.help))),
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or_else(|| "write KEY=VALUE".to_owned())?;
    if key.is_empty() { Err("write KEY=VALUE".to_owned()) } else { Ok((key.to_owned(), value.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Arguments, Verb};
    use clap::Parser;

    #[test]
    fn every_kind_can_be_added_by_its_fields() {
        for kind in KINDS {
            let mut typed = vec!["pilothouse", "connect", "add", kind.id, "--name", "Here"];
            let flags: Vec<String> = kind.fields.iter().map(|field| format!("--{}", field.key)).collect();
            for (field, flag) in kind.fields.iter().zip(&flags) {
                match field.input {
                    InputSpec::Secret => {}
                    InputSpec::Toggle => typed.push(flag),
                    InputSpec::Choice(choices) => typed.extend([flag.as_str(), choices[0]]),
                    InputSpec::Text(_) => typed.extend([flag.as_str(), "x"]),
                }
            }
            let arguments = Arguments::try_parse_from(&typed).unwrap_or_else(|error| panic!("{error}"));
            let Verb::Connect(ConnectArgs { verb: ConnectVerb::Add(new) }) = arguments.verb else { panic!() };
            assert_eq!((new.draft.kind.as_str(), new.draft.name.as_str()), (kind.id, "Here"));
            let wanted = kind.fields.iter().filter(|field| !matches!(field.input, InputSpec::Secret)).count();
            assert_eq!(new.draft.values.len(), wanted);
        }
    }
}
