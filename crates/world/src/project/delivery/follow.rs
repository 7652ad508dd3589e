//! Services as rows, kept up to date: where single services changed, their rows alone are projected again.

use super::{
    Analyses, in_scope, reading, row,
    shares::{Applications, Traffic},
};
use crate::{Touched, World, source::WorkloadKey};
use pilothouse_wire::{
    ConnectionId, Keyed, ObjectRef,
    view::{
        DeliveryRow, FleetSpec,
        delivery::{DeliveryPatch, DeliveryView},
    },
};
use std::collections::BTreeMap;

/// All services in scope, followed.
pub struct DeliveryProjection {
    spec: FleetSpec,
    view: DeliveryView,
    /// What stands beside the services of each source; it is looked through anew where it may have changed.
    traffic: BTreeMap<ConnectionId, Traffic>,
}

impl DeliveryProjection {
    /// Projects all of it.
    #[must_use]
    pub fn new(world: &World, spec: FleetSpec) -> Self {
        let applications = Applications::of(world);
        let (mut rows, mut all) = (Vec::new(), BTreeMap::new());
        for (id, source) in in_scope(world, &spec) {
            let (analyses, traffic) = (Analyses::of(source), Traffic::of(id, source));
            let of_source = source.delivery.services.keys().filter_map(|key| row(id, source, key, &analyses));
            rows.extend(of_source.map(|row| traffic.beside(&applications, id, row)));
            all.insert(id.clone(), traffic);
        }
        let view = DeliveryView { rows: rows.into_iter().collect(), reading: reading(world, &spec) };
        Self { spec, view, traffic: all }
    }

    /// The view as it is.
    #[must_use]
    pub fn view(&self) -> &DeliveryView {
        &self.view
    }

    /// The view, where nobody follows it.
    #[must_use]
    pub fn into_view(self) -> DeliveryView {
        self.view
    }

    /// Renews what was touched; answers what changed.
    pub fn update(&mut self, world: &World, touched: &Touched) -> DeliveryPatch {
        if touched.all || touched.delivery {
            let newer = Self::new(world, std::mem::take(&mut self.spec));
            let patch = self.view.diff(&newer.view);
            *self = newer;
            return patch;
        }
        let mut patch = DeliveryPatch::default();
        if !touched.services.is_empty() {
            self.renew(world, touched, &mut patch);
        }
        if !touched.sources.is_empty() {
            let reading = reading(world, &self.spec);
            if reading != self.view.reading {
                self.view.reading.clone_from(&reading);
                patch.reading = Some(reading);
            }
        }
        patch
    }

    /// Renews single services.
    fn renew(&mut self, world: &World, touched: &Touched, patch: &mut DeliveryPatch) {
        let applications = Applications::of(world);
        let mut analyses = BTreeMap::new();
        for object in &touched.services {
            let ObjectRef::Workload(id, namespace, kind, name) = object else { continue };
            let (Some(source), Some(traffic)) = (world.source(id), self.traffic.get(id)) else { continue };
            let key: WorkloadKey = (kind.clone(), namespace.clone(), name.clone());
            let of_namespace = || Analyses::of_namespace(source, namespace);
            let analyses = analyses.entry((id, namespace)).or_insert_with(of_namespace);
            match row(id, source, &key, analyses).map(|row| traffic.beside(&applications, id, row)) {
                Some(row) => set(&mut self.view.rows, row, patch),
                None if self.view.rows.remove(object) => patch.rows.gone.push(object.clone()),
                None => {}
            }
        }
    }
}

fn set(rows: &mut Keyed<DeliveryRow>, row: DeliveryRow, patch: &mut DeliveryPatch) {
    if rows.set(row.clone()) {
        patch.rows.set.push(row);
    }
}
