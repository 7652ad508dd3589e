//! What a page may ask for: fixed when the door is opened.

use pilothouse_wire::{Ask, Code, Problem, ViewSpec, When};

/// How much a page may see. Neither grade has a way to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    /// A person's own browser on this machine: every question.
    Own,
    /// A screen that others see: views that are marked for it, as they are now; never YAML, logs, settings, events or
    /// search over objects.
    Wall,
}

impl Grade {
    /// Refuses a question that this grade may not ask.
    ///
    /// # Errors
    /// [`Code::NotOffered`], naming the door that answers it.
    pub(crate) fn admits(self, ask: &Ask) -> Result<(), Problem> {
        match ask {
            Ask::About => Ok(()),
            Ask::Frame { spec, when } => self.shows(spec, *when),
            Ask::Search { .. }
            | Ask::History { .. }
            | Ask::Older { .. }
            | Ask::Yaml(_)
            | Ask::Logs(_)
            | Ask::WorkloadLogs(_)
            | Ask::Kinds { .. }
            | Ask::Objects(_)
            | Ask::Describe(_)
            | Ask::Compare { .. }
            | Ask::Recorded
            | Ask::Lanes { .. }
            | Ask::Record
            | Ask::Plan(_)
            | Ask::PlanAnyway(_)
            | Ask::Containers(_)
            | Ask::Rights(_)
            | Ask::WayBack(..)
            | Ask::Runs(..)
            | Ask::CompareVersions(..)
            | Ask::CompareRuns(_)
            | Ask::Tags(_)
            | Ask::Artifact(_)
            | Ask::CompareArtifacts(..)
            | Ask::Find(_)
            | Ask::Preflight(_)
            | Ask::Bench(_)
            | Ask::BenchPreview(_)
            | Ask::BenchReport(..) => self.own_only(),
        }
    }

    /// Refuses a view that this grade may not see.
    ///
    /// # Errors
    /// [`Code::NotOffered`], naming the door that shows it.
    pub(crate) fn shows(self, spec: &ViewSpec, when: When) -> Result<(), Problem> {
        // The past is folded anew for whoever asks for it: too dear for strangers, and a wall is about now.
        if spec.is_for_walls() && when == When::Now { Ok(()) } else { self.own_only() }
    }

    fn own_only(self) -> Result<(), Problem> {
        match self {
            Self::Own => Ok(()),
            Self::Wall => Err(Problem::new(Code::NotOffered, "A wall screen does not show that.")
                .why("Whoever passes by can read it.")
                .next("Open it in the desktop window, or in a browser on the machine itself.")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{
        ConnectionId, KindId, ModelId, PodId, Stamp,
        artifact::{ArtifactRef, TagsQuery},
        ask::{LogQuery, WorkloadLogQuery},
        bench,
        find::FindQuery,
        form::Draft,
        kinds::Listing,
        plan::{Deed, Intent},
        preflight::{ModelSubject, PreflightQuery},
        rights::RightsQuery,
        runs::{RunAsk, VersionId},
        view::{FleetSpec, ModelsSpec, RepositoryId},
    };
    use std::time::Duration;

    const ASKS: usize = 31;
    const VIEWS: usize = 15;

    /// The place of a question in [`asks`]. A new question does not compile until it has one.
    fn place(ask: &Ask) -> usize {
        match ask {
            Ask::About => 0,
            Ask::Frame { .. } => 1,
            Ask::Search { .. } => 2,
            Ask::History { .. } => 3,
            Ask::Older { .. } => 4,
            Ask::Yaml(_) => 5,
            Ask::Logs(_) => 6,
            Ask::WorkloadLogs(_) => 7,
            Ask::Kinds { .. } => 8,
            Ask::Objects(_) => 9,
            Ask::Describe(_) => 10,
            Ask::Compare { .. } => 11,
            Ask::Recorded => 12,
            Ask::Lanes { .. } => 13,
            Ask::Record => 14,
            Ask::Plan(_) => 15,
            Ask::Runs(..) => 16,
            Ask::CompareVersions(..) => 17,
            Ask::Tags(_) => 18,
            Ask::Artifact(_) => 19,
            Ask::CompareArtifacts(..) => 20,
            Ask::Rights(_) => 21,
            Ask::WayBack(..) => 22,
            Ask::Find(_) => 23,
            Ask::Preflight(_) => 24,
            Ask::Containers(_) => 25,
            Ask::Bench(_) => 26,
            Ask::BenchPreview(_) => 27,
            Ask::BenchReport(..) => 28,
            Ask::CompareRuns(_) => 29,
            Ask::PlanAnyway(_) => 30,
        }
    }

    fn place_of_view(spec: &ViewSpec) -> usize {
        match spec {
            ViewSpec::Fleet(_) => 0,
            ViewSpec::Connections => 1,
            ViewSpec::Ribbon { .. } => 2,
            ViewSpec::Object(_) => 3,
            ViewSpec::Room(_) => 4,
            ViewSpec::Waste(_) => 5,
            ViewSpec::Notices => 6,
            ViewSpec::Actions => 7,
            ViewSpec::Models(_) => 8,
            ViewSpec::Artifacts => 9,
            ViewSpec::Delivery(_) => 10,
            ViewSpec::Rollout(_) => 11,
            ViewSpec::Lineage(_) => 12,
            ViewSpec::ArtifactServes(_) => 13,
            ViewSpec::Bench => 14,
        }
    }

    fn asks() -> [Ask; ASKS] {
        let (object, cluster) = ("node:a/b".parse::<pilothouse_wire::ObjectRef>().unwrap(), ConnectionId::slug("a"));
        let (span, when) = (Duration::from_secs(60), When::Now);
        let artifact = ArtifactRef { source: cluster.clone(), repository: "r".into(), reference: "t".into() };
        let pod = PodId { cluster: cluster.clone(), namespace: "n".into(), name: "p".into() };
        let kind = KindId { group: "apps".into(), version: "v1".into(), plural: "d".into(), kind: "D".into() };
        let model = ModelId { source: cluster.clone(), name: "m".into() };
        let version = VersionId { model, number: 1 };
        let preflight = PreflightQuery {
            of: ModelSubject::Version(version.clone()),
            service: None,
            gpu: None,
            gpus_a_node: None,
            arguments: None,
            engine: None,
        };
        let of_workload = WorkloadLogQuery {
            cluster: cluster.clone(),
            namespace: "n".into(),
            kind: "Deployment".into(),
            name: "d".into(),
            container: None,
            previous: false,
            lines: 1,
            after: Vec::new(),
        };
        [
            Ask::About,
            Ask::Frame { spec: ViewSpec::Connections, when },
            Ask::Search { text: "a".into(), limit: 1, when },
            Ask::History { object: object.clone(), span, when },
            Ask::Older { object: object.clone(), span, when, before: None },
            Ask::Yaml(object.clone()),
            Ask::Logs(LogQuery { pod, container: None, previous: false, lines: 1, after: None }),
            Ask::WorkloadLogs(of_workload),
            Ask::Kinds { scope: Vec::new() },
            Ask::Objects(Listing { cluster, kind, namespaced: true, namespace: None, name: None, most: 1 }),
            Ask::Describe(object.clone()),
            Ask::Compare { scope: Vec::new(), from: when, to: when },
            Ask::Recorded,
            Ask::Lanes { span, end: when },
            Ask::Record,
            Ask::Plan(Intent { object: object.clone(), deed: Deed::Cordon }),
            Ask::Runs(version.model.source.clone(), RunAsk::Run("r".into())),
            Ask::CompareVersions(version.clone(), version),
            Ask::Tags(TagsQuery { source: artifact.source.clone(), repository: "r".into(), after: None, limit: 1 }),
            Ask::Artifact(artifact.clone()),
            Ask::CompareArtifacts(artifact.clone(), artifact.clone()),
            Ask::Rights(RightsQuery { connection: artifact.source, namespace: None }),
            Ask::WayBack(object.clone(), None),
            Ask::Find(FindQuery::default()),
            Ask::Preflight(Box::new(preflight)),
            Ask::Containers(object),
            Ask::Bench("a".into()),
            Ask::BenchPreview(Draft::default()),
            Ask::BenchReport("a".into(), bench::Form::Html),
            Ask::CompareRuns(Vec::new()),
            Ask::PlanAnyway(Intent { object: "node:a/b".parse().unwrap(), deed: Deed::Cordon }),
        ]
    }

    fn views() -> [ViewSpec; VIEWS] {
        [
            ViewSpec::Fleet(FleetSpec::default()),
            ViewSpec::Connections,
            ViewSpec::Ribbon { span: Duration::from_secs(60), end: When::Now },
            ViewSpec::Object("node:a/b".parse().unwrap()),
            ViewSpec::Room(FleetSpec::default()),
            ViewSpec::Waste(FleetSpec::default()),
            ViewSpec::Notices,
            ViewSpec::Actions,
            ViewSpec::Models(ModelsSpec::default()),
            ViewSpec::Artifacts,
            ViewSpec::Delivery(FleetSpec::default()),
            ViewSpec::Rollout("node:a/b".parse().unwrap()),
            ViewSpec::Lineage(ModelId { source: ConnectionId::slug("a"), name: "m".into() }),
            ViewSpec::ArtifactServes(RepositoryId { source: ConnectionId::slug("a"), name: "r".into() }),
            ViewSpec::Bench,
        ]
    }

    fn code(answer: Result<(), Problem>) -> Option<Code> {
        answer.err().map(|problem| problem.code)
    }

    #[test]
    fn of_all_questions_a_wall_is_answered_those_about_the_door_and_about_marked_views() {
        for (at, ask) in asks().iter().enumerate() {
            assert_eq!(place(ask), at);
            assert_eq!(Grade::Own.admits(ask), Ok(()), "{ask:?}");
            let want = (*ask != Ask::About).then_some(Code::NotOffered);
            assert_eq!(code(Grade::Wall.admits(ask)), want, "{ask:?}");
        }
    }

    #[test]
    fn of_all_views_a_wall_sees_the_marked_ones_and_only_as_they_are_now() {
        let marked: [bool; VIEWS] =
            [true, false, true, false, true, true, false, false, false, false, false, false, false, false, false];
        for (at, spec) in views().iter().enumerate() {
            assert_eq!(place_of_view(spec), at);
            for when in [When::Now, When::At(Stamp(0))] {
                assert_eq!(Grade::Own.shows(spec, when), Ok(()));
                let want = (!marked[at] || when != When::Now).then_some(Code::NotOffered);
                assert_eq!(code(Grade::Wall.shows(spec, when)), want, "{spec:?} {when:?}");
                let ask = Ask::Frame { spec: spec.clone(), when };
                assert_eq!(code(Grade::Wall.admits(&ask)), want, "{ask:?}");
            }
        }
    }
}
