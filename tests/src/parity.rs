//! A Rollout by Argo's own plugin for kubectl, and by us: the same values under the same names.

use pilothouse_wire::view::DeliveryRow;

use crate::failure::Result;
use crate::rollouts::{Rollouts, Said};

/// What is compared, as the plugin calls it.
pub const COMPARED: [&str; 10] =
    ["Status", "Message", "Strategy", "Step", "SetWeight", "ActualWeight", "Desired", "Updated", "Ready", "Available"];

/// A value that is not the same on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Differs {
    /// What the plugin calls it.
    pub what: &'static str,
    /// As we show it.
    pub ours: String,
    /// As the plugin shows it.
    pub theirs: String,
}

/// What we show, in the order of [`COMPARED`].
fn ours(row: &DeliveryRow) -> [String; 10] {
    let some = |n: Option<u32>| n.map(|n| n.to_string()).unwrap_or_default();
    let canary = row.strategy == "canary";
    let weight = |n: Option<u32>| if canary { some(n) } else { String::new() };
    [
        row.phase.word().to_owned(),
        row.why.clone().unwrap_or_default(),
        if canary { "Canary" } else { "BlueGreen" }.to_owned(),
        row.step.as_ref().map(|step| format!("{}/{}", step.done, step.of)).unwrap_or_default(),
        weight(row.traffic.wanted),
        weight(row.traffic.actual),
        row.wanted.map(|n| n.to_string()).unwrap_or_default(),
        row.updated.to_string(),
        row.ready.to_string(),
        row.available.to_string(),
    ]
}

fn theirs(said: &Said) -> [String; 10] {
    COMPARED.map(|label| said.of(label).to_owned())
}

/// Compares what is shown of a Rollout. The plugin is asked before and after: absent where it changed between the two, since
/// nobody knows then what ours should be.
///
/// # Errors
///
/// If the plugin cannot be asked, or we cannot be.
pub async fn compare(
    rollouts: &Rollouts<'_>,
    (namespace, name): (&str, &str),
    row: impl AsyncFnOnce() -> Result<Option<DeliveryRow>>,
) -> Result<Option<(DeliveryRow, Vec<Differs>)>> {
    let before = theirs(&rollouts.get(namespace, name).await?);
    let row = row().await?;
    let after = theirs(&rollouts.get(namespace, name).await?);
    let Some(row) = row.filter(|_| before == after) else { return Ok(None) };
    let pairs = COMPARED.into_iter().zip(ours(&row).into_iter().zip(before));
    let differs = pairs.filter(|(_, (ours, theirs))| ours != theirs);
    let differs = differs.map(|(what, (ours, theirs))| Differs { what, ours, theirs }).collect();
    Ok(Some((row, differs)))
}
