//! The readings of some GPUs over the rows of a chunk, as columns: GPU after GPU, each over time.

mod rows;

pub(crate) use rows::Rows;

use crate::{grid, ints::Ints};
use pilothouse_wire::{Metric, Reading, Stamp};
use serde::{Deserialize, Serialize};

/// Readings of GPUs over rows: what of GPU `g` in row `r` is at `g * rows + r`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Table {
    pub gpus: usize,
    pub rows: usize,
    /// When each GPU was measured.
    pub at: Vec<Option<Stamp>>,
    pub columns: Vec<Column>,
}

/// One metric.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Column {
    pub metric: Metric,
    /// The last reading of each row.
    pub last: Vec<Reading>,
    /// What lies between the rows of a rollup.
    pub spread: Option<Spread>,
}

/// Of the finite readings that a row stands for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Spread {
    /// How many there are.
    pub count: Vec<u32>,
    /// The least of them; of a code it is not kept.
    pub min: Vec<Reading>,
    /// The greatest; of reasons, every bit that was set.
    pub max: Vec<Reading>,
    /// Their mean; of a code it is not kept.
    pub mean: Vec<Reading>,
}

/// A table at rest. What is packed in it stays where it is until it is asked for.
#[derive(Debug, Serialize, Deserialize)]
struct Packed<'a> {
    /// When each GPU was measured in the first row, and how much later in each other row.
    #[serde(borrow)]
    first: Ints<'a>,
    #[serde(borrow)]
    steps: Ints<'a>,
    never: Vec<Except>,
    #[serde(borrow)]
    columns: Vec<PackedColumn<'a>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct PackedColumn<'a> {
    metric: Metric,
    #[serde(borrow)]
    last: Ints<'a>,
    odd: Vec<Except>,
    #[serde(borrow)]
    spread: Option<PackedSpread<'a>>,
}

/// As distances from the mean, which are small; of a code from 0.
#[derive(Debug, Serialize, Deserialize)]
struct PackedSpread<'a> {
    #[serde(borrow)]
    count: Ints<'a>,
    #[serde(borrow)]
    mean: Ints<'a>,
    #[serde(borrow)]
    below: Ints<'a>,
    #[serde(borrow)]
    above: Ints<'a>,
}

/// Readings in a row that are on no grid: all of them are this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Except {
    from: u32,
    count: u32,
    bits: u32,
}

/// Collects what is on no grid; in its place stands the number before, which costs nothing.
#[derive(Default)]
struct Odd {
    runs: Vec<Except>,
    before: i64,
}

impl Odd {
    fn number(&mut self, at: usize, number: Option<i64>, bits: u32) -> i64 {
        if let Some(number) = number {
            self.before = number;
            return number;
        }
        let at = at as u32;
        match self.runs.last_mut() {
            Some(run) if run.bits == bits && run.from + run.count == at => run.count += 1,
            _ => self.runs.push(Except { from: at, count: 1, bits }),
        }
        self.before
    }
}

/// Of which GPUs a table is read. Columns are unpacked whole either way; what is made of them is not.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Of<'a> {
    /// All of them.
    All,
    /// These, in this order.
    These(&'a [usize]),
}

impl Of<'_> {
    /// How many, of so many.
    fn count(self, gpus: usize) -> usize {
        match self {
            Self::All => gpus,
            Self::These(these) => these.len(),
        }
    }

    /// Of numbers in lines of GPUs those of the wanted ones; `None` where one is not there.
    fn lines<T: Copy>(self, all: Vec<T>, line: usize) -> Option<Vec<T>> {
        let Self::These(these) = self else { return Some(all) };
        let mut some = Vec::with_capacity(these.len() * line);
        for gpu in these {
            some.extend_from_slice(all.get(gpu * line..(gpu + 1) * line)?);
        }
        Some(some)
    }

    /// Writes the exceptions over what was read of these GPUs; `None` if they lie outside of all.
    fn restore<T: Copy>(
        self,
        some: &mut [T],
        (gpus, rows): (usize, usize),
        runs: &[Except],
        value: impl Fn(u32) -> T,
    ) -> Option<()> {
        for run in runs {
            let (from, end) = (run.from as usize, run.from.checked_add(run.count)? as usize);
            if end > gpus * rows {
                return None;
            }
            match self {
                Self::All => some.get_mut(from..end)?.fill(value(run.bits)),
                Self::These(these) => {
                    for (line, gpu) in some.chunks_mut(rows.max(1)).zip(these) {
                        let within = |at: usize| at.saturating_sub(gpu * rows).min(rows);
                        line.get_mut(within(from)..within(end))?.fill(value(run.bits));
                    }
                }
            }
        }
        Some(())
    }
}

impl Table {
    /// A table in which nothing is measured.
    pub(crate) fn of(gpus: usize, rows: usize) -> Self {
        Self { gpus, rows, at: vec![None; gpus * rows], columns: Vec::new() }
    }

    /// The column of a metric, made if need be.
    pub(crate) fn column(&mut self, metric: Metric) -> &mut Column {
        let place = self.columns.iter().position(|column| column.metric == metric).unwrap_or_else(|| {
            let last = vec![Reading::ABSENT; self.gpus * self.rows];
            self.columns.push(Column { metric, last, spread: None });
            self.columns.len() - 1
        });
        &mut self.columns[place]
    }

    pub(crate) fn pack(&self) -> Vec<u8> {
        let mut never = Odd::default();
        let times = self.at.iter().enumerate().map(|(i, at)| never.number(i, at.map(|at| at.0), 0));
        let times: Vec<i64> = times.collect();
        let (mut first, mut steps) = (Vec::with_capacity(self.gpus), Vec::with_capacity(times.len()));
        for of_gpu in times.chunks(self.rows.max(1)) {
            first.extend(of_gpu.first());
            steps.extend(of_gpu.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])));
        }
        let packed = Packed {
            first: Ints::of(&first),
            steps: Ints::of(&steps),
            never: never.runs,
            columns: self.columns.iter().map(|column| column.pack(self.rows)).collect(),
        };
        postcard::to_stdvec(&packed).unwrap_or_default()
    }

    /// Reads a table of so many GPUs and rows; `None` for a damaged one. What lies between the rows is read if asked for.
    pub(crate) fn unpack(bytes: &[u8], (gpus, rows): (usize, usize), of: Of<'_>, spread: bool) -> Option<Self> {
        let packed: Packed = postcard::from_bytes(bytes).ok()?;
        let at = packed.times(gpus, rows, of)?;
        let columns = packed.columns.iter().map(|column| column.unpack((gpus, rows), of, spread));
        Some(Self { gpus: of.count(gpus), rows, at, columns: columns.collect::<Option<_>>()? })
    }
}

impl Packed<'_> {
    fn times(&self, gpus: usize, rows: usize, of: Of<'_>) -> Option<Vec<Option<Stamp>>> {
        let mut at: Vec<_> = self.numbers_of_times(gpus, rows, of)?.into_iter().map(|time| Some(Stamp(time))).collect();
        of.restore(&mut at, (gpus, rows), &self.never, |_| None)?;
        Some(at)
    }

    /// When each was measured; of one that was not, any time.
    fn numbers_of_times(&self, gpus: usize, rows: usize, of: Of<'_>) -> Option<Vec<i64>> {
        let (cells, between) = (gpus.checked_mul(rows)?, rows.saturating_sub(1));
        let first = of.lines(self.first.read(gpus)?, 1)?;
        let steps = of.lines(self.steps.read(cells.checked_sub(gpus)?)?, between)?;
        let mut at = Vec::with_capacity(first.len() * rows);
        for (first, steps) in first.iter().zip(steps.chunks(between.max(1)).chain(std::iter::repeat(&[][..]))) {
            let mut time = *first;
            at.push(time);
            for step in steps {
                time = time.wrapping_add(*step);
                at.push(time);
            }
        }
        Some(at)
    }
}

impl Column {
    fn pack(&self, rows: usize) -> PackedColumn<'static> {
        let metric = self.metric;
        let mut odd = Odd::default();
        let last = self.last.iter().enumerate();
        let last = last.map(|(i, reading)| odd.number(i, grid::to_number(metric, *reading), reading.bits()));
        let mut last: Vec<i64> = last.collect();
        let spread = self.spread.as_ref().map(|spread| {
            let mut centre = Odd::default();
            let number = |reading: &Reading| grid::to_number(metric, *reading);
            let mean = spread.mean.iter().enumerate().map(|(i, mean)| centre.number(i, number(mean), 0));
            let mean: Vec<i64> = mean.collect();
            let from = |reading: &Reading, mean: i64| number(reading).map_or(0, |number| number.wrapping_sub(mean));
            for (last, mean) in last.iter_mut().zip(&mean) {
                *last = last.wrapping_sub(*mean);
            }
            let apart = |of: &[Reading], sign: i64| -> Vec<i64> {
                of.iter().zip(&mean).map(|(of, mean)| from(of, *mean).wrapping_mul(sign)).collect()
            };
            PackedSpread {
                count: Ints::of(&spread.count.iter().map(|count| i64::from(*count)).collect::<Vec<_>>()),
                below: Ints::of_lines(&apart(&spread.min, -1), rows),
                above: Ints::of_lines(&apart(&spread.max, 1), rows),
                mean: Ints::of_lines(&mean, rows),
            }
        });
        PackedColumn { metric, last: Ints::of_lines(&last, rows), odd: odd.runs, spread }
    }
}

impl PackedColumn<'_> {
    fn unpack(&self, (gpus, rows): (usize, usize), of: Of<'_>, with_spread: bool) -> Option<Column> {
        let (metric, cells) = (self.metric, gpus.checked_mul(rows)?);
        let mut last = of.lines(self.last.read(cells)?, rows)?;
        let mut spread = None;
        if let Some(packed) = &self.spread {
            let mean = of.lines(packed.mean.read(cells)?, rows)?;
            for (last, mean) in last.iter_mut().zip(&mean) {
                *last = last.wrapping_add(*mean);
            }
            if with_spread {
                spread = Some(packed.unpack(metric, (gpus, rows), of, mean)?);
            }
        }
        let mut last: Vec<Reading> = last.iter().map(|number| grid::of_number(metric, *number)).collect();
        of.restore(&mut last, (gpus, rows), &self.odd, Reading::from_bits)?;
        Some(Column { metric, last, spread })
    }
}

impl PackedSpread<'_> {
    /// Of a row without finite readings nothing lies between.
    fn unpack(&self, metric: Metric, (gpus, rows): (usize, usize), of: Of<'_>, mean: Vec<i64>) -> Option<Spread> {
        let read = |numbers: &Ints<'_>| of.lines(numbers.read(gpus.checked_mul(rows)?)?, rows);
        let count: Vec<u32> = read(&self.count)?.into_iter().map(|n| u32::try_from(n).ok()).collect::<Option<_>>()?;
        let shown = |numbers: &mut dyn Iterator<Item = i64>, kept: bool| -> Vec<Reading> {
            let some = |(number, count): (i64, &u32)| match (*count, kept) {
                (0, _) | (_, false) => Reading::ABSENT,
                _ => grid::of_number(metric, number),
            };
            numbers.zip(&count).map(some).collect()
        };
        let (below, above) = (read(&self.below)?, read(&self.above)?);
        let scale = !grid::is_code(metric);
        let min = shown(&mut mean.iter().zip(below).map(|(mean, below)| mean.wrapping_sub(below)), scale);
        let max = shown(&mut mean.iter().zip(above).map(|(mean, above)| mean.wrapping_add(above)), true);
        let mean = shown(&mut mean.iter().copied(), scale);
        Some(Spread { count, min, max, mean })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reading(metric: Metric) -> impl Strategy<Value = Reading> {
        let any = prop_oneof![
            8 => (0.0_f32..1_000.0).prop_map(Reading::of),
            2 => Just(Reading::of(0.0)),
            1 => any::<u32>().prop_map(Reading::from_bits),
            1 => Just(Reading::ABSENT),
            1 => Just(Reading::of(f32::NAN)),
        ];
        any.prop_map(move |reading| grid::round(metric, reading))
    }

    fn table() -> impl Strategy<Value = Table> {
        (1..5_usize, 1..7_usize).prop_flat_map(|(gpus, rows)| {
            let cells = gpus * rows;
            let column = move |metric| {
                prop::collection::vec(reading(metric), cells).prop_map(move |last| Column {
                    metric,
                    last,
                    spread: None,
                })
            };
            let columns = [Metric::Power, Metric::Nvlink, Metric::Xid].map(column);
            let times = prop::collection::vec(prop::option::weighted(0.9, (0..90_000_i64).prop_map(Stamp)), cells);
            (times, columns).prop_map(move |(at, columns)| Table { gpus, rows, at, columns: columns.into() })
        })
    }

    proptest! {
        #[test]
        fn a_table_reads_back_bit_by_bit(table in table()) {
            let bytes = table.pack();
            let size = (table.gpus, table.rows);
            prop_assert_eq!(Table::unpack(&bytes, size, Of::All, true), Some(table.clone()));
        }

        #[test]
        fn some_gpus_and_single_rows_read_as_in_the_whole(table in table(), picked in prop::collection::vec(any::<prop::sample::Index>(), 0..4)) {
            let (bytes, size) = (table.pack(), (table.gpus, table.rows));
            let these: Vec<usize> = picked.iter().map(|index| index.index(table.gpus)).collect();
            let some = Table::unpack(&bytes, size, Of::These(&these), true).unwrap();
            let rows = Rows::unpack(&bytes, table.gpus, table.rows).unwrap();
            for row in 0..table.rows {
                for (at, gpu) in these.iter().enumerate() {
                    let (here, there) = (at * table.rows + row, gpu * table.rows + row);
                    prop_assert_eq!(some.at[here], table.at[there]);
                    for (of_some, of_all) in some.columns.iter().zip(&table.columns) {
                        prop_assert_eq!(of_some.last[here], of_all.last[there]);
                    }
                }
                let of_row = |gpu: usize| gpu * table.rows + row;
                prop_assert!(rows.times(row).eq((0..table.gpus).map(|gpu| table.at[of_row(gpu)])));
                for (place, column) in table.columns.iter().enumerate() {
                    prop_assert!(rows.readings(place, row).eq((0..table.gpus).map(|gpu| column.last[of_row(gpu)])));
                }
            }
            prop_assert!(Table::unpack(&bytes, size, Of::These(&[table.gpus]), true).is_none());
        }

        #[test]
        fn damaged_bytes_are_refused_or_read_as_a_table_of_that_size(table in table(), at: usize, with: u8) {
            let mut bytes = table.pack();
            let at = at % bytes.len();
            bytes[at] ^= with;
            let size = (table.gpus, table.rows);
            if let Some(read) = Table::unpack(&bytes, size, Of::All, true) {
                prop_assert_eq!(read.at.len(), table.at.len());
            }
            if let Some(rows) = Rows::unpack(&bytes, table.gpus, table.rows) {
                let cells = (0..table.rows).map(|row| rows.times(row).count()).sum::<usize>();
                prop_assert_eq!(cells, table.at.len());
            }
        }
    }
}
