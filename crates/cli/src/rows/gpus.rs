//! GPUs as lines: one a slot, with its node, its holder, and what is measured of it.

use super::{Drawable, Listed, fleet, status};
use crate::{columns::Column, out::Tone, picture::grouped, table::Cell};
use pilothouse_chart::{
    Cells, Sheet,
    ink::{Ink, Inks, Legend, Mode},
};
use pilothouse_wire::{
    Metric, PodId, Reading, SmolStr, Stamp, View,
    filter::{Record, Value},
    units::bytes,
    view::{FunnelKind, GpuDevice, GpuRow, GpuState, Method, Status, gpu::plain_number},
};
use serde::Serialize;
use std::{
    borrow::Cow,
    collections::{BTreeMap, HashSet},
};

/// One GPU slot with what it belongs to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GpuLine {
    cluster: SmolStr,
    node: SmolStr,
    index: u16,
    state: GpuState,
    status: Status,
    status_word: SmolStr,
    /// The step of the funnel that it does not reach.
    lost: Option<&'static str>,
    holder: Option<PodId>,
    /// How it is known who holds it.
    method: Method,
    /// How many pods share it.
    sharers: u16,
    workload: Option<SmolStr>,
    team: Option<SmolStr>,
    queue: Option<SmolStr>,
    product: Option<SmolStr>,
    memory_mib: Option<u64>,
    pool: Option<SmolStr>,
    zone: Option<SmolStr>,
    /// Who it is by who measures it.
    device: Option<GpuDevice>,
    /// When it was last measured, by the clock of who measured.
    measured_at: Option<Stamp>,
    /// Is that too long ago?
    stale: bool,
    /// What is measured of it by metric; what is absent is not there, what is no number is `null`.
    metrics: BTreeMap<&'static str, Option<f32>>,
    /// The same, for columns and filters.
    #[serde(skip)]
    readings: BTreeMap<Metric, Reading>,
}

impl GpuLine {
    fn new(row: GpuRow<'_>, now: Stamp) -> Self {
        let row = row.as_of(now);
        let (status, status_word) = row.status();
        let (node, cell) = (row.gpu.node, row.gpu.cell());
        let readings: BTreeMap<Metric, Reading> = row
            .fleet
            .telemetry
            .columns
            .keys()
            .map(|metric| (*metric, row.read(*metric)))
            .filter(|(_, reading)| !reading.is_absent())
            .collect();
        Self {
            cluster: node.id.cluster.as_str().into(),
            node: node.id.name.clone(),
            index: row.index(),
            state: cell.state,
            status,
            status_word,
            lost: row.lost().map(FunnelKind::id),
            workload: row.pod.and_then(|pod| pod.workload.clone()),
            team: row.pod.and_then(|pod| pod.team.clone()),
            queue: row.pod.and_then(|pod| pod.queue.clone()),
            holder: row.holder.cloned(),
            method: cell.method,
            sharers: cell.sharers,
            product: row.product().cloned(),
            memory_mib: node.gpu_memory_mib,
            pool: node.pool.clone(),
            zone: node.zone.clone(),
            device: row.gpu.device().filter(|device| !device.uuid.is_empty()).cloned(),
            measured_at: row.measured_at(),
            stale: row.is_stale(now),
            metrics: readings.iter().map(|(metric, reading)| (metric.id(), reading.finite())).collect(),
            readings,
        }
    }

    fn read(&self, metric: Metric) -> Reading {
        self.readings.get(&metric).copied().unwrap_or_default()
    }

    fn show(&self, metric: Metric) -> Cell {
        let reading = self.read(metric);
        match reading.is_absent() {
            true => Cell::absent(),
            false if self.stale => Cell::text("stale").tone(Tone::Warn),
            false => Cell::text(metric.show(reading)),
        }
    }
}

impl Listed for GpuLine {
    const WORD: &'static str = "gpus";
    const TITLE: &'static str = "GPUs";

    const COLUMNS: &'static [Column<Self>] = &[
        Column::usual("state", "STATE", |row, _| status(row.status, &row.status_word)),
        Column::usual("node", "NODE", |row, _| Cell::text(&row.node)),
        Column::number("gpu", "GPU", |row, _| Cell::text(row.index.to_string())),
        Column::usual("cluster", "CLUSTER", |row, _| Cell::text(&row.cluster)),
        Column::number("util", "UTIL", |row, _| row.show(Metric::Utilisation)),
        Column::number("tensor", "TENSOR", |row, _| row.show(Metric::TensorActive)),
        Column::roomy_number("memory", "MEMORY", |row, _| row.show(Metric::MemoryUsed)),
        Column::roomy_number("power", "POWER", |row, _| row.show(Metric::Power)),
        Column::roomy_number("temp", "TEMP", |row, _| row.show(Metric::Temperature)),
        Column::usual("holder", "HOLDER", |row, _| {
            let more = if row.sharers > 1 { format!(" +{}", row.sharers - 1) } else { String::new() };
            Cell::some(row.holder.as_ref().map(|pod| format!("{}/{}{more}", pod.namespace, pod.name)))
        }),
        Column::roomy("workload", "WORKLOAD", |row, _| Cell::some(row.workload.as_deref())),
        Column::roomy_number("measured", "MEASURED", |row, moment| moment.ago(row.measured_at)),
        Column::more("team", "TEAM", |row, _| Cell::some(row.team.as_deref())),
        Column::more("queue", "QUEUE", |row, _| Cell::some(row.queue.as_deref())),
        Column::more("how", "HOW SURE", |row, _| Cell::text(row.method.words())),
        Column::more("pool", "POOL", |row, _| Cell::some(row.pool.as_deref())),
        Column::more("product", "PRODUCT", |row, _| Cell::some(row.product.as_deref())),
        Column::more("size", "SIZE", |row, _| {
            Cell::some(row.memory_mib.map(|mib| bytes(mib.saturating_mul(1024 * 1024))))
        }),
        Column::more("xid", "LAST XID", |row, _| row.show(Metric::Xid)),
        Column::more("clock", "SM CLOCK", |row, _| row.show(Metric::SmClock)),
        Column::more("lost", "LOST AT", |row, _| Cell::some(row.lost)),
        Column::more("uuid", "UUID", |row, _| Cell::some(row.device.as_ref().map(|device| device.uuid.as_str()))),
        Column::more("zone", "ZONE", |row, _| Cell::some(row.zone.as_deref())),
    ];

    fn is_whole(view: &View) -> bool {
        super::knows_gpus(view)
    }

    fn rows(view: &View, now: Stamp) -> Cow<'_, [Self]> {
        let Some(fleet) = fleet(view) else { return Cow::Borrowed(&[]) };
        Cow::Owned(fleet.gpu_rows().map(|row| Self::new(row, now)).collect())
    }
}

impl Drawable for GpuLine {
    /// As on the map: what each does, where that is measured; else who has it.
    fn draw(lines: &[&Self], view: &View, now: Stamp, mut sheet: Sheet) -> String {
        let View::Fleet(fleet) = view else { return String::new() };
        let wanted: HashSet<(&str, &str, u16)> =
            lines.iter().map(|line| (line.cluster.as_str(), line.node.as_str(), line.index)).collect();
        let is_wanted = |row: &GpuRow<'_>| {
            let node = &row.gpu.node.id;
            wanted.contains(&(node.cluster.as_str(), node.name.as_str(), row.index()))
        };
        let mode = Mode::first(fleet);
        let inks = Inks::new(mode, fleet, now);
        let ink = |row: &GpuRow<'_>| inks.of(row.gpu, inks.hit(row.gpu.node));
        let cells: Vec<(GpuRow<'_>, Ink)> = fleet.gpu_rows().filter(is_wanted).map(|row| (row, ink(&row))).collect();
        let drawn: Vec<Ink> = cells.iter().map(|(_, ink)| *ink).collect();
        sheet.title = format!("{}: {}", Self::TITLE, mode.name().to_lowercase());
        sheet.legend = Legend::of(&drawn, false, false).on_paper(mode);
        let pool = |row: &GpuRow<'_>| {
            let node = row.gpu.node;
            [Some(node.id.cluster.as_str()), node.pool.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" › ")
        };
        let node = |row: &GpuRow<'_>| row.gpu.node.id.name.to_string();
        let groups = grouped(&cells, |(row, _)| pool(row), |(row, _)| node(row), |(_, ink)| ink.fill());
        Cells { sheet, groups, side: 8 }.svg()
    }
}

impl Record for GpuLine {
    const KEYS: &'static [&'static str] = GpuRow::KEYS;

    fn values(&self, key: &str) -> Option<Vec<Value<'_>>> {
        let any =
            |text: Option<&'_ SmolStr>| text.map(|text| Value::Text(text.to_string().into())).into_iter().collect();
        Some(match key {
            "name" | "node" => vec![Value::text(&self.node)],
            "cluster" => vec![Value::text(&self.cluster)],
            "status" => vec![Value::text(&self.status_word), Value::text(self.status.alias())],
            "state" => vec![Value::text(self.state.word())],
            "lost" => self.lost.map(Value::text).into_iter().collect(),
            "pool" => any(self.pool.as_ref()),
            "product" => any(self.product.as_ref()),
            "zone" => any(self.zone.as_ref()),
            "holder" | "pod" => self.holder.iter().map(|id| Value::text(&id.name)).collect(),
            "namespace" | "ns" => self.holder.iter().map(|id| Value::text(&id.namespace)).collect(),
            "workload" => any(self.workload.as_ref()),
            "team" => any(self.team.as_ref()),
            "queue" => any(self.queue.as_ref()),
            "index" => vec![Value::number(usize::from(self.index))],
            "uuid" => any(self.device.as_ref().map(|device| &device.uuid)),
            "method" => vec![Value::text(self.method.word())],
            key => {
                let metric = Metric::by_id(key)?;
                let value = plain_number(metric, self.read(metric)).filter(|_| !self.stale);
                value.map(Value::Number).into_iter().collect()
            }
        })
    }
}
