//! Registered models into the world, and the marks that they leave: aliases that moved, new versions, other stages.

use super::Fold;
use crate::{
    fact::{Fact, Kind, ModelFact, VersionFact},
    model::{self, Model},
};
use pilothouse_wire::{
    SmolStr, Stamp,
    view::{AliasStay, Mark, MarkKind, Readiness, Status, ribbon::MarkKey},
};
use std::collections::BTreeSet;

impl Fold<'_> {
    pub(super) fn model(&mut self, fact: ModelFact) {
        let known = self.source.models.get(&fact.name);
        if known.is_some_and(|known| known.fact == fact) {
            return;
        }
        let mut model = known.cloned().unwrap_or_else(|| Model { seen: Some(self.seen), ..Model::default() });
        // What was there when we first looked is no news; of a version its registry says when it came.
        let is_news = self.source.was_listed(Kind::Model, None);
        if is_news {
            for (name, from, to) in moved(&model.fact.aliases, &fact.aliases) {
                let stayed = from.filter(|_| to.is_some()).and_then(|from| self.stayed(&model, &name, from));
                match stayed {
                    Some(stay) => model.before.insert(name.clone(), stay),
                    None => model.before.remove(&name),
                };
                match to {
                    Some(_) => model.aliased.insert(name.clone(), self.seen),
                    None => model.aliased.remove(&name),
                };
                let shown =
                    |version: Option<u64>| version.map_or_else(|| "—".to_owned(), |version| version.to_string());
                let change = format!("{} → {}", shown(from), shown(to));
                let mark = self.mark_of_model(&fact, self.seen, MarkKind::ModelAlias);
                let detail = Some(format!("alias {name}: version {change}"));
                self.add(Mark { title: format!("{}@{name} {change}", fact.name), detail, ..mark });
            }
        }
        for version in &fact.versions {
            match model.fact.versions.iter().find(|before| before.number == version.number) {
                None => self.version_came(&fact, version, is_news),
                Some(before) if before.stage != version.stage => self.stage_moved(&fact, before, version),
                Some(_) => {}
            }
        }
        model.fact = fact;
        self.touched.models = true;
        self.source.models.insert(model.fact.name.clone(), model);
    }

    /// Where an alias led until it was moved. When that was lies between the last time that its registry was heard and now.
    fn stayed(&self, model: &Model, name: &SmolStr, version: u64) -> Option<AliasStay> {
        let since = model.aliased.get(name).copied().or(model.seen)?;
        Some(AliasStay { version, since, until: self.heard?.max(since) })
    }

    pub(super) fn model_gone(&mut self, name: &SmolStr) {
        self.touched.models |= self.source.models.remove(name).is_some();
    }

    pub(super) fn drop_models(&mut self, facts: &[Fact]) {
        let named: BTreeSet<&SmolStr> = facts
            .iter()
            .filter_map(|fact| if let Fact::Model(model) = fact { Some(&model.name) } else { None })
            .collect();
        let gone: Vec<SmolStr> = self.source.models.keys().filter(|name| !named.contains(name)).cloned().collect();
        gone.iter().for_each(|name| self.model_gone(name));
    }

    fn version_came(&mut self, model: &ModelFact, version: &VersionFact, is_news: bool) {
        let at = version.created.unwrap_or(self.seen);
        if !is_news && (version.created.is_none() || !self.may_rebuild(MarkKind::ModelVersion, at)) {
            return;
        }
        let status = if version.readiness == Readiness::Failed { Status::Bad } else { Status::Unknown };
        let mark = Mark {
            title: format!("{} version {}", model.name, version.number),
            detail: version
                .message
                .clone()
                .or_else(|| version.run.as_ref().map(|run| format!("registered from run {run}"))),
            status,
            by: version.user.clone(),
            ..self.mark_of_model(model, at, MarkKind::ModelVersion)
        };
        if is_news { self.add(mark) } else { self.rebuild(mark) }
    }

    fn stage_moved(&mut self, model: &ModelFact, before: &VersionFact, version: &VersionFact) {
        let shown = |stage: &Option<SmolStr>| stage.clone().unwrap_or_else(|| "no stage".into());
        let change = format!("{} → {}", shown(&before.stage), shown(&version.stage));
        let at = version.updated.filter(|at| *at <= self.seen).unwrap_or(self.seen);
        self.add(Mark {
            title: format!("{} version {}: {change}", model.name, version.number),
            detail: Some(format!("stage {change}")),
            ..self.mark_of_model(model, at, MarkKind::ModelStage)
        });
    }

    fn mark_of_model(&self, model: &ModelFact, at: Stamp, kind: MarkKind) -> Mark {
        Mark::of(MarkKey { at, object: model::object(self.id, &model.name), kind })
    }

    /// Several changes of a model may have the same time: each keeps a place of its own.
    fn add(&mut self, mut mark: Mark) {
        while self.marks.iter().any(|other| other.key == mark.key) {
            mark.key.at = Stamp(mark.key.at.0.saturating_add(1));
        }
        self.marks.push(mark);
    }
}

/// Aliases that were set, moved or taken away: from which version to which.
fn moved(before: &[(SmolStr, u64)], after: &[(SmolStr, u64)]) -> Vec<(SmolStr, Option<u64>, Option<u64>)> {
    let version = |of: &[(SmolStr, u64)], name: &SmolStr| of.iter().find(|(alias, _)| alias == name).map(|(_, v)| *v);
    let names: BTreeSet<&SmolStr> = before.iter().chain(after).map(|(name, _)| name).collect();
    let all = names.into_iter().map(|name| (name.clone(), version(before, name), version(after, name)));
    all.filter(|(_, from, to)| from != to).collect()
}
