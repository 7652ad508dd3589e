//! Parsers of this crate as the targets in `fuzz/` call them. Not for anybody else.

use crate::body::decode;
use pilothouse_world::{Batch, World};

/// A batch as it is at rest.
#[must_use]
pub fn batch(bytes: &[u8]) -> Option<Batch> {
    decode(bytes)
}

/// A checkpoint as it is at rest.
#[must_use]
pub fn checkpoint(bytes: &[u8]) -> Option<World> {
    decode(bytes)
}

/// An export as it is sent; answers how many chunks were taken in.
pub fn export(mut bytes: &[u8]) -> Result<usize, String> {
    let mut count = 0;
    let mut take = |_| {
        count += 1;
        Ok(())
    };
    crate::export::read_frames(&mut bytes, &mut take).map(|_| ())?;
    Ok(count)
}

/// Rows of an export one after the other, behind the hashes: they go into tables, and all of these is read.
pub fn rows(mut bytes: &[u8]) -> usize {
    let Ok(db) = rusqlite::Connection::open_in_memory() else { return 0 };
    if db.execute_batch(crate::schema::TABLES).is_err() {
        return 0;
    }
    let mut count = 0;
    while let Some(rest) = crate::export::insert_plain(&db, bytes) {
        bytes = rest;
        count += 1;
    }
    let _ = crate::look::verify(&db);
    let end = pilothouse_wire::Stamp(i64::MAX);
    if let Some(target) = crate::seek::locate(&db, end).ok().flatten() {
        let _ = crate::seek::Near::default().seek(&db, target, None);
    }
    count
}

/// Columns of readings as they are at rest: what reads is written and reads again as the same.
pub fn columns(gpus: u8, rows: u8, bytes: &[u8]) -> bool {
    let (gpus, rows) = (usize::from(gpus) + 1, usize::from(rows) + 1);
    let Some(table) = crate::part::Table::unpack(bytes, (gpus, rows), crate::part::Of::All, false) else {
        return false;
    };
    let again = crate::part::Table::unpack(&table.pack(), (gpus, rows), crate::part::Of::All, false);
    assert!(again.as_ref() == Some(&table), "columns read back as others");
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_export_is_refused_and_columns_read_back() {
        assert!(export(b"").is_err() && export(b"\x89PLTH\r\n\x1a\x01\0").is_err());
        assert_eq!(rows(&[0, 0, 0]), 1, "an outline of nothing is taken in, and nothing stands behind it");
        assert!(columns(1, 2, &crate::part::Table::of(2, 3).pack()) && !columns(1, 2, b"no columns"));
    }
}
