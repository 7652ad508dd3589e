//! What frames hold: rows of the tables.

use crate::body::bytes;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

/// Rows that stand or fall together.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Rows {
    /// Where stretches begin, and gaps.
    Outline { stretches: Vec<(i64, i64, String)>, gaps: Vec<(i64, i64, String, String)> },
    /// A list of GPUs.
    Shape {
        id: i64,
        #[serde(with = "bytes")]
        print: Vec<u8>,
        #[serde(with = "bytes")]
        body: Vec<u8>,
    },
    /// A world.
    World {
        seq: i64,
        at: i64,
        #[serde(with = "bytes")]
        body: Vec<u8>,
        base: Option<i64>,
        hidden: bool,
        state: Option<Packed>,
    },
    /// Batches together.
    Block {
        first: i64,
        last: i64,
        began: i64,
        ended: i64,
        #[serde(with = "bytes")]
        body: Vec<u8>,
    },
    /// A batch by itself.
    Batch { seq: i64, at: i64, seen_at: i64, source: String, body: Packed, readings: Option<Packed> },
    /// Readings as columns.
    Chunk {
        id: i64,
        source: String,
        shape: i64,
        level: u8,
        first: i64,
        last: i64,
        began: i64,
        ended: i64,
        head: Packed,
        parts: Vec<(i64, Packed)>,
    },
}

/// Bytes of a body.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Packed(#[serde(with = "bytes")] pub Vec<u8>);

impl Rows {
    /// What they are, without a name.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Outline { .. } => "where it begins and what is missing",
            Self::Shape { .. } => "a list of GPUs",
            Self::World { .. } => "a world",
            Self::Block { .. } => "batches",
            Self::Batch { .. } => "a batch",
            Self::Chunk { .. } => "readings",
        }
    }

    /// Writes them into the tables.
    pub(super) fn insert(&self, db: &Connection) -> rusqlite::Result<()> {
        match self {
            Self::Outline { stretches, gaps } => {
                for (first, began, why) in stretches {
                    db.execute("INSERT OR REPLACE INTO stretch VALUES (?1, ?2, ?3)", params![first, began, why])?;
                }
                for (since, until, why, detail) in gaps {
                    db.execute(
                        "INSERT INTO gap (since, until, why, detail) VALUES (?1, ?2, ?3, ?4)",
                        params![since, until, why, detail],
                    )?;
                }
                Ok(())
            }
            Self::Shape { id, print, body } => db
                .execute("INSERT INTO shape (id, print, body) VALUES (?1, ?2, ?3)", params![id, print, body])
                .map(drop),
            Self::World { seq, at, body, base, hidden, state } => db
                .execute(
                    "INSERT INTO checkpoint (seq, seen_at, body, at, base, hidden, state)
                     VALUES (?1, ?2, ?3, ?2, ?4, ?5, ?6)",
                    params![seq, at, body, base, hidden, state.as_ref().map(|state| &state.0)],
                )
                .map(drop),
            Self::Block { first, last, began, ended, body } => db
                .execute(
                    "INSERT INTO block (first, last, began, ended, body) VALUES (?1, ?2, ?3, ?4, ?5)",
                    params![first, last, began, ended, body],
                )
                .map(drop),
            Self::Batch { seq, at, seen_at, source, body, readings } => db
                .execute(
                    "INSERT INTO batch (seq, seen_at, source, body, at, readings) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    params![seq, seen_at, source, body.0, at, readings.as_ref().map(|readings| &readings.0)],
                )
                .map(drop),
            Self::Chunk { id, source, shape, level, first, last, began, ended, head, parts } => {
                db.execute(
                    "INSERT INTO chunk (id, source, shape, level, first, last, began, ended, head)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                    params![id, source, shape, level, first, last, began, ended, head.0],
                )?;
                for (id, body) in parts {
                    db.execute("INSERT INTO part (id, body) VALUES (?1, ?2)", params![id, body.0])?;
                }
                Ok(())
            }
        }
    }
}
