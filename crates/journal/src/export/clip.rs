//! Chunks of an export, cut off where its span ends: what came later is not in it.

use super::{
    rows::{Packed, Rows},
    write::part_of,
};
use crate::{
    body,
    chunk::{self, Head, PART_GPUS, Place},
    part::{Column, Of, Spread, Table},
    schema::PARTS,
    walk::Fault,
};
use pilothouse_wire::Stamp;
use rusqlite::Connection;
use std::collections::BTreeSet;

/// Hands out the chunks of a range of places; answers which lists of GPUs they are of.
pub(super) fn chunks<E: From<Fault> + From<rusqlite::Error>>(
    db: &Connection,
    start: i64,
    end: i64,
    put: &mut dyn FnMut(&str, Rows) -> Result<(), E>,
) -> Result<BTreeSet<i64>, E> {
    let mut shapes = BTreeSet::new();
    for place in chunk::overlapping(db, start, end)? {
        let damaged = || Fault::damaged("A chunk of readings", place.first);
        let head = place.head().ok_or_else(damaged)?;
        let rows = head.rows.iter().take_while(|row| row.seq <= end).count();
        if rows == 0 {
            continue;
        }
        let mut parts = Vec::new();
        for part in 0..(head.gpus as usize).div_ceil(PART_GPUS) {
            let table = chunk::part(db, place.id, &head, part, Of::All, true)?.ok_or_else(damaged)?;
            parts.push((place.id * PARTS + part as i64, Packed(body::bare(&cut(&table, rows).pack()))));
        }
        debug_assert!(parts.iter().all(|(id, _)| part_of(*id) < PARTS));
        let cut = Head {
            rows: head.rows[..rows].to_vec(),
            events: head.events.iter().filter(|event| event.row.seq <= end).cloned().collect(),
            ..head
        };
        shapes.insert(place.shape);
        let what = format!("readings of {} from {}", place.source, place.began);
        put(&what, row_of(&place, &cut, parts))?;
    }
    Ok(shapes)
}

fn row_of(place: &Place, head: &Head, parts: Vec<(i64, Packed)>) -> Rows {
    let newest = head.rows.last();
    Rows::Chunk {
        id: place.id,
        source: place.source.to_string(),
        shape: place.shape,
        // Nothing is thinned in an export.
        level: 9,
        first: place.first,
        last: newest.map_or(place.last, |row| row.seq),
        began: place.began.0,
        ended: newest.map_or(place.ended, |row: &chunk::Row| Stamp(row.heard.0)).0,
        head: Packed(body::encode(head, 3)),
        parts,
    }
}

/// The first rows of a table.
fn cut(table: &Table, rows: usize) -> Table {
    fn first<T: Copy>(all: &[T], of: usize, rows: usize) -> Vec<T> {
        all.chunks(of.max(1)).flat_map(|gpu| gpu[..rows].iter().copied()).collect()
    }
    let of = table.rows;
    let columns = table.columns.iter().map(|column| Column {
        metric: column.metric,
        last: first(&column.last, of, rows),
        spread: column.spread.as_ref().map(|spread| Spread {
            count: first(&spread.count, of, rows),
            min: first(&spread.min, of, rows),
            max: first(&spread.max, of, rows),
            mean: first(&spread.mean, of, rows),
        }),
    });
    Table { gpus: table.gpus, rows, at: first(&table.at, of, rows), columns: columns.collect() }
}
