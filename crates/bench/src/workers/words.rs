//! Workers in words: who told what, whose clock is known, and what is missing.

use super::{
    clock::Judged,
    kept::{Came, Worker, Workers},
    lines::Handed,
};
use crate::{
    page::{Head, Table, Tone},
    result::{ClientLoad, State},
    told::millis,
};
use pilothouse_wire::units::{ABSENT, bytes, count, number};

/// What there is to say of all of them.
#[must_use]
pub fn lines(of: &Workers) -> Vec<(String, Tone)> {
    let (all, lost) = (of.each.len(), of.lost().count());
    let place = &of.place;
    let mut lines = vec![
        (
            format!("{} of {all} told what they measured; histograms are put together class by class", all - lost),
            if lost == 0 { Tone::Plain } else { Tone::Bad },
        ),
        (
            format!(
                "Job {}/{} of {}, image {}; to begin at {}, each by its own clock",
                place.namespace, place.job, place.cluster, place.image, of.begin
            ),
            Tone::Plain,
        ),
    ];
    for (worker, why) in of.lost() {
        lines.push((format!("{}: nothing that it measured is counted: {why}", named(worker)), Tone::Bad));
    }
    if lost > 0 {
        lines.push((
            format!("what they sent is not known: the load may have been no more than {} of {all} parts", all - lost),
            Tone::Warn,
        ));
    }
    for worker in &of.each {
        if let Came::Early(state) = &worker.came {
            let how = match state {
                State::GaveUp => "gave up, nothing but failures came",
                _ => "ended early",
            };
            lines.push((format!("{}: {how}; what it measured is counted", named(worker)), Tone::Warn));
        }
        // Of whom nothing is counted the clock is no matter.
        if matches!(worker.came, Came::Lost(_)) {
            continue;
        }
        lines.extend(beside(worker).map(|words| (words, Tone::Warn)));
        let within = number(of.clocks_within_ms as f64 / 1e3, 2);
        match worker.clock.judge(of.clocks_within_ms) {
            Judged::Within => {}
            Judged::Apart => lines.push((
                format!(
                    "{}: its clock is more than {within} s from ours, and so was its begin: {}",
                    named(worker),
                    worker.clock.words()
                ),
                Tone::Bad,
            )),
            Judged::CannotTell => lines.push((
                format!(
                    "{}: whether its clock is within {within} s of ours cannot be told: {}",
                    named(worker),
                    worker.clock.words()
                ),
                Tone::Warn,
            )),
        }
    }
    lines
}

/// What is missing of its requests beside the document, where something is.
fn beside(worker: &Worker) -> Option<String> {
    match worker.lines {
        None => Some(format!("{}: none of its requests came to stand beside this, a line each", named(worker))),
        Some(Handed { lines, of }) if lines < of => Some(format!(
            "{}: the first {} of its {} requests stand beside this, a line each; its log holds no more",
            named(worker),
            count(lines),
            count(of)
        )),
        Some(_) => None,
    }
}

/// What all of them took.
#[must_use]
pub fn client(of: &ClientLoad, workers: usize) -> String {
    let time = of.processor_s.map_or_else(|| ABSENT.to_owned(), |time| number(time, 2));
    let memory = of.peak_memory_bytes.map_or_else(|| ABSENT.to_owned(), bytes);
    let late = millis(of.lateness.p99.or(of.lateness.max));
    format!(
        "{workers} workers: {time} s of processor time together; {memory} of memory at most; woken {late} ms late (p99 over all)"
    )
}

/// Each of them.
#[must_use]
pub fn table(of: &Workers) -> Table {
    const HEADS: [Head; 7] = [
        Head::left("WORKER"),
        Head::left("NODE"),
        Head::right("ANSWERED"),
        Head::right("FAILED"),
        Head::right("WARM-UP"),
        Head::right("BEGAN MS LATE"),
        Head::right("WOKEN MS LATE P99"),
    ];
    let row = |worker: &Worker| {
        let number_of = |number: Option<u64>| number.map_or_else(|| ABSENT.to_owned(), count);
        let late = worker.client.as_ref().and_then(|client| client.lateness.p99.or(client.lateness.max));
        vec![
            worker.index.to_string(),
            worker.node.clone().unwrap_or_else(|| ABSENT.to_owned()),
            number_of(worker.requests.map(|requests| requests.answered)),
            number_of(worker.requests.map(|requests| requests.failed)),
            number_of(worker.warm_up.map(|cut| cut.requests)),
            millis(worker.later_us),
            millis(late),
        ]
    };
    Table { title: "Workers".into(), heads: HEADS.to_vec(), rows: of.each.iter().map(row).collect() }
}

fn named(worker: &Worker) -> String {
    let pod = worker.pod.as_ref().map(|pod| format!("pod {pod}"));
    let node = worker.node.as_ref().map(|node| format!("on {node}"));
    let place: Vec<String> = pod.into_iter().chain(node).collect();
    if place.is_empty() {
        format!("worker {}", worker.index)
    } else {
        format!("worker {} ({})", worker.index, place.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use crate::{kept::Kept, shown, told, workers::kept::tests::kept};
    use std::path::Path;

    #[test]
    fn what_is_missing_is_said_wherever_the_run_is_shown() {
        let run = kept();
        let page = told::page(&run);
        let said: Vec<String> =
            page.lines.iter().map(|line| format!("{:?} {} {}", line.tone, line.name, line.text)).collect();
        let said = said.join("\n");
        let cards = shown::tests::said(&shown::page(&Kept::Run(Box::new(run)), Path::new("/nowhere/a.json")).cards);
        for want in [
            "2 of 3 told what they measured",
            "worker 2 (pod bench-a-2-z on node-2): nothing that it measured is counted: exit code 137, OOMKilled",
            "no more than 2 of 3 parts",
            "worker 1 (pod bench-a-1-y): whether its clock is within 1.00 s of ours cannot be told",
            "worker 0 (pod bench-a-0-x on node-1): the first 7 of its 9 requests stand beside this",
            "worker 1 (pod bench-a-1-y): none of its requests came",
        ] {
            assert!(said.contains(want) && cards.contains(want), "{want}: {said}\n{cards}");
        }
        assert!(said.contains("Bad Workers 2 of 3") && cards.contains("# Partial: 2 of 3 workers"), "{said}\n{cards}");
        assert!(said.contains("partial: 2 of 3 workers") && said.contains("2 workers: "), "{said}");
        let table = page.tables.last().unwrap();
        assert_eq!(table.rows[1][5], "200.0", "{table:?}");
        assert!(table.rows.iter().all(|row| row.len() == table.heads.len()));
    }
}
