//! Does a GPU that one pod holds, and that works, use little of its memory?

use super::Gpu;
use crate::{
    answer::Answer,
    history::memory_use,
    limits::{LEAN, WINDOW},
};
use pilothouse_wire::Stamp;

/// What is said where it is so.
pub(super) const REASON: &str = "It works, and used less than 25 % of its memory for 30 min or longer.";

/// Since when it uses little.
pub(super) fn judge(gpu: &Gpu<'_>) -> Answer<Stamp> {
    let lean = match memory_use(gpu.site, gpu.slot) {
        _ if gpu.site.is_stale(gpu.slot) => return Answer::CannotTell("Its last measurement is too old."),
        None => return Answer::CannotTell("Its use of memory is not measured."),
        Some(used) => used < LEAN,
    };
    let Some(track) = gpu.track else { return Answer::CannotTell("It has not been watched for 30 min yet.") };
    gpu.over_window(lean.then_some(track.lean).flatten(), track, WINDOW)
}
