//! What is read of a model in a registry without its weights.

use pilothouse_wire::{Problem, SmolStr, runs::FilesSize};

/// What decides whether a model fits a GPU, as its registry has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelFiles {
    /// The text of its `config.json`.
    pub config: String,
    /// Where that was read, for people: "config.json in team/chat:prod".
    pub place: String,
    /// The bytes of its weights, as the registry says.
    pub weights: Option<u64>,
    /// A digest of its chat template.
    pub template: Option<String>,
    /// A digest of its tokenizer.
    pub tokenizer: Option<String>,
}

/// What the files of a version say of it, for who compares two. Each part is read by itself, or says why it could not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionFiles {
    /// How large they are together.
    pub size: Result<FilesSize, Problem>,
    /// The text of its `config.json`; none where it has none.
    pub config: Result<Option<String>, Problem>,
    /// How it was saved: flavours and their settings.
    pub flavours: Result<Vec<(SmolStr, String)>, Problem>,
}

/// No `config.json` is larger.
pub const LARGEST_CONFIG: usize = 1 << 20;
/// Files of which one is the tokenizer of a model.
pub const TOKENIZERS: [&str; 3] = ["tokenizer.json", "tokenizer.model", "tekken.json"];
/// The file in which a model keeps its chat template.
pub const TEMPLATE: &str = "chat_template.jinja";
