//! What stands at a place of the record: a batch whose readings were taken out into columns, and what was taken.

use pilothouse_wire::{Metric, Reading, SmolStr, Stamp};
use pilothouse_world::{Batch, Fact, Latest, fact::ReadingsFact};
use serde::{Deserialize, Serialize};

/// Readings that were taken out of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Taken {
    /// The place of the fact in the batch.
    pub fact: u32,
    /// Of how many GPUs.
    pub gpus: u32,
    /// Of which GPUs, in which order; 0 if they follow no list that was told.
    pub shape: i64,
}

/// The bytes of readings that were taken out of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Blob(#[serde(with = "crate::body::bytes")] pub Vec<u8>);

/// A batch in the record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stored {
    /// Its place.
    pub seq: i64,
    /// When it was heard, never before what stands before it.
    pub at: Stamp,
    /// What was said, with nothing in the readings that were taken.
    pub batch: Batch,
    /// The readings that were taken.
    pub taken: Vec<Taken>,
}

/// A batch without its readings, as a row has it: what was taken stands behind it. Rows of the first schema end before.
pub(crate) fn row_of(bytes: &[u8]) -> Option<(Batch, Vec<Taken>)> {
    let (batch, rest) = postcard::take_from_bytes::<Batch>(bytes).ok()?;
    if rest.is_empty() {
        return Some((batch, Vec::new()));
    }
    postcard::from_bytes(rest).ok().map(|taken| (batch, taken))
}

/// The readings of a row, each with what it says of itself; `None` for a damaged one.
pub(crate) fn readings_of(taken: &[Taken], body: &[u8]) -> Option<Vec<(Taken, ReadingsFact)>> {
    let blobs: Vec<Blob> = crate::body::decode(body)?;
    if blobs.len() != taken.len() {
        return None;
    }
    let read = |(taken, blob): (&Taken, &Blob)| {
        let fact = match taken.shape {
            // Of GPUs that nobody listed: as it was said.
            0 => postcard::from_bytes(&blob.0).ok()?,
            _ => plain::read(&blob.0).filter(|(_, rest)| rest.is_empty())?.0,
        };
        Some((*taken, fact))
    };
    taken.iter().zip(&blobs).map(read).collect()
}

/// Takes the readings out of a batch.
pub(crate) fn without_readings(batch: &Batch) -> (Batch, Vec<(u32, ReadingsFact)>) {
    let mut readings = Vec::new();
    let facts = (0_u32..).zip(&batch.facts).map(|(place, fact)| match fact {
        Fact::Readings(fact) => {
            readings.push((place, ReadingsFact::clone(fact)));
            let left = ReadingsFact { list: fact.list, ..ReadingsFact::default() };
            Fact::Readings(Box::new(left))
        }
        other => other.clone(),
    });
    let facts = facts.collect();
    (Batch { source: batch.source.clone(), seen_at: batch.seen_at, extent: batch.extent.clone(), facts }, readings)
}

/// Puts readings back into the batch that they were taken from.
pub(crate) fn put_back(batch: &mut Batch, place: u32, readings: ReadingsFact) {
    if let Some(Fact::Readings(fact)) = batch.facts.get_mut(place as usize) {
        **fact = readings;
    }
}

/// Readings of which none was made: what is folded of them is that somebody was heard.
pub(crate) fn no_readings(list: u32, gpus: usize) -> ReadingsFact {
    ReadingsFact { list, at: vec![None; gpus], columns: Vec::new() }
}

/// Can these readings stand in columns: is there one of each metric a GPU, and no metric twice?
pub(crate) fn is_regular(readings: &ReadingsFact) -> bool {
    let gpus = readings.at.len();
    let mut metrics: Vec<Metric> = readings.columns.iter().map(|(metric, _)| *metric).collect();
    metrics.sort_unstable();
    metrics.windows(2).all(|pair| pair[0] != pair[1])
        && gpus > 0
        && readings.columns.iter().all(|(_, column)| column.len() == gpus)
}

/// The newest readings of a source at a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// Whose they are.
    pub source: SmolStr,
    /// The list that is in force.
    pub list: u32,
    /// Of which GPUs.
    pub shape: i64,
    /// The readings.
    pub latest: Latest,
}

/// Readings as plain bytes: quick to write and to read, not small.
pub(crate) mod plain {
    use super::{Latest, Metric, Reading, ReadingsFact, SmolStr, Stamp, State};

    /// No GPU was measured at this time.
    const NEVER: i64 = i64::MIN;

    pub(crate) fn write(readings: &ReadingsFact) -> Vec<u8> {
        let metrics: Vec<Metric> = readings.columns.iter().map(|(metric, _)| *metric).collect();
        let mut bytes = postcard::to_stdvec(&(readings.list, readings.at.len() as u32, metrics)).unwrap_or_default();
        readings.at.iter().for_each(|at| bytes.extend_from_slice(&at.map_or(NEVER, |at| at.0).to_le_bytes()));
        for (_, column) in &readings.columns {
            column.iter().for_each(|reading| bytes.extend_from_slice(&reading.bits().to_le_bytes()));
        }
        bytes
    }

    /// Reads them, and answers what stands behind.
    pub(crate) fn read(bytes: &[u8]) -> Option<(ReadingsFact, &[u8])> {
        let ((list, gpus, metrics), mut rest) = postcard::take_from_bytes::<(u32, u32, Vec<Metric>)>(bytes).ok()?;
        let mut take = |width: usize| {
            let (taken, after) = rest.split_at_checked((gpus as usize).checked_mul(width)?)?;
            rest = after;
            Some(taken)
        };
        let times = take(8)?.as_chunks::<8>().0.iter().map(|at| i64::from_le_bytes(*at));
        let at = times.map(|at| (at != NEVER).then_some(Stamp(at))).collect();
        let mut columns = Vec::with_capacity(metrics.len());
        for metric in metrics {
            let column = take(4)?.as_chunks::<4>().0.iter().map(|bits| Reading::from_bits(u32::from_le_bytes(*bits)));
            columns.push((metric, column.collect()));
        }
        Some((ReadingsFact { list, at, columns }, rest))
    }

    pub(crate) fn write_states(states: &[State]) -> Vec<u8> {
        let mut bytes = postcard::to_stdvec(&(states.len() as u32)).unwrap_or_default();
        for state in states {
            bytes.extend(postcard::to_stdvec(&(&state.source, state.shape)).unwrap_or_default());
            let columns = state.latest.columns.iter().map(|(metric, column)| (*metric, column.clone()));
            let (list, at) = (state.list, state.latest.at.clone());
            bytes.extend(write(&ReadingsFact { list, at, columns: columns.collect() }));
        }
        bytes
    }

    pub(crate) fn read_states(bytes: &[u8]) -> Option<Vec<State>> {
        let (count, mut bytes) = postcard::take_from_bytes::<u32>(bytes).ok()?;
        let mut states = Vec::new();
        for _ in 0..count {
            let ((source, shape), rest) = postcard::take_from_bytes::<(SmolStr, i64)>(bytes).ok()?;
            let (readings, rest) = read(rest)?;
            bytes = rest;
            let latest = Latest { at: readings.at, columns: readings.columns.into_iter().collect() };
            states.push(State { source, list: readings.list, shape, latest });
        }
        Some(states)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_readings_read_back_and_half_of_them_are_none() {
        let readings = ReadingsFact {
            list: 3,
            at: vec![Some(Stamp(-4)), None, Some(Stamp(0))],
            columns: vec![
                (Metric::Power, [1.0, f32::NAN, 0.0].map(Reading::of).to_vec()),
                (Metric::Xid, vec![Reading::ABSENT; 3]),
            ],
        };
        let mut bytes = plain::write(&readings);
        bytes.push(9);
        assert_eq!(plain::read(&bytes), Some((readings.clone(), &[9_u8][..])));
        assert!((0..bytes.len() - 1).all(|end| plain::read(&bytes[..end]).is_none()));
        let state = State {
            source: "iad".into(),
            list: 3,
            shape: 7,
            latest: Latest { at: readings.at, columns: readings.columns.into_iter().collect() },
        };
        let states = [state.clone(), State { source: "ord".into(), ..state }];
        assert_eq!(plain::read_states(&plain::write_states(&states)), Some(states.to_vec()));
    }
}
