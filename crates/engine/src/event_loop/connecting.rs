//! Connections come, go and begin anew, as settings and acts say, and are shown.

use super::Loop;
use crate::{
    connections,
    input::{Changed, Input},
    offers, table,
};
use pilothouse_vault::{ConnectionSettings, Settings};
use pilothouse_wire::{Code, ConnectionId, view::ConnectionsView};
use pilothouse_world::{Batch, Extent, Fact, fact::SourceFact};

impl Loop {
    pub(super) fn start_demo(&mut self) {
        self.demo.clear();
        for (kind, name, values) in table::demo_fleet() {
            let settings = ConnectionSettings::new(ConnectionId::slug(&name), kind, &name, values);
            self.demo.push(settings.id.clone());
            self.start(settings);
        }
    }

    pub(super) fn start(&mut self, settings: ConnectionSettings) {
        let batch = connections::announced(&settings, self.options.clock.now());
        self.connections.start(settings, &self.desk.surroundings);
        self.fold(batch);
    }

    /// Takes over what an act changed.
    pub(super) fn changed(&mut self, changed: Changed) {
        match Settings::load(&self.options.paths) {
            Ok(settings) => self.settings = settings,
            Err(problem) => self.notices = vec![problem],
        }
        match changed {
            Changed::Wishes => return self.wished(),
            Changed::Operation => {}
            Changed::Restart(id) => self.restart(&id),
            Changed::Moved(id) => {
                self.forget(&id);
                self.restart(&id);
            }
            Changed::Unlocked => {
                let waiting: Vec<ConnectionId> = self
                    .world
                    .sources()
                    .filter(|(_, source)| source.health.problem().is_some_and(|p| p.code == Code::VaultLocked))
                    .map(|(id, _)| id.clone())
                    .collect();
                waiting.iter().for_each(|id| self.restart(id));
            }
        }
        self.touched.all = true;
    }

    fn restart(&mut self, id: &ConnectionId) {
        match self.settings.connections.iter().find(|settings| settings.id == *id).cloned() {
            Some(settings) => {
                // A first connection of one's own: the demo fleet makes room, unless it was asked for.
                if !self.options.demo {
                    std::mem::take(&mut self.demo).iter().for_each(|id| self.forget(id));
                }
                self.start(settings);
            }
            None if self.demo.contains(id) => self.start_demo(),
            None => self.forget(id),
        }
        if self.settings.connections.is_empty() && self.demo.is_empty() {
            self.start_demo();
        }
    }

    /// Ends a connection and forgets what it said.
    fn forget(&mut self, id: &ConnectionId) {
        let batch = Batch {
            source: id.clone(),
            seen_at: self.options.clock.now(),
            extent: Extent::Delta,
            facts: vec![Fact::Source(SourceFact::Removed)],
        };
        self.fold(batch);
        self.connections.stop(id);
    }

    pub(super) fn discover(&self) {
        let inputs = self.desk.surroundings.inputs.clone();
        tokio::spawn(async move {
            if let Ok(found) = tokio::task::spawn_blocking(table::discover).await {
                let _ = inputs.send(Input::Discovered(found)).await;
            }
        });
    }

    /// The connections: what the world knows of each, joined with its settings.
    pub(super) fn connections_view(&self) -> ConnectionsView {
        let rows = pilothouse_world::project::connection_rows(&self.world);
        let rows = rows.rows().iter().cloned().map(|mut row| {
            row.facts_per_s = self.rates.of(&row.id);
            // Of one that was never heard its kind says whether it could have nodes.
            row.cluster &= table::KINDS.iter().find(|kind| kind.id == row.kind).is_none_or(|kind| kind.nodes);
            if let Some(settings) = self.settings.connections.iter().find(|settings| settings.id == row.id) {
                row.values = settings.values.clone();
                row.secrets_set = settings.secrets.clone();
                row.operation = settings.operation;
            }
            row
        });
        let offered = self.discovery.offered.iter().map(|(context, draft)| {
            let used = self.settings.connections.iter().find(|settings| {
                settings.kind == draft.kind && settings.values.get("context") == draft.values.get("context")
            });
            let connected_as = used.map(|settings| settings.id.clone());
            pilothouse_wire::view::OfferedContext { connected_as, ..context.clone() }
        });
        ConnectionsView {
            rows: rows.collect(),
            offered: offered.collect(),
            inside: offers::inside(&self.world, &self.settings),
            looking: offers::is_looking(&self.world, &self.connections),
            kinds: table::KINDS.iter().filter(|kind| !kind.demo).map(pilothouse_connect::Kind::form).collect(),
            vault: self.vault.clone(),
            problems: self.discovery.problems.iter().chain(&self.notices).cloned().collect(),
            hold: self.holding.now(),
            cut: self.told_cut.clone(),
        }
    }
}
