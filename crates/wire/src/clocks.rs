//! Why the clocks of a GPU are held back: bits of NVML's clocks event reasons, which DCGM hands on
//! ([`Metric::ClockReasons`](crate::Metric::ClockReasons)). The power cap, 0x4, is not among them: near its limit a GPU works
//! as it should.

/// The hardware slows the chip: heat, power brake or a fast trigger.
pub const HARDWARE: u32 = 0x8;
/// The driver slows it because of heat.
pub const HEAT_BY_DRIVER: u32 = 0x20;
/// The hardware slows it because of heat.
pub const HEAT_BY_HARDWARE: u32 = 0x40;
/// The power supply asks for it.
pub const POWER_BRAKE: u32 = 0x80;
/// Those of heat.
pub const HEAT: u32 = HEAT_BY_DRIVER | HEAT_BY_HARDWARE;
/// All of them.
pub const ALL: u32 = HARDWARE | HEAT | POWER_BRAKE;

/// Share of the last minutes slowed by heat ([`Metric::ThermalSlowdown`](crate::Metric::ThermalSlowdown)) above which work is
/// late: below it is a passing peak.
pub const THERMAL_SHARE: f32 = 0.05;

/// The bits of a reading; `None` for what is no set of bits.
#[must_use]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the bits in use are few and checked")]
pub fn bits(reading: f32) -> Option<u32> {
    (0.0..16_777_216.0).contains(&reading).then_some(reading as u32)
}

/// What slows a GPU, for people, by what is measured of it: the bits of its reasons, and the share of the last minutes;
/// `None` where nothing does.
#[must_use]
pub fn slowed_by(bits: u32, share: Option<f32>) -> Option<&'static str> {
    if bits & HEAT != 0 || share.is_some_and(|share| share > THERMAL_SHARE) {
        Some("heat")
    } else if bits & POWER_BRAKE != 0 {
        Some("its power supply")
    } else {
        (bits & HARDWARE != 0).then_some("the hardware")
    }
}

/// All that NVML has a bit for, in its order.
const WORDS: [&str; 9] = [
    "idle",
    "a clock that is set",
    "power cap",
    "hardware",
    "sync boost",
    "heat (driver)",
    "heat (hardware)",
    "power brake",
    "display clocks",
];

/// All that holds the clocks back, in words: `power cap, heat (driver)`.
#[must_use]
pub fn words(bits: u32) -> String {
    let known = WORDS.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1).map(|(_, word)| (*word).to_owned());
    let unknown = bits >> WORDS.len() << WORDS.len();
    let all: Vec<String> = known.chain((unknown != 0).then(|| format!("{unknown:#x}"))).collect();
    if all.is_empty() { "nothing".to_owned() } else { all.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_words_and_a_bit_that_is_not_known_is_shown_as_it_is() {
        let of = |reading: f32| crate::Metric::ClockReasons.show(crate::Reading::of(reading));
        for (reading, want) in [
            (0.0, "nothing"),
            (1.0, "idle"),
            (36.0, "power cap, heat (driver)"),
            (72.0, "hardware, heat (hardware)"),
            (384.0, "power brake, display clocks"),
            (516.0, "power cap, 0x200"),
            (-1.0, "0"),
        ] {
            assert_eq!(of(reading), want, "{reading}");
        }
        assert_eq!(crate::Metric::ClockReasons.show(crate::Reading::ABSENT), "—");
        assert_eq!(crate::Metric::Xid.show(crate::Reading::of(79.0)), "79");
    }

    #[test]
    fn heat_comes_before_the_power_supply_and_that_before_hardware_that_does_not_say() {
        for (bits, share, want) in [
            (0x0, None, None),
            (0x4, Some(0.05), None),
            (0x0, Some(0.06), Some("heat")),
            (0x48, None, Some("heat")),
            (0xa0, None, Some("heat")),
            (0x88, Some(0.0), Some("its power supply")),
            (0x8, None, Some("the hardware")),
        ] {
            assert_eq!(slowed_by(bits, share), want, "{bits:#x} {share:?}");
        }
        assert_eq!([0.0, 72.0, -1.0, f32::NAN, 3e8].map(bits), [Some(0), Some(72), None, None, None]);
    }
}
