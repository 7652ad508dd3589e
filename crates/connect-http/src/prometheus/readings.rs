//! Columns of readings: what came for each GPU of a list, in the list's order.

use super::{answer::Vector, identity::key};
use pilothouse_wire::{Metric, Reading, SmolStr, Stamp};
use pilothouse_world::fact::ReadingsFact;
use std::collections::BTreeMap;

/// Where each device stands in a list.
#[derive(Clone, Debug, Default)]
pub struct Places {
    by_id: BTreeMap<SmolStr, usize>,
}

impl<'a> FromIterator<&'a SmolStr> for Places {
    fn from_iter<I: IntoIterator<Item = &'a SmolStr>>(ids: I) -> Self {
        Self { by_id: ids.into_iter().cloned().enumerate().map(|(at, id)| (id, at)).collect() }
    }
}

impl Places {
    /// One reading a device. What is not there stays absent; of several values of one device the largest counts.
    #[must_use]
    pub fn column(&self, vector: &Vector) -> Vec<Reading> {
        let mut column = vec![Reading::ABSENT; self.by_id.len()];
        for sample in &vector.samples {
            let Some(at) = key(&sample.labels).and_then(|id| self.by_id.get(id)) else { continue };
            let value = Reading::of_f64(sample.value);
            let is_larger = match (column[*at].measured(), value.measured()) {
                (Some(known), Some(new)) => known.is_nan() || new > known,
                _ => true,
            };
            if is_larger {
                column[*at] = value;
            }
        }
        column
    }

    /// All that was measured at one time. A column in which nothing was measured is left out.
    #[must_use]
    pub fn readings(&self, list: u32, at: &BTreeMap<SmolStr, Stamp>, columns: &[(Metric, Vector)]) -> ReadingsFact {
        let mut times = vec![None; self.by_id.len()];
        for (id, place) in &self.by_id {
            times[*place] = at.get(id).copied();
        }
        let columns = columns.iter().map(|(metric, vector)| (*metric, self.column(vector)));
        let columns = columns.filter(|(_, column)| column.iter().any(|reading| !reading.is_absent())).collect();
        ReadingsFact { list, at: times, columns }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prometheus::answer::{Labels, Sample};

    fn sample(id: &str, value: f64) -> Sample {
        Sample { labels: [("UUID", id)].into_iter().collect::<Labels>(), value }
    }

    fn places(ids: &[&str]) -> Places {
        ids.iter().map(SmolStr::new).collect::<Vec<_>>().iter().collect()
    }

    #[test]
    fn absent_not_a_number_infinite_and_zero_stay_apart() {
        let samples = vec![sample("b", f64::NAN), sample("c", f64::INFINITY), sample("d", 0.0), sample("x", 1.0)];
        let column = places(&["a", "b", "c", "d"]).column(&Vector { samples, ..Vector::default() });
        let want = [Reading::ABSENT, Reading::of(f32::NAN), Reading::of(f32::INFINITY), Reading::of(0.0)];
        assert_eq!(column, want);
    }

    #[test]
    fn of_two_values_the_larger_counts_and_a_number_before_none() {
        let samples =
            vec![sample("a", 1.0), sample("a", 3.0), sample("a", 2.0), sample("b", f64::NAN), sample("b", 0.0)];
        let column = places(&["a", "b"]).column(&Vector { samples, ..Vector::default() });
        assert_eq!(column, [Reading::of(3.0), Reading::of(0.0)]);
    }

    #[test]
    fn a_device_whose_series_stopped_has_no_time() {
        let at = BTreeMap::from([(SmolStr::new("b"), Stamp(7))]);
        let power = Vector { samples: vec![sample("b", 5.0)], ..Vector::default() };
        let columns = [(Metric::Power, power), (Metric::Xid, Vector::default())];
        let fact = places(&["a", "b"]).readings(3, &at, &columns);
        assert_eq!((fact.list, fact.at), (3, vec![None, Some(Stamp(7))]));
        assert_eq!(fact.columns, [(Metric::Power, vec![Reading::ABSENT, Reading::of(5.0)])]);
    }
}
