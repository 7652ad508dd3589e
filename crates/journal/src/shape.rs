//! Which GPUs, in which order, columns are of. Kept once for all columns that are of the same.

use crate::body;
use pilothouse_wire::SmolStr;
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

/// The print of a list of GPUs.
pub(crate) type Print = [u8; 16];

/// The print of a list of GPUs: another list has another one.
pub(crate) fn print<'a>(uuids: impl Iterator<Item = &'a SmolStr>) -> Print {
    let mut hash = Sha256::new();
    for uuid in uuids {
        hash.update((uuid.len() as u64).to_le_bytes());
        hash.update(uuid.as_bytes());
    }
    let mut print = Print::default();
    print.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
    print
}

/// The number of a list of GPUs, which is kept if it is not yet.
pub(crate) fn keep(db: &Connection, print: &Print, uuids: &[SmolStr]) -> rusqlite::Result<i64> {
    let known = db
        .prepare_cached("SELECT id FROM shape WHERE print = ?1")?
        .query_row([&print[..]], |row| row.get(0))
        .optional()?;
    if let Some(id) = known {
        return Ok(id);
    }
    db.execute("INSERT INTO shape (print, body) VALUES (?1, ?2)", params![&print[..], body::encode(&uuids, 3)])?;
    Ok(db.last_insert_rowid())
}

/// The GPUs of a list; `None` if it is damaged or not there.
pub(crate) fn gpus(db: &Connection, id: i64) -> rusqlite::Result<Option<Vec<SmolStr>>> {
    let body = db.query_row("SELECT body FROM shape WHERE id = ?1", [id], |row| row.get::<_, Vec<u8>>(0)).optional()?;
    Ok(body.and_then(|body| body::decode(&body)))
}
