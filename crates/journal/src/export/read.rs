//! Reading an export: every frame is held against its hash before anything of it is unpacked, and has its bounds.

use super::{
    MAGIC, MOST_FRAME, MOST_FRAMES, MOST_IN_ALL, MOST_MANIFEST, MOST_PLAIN, Manifest, VERSION, io, not_read, rows::Rows,
};
use crate::{body, schema};
use pilothouse_wire::Problem;
use pilothouse_world::{FACT_VERSION, earlier::FIRST_WORLDS};
use sha2::{Digest, Sha256};
use std::{
    fs::File,
    io::{BufReader, Read},
    path::Path,
};

/// Reads an export into a new journal at `to`, and answers what it says of itself. Blocks.
///
/// # Errors
/// If it is none, of a later version, cut off, altered, or larger than it may be: the frame is named.
pub fn import(from: &Path, to: &Path) -> Result<Manifest, Problem> {
    let file = File::open(from).map_err(|error| io(from, "read", &error))?;
    let mut db = schema::open(to)?;
    let failed = |error: &rusqlite::Error| schema::failed(to, "written", error);
    let turn = db.transaction().map_err(|error| failed(&error))?;
    let manifest = read(&mut BufReader::new(file), &mut |rows| rows.insert(&turn).map_err(|error| error.to_string()))
        .map_err(|why| not_read(from, why))?;
    if manifest.facts < FACT_VERSION {
        schema::note_worlds(&turn, manifest.facts).map_err(|error| failed(&error))?;
    }
    turn.commit().map_err(|error| failed(&error))?;
    Ok(manifest)
}

/// Holds an export against its hashes, and keeps nothing of it. Blocks.
///
/// # Errors
/// As [`import`].
pub fn check(file: &Path) -> Result<Manifest, Problem> {
    let opened = File::open(file).map_err(|error| io(file, "read", &error))?;
    read(&mut BufReader::new(opened), &mut |_| Ok(())).map_err(|why| not_read(file, why))
}

/// Reads an export and hands out its rows.
pub(crate) fn read(from: &mut impl Read, take: &mut dyn FnMut(Rows) -> Result<(), String>) -> Result<Manifest, String> {
    let (mut magic, mut version) = ([0; 8], [0; 2]);
    let whole = from.read_exact(&mut magic).and_then(|()| from.read_exact(&mut version));
    if whole.is_err() || magic != *MAGIC {
        return Err("It is no export of Pilothouse, or was changed on its way as if it were text.".into());
    }
    if u16::from_le_bytes(version) != VERSION {
        let version = u16::from_le_bytes(version);
        return Err(format!("It is of version {version} of the format; this build reads version {VERSION}."));
    }
    let (head, _) = frame(from, MOST_MANIFEST).map_err(|why| format!("What it says of itself {why}."))?;
    let mut left = MOST_IN_ALL;
    let manifest: Manifest = plain(&head, &mut left)
        .and_then(|plain| postcard::from_bytes(&plain).ok())
        .ok_or("What it says of itself does not read.")?;
    if manifest.facts > FACT_VERSION || manifest.schema > schema::SCHEMA {
        let (facts, schema) = (manifest.facts, manifest.schema);
        return Err(format!(
            "Its facts are of version {facts} and its tables of version {schema}: a later build wrote it."
        ));
    }
    if manifest.facts < FIRST_WORLDS {
        let facts = manifest.facts;
        return Err(format!(
            "Its facts are of version {facts}: it reads with the build that wrote it, and with none as new as this."
        ));
    }
    let count = manifest.frames.len();
    if count > MOST_FRAMES {
        return Err(format!("It has {count} chunks; {MOST_FRAMES} are the most."));
    }
    for (number, told) in (1..).zip(&manifest.frames) {
        let name = format!("Chunk {number} of {count}, {},", pilothouse_wire::units::visible(&told.what));
        let (bytes, hash) = frame(from, MOST_FRAME).map_err(|why| format!("{name} {why}."))?;
        if hash != told.hash || bytes.len() != told.bytes as usize {
            return Err(format!("{name} is not the one that belongs there."));
        }
        let plain =
            plain(&bytes, &mut left).ok_or_else(|| format!("{name} does not unpack, or is too large when it does."))?;
        let rows = postcard::from_bytes(&plain).map_err(|_| format!("{name} does not read."))?;
        take(rows).map_err(|why| format!("{name} cannot be taken in: {why}."))?;
    }
    match from.read(&mut [0]) {
        Ok(0) => Ok(manifest),
        _ => Err(format!("Something stands behind its {count} chunks.")),
    }
}

/// The next frame and its hash.
fn frame(from: &mut impl Read, most: usize) -> Result<(Vec<u8>, [u8; 32]), String> {
    let cut = |_| "is cut off".to_owned();
    let (mut length, mut told) = ([0; 4], [0; 32]);
    from.read_exact(&mut length).map_err(cut)?;
    from.read_exact(&mut told).map_err(cut)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > most {
        return Err(format!("has {length} bytes; {most} are the most"));
    }
    let mut bytes = Vec::new();
    let read = from.take(length as u64).read_to_end(&mut bytes).map_err(|error| format!("cannot be read: {error}"))?;
    if read < length {
        return Err("is cut off".into());
    }
    let hash: [u8; 32] = Sha256::digest(&bytes).into();
    if hash != told {
        return Err("was altered".into());
    }
    Ok((bytes, hash))
}

/// Unpacks a frame within what is left.
fn plain(bytes: &[u8], left: &mut u64) -> Option<Vec<u8>> {
    let plain = body::unpack_at_most(bytes, MOST_PLAIN.min(*left))?;
    *left -= plain.len() as u64;
    Some(plain)
}

#[cfg(test)]
mod tests;

/// Takes in rows as they are within a frame; answers what stands behind them.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn insert_plain<'a>(db: &rusqlite::Connection, bytes: &'a [u8]) -> Option<&'a [u8]> {
    let (rows, rest) = postcard::take_from_bytes::<Rows>(bytes).ok()?;
    rows.insert(db).ok().map(|()| rest)
}
