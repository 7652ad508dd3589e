//! Servers inside of the connected clusters, as connections that are offered.

use crate::{connections::Connections, table};
use pilothouse_vault::Settings;
use pilothouse_wire::{Health, view::OfferedService};
use pilothouse_world::World;

/// All that clusters told of, in the order of clusters and names, each with the connection that leads there if there is one.
pub(crate) fn inside(world: &World, settings: &Settings) -> Vec<OfferedService> {
    let mut all = Vec::new();
    // By way of one that is paused nobody gets anywhere.
    let read = world.sources().filter(|(_, source)| source.health != Health::Paused);
    for (cluster, source) in read {
        for fact in source.inside.iter().flatten() {
            let Some((kind, inside, offer)) =
                table::insides().find_map(|(kind, inside)| Some((kind, inside, (inside.offer)(cluster, fact)?)))
            else {
                continue;
            };
            let leads = settings
                .connections
                .iter()
                .find(|connection| connection.kind == kind.id && (inside.leads)(&connection.values, cluster, fact));
            all.push(OfferedService {
                cluster: cluster.clone(),
                service: format!("{}/{}:{}", fact.namespace, fact.name, fact.port),
                what: offer.what,
                draft: offer.draft,
                connected_as: leads.map(|connection| connection.id.clone()),
            });
        }
    }
    all
}

/// Is there a cluster that is read, and has not said yet what is inside of it?
pub(crate) fn is_looking(world: &World, connections: &Connections) -> bool {
    let looks = |health: &Health| !matches!(health, Health::Lost(_) | Health::Paused);
    let mut sources = connections.leading_inside().filter_map(|id| world.source(id));
    sources.any(|source| source.inside.is_none() && looks(&source.health))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_vault::ConnectionSettings;
    use pilothouse_wire::{ConnectionId, Stamp};
    use pilothouse_world::{
        Batch, Extent, Fact,
        fact::{ServiceFact, SourceFact},
    };

    fn say(world: &mut World, source: &str, facts: Vec<SourceFact>) {
        let facts = facts.into_iter().map(Fact::Source).collect();
        let source = ConnectionId::slug(source);
        world.apply(Batch { source, seen_at: Stamp(0), extent: Extent::Delta, facts });
    }

    fn found(namespace: &str, name: &str, signature: &str) -> ServiceFact {
        ServiceFact { namespace: namespace.into(), name: name.into(), port: 9090, signature: signature.into() }
    }

    fn words(world: &World, settings: &Settings) -> Vec<String> {
        let said = inside(world, settings).into_iter().map(|offer| {
            let connected = offer.connected_as.map_or_else(String::new, |id| format!(" as {id}"));
            format!("{} {} {}{connected}", offer.cluster, offer.service, offer.what)
        });
        said.collect()
    }

    #[test]
    fn what_clusters_tell_is_offered_until_it_is_connected_or_gone() {
        let (mut world, mut settings) = (World::default(), Settings::default());
        let services = vec![found("mon", "prometheus", "prometheus"), found("mon", "thanos", "thanos-query")];
        say(&mut world, "iad", vec![SourceFact::Inside(services)]);
        say(&mut world, "ord", vec![SourceFact::Inside(vec![found("mon", "prometheus", "of-a-later-build")])]);
        assert_eq!(
            words(&world, &settings),
            ["iad mon/prometheus:9090 Prometheus", "iad mon/thanos:9090 Thanos Query"]
        );

        let draft = inside(&world, &settings).remove(0).draft;
        settings.connections.push(ConnectionSettings::new(draft.id(), &draft.kind, &draft.name, draft.values));
        let now = words(&world, &settings);
        assert_eq!(now[0], "iad mon/prometheus:9090 Prometheus as iad-mon-prometheus");
        say(&mut world, "iad", vec![SourceFact::Health(Health::Paused)]);
        assert_eq!(words(&world, &settings), Vec::<String>::new());
        say(&mut world, "iad", vec![SourceFact::Health(Health::Well), SourceFact::Inside(Vec::new())]);
        assert_eq!(words(&world, &settings), Vec::<String>::new());
    }
}
