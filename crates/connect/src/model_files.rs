//! What is read of a model in a registry without its weights.

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

/// No `config.json` is larger.
pub const LARGEST_CONFIG: usize = 1 << 20;
/// Files of which one is the tokenizer of a model.
pub const TOKENIZERS: [&str; 3] = ["tokenizer.json", "tokenizer.model", "tekken.json"];
/// The file in which a model keeps its chat template.
pub const TEMPLATE: &str = "chat_template.jinja";
