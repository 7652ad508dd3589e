//! A GGUF file, loaded by llama.cpp and computed on a thread of its own.

mod answer;
mod engine;
mod letters;
mod pick;
mod wanted;

pub use answer::{Answer, events};
pub use wanted::{Style, Wanted};

use crate::{args::Arguments, counted::Counted, http::Refusal, served::version_of};
use engine::{Job, Room};
use llama_cpp_2::{
    llama_backend::LlamaBackend,
    model::{LlamaChatMessage, LlamaChatTemplate, LlamaModel, params::LlamaModelParams},
    token::LlamaToken,
};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
    mpsc::{SyncSender, TrySendError, sync_channel},
};

/// Requests that may wait for their turn.
const WAITING: usize = 65_536;

/// A model that is loaded, and who computes it.
pub struct Loaded {
    model: &'static LlamaModel,
    template: Option<LlamaChatTemplate>,
    name: String,
    jobs: SyncSender<Job>,
    room: Room,
    counted: Arc<Counted>,
    asked: AtomicU64,
}

/// Loads a model, and makes room for what it is asked.
///
/// # Errors
/// If llama.cpp does not; why is among the lines that it wrote on the error output.
pub fn load(of: &Arguments) -> Result<Loaded, String> {
    let backend = LlamaBackend::init().map_err(|error| format!("llama.cpp does not begin: {error}."))?;
    if of.gpu_layers > 0 && !backend.supports_gpu_offload() {
        return Err("No layer can be computed by a GPU: this program was built without them, or there is none. Leave \
                    out --gpu-layers, or build it with --features cuda."
            .into());
    }
    let params = LlamaModelParams::default().with_n_gpu_layers(of.gpu_layers);
    let model = LlamaModel::load_from_file(&backend, &of.file, &params);
    let model = model.map_err(|error| format!("llama.cpp does not load {}: {error}.", of.file.display()))?;
    // Both live as long as this program.
    let (model, backend): (&'static _, &'static _) = (Box::leak(Box::new(model)), Box::leak(Box::new(backend)));
    let counted = Arc::new(Counted::default());
    let (jobs, taken) = sync_channel(WAITING);
    let room = engine::start(of, model, backend, taken, Arc::clone(&counted))?;
    let template = model.chat_template(None).ok();
    Ok(Loaded { model, template, name: of.name(), jobs, room, counted, asked: AtomicU64::new(0) })
}

impl Loaded {
    /// What it counted.
    pub fn counted(&self) -> &Counted {
        &self.counted
    }

    /// What it is, for the line that says where it is served.
    pub fn about(&self, of: &Arguments) -> Value {
        let text = |key: &str| self.model.meta_val_str(key).ok();
        json!({
            "format": "gguf",
            "library": format!("llama.cpp (llama-cpp-2 {})", version_of("llama-cpp-2")),
            "architecture": text("general.architecture"),
            "title": text("general.name"),
            "bytes": self.model.size(),
            "parameters": self.model.n_params(),
            "context": self.room.context,
            "batch": self.room.batch,
            "ubatch": self.room.ubatch,
            "parallel": of.parallel,
            "seed": of.seed,
            "chat": self.template.is_some(),
        })
    }

    /// Puts a request into the queue.
    ///
    /// # Errors
    /// If it cannot be answered as it is, or too many wait.
    pub fn ask(&self, style: Style, wanted: &Wanted) -> Result<Answer, Refusal> {
        let tokens = self.tokens(style, wanted)?;
        let room = self.room.context.saturating_sub(u32::try_from(tokens.len()).unwrap_or(u32::MAX));
        if tokens.is_empty() || room == 0 {
            let why = format!("a prompt of {} tokens does not go into {}", tokens.len(), self.room.context);
            return Err(Refusal::bad(if tokens.is_empty() { "the prompt is empty".into() } else { why }));
        }
        let most = wanted.most();
        if wanted.is_pinned() && most.is_some_and(|most| most > room) {
            let why = format!(
                "{} tokens of prompt and {} of answer do not go into {}: start it with more --context",
                tokens.len(),
                most.unwrap_or_default(),
                self.room.context
            );
            return Err(Refusal::bad(why));
        }
        let most = most.unwrap_or(room).min(room);
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        let (said, heard) = tokio::sync::mpsc::channel(most as usize + 2);
        let answer = Answer::new(style, &self.name, number, tokens.len(), wanted.stream_options.include_usage, heard);
        let job =
            Job { tokens, most, least: wanted.least(), temperature: wanted.temperature(), seed: wanted.seed, said };
        match self.jobs.try_send(job) {
            Ok(()) => Ok(answer),
            Err(TrySendError::Full(_)) => Err(Refusal::full()),
            Err(TrySendError::Disconnected(_)) => Err(Refusal::broken("llama.cpp has ended")),
        }
    }

    fn tokens(&self, style: Style, wanted: &Wanted) -> Result<Vec<LlamaToken>, Refusal> {
        wanted.check()?;
        let vocab = self.model.vocab();
        match (style, &wanted.prompt, &wanted.messages[..]) {
            (Style::Completion, Some(prompt), []) => Ok(vocab.tokenize(prompt.as_bytes(), true, false)),
            (Style::Completion, ..) => Err(Refusal::bad("a completion has a prompt, one text")),
            (Style::Chat, None, messages @ [_, ..]) => {
                let Some(template) = &self.template else {
                    return Err(Refusal::bad("this model has no chat template: ask it at /v1/completions"));
                };
                let message = |message: &wanted::Message| {
                    LlamaChatMessage::new(message.role.clone(), message.content.clone())
                        .map_err(|_| Refusal::bad("a message has the letter NUL in it"))
                };
                let messages: Vec<_> = messages.iter().map(message).collect::<Result<_, _>>()?;
                let text = self.model.apply_chat_template(template, &messages, true).map_err(|error| {
                    Refusal::bad(format!("llama.cpp does not know the chat template of this model: {error}"))
                })?;
                // A template that begins with the mark of the begin says so itself.
                Ok(vocab.tokenize(text.as_bytes(), false, true))
            }
            (Style::Chat, ..) => Err(Refusal::bad("a chat has messages with a text each")),
        }
    }
}
