//! Benchmarks of this machine: what is kept is looked through while somebody looks, one at a time is run for a person at the
//! window, and how far it is is told twice a second.

mod beyond;
mod inside;
mod served;
mod shelf;
#[cfg(test)]
mod tests;
mod under;

pub(crate) use shelf::Shelf;

use crate::{
    asks::{Reply, for_who_waits},
    input::Input,
};
use pilothouse_bench::{
    report, shown, store,
    wish::{self, Wish},
};
use pilothouse_connect::Clock;
use pilothouse_wire::{
    Acted, Answer, Code, Problem,
    bench::{BenchView, Card, Form, Going},
    form::Draft,
};
use std::{path::PathBuf, time::Duration};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};

/// How long the end of one is waited for when Pilothouse ends: what was measured is being kept.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is heard of benchmarks.
pub(crate) enum News {
    /// What is kept was looked through.
    Looked(Shelf, Box<Result<Card, Problem>>),
    /// The one that runs is as follows.
    Going(Box<Going>),
    /// It is over.
    Over {
        /// Why it is not kept, if it is not.
        failed: Option<Problem>,
        /// What went wrong beside it, where it is kept.
        beside: Option<Problem>,
    },
}

/// Benchmarks, as the loop holds them.
pub(crate) struct Benches {
    folder: PathBuf,
    inputs: mpsc::Sender<Input>,
    view: BenchView,
    /// What was read before; lent to who looks.
    shelf: Option<Shelf>,
    running: Option<Running>,
}

struct Running {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Benches {
    /// Those that are kept in a folder.
    pub(crate) fn new(folder: PathBuf, inputs: mpsc::Sender<Input>) -> Self {
        let view = BenchView { form: Some(wish::form()), ..BenchView::default() };
        Self { folder, inputs, view, shelf: Some(Shelf::default()), running: None }
    }

    /// None: what is shown is a record.
    pub(crate) fn none(&mut self) {
        let problem = Problem::new(Code::NotOffered, "A record holds no benchmarks.")
            .why("They are kept beside it, on the machine that measured.")
            .next("Open Pilothouse without a file to see those of this machine.");
        self.view = BenchView { problem: Some(problem), ..BenchView::default() };
        self.shelf = None;
    }

    pub(crate) fn view(&self) -> &BenchView {
        &self.view
    }

    /// Looks through what is kept, unless somebody does.
    pub(crate) fn look(&mut self) {
        let Some(mut shelf) = self.shelf.take() else { return };
        let (folder, inputs) = (self.folder.clone(), self.inputs.clone());
        tokio::spawn(async move {
            let looked = tokio::task::spawn_blocking(move || {
                let card = shelf.look(&folder);
                (shelf, card)
            });
            let (shelf, card) = looked.await.unwrap_or_else(|error| {
                let broke = Problem::new(Code::Internal, "What is kept cannot be listed.").why(format!("{error}."));
                (Shelf::default(), Err(broke))
            });
            let _ = inputs.send(Input::Bench(News::Looked(shelf, Box::new(card)))).await;
        });
    }

    /// Takes in what is heard.
    pub(crate) fn take(&mut self, news: News) {
        match news {
            News::Looked(shelf, looked) => {
                self.shelf = Some(shelf);
                (self.view.kept, self.view.problem) = match *looked {
                    Ok(card) => (Some(card), None),
                    Err(problem) => (self.view.kept.take(), Some(problem)),
                };
            }
            News::Going(going) => self.view.going = Some(*going),
            News::Over { failed, beside } => {
                self.running = None;
                self.view.going = None;
                (self.view.failed, self.view.beside) = (failed, beside);
                self.look();
            }
        }
    }

    /// Begins one, for a person at a door that may act.
    pub(crate) fn begin(&mut self, draft: &Draft, clock: &Clock, reply: oneshot::Sender<Result<Acted, Problem>>) {
        if self.running.is_some() {
            let problem = Problem::new(Code::Exists, "A benchmark runs here already.")
                .why("Two loads from one machine would disturb each other.")
                .next("Wait for its end, or end it: what was measured is kept.");
            drop(reply.send(Err(problem)));
            return;
        }
        let wish = match Wish::read(draft) {
            Ok(wish) => wish,
            Err(problem) => return drop(reply.send(Err(problem))),
        };
        (self.view.failed, self.view.beside) = (None, None);
        let (stop, stopped) = watch::channel(false);
        let work = under::Work {
            wish,
            folder: self.folder.clone(),
            clock: clock.clone(),
            stopped,
            inputs: self.inputs.clone(),
        };
        self.running = Some(Running { stop, task: tokio::spawn(work.run(reply)) });
    }

    /// Ends the one that runs.
    pub(crate) fn end(&self) -> Result<Acted, Problem> {
        match &self.running {
            Some(running) => {
                running.stop.send_replace(true);
                Ok(Acted::Ok)
            }
            None => Err(Problem::new(Code::NotFound, "No benchmark runs here.")
                .next("Who began it ends it: in its own window, or by Ctrl-C in its terminal.")),
        }
    }

    /// Everybody stops: what was measured is kept first.
    pub(crate) async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop.send_replace(true);
            let _ = tokio::time::timeout(PATIENCE, running.task).await;
        }
    }

    /// All there is to say of one that is kept.
    pub(crate) fn page(&self, id: String, reply: Reply) {
        let folder = self.folder.clone();
        for_who_waits(
            reply,
            apart(move || {
                let (file, kept) = store::kept(&folder, &id)?;
                Ok(Answer::Bench(Box::new(shown::page(&kept, &file))))
            }),
        );
    }

    /// One that is kept, as a file.
    pub(crate) fn report(&self, id: String, form: Form, reply: Reply) {
        let folder = self.folder.clone();
        let written = move || {
            let kept = store::kept(&folder, &id)?.1;
            let unwritable = |why: String| Problem::new(Code::Internal, "It cannot be written.").why(format!("{why}."));
            let text = match form {
                Form::Html => report::html_of(&kept),
                Form::Markdown => report::markdown(&kept.page()),
                Form::Svg => report::svg(&kept)?,
                Form::Json => {
                    serde_json::to_string_pretty(&kept).map_err(|error| unwritable(error.to_string()))? + "\n"
                }
                Form::Csv => {
                    let mut bytes = Vec::new();
                    report::csv(&kept, &mut bytes)?;
                    String::from_utf8(bytes).map_err(|error| unwritable(error.to_string()))?
                }
            };
            Ok(Answer::BenchReport(text))
        };
        for_who_waits(reply, apart(written));
    }

    /// What would be sent, and when.
    pub(crate) fn preview(draft: Draft, reply: Reply) {
        for_who_waits(reply, apart(move || Ok(Answer::Bench(Box::new(Wish::read(&draft)?.preview())))));
    }
}

async fn apart(work: impl FnOnce() -> Result<Answer, Problem> + Send + 'static) -> Result<Answer, Problem> {
    let broke = |error: tokio::task::JoinError| {
        Problem::new(Code::Internal, "The benchmark could not be read.").why(format!("{error}."))
    };
    tokio::task::spawn_blocking(work).await.map_err(broke)?
}
