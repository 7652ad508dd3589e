//! The page that is loaded, and the frames that it watches.

use pilothouse_engine::Frames;
use pilothouse_wire::{
    Answer, Code, Problem,
    codec::{self, ToPage},
};
use std::collections::HashMap;
use tauri::ipc::{Channel, Response};
use tokio::{
    sync::{Mutex, oneshot},
    task::JoinHandle,
};

/// The page that is loaded now. One that is loaded again takes the place of the last.
#[derive(Default)]
pub struct Pages(Mutex<Page>);

#[derive(Default)]
struct Page {
    channel: Option<Channel<Response>>,
    watches: HashMap<u32, JoinHandle<()>>,
    /// Questions that are on their way, each with what ends it.
    asks: HashMap<u32, oneshot::Sender<()>>,
}

impl Pages {
    /// A page was loaded: what the last one watched and waited for ends.
    pub async fn replace(&self, channel: Channel<Response>) {
        self.turn_to(Some(channel)).await;
    }

    /// The page is gone with its window, and with it all that it watched and waited for.
    pub async fn end(&self) {
        self.turn_to(None).await;
    }

    async fn turn_to(&self, channel: Option<Channel<Response>>) {
        let mut page = self.0.lock().await;
        // What is on its way for its questions is let go.
        page.asks.clear();
        for (_, watch) in page.watches.drain() {
            stop(watch).await;
        }
        page.channel = channel;
    }

    /// Sends frames of a view, or why there are none, in place of what was watched under this number.
    pub async fn watch(&self, number: u32, frames: Result<Frames, Problem>) {
        let mut page = self.0.lock().await;
        if let Some(watch) = page.watches.remove(&number) {
            // Ended before the new one begins: no old frame comes behind a new one.
            stop(watch).await;
        }
        let Some(channel) = page.channel.clone() else { return };
        match frames {
            Ok(frames) => {
                page.watches.insert(number, tokio::spawn(forward(number, frames, channel)));
            }
            Err(problem) => drop(send(&channel, &ToPage::Refused(number, problem))),
        }
    }

    /// Waits for an answer, unless the page leaves its question: what is on its way is let go then.
    pub async fn asked(
        &self,
        number: u32,
        answer: impl Future<Output = Result<Answer, Problem>>,
    ) -> Result<Answer, Problem> {
        let (end, mut ended) = oneshot::channel();
        self.0.lock().await.asks.insert(number, end);
        let answer = tokio::select! {
            answer = answer => answer,
            // Also where another page took this number: it is the one that waits.
            _ = &mut ended => return Err(Problem::new(Code::Cut, "Nobody waits for this answer any more.")),
        };
        drop(ended);
        let mut page = self.0.lock().await;
        // Under this number there may be a question of another page by now, which waits still.
        if page.asks.get(&number).is_some_and(oneshot::Sender::is_closed) {
            page.asks.remove(&number);
        }
        answer
    }

    /// Nobody waits for this answer any more.
    pub async fn leave(&self, number: u32) {
        self.0.lock().await.asks.remove(&number);
    }

    /// Ends a watch.
    pub async fn unwatch(&self, number: u32) {
        let watch = self.0.lock().await.watches.remove(&number);
        if let Some(watch) = watch {
            stop(watch).await;
        }
    }
}

async fn forward(number: u32, mut frames: Frames, channel: Channel<Response>) {
    while let Some(frame) = frames.next().await {
        if send(&channel, &ToPage::Frame(number, Box::new(frame.as_ref().clone()))).is_err() {
            return;
        }
    }
}

fn send(channel: &Channel<Response>, message: &ToPage) -> tauri::Result<()> {
    channel.send(Response::new(codec::encode(message)))
}

async fn stop(watch: JoinHandle<()>) {
    watch.abort();
    let _ = watch.await;
}
