//! What all registries hold, as views: made of the world once, and again when they changed. Lineage, searches and preflights
//! ask for them again and again, and large registries are large copies.

use pilothouse_wire::view::{ArtifactsView, ModelsSpec, ModelsView};
use pilothouse_world::{Touched, World, project};
use std::sync::{Arc, OnceLock};

/// The views of one world, each once somebody asked for it.
#[derive(Debug, Default)]
pub(crate) struct Registries {
    models: OnceLock<Arc<ModelsView>>,
    artifacts: OnceLock<Arc<ArtifactsView>>,
}

impl Registries {
    /// Registered models of all sources.
    pub(crate) fn models(&self, world: &World) -> &Arc<ModelsView> {
        self.models.get_or_init(|| Arc::new(project::models(world, &ModelsSpec::default())))
    }

    /// Repositories and tags of all sources.
    pub(crate) fn artifacts(&self, world: &World) -> &Arc<ArtifactsView> {
        self.artifacts.get_or_init(|| Arc::new(project::artifacts(world)))
    }

    /// The world changed: what may be another by that is made anew.
    pub(crate) fn touched(&mut self, touched: &Touched) {
        if touched.all || touched.models {
            self.models = OnceLock::new();
        }
        if touched.all || touched.artifacts {
            self.artifacts = OnceLock::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{ConnectionId, Stamp};
    use pilothouse_world::{
        Batch, Extent, Fact,
        fact::{ModelFact, NamespaceFact},
    };

    #[test]
    fn views_are_made_anew_when_registries_changed_and_only_then() {
        let (mut world, mut registries) = (World::default(), Registries::default());
        let mut say = |registries: &mut Registries, fact| {
            let (source, facts) = (ConnectionId::slug("registry"), vec![fact]);
            registries.touched(&world.apply(Batch { source, seen_at: Stamp(1), extent: Extent::Delta, facts }));
            (Arc::clone(registries.models(&world)), Arc::clone(registries.artifacts(&world)))
        };
        let model = |name: &str| Fact::Model(Box::new(ModelFact { name: name.into(), ..ModelFact::default() }));
        let (first, artifacts) = say(&mut registries, model("chat"));
        let other = Fact::Namespace(NamespaceFact { name: "serving".into(), terminating: false });
        let (same, of_same) = say(&mut registries, other);
        assert!(Arc::ptr_eq(&first, &same) && Arc::ptr_eq(&artifacts, &of_same));
        let (second, of_second) = say(&mut registries, model("code"));
        assert_eq!((first.models.len(), second.models.len()), (1, 2));
        assert!(Arc::ptr_eq(&artifacts, &of_second));
    }
}
