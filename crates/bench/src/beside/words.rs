//! What was read beside a load, in words.

use super::{Beside, Extent, GpuBeside};
use crate::measures::Measures;
use pilothouse_wire::units::{bytes, number};

/// A line each: the server's processes, each GPU, what the tokens of the measured time took, what the server counted, and what
/// could not be read.
#[must_use]
pub fn lines(beside: &Beside, measures: &Measures) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(server) = &beside.server {
        let used = server.processors.map_or_else(String::new, |of| {
            format!(", {} processors on average and {} at most", number(of.mean, 2), number(of.high, 2))
        });
        let memory =
            server.memory_bytes.map_or_else(String::new, |of| format!(", {} of memory at most", amount(of.high)));
        let processes =
            if server.processes == 1 { "1 process".into() } else { format!("{} processes", server.processes) };
        lines.push(format!(
            "server: {} s of processor time in {processes}{used}{memory}",
            number(server.processor_s, 2)
        ));
    }
    lines.extend(beside.gpus.iter().map(gpu));
    lines.extend(energy(beside, measures));
    lines.extend(beside.driver.iter().map(|version| format!("driver {version}")));
    let counted = beside.metrics.iter().filter(|(_, (before, after))| after > before && is_count(before, after));
    let counted: Vec<String> =
        counted.take(6).map(|(name, (before, after))| format!("{name} +{}", number(after - before, 0))).collect();
    if !counted.is_empty() {
        lines.push(format!("the server counted {}", counted.join(", ")));
    }
    lines.extend(beside.missing.iter().map(|why| format!("not read: {why}")));
    lines
}

/// Of the time that is measured alone, as the tokens are.
fn energy(beside: &Beside, measures: &Measures) -> Option<String> {
    let tokens = measures.tokens.output;
    let watts = beside.measured_watts().filter(|_| tokens > 0)?;
    #[allow(clippy::cast_precision_loss, reason = "tokens and times of a run")]
    let (tokens, seconds) = (tokens as f64, measures.span_us as f64 / 1e6);
    let serving = beside.serving();
    let numbers: Vec<String> = serving.iter().map(|gpu| gpu.index.to_string()).collect();
    let why = match serving.iter().all(|gpu| gpu.is_used == Some(true)) {
        true => "on which the server computes",
        false => "on which something ran: whose it was is not known",
    };
    Some(format!(
        "energy: {} J in the {} s that are measured, {} J a token of answers, of GPU {}, {why}",
        number(watts * seconds, 0),
        number(seconds, 1),
        number(watts * seconds / tokens, 3),
        numbers.join(", ")
    ))
}

/// A count rises by whole numbers.
fn is_count(before: &f64, after: &f64) -> bool {
    before.fract() == 0.0 && after.fract() == 0.0
}

fn gpu(gpu: &GpuBeside) -> String {
    let product = gpu.product.as_deref().unwrap_or("unknown");
    let part = |of: Option<Extent>, words: &dyn Fn(Extent) -> String| {
        of.map(|of| format!(", {}", words(of))).unwrap_or_default()
    };
    let span = |of: Extent, unit: &str| match (number(of.low, 0), number(of.high, 0)) {
        (low, high) if low == high => format!("{low} {unit}"),
        (low, high) => format!("{low} to {high} {unit}"),
    };
    let used = part(gpu.utilisation, &|of| format!("{} % used on average", number(of.mean * 100.0, 0)));
    let clock = part(gpu.sm_clock_mhz, &|of| span(of, "MHz"));
    let power = part(gpu.power_w, &|of| format!("{} W on average", number(of.mean, 0)));
    let cap = part(gpu.power_cap_w, &|of| format!("cap {}", span(of, "W")));
    let heat = part(gpu.temperature_c, &|of| span(of, "°C"));
    let memory = part(gpu.memory_bytes, &|of| format!("{} of memory at most", amount(of.high)));
    let slowed: Vec<String> =
        gpu.slowed.iter().map(|(why, share)| format!("{why} {} % of the time", number(share * 100.0, 0))).collect();
    let slowed = if slowed.is_empty() { String::new() } else { format!("; held back: {}", slowed.join(", ")) };
    format!("GPU {} {product}{used}{clock}{power}{cap}{heat}{memory}{slowed}", gpu.index)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes are whole and no less than 0")]
fn amount(of: f64) -> String {
    bytes(of as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{beside::ServerLoad, measures::measure, plan::WarmUp, slo::Slo};

    #[test]
    fn each_thing_is_a_line() {
        let extent = |low: f64, mean: f64, high: f64| Some(Extent { low, mean, high });
        let beside = Beside {
            server: Some(ServerLoad {
                processor_s: 4.25,
                processors: extent(0.0, 1.5, 3.0),
                memory_bytes: extent(1e9, 1e9, 2e9),
                processes: 3,
            }),
            gpus: vec![GpuBeside {
                product: Some("H100".into()),
                utilisation: extent(0.0, 0.87, 1.0),
                sm_clock_mhz: extent(1_410.0, 1_900.0, 1_980.0),
                power_cap_w: extent(700.0, 700.0, 700.0),
                energy_j: Some(9_000.0),
                measured_w: Some(5_000.0 / 12.0),
                slowed: [("software power cap".to_owned(), 0.25)].into(),
                ..GpuBeside::default()
            }],
            metrics: [("a_total".to_owned(), (1.0, 41.0)), ("b".to_owned(), (0.5, 0.7))].into(),
            missing: vec!["x".into()],
            ..Beside::default()
        };
        let mut measures = measure(&[], WarmUp::None, &Slo::default());
        (measures.tokens.output, measures.span_us) = (1_000, 12_000_000);
        let mut known = beside.clone();
        known.gpus[0].is_used = Some(true);
        let said = lines(&known, &measures);
        assert!(said[2].ends_with("5.000 J a token of answers, of GPU 0, on which the server computes"), "{said:?}");
        known.gpus[0].measured_w = None;
        assert!(lines(&known, &measures).iter().all(|line| !line.starts_with("energy")));
        assert_eq!(
            lines(&beside, &measures),
            [
                "server: 4.25 s of processor time in 3 processes, 1.50 processors on average and 3.00 at most, 2.00 GB of memory at most",
                "GPU 0 H100, 87 % used on average, 1,410 to 1,980 MHz, cap 700 W; held back: software power cap 25 % of the time",
                "energy: 5,000 J in the 12.0 s that are measured, 5.000 J a token of answers, of GPU 0, on which something ran: whose it was is not known",
                "the server counted a_total +40",
                "not read: x",
            ]
        );
    }
}
