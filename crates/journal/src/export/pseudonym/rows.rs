//! Rows of an export with other names in them.

use super::{
    super::rows::{Packed, Rows},
    Pseudonyms,
};
use crate::{
    body, schema, seek, shape,
    stored::{Stored, plain, row_of},
    walk::Fault,
};
use pilothouse_wire::SmolStr;
use pilothouse_world::{World, earlier};
use rusqlite::Connection;

/// The level at which bodies are packed again.
const LEVEL: i32 = 6;

/// Rows with other names in them. Worlds have them already: see [`Worlds`].
pub(in super::super) fn veiled(rows: Rows, veil: &Pseudonyms) -> Result<Rows, Fault> {
    Ok(match rows {
        Rows::Outline { stretches, gaps } => {
            let gaps = gaps.into_iter().map(|(since, until, why, detail)| (since, until, why, veil.text(&detail)));
            Rows::Outline { stretches, gaps: gaps.collect() }
        }
        Rows::Shape { id, print: _, body } => {
            let gpus: Vec<SmolStr> = body::decode(&body).ok_or_else(|| Fault::damaged("A list of GPUs", id))?;
            let gpus: Vec<SmolStr> = gpus.iter().map(|uuid| veil.name(uuid).into()).collect();
            let print = shape::print(gpus.iter()).to_vec();
            Rows::Shape { id, print, body: body::encode(&gpus, LEVEL) }
        }
        Rows::World { .. } => rows,
        Rows::Block { first, last, began, ended, body } => {
            let block: Vec<Stored> = body::decode(&body).ok_or_else(|| Fault::damaged("A block of batches", first))?;
            Rows::Block { first, last, began, ended, body: body::pack(&veil.encode(&block), LEVEL) }
        }
        Rows::Batch { seq, at, seen_at, source, body, readings } => {
            let row = body::unpack(&body.0, None).and_then(|bytes| row_of(&bytes));
            let row = row.ok_or_else(|| Fault::damaged("A batch", seq))?;
            let (source, body) = (veil.whole(&source), Packed(body::pack(&veil.encode(&row), LEVEL)));
            Rows::Batch { seq, at, seen_at, source, body, readings }
        }
        Rows::Chunk { id, source, shape, level, first, last, began, ended, head, parts } => {
            // Numbers alone, but for whose they are.
            Rows::Chunk { id, source: veil.whole(&source), shape, level, first, last, began, ended, head, parts }
        }
    })
}

/// Worlds with other names in them, or as this build encodes them: each is packed as what differs from the first.
#[derive(Default)]
pub(in super::super) struct Worlds {
    first: Option<(i64, Vec<u8>)>,
    /// What the last one was packed against, under its own names.
    base: Option<(i64, Vec<u8>)>,
}

impl Worlds {
    /// The same world without what is left out of it, and with other names where there are some.
    pub fn anew(
        &mut self,
        db: &Connection,
        rows: Rows,
        veil: Option<&Pseudonyms>,
        leave_out: &dyn Fn(&mut World),
    ) -> Result<Rows, Fault> {
        let Rows::World { seq, at, body, base, hidden, state } = rows else { return Ok(rows) };
        let damaged = || Fault::damaged("A world", seq);
        // Many are packed against one.
        if let Some(base) = base.filter(|base| self.base.as_ref().is_none_or(|(known, _)| known != base)) {
            self.base = Some((base, seek::plain_world(db, base)?.ok_or_else(damaged)?));
        }
        let base = base.and(self.base.as_ref()).map(|(_, bytes)| &bytes[..]);
        let old = body::unpack(&body, base).ok_or_else(damaged)?;
        let facts = schema::of_world(db, seq)?;
        let mut world: World = earlier::of_facts(facts, || postcard::from_bytes(&old)).map_err(|_| damaged())?;
        leave_out(&mut world);
        let new = match veil {
            Some(veil) => veil.encode(&world),
            None => postcard::to_stdvec(&world).unwrap_or_default(),
        };
        let (body, base) = match &self.first {
            Some((first, against)) => (body::pack_patch(&new, against, LEVEL).ok_or_else(damaged)?, Some(*first)),
            None => (body::pack(&new, LEVEL), None),
        };
        self.first.get_or_insert((seq, new));
        let state = match (state, veil) {
            (Some(state), Some(veil)) => {
                let states = body::unpack(&state.0, None).and_then(|bytes| plain::read_states(&bytes));
                let mut states = states.ok_or_else(damaged)?;
                states.iter_mut().for_each(|state| state.source = veil.whole(&state.source).into());
                Some(Packed(body::pack(&plain::write_states(&states), LEVEL)))
            }
            (state, _) => state,
        };
        Ok(Rows::World { seq, at, body, base, hidden, state })
    }
}
