//! The way that every fact goes once it is one: into the journal and back, into the world, into each view, to a page.
//! No fact may break it, whoever said it.

use pilothouse_wire::{
    ConnectionId, Stamp, View, When, codec,
    view::{FleetSpec, ModelsSpec},
};
use pilothouse_world::{
    Batch, Extent, Fact, World,
    project::{self, FleetProjection},
};
use serde::{Serialize, de::DeserializeOwned};
use std::{sync::Arc, time::Duration};

/// More objects than this tell nothing new, and make each input slow.
const MOST_OBJECTS: usize = 16;

/// A world on its way through batches, with a view that follows it.
pub struct Journey {
    world: World,
    fleet: FleetProjection,
    now: Stamp,
    /// Did it begin empty? Else its indexes are what somebody wrote, and lead anywhere.
    sound: bool,
}

impl Default for Journey {
    fn default() -> Self {
        Self { sound: true, ..Self::from(World::default()) }
    }
}

impl From<World> for Journey {
    fn from(world: World) -> Self {
        let fleet = FleetProjection::new(&world, FleetSpec::default());
        Self { world, fleet, now: Stamp(1_800_000_000_000), sound: false }
    }
}

impl Journey {
    /// Takes in facts that a server said.
    pub fn facts(&mut self, extent: Extent, facts: Vec<Fact>) {
        self.now.0 += 1_000;
        self.batch(Batch { source: ConnectionId::slug("iad"), seen_at: self.now, extent, facts });
    }

    /// Takes in a batch: it reads back from its bytes, and what it changes in the view is all that it changes.
    pub fn batch(&mut self, batch: Batch) {
        same_bytes(&batch);
        let touched = self.world.apply(batch);
        let mut page = self.fleet.view().as_ref().clone();
        page.apply(self.fleet.update(&self.world, &touched));
        assert!(!self.sound || page == **self.fleet.view(), "the patch leads elsewhere");
    }

    /// Looks at the world as every screen does, and keeps it as a checkpoint.
    pub fn look(&self) {
        same_bytes(&self.world);
        let whole = FleetProjection::new(&self.world, FleetSpec::default()).into_view();
        assert!(!self.sound || whole == **self.fleet.view(), "the followed view differs from one made anew");
        let findings = whole.findings.clone();
        same_bytes(&View::Fleet(Arc::new(whole)));
        same_bytes(&project::connection_rows(&self.world));
        same_bytes(&project::ribbon(&self.world, Duration::from_secs(3_600), When::Now, self.now));
        let services = project::delivery(&self.world, &FleetSpec::default());
        for row in services.rows.rows().iter().take(MOST_OBJECTS) {
            same_bytes(&project::rollout(&self.world, &row.id, self.now));
        }
        same_bytes(&services);
        same_bytes(&project::sources(&self.world, &[], self.now));
        same_bytes(&View::Models(Box::new(project::models(&self.world, &ModelsSpec::default()))));
        for (object, ..) in self.world.objects().take(MOST_OBJECTS) {
            same_bytes(&project::object(&self.world, &object, &findings, self.now));
        }
    }
}

/// What is written reads back, and is written the same again. By its bytes, since a float may be no number.
pub fn same_bytes<T: Serialize + DeserializeOwned>(value: &T) {
    let bytes = codec::encode(value);
    let again: T = codec::decode(&bytes).unwrap_or_else(|problem| panic!("it does not read back: {problem}"));
    assert!(codec::encode(&again) == bytes, "it reads back as something else");
}
