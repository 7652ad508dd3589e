//! Does an object have what a plan was to write? A controller whose pods are well says nothing of whether it was asked: an answer
//! that was lost may have been a refusal, and somebody else may have written since.

use super::{diff, draft::shown, scrubbed};
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
    let bare = scrubbed(holder);
    let mut fields = plan.changes.iter().filter(|change| !change.path.starts_with("/status")).peekable();
    if fields.peek().is_none() {
        // The server was not asked to try: what was written is another thing than what was held as it was read. What a
        // controller says is none of it.
        let all = plan.steps.iter().flat_map(|step| &step.guards);
        let mut held = all.filter(|(path, _)| !path.starts_with("/status")).peekable();
        let is_same =
            |(path, value): &(String, String)| holder.pointer(path).is_some_and(|now| shown(path, now) == *value);
        return (held.peek().is_some() && held.all(is_same)).then(before);
    }
    let now: Vec<_> = fields.map(|change| (diff::shown_at(&bare, &change.path), change)).collect();
    if now.iter().all(|(now, change)| *now == change.to) {
        return None;
    }
    if now.iter().all(|(now, change)| *now == change.from) {
        return Some(before());
    }
    Some(Seen::Never("it was given another template since".to_owned()))
}
