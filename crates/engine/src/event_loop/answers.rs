//! Which part answers which ask: at once from the world, or in a task of its own from the record or a server.

use super::Loop;
use crate::{
    artifacts,
    asks::{self, Reply, for_who_waits},
    back,
    benches::Benches,
    find, history,
    input::Input,
    lanes, logs, looked,
    older::{self, Span, Then},
    past::{self, Moment},
    preflight, record, runs,
    views::{Known, WEEK, project_plain, sources_of},
};
use pilothouse_insight::{History, Shown};
use pilothouse_wire::{
    Answer, Ask, Body, ConnectionId, Frame, Problem, Rev, Stamp, View, ViewSpec, When,
    ask::About,
    plan::Intent,
    record::Gap,
    runs::{MOST_COMPARED, RunId, VersionId},
    view::Difference,
};
use pilothouse_world::project;

impl Loop {
    pub(super) fn answer(&mut self, ask: Ask, reply: Reply) {
        let now = self.options.clock.now();
        match ask {
            Ask::About => {
                let version = env!("CARGO_PKG_VERSION").into();
                let _ = reply.send(Ok(Answer::About(About {
                    version,
                    may_act: false,
                    demo: !self.demo.is_empty(),
                    wall: false,
                    record: self.shown.clone(),
                })));
            }
            Ask::Frame { spec: spec @ ViewSpec::Waste(_), when: When::Now } if self.lacks_past(now) => {
                self.look_back(Some((spec, reply)));
            }
            Ask::Frame { spec, when: When::Now }
            | Ask::Frame { spec: spec @ (ViewSpec::Notices | ViewSpec::Actions | ViewSpec::Bench), .. } => {
                let _ = reply.send(Ok(self.frame(&spec, now)));
            }
            Ask::Search { text, limit, when: When::Now } => {
                let _ = reply.send(Ok(asks::search(&self.world, &text, limit)));
            }
            Ask::Frame { spec: ViewSpec::Fleet(spec), when: When::At(t) } => {
                let (worlds, journal) = (self.worlds.clone(), self.past.clone());
                for_who_waits(reply, async move { worlds.fleet(journal, spec, (t, now)).await });
            }
            Ask::Frame { spec, when: When::At(t) } => {
                // Waste alone follows from more than one world.
                let looked = self.past.clone().filter(|_| matches!(spec, ViewSpec::Waste(_)));
                self.in_the_past(t, reply, move |then| {
                    let history = looked.map(|journal| looked::until(&journal, then.known(t)));
                    past::frame(then, &spec, t, &history.unwrap_or_default())
                });
            }
            Ask::Search { text, limit, when: When::At(t) } => {
                self.in_the_past(t, reply, move |then| asks::search(&then.world, &text, limit));
            }
            Ask::History { object, span, when } => {
                let (then, until) = match when {
                    When::Now => (Then::Now(project::keeper(&self.world, &object)), now),
                    When::At(t) => (Then::Recorded(None, object.clone()), t),
                };
                for_who_waits(reply, history::history(self.past.clone(), then, object, span, until));
            }
            Ask::Older { object, span: back, when, before } => {
                let (world, until) = match when {
                    When::Now => (Then::Now(project::keeper(&self.world, &object)), now),
                    When::At(t) => (Then::Recorded(self.past.clone(), object), t),
                };
                let older = older::older(
                    self.worlds.clone(),
                    (world, now),
                    self.connections.connectors(),
                    Span { back, until, before },
                );
                for_who_waits(reply, older);
            }
            Ask::Logs(query) => {
                let connector = self.connections.connector(&query.pod.cluster);
                let pod = self
                    .world
                    .source(&query.pod.cluster)
                    .and_then(|source| source.pods.get(&(query.pod.namespace.clone(), query.pod.name.clone())));
                let containers = pod.map(|pod| pod.fact.containers.iter().map(|one| one.name.clone()).collect());
                for_who_waits(reply, logs::of_pod(connector, containers.unwrap_or_default(), query));
            }
            Ask::WorkloadLogs(query) => {
                let connector = self.connections.connector(&query.cluster);
                let source = self.world.source(&query.cluster);
                let pods = source.map(|source| logs::pods_of(source, &query)).unwrap_or_default();
                for_who_waits(reply, async move { logs::of_workload(connector, pods, &query).await });
            }
            Ask::Yaml(object) => {
                let connector = self.connections.connector(object.connection());
                for_who_waits(reply, async move { asks::yaml(connector, &object).await });
            }
            Ask::Describe(object) => {
                let connector = self.connections.connector(object.connection());
                let lineage =
                    pilothouse_insight::lineage::section(&crate::lineage::of(&self.world, &self.registries, &object));
                for_who_waits(reply, async move { asks::describe(connector, &object, lineage).await });
            }
            Ask::Tags(query) => {
                for_who_waits(reply, artifacts::tags(self.connections.connector(&query.source), query));
            }
            Ask::Artifact(of) => {
                for_who_waits(reply, artifacts::artifact(self.connections.connector(&of.source), of));
            }
            Ask::CompareArtifacts(from, to) => {
                let connectors = [&from, &to].map(|of| self.connections.connector(&of.source));
                for_who_waits(reply, artifacts::compare(connectors, [from, to]));
            }
            Ask::Find(query) => {
                let scene = find::Scene::of(self.known(), |id| self.connections.connector(id));
                for_who_waits(reply, find::answer(scene, query));
            }
            Ask::Preflight(query) => {
                let scene = preflight::Scene::of(self.known(), self.publisher.whole_fleet(), *query, now);
                for_who_waits(reply, preflight::answer(scene, self.connections.connectors()));
            }
            Ask::Bench(id) => self.benches.page(id, reply),
            Ask::BenchPreview(draft) => Benches::preview(draft, reply),
            Ask::BenchReport(id, form) => self.benches.report(id, form, reply),
            Ask::Compare { scope, from, to } => self.compare(scope, (from, to), reply),
            Ask::Recorded => self.span(reply),
            Ask::Lanes { span, end } => {
                let (world, connections) = (&self.world, &self.connections);
                let lanes = self.lanes.answer((span, end), || {
                    let wanted = lanes::wanted(world, span.min(WEEK), end.stamp(now));
                    Box::pin(lanes::lanes(connections.connectors(), wanted))
                });
                for_who_waits(reply, async move { Ok(lanes.await) });
            }
            Ask::Record => self.record(reply),
            Ask::Plan(intent) => self.plan(intent, false, reply),
            Ask::PlanAnyway(intent) => self.plan(intent, true, reply),
            Ask::Containers(object) => {
                let connector = self.connections.connector(object.connection());
                for_who_waits(reply, async move { asks::containers(connector, &object).await });
            }
            Ask::Rights(query) => {
                let connector = self.connections.connector(&query.connection);
                for_who_waits(reply, self.bench().rights(connector, query));
            }
            Ask::WayBack(object, to) => {
                let inputs = self.desk.surroundings.inputs.clone();
                let scene = back::Scene::of(self.known(), object, inputs, now);
                let record = (self.worlds.clone(), self.past.clone());
                for_who_waits(reply, back::answer(scene, to, self.connections.connectors(), record));
            }
            Ask::Kinds { scope } => {
                let wanted = self.connections.ids().filter(|id| scope.is_empty() || scope.contains(id));
                let connectors = wanted.map(|id| (id.clone(), self.connections.connector(id))).collect();
                for_who_waits(reply, asks::kinds(connectors));
            }
            Ask::Runs(id, ask) => {
                let connector = self.connections.connector(&id);
                for_who_waits(reply, async move { runs::answer(connector, &id, &ask).await });
            }
            Ask::CompareVersions(a, b) => {
                let side = |id: &VersionId| runs::Side {
                    connector: self.connections.connector(id.source()),
                    row: runs::version(&self.world, id),
                    id: id.clone(),
                };
                for_who_waits(reply, runs::compare(side(&a), side(&b)));
            }
            Ask::CompareRuns(ids) => {
                let side = |id: RunId| (self.connections.connector(&id.source), id);
                let sides: Vec<_> = ids.into_iter().take(MOST_COMPARED).map(side).collect();
                for_who_waits(reply, runs::side_by_side(sides));
            }
            Ask::Objects(listing) => {
                let connector = self.connections.connector(&listing.cluster);
                for_who_waits(reply, async move { asks::objects(connector, &listing).await });
            }
        }
    }

    /// Makes a plan, and looks whether what it leads back to can be; `all_the_same` it is made whatever that comes to.
    fn plan(&self, intent: Intent, all_the_same: bool, reply: Reply) {
        let (connector, now) = (self.connections.connector(intent.object.connection()), self.options.clock.now());
        let others = (self.connections.connectors(), self.desk.surroundings.inputs.clone());
        let outlook = back::Outlook::of(&intent, all_the_same, self.known(), others, now);
        for_who_waits(reply, self.bench().plan(connector, intent, outlook));
    }

    fn in_the_past(&self, t: Stamp, reply: Reply, answer: impl FnOnce(Moment) -> Answer + Send + 'static) {
        let (worlds, past, now) = (self.worlds.clone(), self.past.clone(), self.options.clock.now());
        for_who_waits(reply, async move {
            let then = worlds.at(past, t, now).await?;
            past::apart(move || answer(then)).await
        });
    }

    /// Was this run not watched for as long as waste is judged over, and is there a record that may tell the rest?
    pub(super) fn lacks_past(&self, now: Stamp) -> bool {
        self.past.is_some() && !self.publisher.history().is_enough(now)
    }

    /// Looks through the record for what waste is judged by, beside the loop; then answers who asked.
    pub(super) fn look_back(&self, asked: Option<(ViewSpec, Reply)>) {
        let Some(journal) = self.past.clone() else { return };
        let (inputs, now) = (self.desk.surroundings.inputs.clone(), self.options.clock.now());
        tokio::spawn(async move {
            let history = looked::beside(journal, now).await;
            let _ = inputs.send(Input::LookedBack(Box::new(history), asked)).await;
        });
    }

    /// Takes in what the record told.
    pub(super) fn looked_back(&mut self, history: History, asked: Option<(ViewSpec, Reply)>) {
        let now = self.options.clock.now();
        let watched = self.publisher.whole_fleet().cloned();
        let whole = watched.unwrap_or_else(|| past::fleet(&self.world, Vec::new(), now));
        self.publisher.put_before(history, &whole, now);
        self.with_scene(|publisher, scene| publisher.publish_waste(scene));
        if let Some((spec, reply)) = asked {
            let _ = reply.send(Ok(self.frame(&spec, now)));
        }
    }

    /// Compares two times: each is now, or is read from the record.
    fn compare(&self, scope: Vec<ConnectionId>, (from, to): (When, When), reply: Reply) {
        let now = self.options.clock.now();
        // The live world is projected here, since it is lent to nobody.
        let live = [from, to].contains(&When::Now).then(|| past::shown(&self.world, scope.clone(), now));
        let (worlds, journal) = (self.worlds.clone(), self.past.clone());
        for_who_waits(reply, async move {
            let shown = async |when: When| -> Result<(Shown, Stamp, Option<Gap>), Problem> {
                let When::At(t) = when else { return Ok((live.clone().unwrap_or_default(), now, None)) };
                let then = worlds.at(journal.clone(), t, now).await?;
                let (scope, known_at, gap) = (scope.clone(), then.known(t), then.gap.clone());
                Ok((past::apart(move || past::shown(&then.world, scope, known_at)).await?, t, gap))
            };
            let (from, to) = (shown(from).await?, shown(to).await?);
            past::apart(move || {
                let difference = pilothouse_insight::compare((&from.0, from.1), (&to.0, to.1));
                let mut gaps: Vec<Gap> = from.2.into_iter().chain(to.2).collect();
                gaps.dedup();
                Answer::Difference(Box::new(Difference { gaps, ..difference }))
            })
            .await
        });
    }

    /// From when to when there is a record.
    fn span(&self, reply: Reply) {
        let past = self.past.clone();
        for_who_waits(reply, async move {
            let span = past::apart(move || past.map_or(Ok(None), |past| past.span())).await.flatten();
            span.map(Answer::Recorded)
        });
    }

    /// What the record is.
    fn record(&self, reply: Reply) {
        let (past, recording) = (self.past.clone(), self.recorder.is_some());
        for_who_waits(reply, async move {
            let info = past::apart(move || past.map(|past| record::info(&past, recording)).transpose()).await.flatten();
            info.map(|info| Answer::Record(info.map(Box::new)))
        });
    }

    fn known(&self) -> Known<'_> {
        Known { world: &self.world, registries: &self.registries }
    }

    fn frame(&self, spec: &ViewSpec, now: Stamp) -> Answer {
        let view = match spec {
            ViewSpec::Connections => View::Connections(self.connections_view()),
            ViewSpec::Notices => View::Notices(Box::new(self.publisher.notices().view())),
            ViewSpec::Actions => View::Actions(Box::new(self.actions.clone())),
            ViewSpec::Bench => View::Bench(Box::new(self.benches.view().clone())),
            other => self.gaps.told(project_plain(self.known(), other, self.publisher.history(), now), other, now),
        };
        Answer::Frame(Box::new(Frame {
            rev: Rev(1),
            as_of: now,
            when: When::Now,
            sources: sources_of(&self.world, spec, now),
            dropped: self.dropped(),
            gap: None,
            body: Body::Full(view),
        }))
    }
}

#[cfg(test)]
mod recorded_tests;
#[cfg(test)]
mod tests;
