//! A table in memory whose readings are numbers still, and are made row by row: most of them nobody asks for.

use super::{Except, Of, Packed, PackedColumn};
use crate::grid;
use pilothouse_wire::{Metric, Reading, Stamp};

/// Readings of GPUs over rows, as a [`super::Table`] has them.
#[derive(Debug)]
pub(crate) struct Rows {
    pub gpus: usize,
    rows: usize,
    at: Numbers,
    never: Vec<Except>,
    columns: Vec<Column>,
}

/// One metric of it.
#[derive(Debug)]
struct Column {
    metric: Metric,
    last: Numbers,
    odd: Vec<Except>,
}

/// Whole numbers in as little room as they can be got at in: of a large fleet it is millions of them, and memory that is new
/// costs more than what is reckoned.
#[derive(Debug, PartialEq)]
enum Numbers {
    /// All of them are this one.
    Same(i64),
    /// How far each is from the first one.
    Near(i64, Vec<i32>),
    Wide(Vec<i64>),
}

impl Numbers {
    fn of(numbers: &[i64]) -> Self {
        let first = numbers.first().copied().unwrap_or(0);
        let (least, most) =
            numbers.iter().fold((first, first), |(least, most), number| (least.min(*number), most.max(*number)));
        if least == most {
            return Self::Same(first);
        }
        let is_near = |number: i64| number.checked_sub(first).is_some_and(|distance| i32::try_from(distance).is_ok());
        if !is_near(least) || !is_near(most) {
            return Self::Wide(numbers.to_vec());
        }
        #[expect(clippy::cast_possible_truncation, reason = "the least and the greatest are near")]
        let near = numbers.iter().map(|number| number.wrapping_sub(first) as i32).collect();
        Self::Near(first, near)
    }

    fn at(&self, cell: usize) -> i64 {
        match self {
            Self::Same(number) => *number,
            Self::Near(first, near) => first.wrapping_add(i64::from(near[cell])),
            Self::Wide(wide) => wide[cell],
        }
    }
}

impl Rows {
    /// Reads a table of so many GPUs and rows; `None` for a damaged one.
    pub(crate) fn unpack(bytes: &[u8], gpus: usize, rows: usize) -> Option<Self> {
        let packed: Packed = postcard::from_bytes(bytes).ok()?;
        let cells = gpus.checked_mul(rows)?;
        let at = Numbers::of(&packed.numbers_of_times(gpus, rows, Of::All)?);
        let mut columns = Vec::with_capacity(packed.columns.len());
        // Room that all columns use by turns.
        let (mut numbers, mut means) = (Vec::new(), Vec::new());
        for PackedColumn { metric, last, odd, spread } in packed.columns {
            last.read_into(cells, &mut numbers)?;
            if let Some(spread) = spread {
                spread.mean.read_into(cells, &mut means)?;
                numbers.iter_mut().zip(&means).for_each(|(last, mean)| *last = last.wrapping_add(*mean));
            }
            are_within(&odd, cells).then_some(())?;
            columns.push(Column { metric, last: Numbers::of(&numbers), odd });
        }
        are_within(&packed.never, cells).then_some(())?;
        Some(Self { gpus, rows, at, never: packed.never, columns })
    }

    /// The metrics of its columns.
    pub(crate) fn metrics(&self) -> impl Iterator<Item = Metric> {
        self.columns.iter().map(|column| column.metric)
    }

    /// When each GPU was measured in a row.
    pub(crate) fn times(&self, row: usize) -> impl Iterator<Item = Option<Stamp>> {
        (0..self.gpus).map(move |gpu| self.time(gpu, row))
    }

    /// What was measured of each GPU in a row.
    pub(crate) fn readings(&self, column: usize, row: usize) -> impl Iterator<Item = Reading> {
        (0..self.gpus).map(move |gpu| self.reading(column, gpu, row))
    }

    /// When a GPU was measured in a row.
    pub(crate) fn time(&self, gpu: usize, row: usize) -> Option<Stamp> {
        let cell = gpu * self.rows + row;
        except(&self.never, cell).is_none().then(|| Stamp(self.at.at(cell)))
    }

    /// What was measured of a GPU in a row.
    pub(crate) fn reading(&self, column: usize, gpu: usize, row: usize) -> Reading {
        let (Column { metric, last, odd }, cell) = (&self.columns[column], gpu * self.rows + row);
        match except(odd, cell) {
            Some(run) => Reading::from_bits(run.bits),
            None => grid::of_number(*metric, last.at(cell)),
        }
    }
}

/// Do all exceptions lie within so many cells?
fn are_within(runs: &[Except], cells: usize) -> bool {
    runs.iter().all(|run| run.from.checked_add(run.count).is_some_and(|end| end as usize <= cells))
}

/// The exception at a cell; they are in order.
fn except(runs: &[Except], cell: usize) -> Option<&Except> {
    let found = runs.partition_point(|run| (run.from + run.count) as usize <= cell);
    runs.get(found).filter(|run| run.from as usize <= cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_what_they_were_in_whatever_room() {
        let far = i64::from(i32::MAX) + 7;
        for (numbers, room) in [
            (vec![], "same"),
            (vec![far; 9], "same"),
            (vec![far, far + 3, far - 900], "near"),
            (vec![0, i64::from(i32::MAX), i64::from(i32::MIN)], "near"),
            (vec![0, i64::from(i32::MAX) + 1], "wide"),
            (vec![1, 1 + i64::from(i32::MIN) - 1], "wide"),
            (vec![i64::MIN, 0, i64::MAX], "wide"),
        ] {
            let kept = Numbers::of(&numbers);
            let takes = match kept {
                Numbers::Same(_) => "same",
                Numbers::Near(..) => "near",
                Numbers::Wide(_) => "wide",
            };
            assert_eq!(takes, room, "{numbers:?}");
            assert!(numbers.iter().enumerate().all(|(cell, number)| kept.at(cell) == *number), "{numbers:?}");
        }
    }
}
