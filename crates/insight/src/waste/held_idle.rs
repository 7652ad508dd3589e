//! Does a GPU that one pod holds do nothing?

use super::Gpu;
use crate::{answer::Answer, history::is_idle, limits::WINDOW};
use pilothouse_wire::Stamp;

/// What is said where it is so.
pub(super) const REASON: &str = "Utilisation, engine and tensor activity stayed at 1 % or below for 30 min or longer.";

/// Since when it does nothing.
pub(super) fn judge(gpu: &Gpu<'_>) -> Answer<Stamp> {
    let idle = match is_idle(gpu.site, gpu.slot) {
        _ if gpu.site.is_stale(gpu.slot) => return Answer::CannotTell("Its last measurement is too old."),
        None => return Answer::CannotTell("Its activity is not measured."),
        Some(idle) => idle,
    };
    let Some(track) = gpu.track else { return Answer::CannotTell("It has not been watched for 30 min yet.") };
    gpu.over_window(idle.then_some(track.idle).flatten(), track, WINDOW)
}
