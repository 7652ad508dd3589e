//! Does an object have what a plan was to write? A controller whose pods are well says nothing of whether it was asked: an answer
//! that was lost may have been a refusal, and somebody else may have written since.

use super::{diff, scrubbed};
use pilothouse_connect::Seen;
use pilothouse_wire::plan::{Deed, Plan};
use serde_json::Value;

/// Why it is not looked at further: what was planned does not stand there. `holder` is the object that was written to. Of deeds
/// with a field of their own that field is looked at by themselves.
pub(super) fn stands(plan: &Plan, holder: &Value) -> Option<Seen> {
    if !matches!(plan.intent.deed, Deed::Undo(_) | Deed::Restart | Deed::SetImage { .. }) {
        return None;
    }
    let before = || Seen::NotYet("it is as it was: nothing was written, or it was taken back".to_owned());
    let shown = scrubbed(holder);
    let mut fields = plan.changes.iter().filter(|change| !change.path.starts_with("/status")).peekable();
    if fields.peek().is_none() {
        // The server was not asked to try: a spec that was written has another number.
        let held = plan.steps.iter().flat_map(|step| &step.guards).find(|(path, _)| path == "/metadata/generation");
        let generation = holder["metadata"]["generation"].to_string();
        let is_same = held.is_some_and(|(_, value)| *value == generation);
        return is_same.then(before);
    }
    let now: Vec<_> = fields.map(|change| (diff::shown_at(&shown, &change.path), change)).collect();
    if now.iter().all(|(now, change)| *now == change.to) {
        return None;
    }
    if now.iter().all(|(now, change)| *now == change.from) {
        return Some(before());
    }
    Some(Seen::Never("it was given another template since".to_owned()))
}
