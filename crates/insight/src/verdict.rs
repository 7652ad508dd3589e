//! Which of several candidates is better, and how sure that is: from blocks of load, run in a planned order, to a verdict.
//!
//! One request is no unit of chance: those of a block share its queue, its cache and its minute. The unit is the **round**,
//! in which each arm has two blocks in mirrored places ([`order()`]): the mean of the logarithms of its two pairs' ratios is
//! one number a metric, its *gain*. Of these follow:
//!
//! - a difference, by Student's t ([`Estimate`]), which long tails do not mislead;
//! - being the same within a stated margin, by two one-sided tests of it;
//! - both at planned looks alone, each of which spends its part of the error (`looks`);
//! - over all primary metrics and candidates by Holm's steps (`holm`), one family of steps for differences and one for
//!   sameness: the chance of any false *better* or *worse* is at most α, and that of any false *same* likewise;
//! - what would be found, before ([`Plan::detectable`]) and after ([`Found::detectable`]), and how many more blocks are
//!   needed ([`Verdict::NotEnough`]);
//! - nothing, where arms had another machine, the client was the limit, or more failed in one (`guard`).
//!
//! Blocks that have run past the plan, or in another order, are not judged. The chance of false verdicts under noise with
//! long tails that is tied to its neighbours is measured by `cargo xtask measure bench-verdict`.

mod estimate;
mod guard;
mod holm;
mod judge;
mod looks;
mod metric;
pub mod mser;
mod order;
mod plan;
mod power;
pub mod share;
#[cfg(test)]
mod tests;
mod words;

pub use estimate::Estimate;
pub use guard::{Conditions, Range, Reading};
pub use judge::{Block, Candidate, Comparison, Found, Interval, Verdict, judge};
pub use metric::{Better, Metric};
pub use order::{Slot, order};
pub use plan::{FEWEST_PAIRS, Plan, Settings, check_pairs, looks_to};
