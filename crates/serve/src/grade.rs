//! What a page may ask for: fixed when the door is opened.

use pilothouse_wire::{Ask, Code, Problem, ViewSpec};

/// How much a page may see. Neither grade has a way to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    /// A person's own browser on this machine: every question.
    Own,
    /// A screen that others see: figures and states, never YAML, settings, events or search over objects.
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
            Ask::Frame { spec, .. } => self.shows(spec),
            Ask::Search { .. }
            | Ask::History { .. }
            | Ask::Older { .. }
            | Ask::Yaml(_)
            | Ask::Logs(_)
            | Ask::WorkloadLogs(_)
            | Ask::Kinds { .. }
            | Ask::Objects(_)
            | Ask::Describe(_) => self.own_only(),
        }
    }

    /// Refuses a view that this grade may not see.
    ///
    /// # Errors
    /// [`Code::NotOffered`], naming the door that shows it.
    pub(crate) fn shows(self, spec: &ViewSpec) -> Result<(), Problem> {
        match spec {
            ViewSpec::Fleet(_) | ViewSpec::Ribbon { .. } | ViewSpec::Room(_) | ViewSpec::Waste(_) => Ok(()),
            ViewSpec::Connections | ViewSpec::Object(_) => self.own_only(),
        }
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
    use pilothouse_wire::{When, view::FleetSpec};

    #[test]
    fn a_wall_sees_the_fleet_and_no_object() {
        let fleet = ViewSpec::Fleet(FleetSpec::default());
        let yaml = Ask::Yaml("node:a/b".parse().unwrap());
        let pod = pilothouse_wire::PodId {
            cluster: pilothouse_wire::ConnectionId::slug("a"),
            namespace: "n".into(),
            name: "p".into(),
        };
        let logs = Ask::Logs(pilothouse_wire::ask::LogQuery { pod, container: None, previous: false, lines: 1 });
        let search = Ask::Search { text: "a".into(), limit: 1, when: When::Now };
        let settings = Ask::Frame { spec: ViewSpec::Connections, when: When::Now };
        assert_eq!(Grade::Wall.shows(&fleet), Ok(()));
        let of_workload = Ask::WorkloadLogs(pilothouse_wire::ask::WorkloadLogQuery {
            cluster: pilothouse_wire::ConnectionId::slug("a"),
            namespace: "n".into(),
            kind: "Deployment".into(),
            name: "d".into(),
            container: None,
            previous: false,
            lines: 1,
        });
        let kinds = Ask::Kinds { scope: Vec::new() };
        let deployments = pilothouse_wire::KindId {
            group: "apps".into(),
            version: "v1".into(),
            plural: "d".into(),
            kind: "D".into(),
        };
        let objects = Ask::Objects(pilothouse_wire::kinds::Listing {
            cluster: pilothouse_wire::ConnectionId::slug("a"),
            kind: deployments,
            namespaced: true,
            namespace: None,
            name: None,
            most: 1,
        });
        let describe = Ask::Describe("node:a/b".parse().unwrap());
        for ask in [yaml, logs, of_workload, search, settings, kinds, objects, describe] {
            assert_eq!(Grade::Own.admits(&ask), Ok(()));
            assert_eq!(Grade::Wall.admits(&ask).map_err(|problem| problem.code), Err(Code::NotOffered));
        }
    }
}
