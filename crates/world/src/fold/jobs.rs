//! Jobs into the world: when each began, and what came of it.

use super::Fold;
use crate::{fact::JobFact, source::WorkloadKey};
use pilothouse_wire::{
    Stamp,
    units::span,
    view::{Mark, MarkKind, Status},
};
use std::time::Duration;

/// What is told so soon was seen as it happened.
const SOON: Duration = Duration::from_secs(30);

impl Fold<'_> {
    pub(super) fn job(&mut self, job: JobFact) {
        // Those that ask for no GPU come and go by thousands, and move nothing here.
        if job.gpus == 0 {
            return;
        }
        let JobFact { controller, gpus, started, ended, failed } = job;
        let key: WorkloadKey = (controller.kind.clone(), controller.namespace.clone(), controller.name.clone());
        let all = controller.replicas.unwrap_or(1).saturating_mul(gpus);
        self.controller(controller);
        if ended.is_some() {
            // What is over keeps no pods. Who wrote into it was told.
            self.controller_gone(&key);
        }
        let name = key.2.clone();
        if let Some(at) = started {
            let detail = Some(if all == 1 { "1 GPU".to_owned() } else { format!("{all} GPUs") });
            self.of_job(
                at,
                Mark { title: format!("{name} began"), detail, ..self.mark_of(&key, at, MarkKind::JobBegan) },
            );
        }
        let Some(at) = ended else { return };
        let took = started.map(|started| format!("after {}", span(at.since(started))));
        let mark = match failed {
            None => Mark { title: format!("{name} done"), detail: took, ..self.mark_of(&key, at, MarkKind::JobEnded) },
            Some(reason) => {
                let detail = [Some(reason.to_string()), took].into_iter().flatten().collect::<Vec<_>>().join(", ");
                let mark = self.mark_of(&key, at, MarkKind::Condition);
                Mark { title: format!("{name} failed"), detail: Some(detail), status: Status::Bad, ..mark }
            }
        };
        self.of_job(at, mark);
    }

    fn of_job(&mut self, at: Stamp, mark: Mark) {
        if self.listing || self.seen.since(at) > SOON {
            self.rebuild(mark);
        } else {
            self.marks.push(mark);
        }
    }
}
