//! What differs of alerts, services and registered models.

use super::{Fields, Pair, differs};
use pilothouse_wire::{
    ObjectRef, SmolStr,
    view::{AlertRow, Change, DeliveryRow, DifferKind, Differs, ModelRow, Status},
};
use std::collections::BTreeSet;

/// What it says in words changes with what is measured, and is left out.
pub(super) fn alert(pair: Pair<'_, AlertRow>) -> Option<Differs> {
    let (ends, row) = (pair.ends(), pair.either());
    let mut fields = Fields::default();
    fields.put("state", ends, |row| Some(row.state.word()));
    fields.put("severity", ends, |row| row.severity.clone());
    fields.put("since", ends, |row| Some(row.since));
    let object = ObjectRef::Alert(Box::new(row.id.clone()));
    let about = row.about.as_ref().map(ObjectRef::name).unwrap_or_default();
    let found = differs(DifferKind::Alert, object, pair.change(), row.status, fields)?;
    Some(Differs { what: about, ..found })
}

/// How many of its pods are ready is told of its workload.
pub(super) fn service(pair: Pair<'_, DeliveryRow>) -> Option<Differs> {
    let (ends, row) = (pair.ends(), pair.either());
    let mut fields = Fields::default();
    fields.put("phase", ends, |row| Some(row.phase.word()));
    fields.put("revision", ends, |row| row.revision);
    fields.put("stable", ends, |row| row.stable);
    fields.put("step", ends, DeliveryRow::step_words);
    fields.put("weight wanted", ends, |row| row.traffic.wanted.map(|share| row.traffic.words(Some(share))));
    fields.put("weight", ends, |row| row.traffic.actual.map(|share| row.traffic.words(Some(share))));
    fields.put("routes", ends, DeliveryRow::share_words);
    fields.put("analysis", ends, |row| row.analysis.as_ref().map(|verdict| verdict.word()));
    fields.put("pods wanted", ends, |row| row.wanted);
    differs(DifferKind::Service, row.id.clone(), pair.change(), row.status, fields)
}

/// Of a model that came or went its versions are counted; of one that is there each that differs is told.
pub(super) fn model(pair: Pair<'_, ModelRow>) -> Option<Differs> {
    let (ends, row) = (pair.ends(), pair.either());
    let both = || [ends.0, ends.1].into_iter().flatten();
    let mut fields = Fields::default();
    let aliases: BTreeSet<&SmolStr> = both().flat_map(|row| row.aliases.iter().map(|alias| &alias.name)).collect();
    for name in aliases {
        let leads_to = |row: &ModelRow| row.aliases.iter().find(|alias| alias.name == *name).map(|alias| alias.version);
        fields.put(format!("@{name}"), ends, leads_to);
    }
    if pair.change() == Change::Changed {
        let numbers: BTreeSet<u64> = both().flat_map(|row| row.versions.iter().map(|version| version.number)).collect();
        for number in numbers {
            fields.put(format!("version {number}"), ends, |row| words(row, number));
        }
    } else {
        fields.put("versions", ends, |row| Some((row.versions.len() as u64).saturating_add(row.more)));
    }
    differs(DifferKind::Model, ObjectRef::Model(Box::new(row.id.clone())), pair.change(), Status::Unknown, fields)
}

/// How a version is: `ready`, `ready, Production`.
fn words(row: &ModelRow, number: u64) -> Option<String> {
    let version = row.version(number)?;
    let words = [Some(version.readiness.word()), version.stage.as_deref()];
    Some(words.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::{Shown, tests::told};
    use pilothouse_wire::{
        AlertId, ConnectionId, ModelId, ObjectRef, Stamp,
        view::{
            AlertRow, AlertState, AliasRow, DeliveryRow, DeliveryView, FleetView, ModelRow, ModelsView, Readiness,
            Status, VersionRow,
            delivery::{DeliveryPhase, Split, StepAt},
        },
    };
    use std::sync::Arc;

    fn alert(fingerprint: &str, state: AlertState, since: i64) -> AlertRow {
        AlertRow {
            id: AlertId { source: ConnectionId::slug("am"), name: "Slow".into(), fingerprint: fingerprint.into() },
            severity: Some("critical".into()),
            status: Status::Bad,
            state,
            since: Stamp(since),
            summary: Some(format!("p99 is {since} ms")),
            about: Some("pod:iad/n/chat-0".parse().unwrap()),
            labels: Vec::new(),
            runbook: None,
        }
    }

    fn with_alerts(alerts: impl IntoIterator<Item = AlertRow>) -> Shown {
        let fleet = FleetView { alerts: alerts.into_iter().collect(), ..FleetView::default() };
        Shown { fleet: Arc::new(fleet), ..Shown::default() }
    }

    #[test]
    fn an_alert_that_came_went_or_was_silenced_is_told_and_what_it_says_of_numbers_is_not() {
        let old = with_alerts([alert("a", AlertState::Firing, 0), alert("b", AlertState::Firing, 0)]);
        let said_anew = AlertRow { summary: Some("p99 is 900 ms".into()), ..alert("b", AlertState::Firing, 0) };
        told(&old, &with_alerts([alert("a", AlertState::Firing, 0), said_anew]), &[]);
        let new = with_alerts([alert("a", AlertState::Silenced, 0), alert("c", AlertState::New, 60_000)]);
        told(
            &old,
            &new,
            &[
                "alert ~ Slow chat-0 state firing → silenced",
                "alert − Slow chat-0 state firing → —, severity critical → —, since 1970-01-01T00:00:00Z → —",
                "alert + Slow chat-0 state — → new, severity — → critical, since — → 1970-01-01T00:01:00Z",
            ],
        );
    }

    fn service(phase: DeliveryPhase, revision: u64, done: u32, weight: u32) -> DeliveryRow {
        let id: ObjectRef = "workload:iad/serving/Rollout/chat".parse().unwrap();
        DeliveryRow {
            status: phase.status(),
            phase,
            why: Some("CanaryPauseStep".into()),
            since: Some(Stamp(weight.into())),
            strategy: "canary".into(),
            router: Some("plugins".into()),
            step: Some(StepAt { done, of: 6, words: None }),
            traffic: Split { wanted: Some(weight), actual: Some(weight), whole: 100 },
            revision: Some(revision),
            stable: Some(1),
            revisions: 2,
            wanted: Some(4),
            ready: 4,
            available: 4,
            gpus: 8,
            ..DeliveryRow::of(id)
        }
    }

    fn with_services(rows: impl IntoIterator<Item = DeliveryRow>) -> Shown {
        let delivery = DeliveryView { rows: rows.into_iter().collect(), reading: Vec::new() };
        Shown { delivery, ..Shown::default() }
    }

    #[test]
    fn of_a_service_its_phase_its_revision_its_step_and_its_weights_are_told() {
        let old = with_services([service(DeliveryPhase::Healthy, 1, 6, 100)]);
        told(&old, &old.clone(), &[]);
        let new = with_services([DeliveryRow { ready: 3, ..service(DeliveryPhase::Paused, 2, 1, 25) }]);
        let want = "service ~ chat phase Healthy → Paused, revision 1 → 2, step 6 of 6 → 1 of 6, \
                    weight wanted 100 % → 25 %, weight 100 % → 25 %";
        told(&old, &new, &[want]);
        let went = "service − chat phase Healthy → —, revision 1 → —, stable 1 → —, step 6 of 6 → —, \
                    weight wanted 100 % → —, weight 100 % → —, pods wanted 4 → —";
        told(&old, &with_services([]), &[went]);
        // Where services are not read whole yet, nobody knows that it went.
        let mut unread = with_services([]);
        unread.delivery.reading = vec![ConnectionId::slug("iad")];
        told(&old, &unread, &[]);
        let said = crate::compare((&old, Stamp(0)), (&unread, Stamp(1))).left_out;
        assert!(said[0].contains("iad"), "{said:?}");
    }

    fn model(name: &str, versions: &[(u64, Option<&str>)], aliases: &[(&str, u64)]) -> ModelRow {
        let version = |(number, stage): &(u64, Option<&str>)| VersionRow {
            number: *number,
            stage: stage.map(Into::into),
            readiness: Readiness::Ready,
            ..VersionRow::default()
        };
        let alias = |(name, version): &(&str, u64)| AliasRow {
            name: (*name).into(),
            version: *version,
            seen: Some(Stamp(i64::try_from(*version).unwrap())),
            ..AliasRow::default()
        };
        ModelRow {
            id: ModelId { source: ConnectionId::slug("registry"), name: name.into() },
            created: None,
            updated: None,
            description: None,
            tags: Vec::new(),
            aliases: aliases.iter().map(alias).collect(),
            versions: versions.iter().map(version).collect(),
            more: 0,
        }
    }

    fn with_models(rows: impl IntoIterator<Item = ModelRow>) -> Shown {
        Shown { models: ModelsView { models: rows.into_iter().collect() }, ..Shown::default() }
    }

    #[test]
    fn of_a_model_the_versions_that_differ_and_the_aliases_that_moved_are_told() {
        let old = with_models([
            model("chat", &[(2, None), (1, None)], &[("champion", 1), ("old", 1)]),
            model("a", &[(1, None)], &[]),
        ]);
        let new = with_models([
            model("chat", &[(3, None), (2, Some("Production")), (1, None)], &[("champion", 3), ("next", 2)]),
            model("b", &[(2, None), (1, None)], &[("champion", 2)]),
        ]);
        told(
            &old,
            &new,
            &[
                "model − a versions 1 → —",
                "model + b @champion — → 2, versions — → 2",
                "model ~ chat @champion 1 → 3, @next — → 2, @old 1 → —, version 2 ready → ready, Production, \
                 version 3 — → ready",
            ],
        );
        let written_anew = ModelRow { updated: Some(Stamp(9)), ..model("a", &[(1, None)], &[]) };
        told(&with_models([model("a", &[(1, None)], &[])]), &with_models([written_anew]), &[]);
    }
}
