//! Is a GPU slowed by heat, or by its power supply?

use crate::{
    answer::Answer,
    draft::{About, Cause, Draft, gpus_in_words, look_at},
    site::Site,
};
use pilothouse_wire::{Metric, Reading, clocks, view::Status};

const WHY_NOT: &str = "nobody measures now why clocks are held back";

/// How one GPU is slowed.
struct Slowed {
    bits: u32,
    share: Option<f32>,
}

impl Slowed {
    fn is_by_heat(&self) -> bool {
        self.bits & clocks::HEAT != 0 || self.share.is_some_and(|share| share > clocks::THERMAL_SHARE)
    }
}

/// GPUs of a node share its air and its power: one cause.
pub(crate) fn look(site: Site<'_>) -> Answer<Vec<Draft>> {
    let asked = |slot| {
        let bits = site.fresh(Metric::ClockReasons, slot).and_then(clocks::bits);
        let share = site.fresh(Metric::ThermalSlowdown, slot);
        let slowed = Slowed { bits: bits.unwrap_or(0) & clocks::ALL, share };
        let measured = bits.is_some() || share.is_some();
        Answer::of(measured.then_some(slowed), |slowed| slowed.bits != 0 || slowed.is_by_heat(), WHY_NOT)
    };
    site.survey(WHY_NOT, asked).answer(|hit| vec![draft(site, &hit)])
}

fn draft(site: Site<'_>, hit: &[(u16, Slowed)]) -> Draft {
    let slots: Vec<u16> = hit.iter().map(|(slot, _)| *slot).collect();
    let gpus = gpus_in_words(&slots, site.node.gpus.len());
    let are = if slots.len() == 1 { "is" } else { "are" };
    let heat = hit.iter().any(|(_, slowed)| slowed.is_by_heat());
    let brake = hit.iter().any(|(_, slowed)| slowed.bits & clocks::POWER_BRAKE != 0);
    let (by, action) = match (heat, brake) {
        (true, _) => {
            ("heat", "Check fans, inlet temperature and coolant of the machine; move load away until it is cool.")
        }
        (false, true) => ("its power supply", "Check the power supplies of the machine and the limit of its rack."),
        (false, false) => {
            ("the hardware", "Check cooling and power supply of the machine: it does not say which of them it is.")
        }
    };
    Draft {
        rule: "slowdown".into(),
        cause: Cause::Slowdown,
        witness: None,
        status: Status::Warn,
        word: "Throttled".into(),
        claim: format!("{gpus} of {} {are} slowed by {by}.", site.name()),
        since: None,
        evidence: evidence(site, hit, &slots),
        action: action.into(),
        command: look_at(site),
        about: About::Gpus(slots),
    }
}

/// Why clocks are held back, and how hot it is: temperatures are evidence, never a reason of their own.
fn evidence(site: Site<'_>, hit: &[(u16, Slowed)], slots: &[u16]) -> Vec<String> {
    let all = hit.iter().fold(0, |all, (_, slowed)| all | slowed.bits);
    let share = hit.iter().filter_map(|(_, slowed)| slowed.share).fold(None, most);
    let hottest = |metric| slots.iter().filter_map(|slot| site.fresh(metric, *slot)).fold(None, most);
    let shown = |metric: Metric, value: Option<f32>| {
        value.map(|value| format!("{}: up to {}.", metric.label(), metric.show(Reading::of(value))))
    };
    let bits =
        (all != 0).then(|| format!("Clock reasons {all:#x} (0x8 hardware, 0x20 and 0x40 heat, 0x80 power brake)."));
    [
        bits,
        shown(Metric::ThermalSlowdown, share),
        shown(Metric::Temperature, hottest(Metric::Temperature)),
        shown(Metric::MemoryTemperature, hottest(Metric::MemoryTemperature)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn most(so_far: Option<f32>, value: f32) -> Option<f32> {
    Some(so_far.map_or(value, |so_far| so_far.max(value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fixture::Node, rules::tests::check};

    fn node(metric: Metric, value: f32) -> Node {
        Node::called("a-1").gpus(4).reads(2, metric, value).reads(2, Metric::Temperature, 91.0)
    }

    #[test]
    fn heat_and_power_supply_are_told_apart() {
        check(look, node(Metric::ThermalSlowdown, 0.4), "Throttled: GPU 2 of a-1 is slowed by heat.");
        check(look, node(Metric::ClockReasons, f32::from(0x48_u8)), "Throttled: GPU 2 of a-1 is slowed by heat.");
        check(
            look,
            node(Metric::ClockReasons, f32::from(0x88_u8)),
            "Throttled: GPU 2 of a-1 is slowed by its power supply.",
        );
        check(look, node(Metric::ClockReasons, 8.0), "Throttled: GPU 2 of a-1 is slowed by the hardware.");
    }

    #[test]
    fn a_gpu_at_its_power_limit_and_a_hot_one_that_is_not_slowed_are_well() {
        check(look, node(Metric::ClockReasons, 4.0), "no");
        check(look, node(Metric::ThermalSlowdown, 0.01), "no");
    }

    #[test]
    fn a_temperature_alone_and_an_old_reading_cannot_tell() {
        let want = "cannot tell: nobody measures now why clocks are held back";
        check(look, node(Metric::Temperature, 95.0), want);
        check(look, node(Metric::ClockReasons, 64.0).stale(2), want);
    }
}
