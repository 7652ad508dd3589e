//! Faults of a server, which last until they are mended.

use super::{
    run::SECRET,
    scripted::{Reply, Then},
    stand::Server,
};
use serde_json::json;
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// What is answered to a path instead of what a server that is well answers.
pub type Answer = dyn Fn(&str) -> Option<Reply> + Send + Sync;

/// A fault of the server, until it is mended.
pub struct Fault {
    /// Does it hit every call, or listings alone?
    pub everywhere: bool,
    answer: Arc<Answer>,
    mended: Arc<AtomicBool>,
}

impl Fault {
    /// Answers so, where it answers.
    pub fn new(answer: impl Fn(&str) -> Option<Reply> + Send + Sync + 'static) -> Self {
        Self { everywhere: false, answer: Arc::new(answer), mended: Arc::default() }
    }

    /// The script of a server that has it.
    pub fn script(&self) -> impl Fn(&str, usize) -> Option<Reply> + Send + Sync + 'static {
        let (answer, mended) = (Arc::clone(&self.answer), Arc::clone(&self.mended));
        move |path, _| if mended.load(Ordering::Relaxed) { None } else { answer(path) }
    }

    /// Is a call of this path answered by it?
    pub fn hits(&self, path: &str) -> bool {
        (self.answer)(path).is_some()
    }

    /// From now on the server is well.
    pub fn mend(&self) {
        self.mended.store(true, Ordering::Relaxed);
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.everywhere { "everywhere" } else { "in its listings alone" })
    }
}

/// The same fault at every call, and at listings alone: there a session lives on, and has other waits.
pub fn everywhere_or_in_listings(server: &Server, reply: Reply) -> [Fault; 2] {
    let (listing, again) = (server.listing, reply.clone());
    [
        Fault { everywhere: true, ..Fault::new(move |_| Some(reply.clone())) },
        Fault::new(move |path| listing(path).map(|_| again.clone())),
    ]
}

/// 401 of a server that repeats what it was given.
pub fn refusal() -> Reply {
    let message = format!("the token {SECRET} is not known");
    Reply::Json(401, "", json!({ "kind": "Status", "code": 401, "reason": "Unauthorized", "message": message }))
}

/// 500 of a server that repeats what it was given.
pub fn failure() -> Reply {
    let message = format!("no database for Bearer {SECRET}");
    Reply::Json(500, "", json!({ "kind": "Status", "code": 500, "reason": "InternalError", "message": message }))
}

/// The first half of an answer, then the connection breaks.
pub fn cut(reply: Reply) -> Reply {
    match reply {
        Reply::Json(200, _, body) => {
            let text = body.to_string();
            let half: String = text.chars().take(text.chars().count() / 2).collect();
            Reply::Stream(vec![(Duration::ZERO, half)], Then::Cut)
        }
        other => other,
    }
}
