//! What thinning leaves of readings: a spike, a code, and what each bucket came to.
#![allow(clippy::unwrap_used, reason = "tests")]

mod story;

use pilothouse_journal::{Limits, Reader};
use pilothouse_wire::{ConnectionId, Metric, Reading, Stamp};
use story::{START, recorded};

#[test]
fn a_spike_survives_and_what_is_old_is_there_by_the_minute() {
    let whole = recorded(Limits { thin: None, ..Limits::default() });
    let thin = recorded(Limits::default());
    let iad = ConnectionId::slug("iad");
    let of = |told: &story::Recorded, gpu: usize| {
        let gpus = [format!("GPU-{gpu}").into()];
        let all = Reader::new(&told.path).series(&iad, &gpus, Stamp(START), Stamp(START + 100_000_000)).unwrap();
        all.into_iter().next().unwrap()
    };
    let (every, by_minute) = (of(&whole, 4), of(&thin, 4));
    let (every, by_minute) = (&every[&Metric::Power], &by_minute[&Metric::Power]);
    let of_first_hour = |points: &[pilothouse_journal::Point]| {
        points.iter().filter(|point| point.at < Stamp(START + 3_600_000)).count()
    };
    // A row a minute, and where a code changed, or a GPU was measured for the first time.
    assert!((60..70).contains(&of_first_hour(by_minute)) && of_first_hour(every) > 300);
    let count = |points: &[pilothouse_journal::Point]| points.iter().map(|point| point.count).sum::<u32>();
    assert_eq!(count(by_minute), count(every), "each reading is in one bucket");
    let spike = by_minute.iter().filter(|point| point.max == Reading::of(697.0)).collect::<Vec<_>>();
    assert!(spike.len() == 1 && spike[0].last != spike[0].max && spike[0].count > 1, "{spike:?}");
    // Each bucket is what its readings come to.
    let mut rest = every.iter();
    for point in by_minute {
        let of_bucket: Vec<f32> =
            rest.by_ref().take(point.count as usize).map(|one| one.last.finite().unwrap()).collect();
        let (min, max) = of_bucket.iter().fold((f32::MAX, f32::MIN), |(min, max), one| (min.min(*one), max.max(*one)));
        let mean = of_bucket.iter().sum::<f32>() / of_bucket.len() as f32;
        assert_eq!((point.min, point.max), (Reading::of(min), Reading::of(max)), "{point:?}");
        assert_eq!(point.last, Reading::of(*of_bucket.last().unwrap()));
        assert!((point.mean.finite().unwrap() - mean).abs() <= 0.5, "{point:?}, and the mean is {mean}");
    }
    // A code has a last value, and no mean.
    let codes = of(&thin, 1);
    let codes = &codes[&Metric::Xid];
    assert!(codes.iter().any(|point| point.last == Reading::of(79.0)));
    assert!(codes.iter().filter(|point| point.count > 1).all(|point| point.mean.is_absent()));
}
