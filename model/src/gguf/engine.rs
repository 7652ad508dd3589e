//! Who computes: one thread with the model's context. In each step all requests under way get their next token, and what is
//! left of a batch goes to prompts that are not read yet.

use super::{
    answer::{Finish, Said},
    pick::Pick,
};
use crate::{args::Arguments, counted::Counted};
use llama_cpp_2::{
    context::{LlamaContext, params::LlamaContextParams},
    llama_backend::LlamaBackend,
    llama_batch::LlamaBatch,
    model::LlamaModel,
    token::LlamaToken,
};
use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        mpsc::{Receiver, TryRecvError, sync_channel},
    },
    thread,
    time::Instant,
};
use tokio::sync::mpsc::Sender;

/// A request, ready to be computed.
pub struct Job {
    /// Its prompt.
    pub tokens: Vec<LlamaToken>,
    /// The most tokens of its answer; they have room.
    pub most: u32,
    /// The model does not end it before so many.
    pub least: u32,
    /// How far tokens are drawn; 0 takes the likeliest.
    pub temperature: f32,
    /// What drawing begins with, where the request says so.
    pub seed: Option<u32>,
    /// Who hears the answer; has room for all of it.
    pub said: Sender<Said>,
}

/// What there is room for.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Tokens of one request.
    pub context: u32,
    /// Tokens of a step.
    pub batch: u32,
    /// Of those at once.
    pub ubatch: u32,
}

/// A request under way. Its place in the list is the number of its sequence.
struct Slot {
    job: Job,
    pick: Pick,
    /// Tokens of the prompt that were computed.
    read: usize,
    /// Where its next token stands.
    at: i32,
    /// The token that was chosen and is not computed yet.
    next: Option<LlamaToken>,
    /// Tokens that were said.
    said: u32,
    /// Where in the batch its next token is computed, if it is in this step.
    row: Option<i32>,
}

struct Engine {
    context: LlamaContext<'static>,
    model: &'static LlamaModel,
    batch: LlamaBatch<'static>,
    most: usize,
    slots: Vec<Option<Slot>>,
    ends: Vec<LlamaToken>,
    seed: u32,
    counted: Arc<Counted>,
}

/// Begins to compute what comes as jobs, until nobody can send one any more.
///
/// # Errors
/// If there is no room for that much context.
pub fn start(
    of: &Arguments,
    model: &'static LlamaModel,
    backend: &'static LlamaBackend,
    jobs: Receiver<Job>,
    counted: Arc<Counted>,
) -> Result<Room, String> {
    let (of, (ready, when)) = (of.clone(), sync_channel(1));
    let work = move || match Engine::new(&of, model, backend, counted) {
        Ok((mut engine, room)) => {
            let _ = ready.send(Ok(room));
            engine.run(&jobs);
        }
        Err(why) => drop(ready.send(Err(why))),
    };
    let begun = thread::Builder::new().name("llama".into()).spawn(work);
    begun.map_err(|error| format!("This system gives no thread: {error}."))?;
    when.recv().unwrap_or_else(|_| Err("llama.cpp ended while it made room.".into()))
}

impl Engine {
    fn new(
        of: &Arguments,
        model: &'static LlamaModel,
        backend: &LlamaBackend,
        counted: Arc<Counted>,
    ) -> Result<(Self, Room), String> {
        let parallel = of.parallel.get();
        let no_room =
            || format!("There is no room for {} requests with a context of {} tokens each.", of.parallel, of.context);
        let all = of.context.get().checked_mul(parallel).and_then(NonZeroU32::new).ok_or_else(no_room)?;
        let threads = i32::try_from(of.threads()).map_err(|_| "So many threads there cannot be.".to_owned())?;
        let params = LlamaContextParams::default()
            .with_n_ctx(Some(all))
            .with_n_batch(of.batch.get())
            .with_n_ubatch(of.ubatch.get().min(of.batch.get()))
            .with_n_seq_max(parallel)
            .with_n_threads(threads)
            .with_n_threads_batch(threads)
            // Nothing is kept for a next request, so that a window that slides need not remember what it has left.
            .with_swa_full(false)
            // Requests do not share their places: one that is long is no slower for another one.
            .with_kv_unified(false);
        let context = model.new_context(backend, params).map_err(|error| format!("{} ({error})", no_room()))?;
        let room = Room { context: context.n_ctx() / parallel, batch: context.n_batch(), ubatch: context.n_ubatch() };
        let vocab = model.vocab();
        let mut ends: Vec<LlamaToken> = vocab.tokens().filter(|token| vocab.is_eog(*token)).collect();
        ends.sort_unstable();
        let most = room.batch as usize;
        let slots = std::iter::repeat_with(|| None).take(parallel as usize).collect();
        let batch = LlamaBatch::new(most, 1);
        Ok((Self { context, model, batch, most, slots, ends, seed: of.seed, counted }, room))
    }

    fn run(&mut self, jobs: &Receiver<Job>) {
        loop {
            if self.slots.iter().all(Option::is_none) {
                let Ok(job) = jobs.recv() else { return };
                self.begin(job);
            }
            while self.slots.iter().any(Option::is_none) {
                match jobs.try_recv() {
                    Ok(job) => self.begin(job),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return,
                }
            }
            self.step();
        }
    }

    fn begin(&mut self, job: Job) {
        // Whoever has gone while it waited is not answered.
        let Some(place) = self.slots.iter_mut().find(|slot| slot.is_none()).filter(|_| !job.said.is_closed()) else {
            return;
        };
        self.counted.taken(job.tokens.len() as u64);
        let seed = job.seed.unwrap_or(self.seed);
        let pick = Pick::new(job.temperature, seed, &self.ends, self.model.n_vocab());
        *place = Some(Slot { job, pick, read: 0, at: 0, next: None, said: 0, row: None });
    }

    #[expect(clippy::disallowed_methods, reason = "how long it computes is counted, and decides nothing")]
    fn step(&mut self) {
        self.fill();
        let begun = Instant::now();
        let computed = self.context.decode(&mut self.batch);
        // The library computes behind the caller's back on some devices.
        self.context.synchronize();
        let took = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        if let Err(error) = computed {
            // What is in the context of whom is not known any more.
            for slot in self.slots.iter_mut().filter_map(Option::take) {
                let _ = slot.job.said.try_send(Said::Broke(format!("llama.cpp failed: {error}")));
            }
            self.context.clear_kv_cache();
            return;
        }
        let mut tokens = 0;
        for seq in 0..self.slots.len() {
            tokens += u64::from(self.say(seq));
        }
        self.counted.computed(tokens, took);
    }

    /// Fills the batch: the next token of each who has one, then prompts as far as there is room.
    fn fill(&mut self) {
        let Self { batch, slots, most, .. } = self;
        batch.clear();
        let sequence = |seq: usize| [i32::try_from(seq).unwrap_or(i32::MAX)];
        for (seq, slot) in slots.iter_mut().enumerate() {
            let Some(slot) = slot else { continue };
            slot.row = None;
            if let Some(token) = slot.next.filter(|_| (batch.n_tokens() as usize) < *most) {
                slot.row = Some(batch.n_tokens());
                let _ = batch.add(token, slot.at, &sequence(seq), true);
                (slot.at, slot.next) = (slot.at + 1, None);
            }
        }
        for (seq, slot) in slots.iter_mut().enumerate() {
            let Some(slot) = slot else { continue };
            while slot.read < slot.job.tokens.len() && (batch.n_tokens() as usize) < *most {
                let is_last = slot.read + 1 == slot.job.tokens.len();
                slot.row = is_last.then(|| batch.n_tokens());
                let _ = batch.add(slot.job.tokens[slot.read], slot.at, &sequence(seq), is_last);
                (slot.at, slot.read) = (slot.at + 1, slot.read + 1);
            }
        }
    }

    /// Says the token that was computed for a sequence, if one was, and ends what is over. Was one said?
    fn say(&mut self, seq: usize) -> bool {
        let Some(slot) = self.slots[seq].as_mut() else { return false };
        let (mut is_said, mut is_over) = (false, slot.job.said.is_closed());
        if let Some(row) = slot.row.take().filter(|_| !is_over) {
            let may_end = slot.said >= slot.job.least;
            let token = slot.pick.next(&self.context, row, may_end, &self.ends);
            if may_end && self.ends.binary_search(&token).is_ok() {
                let _ = slot.job.said.try_send(Said::End(Finish::Stop));
                is_over = true;
            } else {
                let bytes = self.model.vocab().token_to_piece(token, true, None);
                let _ = slot.job.said.try_send(Said::Piece(bytes));
                (slot.next, slot.said, is_said) = (Some(token), slot.said + 1, true);
                if slot.said >= slot.job.most {
                    let _ = slot.job.said.try_send(Said::End(Finish::Length));
                    is_over = true;
                }
            }
        }
        if is_over {
            self.slots[seq] = None;
            let _ = self.context.clear_kv_cache_seq(u32::try_from(seq).ok(), None, None);
        }
        is_said
    }
}
