//! Rolling rows up: which make one, what changed between them, and what they come to.

use crate::{
    chunk::{Event, Head, Row},
    grid,
    part::{Column, Spread, Table},
};
use pilothouse_wire::{Metric, Reading, Stamp};
use std::collections::{BTreeMap, HashMap};

/// Of a row with more changes than one GPU in so many has, a bucket is made.
const MANY: usize = 16;

/// What is known of the GPUs of a part at a place of the record.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct State {
    at: Vec<Option<Stamp>>,
    columns: BTreeMap<Metric, Vec<Reading>>,
}

impl State {
    /// What was known before the first measurement of a chunk.
    pub(super) fn before(head: &Head, part: &Table) -> Self {
        let mut state = Self { at: vec![None; part.gpus], columns: BTreeMap::new() };
        if let Some(row) = head.rows.first().filter(|_| head.init) {
            state.at = (0..part.gpus).map(|gpu| part.at[gpu * part.rows]).collect();
            for (_, column) in part.columns.iter().enumerate().filter(|(place, _)| row.names(*place)) {
                let first = (0..part.gpus).map(|gpu| column.last[gpu * part.rows]).collect();
                state.columns.insert(column.metric, first);
            }
        }
        state
    }

    /// What is known after a chunk.
    pub(super) fn after(mut self, head: &Head, part: &Table) -> Self {
        for (row, of) in head.rows.iter().enumerate().skip(usize::from(head.init)) {
            for (place, column) in part.columns.iter().enumerate() {
                let named = of.names(place);
                let cell = |gpu: usize| column.last[gpu * part.rows + row];
                match self.columns.get_mut(&column.metric) {
                    Some(known) => {
                        for (gpu, known) in known.iter_mut().enumerate() {
                            if part.at[gpu * part.rows + row].is_some() {
                                *known = if named { cell(gpu) } else { Reading::ABSENT };
                            }
                        }
                    }
                    None if named => {
                        let measured = |gpu: usize| part.at[gpu * part.rows + row].is_some();
                        let known = |gpu| if measured(gpu) { cell(gpu) } else { Reading::ABSENT };
                        self.columns.insert(column.metric, (0..part.gpus).map(known).collect());
                    }
                    None => {}
                }
            }
            for (gpu, known) in self.at.iter_mut().enumerate() {
                *known = part.at[gpu * part.rows + row].or(*known);
            }
        }
        self
    }
}

/// Rows that become one.
#[derive(Debug)]
pub(super) struct Bucket {
    /// The last of them, naming what any of them names.
    pub row: Row,
    /// Chunk and row of each.
    cells: Vec<(usize, usize)>,
    /// Is it what was known before?
    init: bool,
}

/// Which of the metrics a row names.
pub(super) fn named(row: Row, head: &Head, metrics: &[Metric]) -> u64 {
    let names = |metric: &Metric| head.metrics.iter().position(|known| known == metric).is_some_and(|at| row.names(at));
    metrics.iter().enumerate().filter(|(_, metric)| names(metric)).fold(0, |named, (place, _)| named | 1 << place)
}

/// The rows of chunks, those of one bucket of time together. What later ones know at their beginning is known already.
pub(super) fn buckets(heads: &[Head], metrics: &[Metric], bucket_ms: i64) -> Vec<Bucket> {
    let mut buckets: Vec<Bucket> = Vec::new();
    for (chunk, head) in heads.iter().enumerate() {
        for (at, row) in head.rows.iter().enumerate() {
            let init = head.init && at == 0;
            if init && chunk > 0 {
                continue;
            }
            let row = Row { named: named(*row, head, metrics), ..*row };
            let bucket = |row: &Row| row.heard.0.div_euclid(bucket_ms);
            match buckets.last_mut() {
                Some(last) if !last.init && bucket(&last.row) == bucket(&row) => {
                    last.row = Row { named: last.row.named | row.named, ..row };
                    last.cells.push((chunk, at));
                }
                _ => buckets.push(Bucket { row, cells: vec![(chunk, at)], init }),
            }
        }
    }
    buckets
}

/// The last code of each GPU, over the chunks of a group.
#[derive(Default)]
pub(super) struct Codes(HashMap<usize, Reading>);

impl Codes {
    /// The readings of a part at which a code changed, or a GPU was measured for the first time.
    pub(super) fn changed(&mut self, head: &Head, part: &Table, from: usize) -> Vec<Event> {
        let place = head.metrics.iter().position(|metric| *metric == Metric::Xid);
        let mut before: HashMap<usize, Vec<(i64, Reading)>> = HashMap::new();
        for event in &head.events {
            let code = place.and_then(|place| event.readings.get(place)).copied().unwrap_or(Reading::ABSENT);
            before.entry(event.gpu as usize).or_default().push((event.row.seq, code));
        }
        let mut found = Vec::new();
        for gpu in 0..part.gpus {
            for (row, of) in head.rows.iter().enumerate() {
                let cell = gpu * part.rows + row;
                let Some(at) = part.at[cell] else { continue };
                let code = place
                    .filter(|place| of.names(*place))
                    .map_or(Reading::ABSENT, |place| part.columns[place].last[cell]);
                let mut earlier = before.get(&(from + gpu)).into_iter().flatten();
                let told = earlier.rfind(|(seq, _)| *seq <= of.seq).is_some_and(|(_, told)| *told == code);
                let news = self.0.insert(from + gpu, code) != Some(code);
                if news && !told && !(head.init && row == 0) {
                    let readings = part.columns.iter().map(|column| column.last[cell]).collect();
                    found.push(Event { row: *of, gpu: (from + gpu) as u32, at, readings });
                }
            }
        }
        found
    }
}

/// Where many changed at once the bucket ends; an event at its end is in it.
pub(super) fn settle(buckets: &mut Vec<Bucket>, events: &mut Vec<Event>, heads: &[Head], metrics: &[Metric]) {
    let gpus = heads.first().map_or(0, |head| head.gpus as usize);
    let mut counts: HashMap<(i64, u32), usize> = HashMap::new();
    events.iter().for_each(|event| *counts.entry((event.row.seq, event.row.fact)).or_default() += 1);
    let many = |row: &Row| counts.get(&(row.seq, row.fact)).is_some_and(|count| count * MANY > gpus);
    let mut split = Vec::with_capacity(buckets.len());
    for bucket in buckets.drain(..) {
        let Bucket { cells, init, .. } = bucket;
        let mut open: Vec<(usize, usize)> = Vec::new();
        let mut named_here = 0;
        let count = cells.len();
        for (place, (chunk, at)) in cells.into_iter().enumerate() {
            let row = heads[chunk].rows[at];
            named_here |= named(row, &heads[chunk], metrics);
            open.push((chunk, at));
            if place + 1 == count || many(&row) {
                let row = Row { named: named_here, ..row };
                split.push(Bucket { row, cells: std::mem::take(&mut open), init });
                named_here = 0;
            }
        }
    }
    *buckets = split;
    let ends: std::collections::HashSet<(i64, u32)> =
        buckets.iter().map(|bucket| (bucket.row.seq, bucket.row.fact)).collect();
    events.retain(|event| !ends.contains(&(event.row.seq, event.row.fact)));
    events.sort_by_key(|event| (event.row.seq, event.row.fact, event.gpu));
}

/// What the readings of one GPU in a bucket come to.
#[derive(Default)]
struct Sum {
    count: u32,
    total: f64,
    min: Option<Reading>,
    max: Option<Reading>,
    bits: u32,
}

impl Sum {
    fn add(&mut self, metric: Metric, column: &Column, cell: usize) {
        let Some(spread) = &column.spread else {
            let reading = column.last[cell];
            if grid::to_number(metric, reading).is_some() {
                self.take(metric, 1, reading, reading, reading);
            }
            return;
        };
        match spread.count[cell] {
            0 => {}
            count => self.take(metric, count, spread.min[cell], spread.max[cell], spread.mean[cell]),
        }
    }

    fn take(&mut self, metric: Metric, count: u32, min: Reading, max: Reading, mean: Reading) {
        let value = |reading: Reading| f64::from(reading.finite().unwrap_or(0.0));
        self.count = self.count.saturating_add(count);
        self.total += value(mean) * f64::from(count);
        self.min = Some(self.min.filter(|known| value(*known) <= value(min)).unwrap_or(min));
        self.max = Some(self.max.filter(|known| value(*known) >= value(max)).unwrap_or(max));
        if metric == Metric::ClockReasons {
            self.bits |= value(max) as u32;
        }
    }

    fn end(self, metric: Metric, spread: &mut Spread) {
        let scale = self.count > 0 && !grid::is_code(metric);
        let mean = Reading::of_f64(self.total / f64::from(self.count.max(1)));
        let or_absent = |reading: Option<Reading>, kept: bool| reading.filter(|_| kept).unwrap_or(Reading::ABSENT);
        let max = if metric == Metric::ClockReasons { Some(Reading::of_f64(self.bits.into())) } else { self.max };
        spread.count.push(self.count);
        spread.min.push(or_absent(self.min, scale));
        spread.max.push(or_absent(max, self.count > 0));
        spread.mean.push(or_absent(Some(grid::round(metric, mean)), scale));
    }
}

/// The table of a part over buckets.
pub(super) fn table(parts: &[Table], heads: &[Head], metrics: &[Metric], buckets: &[Bucket]) -> Table {
    let gpus = parts.first().map_or(0, |part| part.gpus);
    let mut table = Table::of(gpus, buckets.len());
    let cell = |gpu: usize, (chunk, row): (usize, usize)| gpu * parts[chunk].rows + row;
    let mut lasts: Vec<Option<(usize, usize)>> = Vec::with_capacity(table.at.len());
    for gpu in 0..gpus {
        for (to, bucket) in buckets.iter().enumerate() {
            let measured = |of: &(usize, usize)| parts[of.0].at[cell(gpu, *of)].is_some();
            let last = bucket.cells.iter().copied().rev().find(measured);
            table.at[gpu * buckets.len() + to] = last.and_then(|of| parts[of.0].at[cell(gpu, of)]);
            // What was known before is taken over as it is.
            lasts.push(if bucket.init { bucket.cells.first().copied() } else { last });
        }
    }
    for metric in metrics {
        let places: Vec<Option<usize>> =
            heads.iter().map(|head| head.metrics.iter().position(|known| known == metric)).collect();
        let (mut last, mut spread) = (Vec::with_capacity(lasts.len()), Spread::default());
        for gpu in 0..gpus {
            for (to, bucket) in buckets.iter().enumerate() {
                let column = |(chunk, row): (usize, usize)| {
                    let place = places[chunk].filter(|place| heads[chunk].rows[row].names(*place))?;
                    Some(&parts[chunk].columns[place])
                };
                let at = lasts[gpu * buckets.len() + to];
                last.push(at.and_then(|of| Some(column(of)?.last[cell(gpu, of)])).unwrap_or(Reading::ABSENT));
                let mut sum = Sum::default();
                for of in bucket.cells.iter().filter(|_| !bucket.init) {
                    if let Some(column) = column(*of).filter(|_| parts[of.0].at[cell(gpu, *of)].is_some()) {
                        sum.add(*metric, column, cell(gpu, *of));
                    }
                }
                sum.end(*metric, &mut spread);
            }
        }
        table.columns.push(Column { metric: *metric, last, spread: Some(spread) });
    }
    table
}
