//! Whether the client was the limit of a block: then its servers were not measured.

use crate::{
    measures::Measures,
    plan::{Load, Plan},
    result::ClientLoad,
};

/// How late a client may be once in a hundred times, in microseconds, where nobody says otherwise.
pub const LATE_US: u64 = 5_000;
/// The load is sent by one thread: at more of a core than this it has no time left.
const BUSY: f64 = 0.95;

/// Why the client was the limit, if it was.
pub(crate) fn limit(plan: &Plan, measures: &Measures, client: &ClientLoad, most_late_us: u64) -> Option<String> {
    let millis = |micros: u64| format!("{} ms", precise(micros) / 1e3);
    let late = client.lateness.p99.or(client.lateness.max).filter(|late| *late > most_late_us);
    if let Some(late) = late {
        return Some(format!("its thread was woken {} late (p99), {} are allowed", millis(late), millis(most_late_us)));
    }
    // Where no more than so many are sent at a time, what waits is kept back by the server.
    let sends_by_itself = !matches!(plan.load, Load::Closed { .. }) && plan.load.at_a_time().is_none();
    let lag = measures.lag.p99.or(measures.lag.max).filter(|lag| sends_by_itself && *lag > most_late_us);
    if let Some(lag) = lag {
        return Some(format!("it sent {} later than meant (p99), {} are allowed", millis(lag), millis(most_late_us)));
    }
    client.of_core().filter(|busy| *busy > BUSY).map(|busy| format!("it took {:.0} % of a core", busy * 100.0))
}

#[allow(clippy::cast_precision_loss, reason = "times of a run stay far below 2^53 microseconds")]
fn precise(micros: u64) -> f64 {
    micros as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        arrivals::Arrivals,
        compare::tests::block,
        plan::tests::plan,
        spread::{MICROS, Recorder},
    };

    #[track_caller]
    fn check(change: impl FnOnce(&mut Plan, &mut Measures, &mut ClientLoad), want: Option<&str>) {
        let (mut plan, block) = (plan(), block(0, 100.0));
        let (mut measures, mut client) = (block.measures, block.client);
        // Ten seconds were run, and what is kept after the warm-up is of a few of them.
        (client.sending_s, client.wall_s) = (Some(2.9), Some(10.0));
        measures.span_us = 1_000_000;
        plan.load = Load::Open { rate: 10.0, arrivals: Arrivals::Constant, max_concurrency: None };
        change(&mut plan, &mut measures, &mut client);
        let found = limit(&plan, &measures, &client, LATE_US);
        assert_eq!(
            found.as_deref().map(|why| want.is_some_and(|want| why.contains(want))),
            want.map(|_| true),
            "{found:?}"
        );
    }

    fn late(by: u64) -> crate::spread::Spread {
        let mut recorder = Recorder::default();
        (0..200).for_each(|_| recorder.add(by));
        recorder.spread(MICROS)
    }

    #[test]
    fn a_client_that_keeps_up_is_no_limit() {
        check(|_, _, _| (), None);
    }

    #[test]
    fn a_late_one_is() {
        check(|_, _, client| client.lateness = late(9_000), Some("woken 9"));
        check(|_, _, client| client.lateness = late(4_000), None);
    }

    #[test]
    fn sending_late_is_one_unless_requests_wait_for_a_place() {
        check(|_, measures, _| measures.lag = late(9_000), Some("later than meant"));
        check(
            |plan, measures, _| {
                measures.lag = late(9_000);
                plan.load = Load::Open { rate: 10.0, arrivals: Arrivals::Constant, max_concurrency: Some(4) };
            },
            None,
        );
    }

    #[test]
    fn one_without_processor_left_is() {
        check(|_, _, client| client.sending_s = Some(9.9), Some("99 % of a core"));
        // Whatever else the process does, such as show a window, is not the thread that sends.
        check(|_, _, client| client.processor_s = Some(19.0), None);
        check(|_, _, client| (client.sending_s, client.processor_s) = (None, Some(19.0)), None);
    }
}
