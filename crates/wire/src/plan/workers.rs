//! Workers of a benchmark, as they are wanted of a cluster: whoever makes their Job knows nothing of what they do.

use crate::SmolStr;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A Job of so many workers. Nothing in it is a secret: a key is a Secret's, by its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct WorkersWanted {
    /// How many.
    pub workers: u32,
    /// The image of the program.
    pub image: SmolStr,
    /// What they are told, as text.
    pub order: String,
    /// What they will do, as a sentence goes on: "64 at a time at http://chat.serving.svc:8000".
    pub about: String,
    /// Where the key of what they ask is: the name of a Secret, and the key in it.
    pub key: Option<(SmolStr, SmolStr)>,
    /// They are ended after so long, whatever they do.
    pub longest: Duration,
}
