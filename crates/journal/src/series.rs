//! What was measured of single GPUs over time, straight from the columns: no world is folded for it.

use crate::{
    body,
    chunk::{self, PART_GPUS},
    part::{Of, Spread},
    shape,
    stored::{readings_of, row_of},
    walk::Fault,
};
use pilothouse_wire::{Metric, Reading, SmolStr, Stamp};
use rusqlite::{Connection, params};
use std::collections::{BTreeMap, HashMap};

/// What was measured of one GPU, in order.
pub type GpuPoints = BTreeMap<Metric, Vec<Point>>;

/// What was measured at a time, or in the time since the point before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// When, by the clock of who measured.
    pub at: Stamp,
    /// The last reading.
    pub last: Reading,
    /// The least finite one; of a code it is not kept.
    pub min: Reading,
    /// The greatest finite one; of reasons every bit that was set.
    pub max: Reading,
    /// Their mean; of a code it is not kept.
    pub mean: Reading,
    /// How many finite readings these are of.
    pub count: u32,
}

impl Point {
    fn one(at: Stamp, reading: Reading) -> Self {
        Self { at, last: reading, min: reading, max: reading, mean: reading, count: reading.finite().is_some().into() }
    }

    fn of(at: Stamp, last: Reading, spread: Option<&Spread>, cell: usize) -> Self {
        match spread {
            None => Self::one(at, last),
            Some(spread) => Self {
                at,
                last,
                min: spread.min[cell],
                max: spread.max[cell],
                mean: spread.mean[cell],
                count: spread.count[cell],
            },
        }
    }
}

/// The places of the wanted GPUs in each list, found once.
struct Places<'a> {
    gpus: &'a [SmolStr],
    known: HashMap<i64, Vec<(usize, usize)>>,
}

impl Places<'_> {
    /// Which of the wanted GPUs are where in a list.
    fn of(&mut self, db: &Connection, shape: i64) -> Result<&[(usize, usize)], Fault> {
        if !self.known.contains_key(&shape) {
            let listed = shape::gpus(db, shape)?.ok_or_else(|| Fault::damaged("A list of GPUs", shape))?;
            let wanted = self.gpus.iter().enumerate();
            let places = wanted.filter_map(|(gpu, uuid)| Some((gpu, listed.iter().position(|known| known == uuid)?)));
            self.known.insert(shape, places.collect());
        }
        Ok(self.known.get(&shape).map(Vec::as_slice).unwrap_or_default())
    }
}

/// What was measured of GPUs of a source in a span of time, one answer a GPU.
pub(crate) fn of_gpus(
    db: &Connection,
    source: &str,
    gpus: &[SmolStr],
    since: Stamp,
    until: Stamp,
) -> Result<Vec<GpuPoints>, Fault> {
    let mut points: Vec<GpuPoints> = vec![GpuPoints::new(); gpus.len()];
    let mut places = Places { gpus, known: HashMap::new() };
    let within = |at: Stamp| at >= since && at <= until;
    for place in chunk::of_source(db, source, since, until)? {
        let wanted = places.of(db, place.shape)?;
        if wanted.is_empty() {
            continue;
        }
        let damaged = || Fault::damaged("A chunk of readings", place.first);
        let head = place.head().ok_or_else(damaged)?;
        // GPUs of one part are read at once.
        let mut by_part: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
        for (gpu, at) in wanted {
            by_part.entry(at / PART_GPUS).or_default().push((*gpu, at % PART_GPUS));
        }
        for (part, wanted) in by_part {
            let these: Vec<usize> = wanted.iter().map(|(_, at)| *at).collect();
            let table = chunk::part(db, place.id, &head, part, Of::These(&these), true)?.ok_or_else(damaged)?;
            for (line, (gpu, _)) in wanted.iter().enumerate() {
                let from = line * table.rows;
                for (row, of) in head.rows.iter().enumerate().skip(usize::from(head.init)) {
                    let Some(time) = table.at[from + row].filter(|time| within(*time)) else { continue };
                    for (of_metric, column) in table.columns.iter().enumerate() {
                        let last = if of.names(of_metric) { column.last[from + row] } else { Reading::ABSENT };
                        let point = Point::of(time, last, column.spread.as_ref(), from + row);
                        points[*gpu].entry(column.metric).or_default().push(point);
                    }
                }
            }
        }
    }
    unsealed(db, source, &mut places, (since, until), &mut points)?;
    // Who measures may say one measurement twice; a rewound clock may bring them out of order.
    for line in points.iter_mut().flat_map(BTreeMap::values_mut) {
        line.sort_by_key(|point| point.at);
        line.dedup_by(|later, earlier| later.at == earlier.at && later.count <= 1);
    }
    Ok(points)
}

/// What was heard since the last seal.
fn unsealed(
    db: &Connection,
    source: &str,
    places: &mut Places<'_>,
    (since, until): (Stamp, Stamp),
    points: &mut [GpuPoints],
) -> Result<(), Fault> {
    let mut query = db.prepare_cached(
        "SELECT seq, body, readings FROM batch
         WHERE source = ?1 AND readings IS NOT NULL AND at >= ?2 AND at <= ?3 ORDER BY seq",
    )?;
    // What is measured is heard a little later.
    let mut rows = query.query(params![source, since.0, until.0.saturating_add(60_000)])?;
    while let Some(row) = rows.next()? {
        let seq: i64 = row.get(0)?;
        let (body, readings): (Vec<u8>, Vec<u8>) = (row.get(1)?, row.get(2)?);
        let damaged = || Fault::damaged("A batch", seq);
        let (_, taken) = body::unpack(&body, None).and_then(|body| row_of(&body)).ok_or_else(damaged)?;
        for (taken, fact) in
            readings_of(&taken, &readings).ok_or_else(damaged)?.into_iter().filter(|(taken, _)| taken.shape != 0)
        {
            for (gpu, place) in places.of(db, taken.shape)? {
                let Some(at) = fact.at.get(*place).copied().flatten().filter(|at| *at >= since && *at <= until) else {
                    continue;
                };
                for (metric, column) in &fact.columns {
                    if let Some(reading) = column.get(*place) {
                        points[*gpu].entry(*metric).or_default().push(Point::one(at, *reading));
                    }
                }
            }
        }
    }
    Ok(())
}
