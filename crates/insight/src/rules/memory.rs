//! Did a GPU's memory have errors that could not be corrected?

use crate::{
    answer::Answer,
    draft::{About, Cause, Draft, look_at},
    site::Site,
};
use pilothouse_wire::{Metric, Reading, view::Status};

const WHY_NOT: &str = "nobody measures memory errors";

/// Errors since the driver was loaded, and rows replaced because of errors. Both counts stay, so an old reading still
/// says them.
struct Errors {
    since_load: Option<f32>,
    rows: Option<f32>,
}

pub(crate) fn look(site: Site<'_>) -> Answer<Vec<Draft>> {
    let asked = |slot| {
        let errors =
            Errors { since_load: site.last(Metric::EccUncorrected, slot), rows: site.last(Metric::RowsRemapped, slot) };
        let measured = errors.since_load.is_some() || errors.rows.is_some();
        let any = |errors: &Errors| errors.since_load.unwrap_or(0.0) > 0.0 || errors.rows.unwrap_or(0.0) > 0.0;
        Answer::of(measured.then_some(errors), any, WHY_NOT)
    };
    site.survey(WHY_NOT, asked).answer(|hit| hit.iter().map(|(slot, errors)| draft(site, *slot, errors)).collect())
}

fn draft(site: Site<'_>, slot: u16, errors: &Errors) -> Draft {
    let name = site.name();
    let shown =
        |metric: Metric, n: Option<f32>| n.map(|n| format!("{}: {}.", metric.label(), metric.show(Reading::of(n))));
    let evidence = [shown(Metric::EccUncorrected, errors.since_load), shown(Metric::RowsRemapped, errors.rows)];
    let open = errors.since_load.unwrap_or(0.0) > 0.0;
    let (word, claim, action) = if open {
        (
            "ECC errors",
            format!("The memory of GPU {slot} of {name} had errors that could not be corrected."),
            "Drain the node and reset the GPU, so that broken rows are replaced. If errors come back, have it exchanged.",
        )
    } else {
        (
            "Rows replaced",
            format!("GPU {slot} of {name} has replaced broken rows of its memory, and works."),
            "Nothing is to be done now. If the number rises, have the GPU tested.",
        )
    };
    Draft {
        rule: "memory-errors".into(),
        cause: Cause::Memory,
        about: About::Gpus(vec![slot]),
        witness: None,
        status: Status::Warn,
        word: word.into(),
        claim,
        since: None,
        evidence: evidence.into_iter().flatten().collect(),
        action: action.into(),
        command: look_at(site),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fixture::Node, rules::tests::check};

    #[test]
    fn errors_and_replaced_rows_are_found() {
        check(
            look,
            Node::called("a-1").gpus(2).reads(1, Metric::EccUncorrected, 3.0),
            "ECC errors: The memory of GPU 1 of a-1 had errors that could not be corrected.",
        );
        check(
            look,
            Node::called("a-1").gpus(2).reads(1, Metric::EccUncorrected, 0.0).reads(1, Metric::RowsRemapped, 2.0),
            "Rows replaced: GPU 1 of a-1 has replaced broken rows of its memory, and works.",
        );
    }

    #[test]
    fn a_memory_without_errors_is_well() {
        check(look, Node::called("a-1").gpus(1).reads(0, Metric::EccUncorrected, 0.0), "no");
    }

    #[test]
    fn without_the_metrics_it_cannot_be_told() {
        check(look, Node::called("a-1").gpus(1), "cannot tell: nobody measures memory errors");
    }
}
