//! What follows from what is seen: what is wrong, and how much of the fleet comes to useful work.
//!
//! Pure functions over [`pilothouse_wire::view::FleetView`]: no I/O, no clock (time is an argument), and nothing here can
//! fail. What cannot be told is said to be so: it is never counted as well, and never as wrong.
//!
//! - [`findings()`]: what is wrong, one finding a cause, with evidence, who is hit and what to do.
//! - [`room()`]: where GPUs are free, how well the free ones fit together, and why pods wait.
//! - [`waste()`]: GPUs that are paid for and do nothing, and whose they are; it needs a [`History`].
//! - [`compare()`]: what differs between two times.
//! - [`compare_versions()`], [`compare_runs()`]: two versions of registered models, and runs, side by side.
//! - [`find()`]: where words stand in what all registries hold, and what was looked through.
//! - [`Lookout`]: what a person is told of, each thing once, and nothing in quiet hours.
//! - [`back`]: can a service go back to an earlier revision, and how long should it take.
//! - [`lineage`]: what a pod really runs, its image and its models, and whether tag and alias still stand there; and where a
//!   version or an artefact serves.
//! - [`compare_artifacts()`]: two artefacts of registries side by side.
//! - [`preflight`]: will a version of a model fit the GPUs that are there? By sums that are shown.
//! - [`verdict`]: which of several candidates is better under load, and how sure that is.
//! - [`funnel()`]: from the GPUs that exist to those that do useful maths, with what is lost on the way.

mod answer;
mod artifacts;
pub mod back;
mod compare;
mod draft;
mod findings;
mod funnel;
mod history;
mod limits;
pub mod lineage;
mod lookout;
mod models;
mod pods;
pub mod preflight;
mod room;
mod rules;
mod site;
pub mod verdict;
mod waste;
mod xid;

#[cfg(test)]
mod fixture;

pub use artifacts::compare_artifacts;
pub use compare::{Heard, Shown, compare};
pub use findings::findings;
pub use funnel::funnel;
pub use history::History;
pub use lookout::{Call, Lookout, Wrong, quiet_until, wrong};
pub use models::{FoundRuns, Told, VersionDetail, Words, compare_runs, compare_versions, config_lines, find};
pub use room::room;
pub use waste::waste;
