//! Workers as they are seen and heard: their pods as the cluster tells of them, and what they say in their logs.

use super::{
    barrier::Seat,
    clock::Clock as Bounds,
    heard::{End, Heard},
    kept::Told,
    order::Order,
};
use crate::{run::Progress, sample::Sample};
use pilothouse_connect::{Clock, Ground, PodIs, WorkerPod};
use pilothouse_wire::{Problem, Stamp};
use std::sync::Arc;
use tokio::task::JoinSet;

/// Lines of a log that are read of who goes on, and of who has ended.
const FEW: u32 = 100;
const ALL: u32 = 5_000;
/// After so many times in a row that the cluster tells nothing it is given up.
const PATIENCE: u32 = 10;

/// All workers of a run.
pub(super) struct Crew {
    ground: Arc<dyn Ground>,
    namespace: String,
    run: String,
    clock: Clock,
    each: Vec<Member>,
    in_vain: u32,
}

/// One of them.
#[derive(Clone, Default)]
struct Member {
    pod: Option<WorkerPod>,
    heard: Heard,
    bounds: Bounds,
    /// Why nothing more is heard of it.
    cut: Option<String>,
    /// Was its log read since it ended?
    read_out: bool,
    /// Was all of its log read since it said that it is over?
    read_whole: bool,
}

/// What was read of one log: of which worker, when, whether all of it was asked for, and the lines.
type Said = (usize, Stamp, bool, Result<Vec<String>, Problem>);

impl Crew {
    /// Those of an order, of whom nothing is known yet.
    pub fn new(ground: Arc<dyn Ground>, namespace: &str, order: &Order, clock: Clock) -> Self {
        let each = vec![Member::default(); order.workers as usize];
        Self { ground, namespace: namespace.to_owned(), run: order.run.clone(), clock, each, in_vain: 0 }
    }

    /// Looks at each, and hears what it says.
    ///
    /// # Errors
    /// If the cluster tells nothing, many times in a row.
    pub async fn look(&mut self) -> Result<(), Problem> {
        match self.ground.workers(&self.namespace, &self.run).await {
            Ok(pods) => {
                self.in_vain = 0;
                self.seen(pods);
            }
            Err(problem) => {
                self.in_vain += 1;
                return if self.in_vain < PATIENCE { Ok(()) } else { Err(problem) };
            }
        }
        let mut reading = JoinSet::new();
        for (index, member) in self.each.iter().enumerate().filter(|(_, member)| member.goes_on()) {
            let Some(pod) = member.pod.as_ref().filter(|pod| !matches!(pod.is, PodIs::Coming(_))) else { continue };
            let is_all = member.heard.is_over() || matches!(pod.is, PodIs::Over(_));
            let (ground, clock) = (Arc::clone(&self.ground), self.clock.clone());
            let (namespace, name) = (self.namespace.clone(), pod.name.clone());
            reading.spawn(async move {
                let said = ground.said(&namespace, &name, if is_all { ALL } else { FEW }).await;
                (index, clock.now(), is_all, said)
            });
        }
        while let Some(said) = reading.join_next().await {
            if let Ok(said) = said {
                self.heard(said);
            }
        }
        Ok(())
    }

    fn seen(&mut self, pods: Vec<WorkerPod>) {
        let mut found: Vec<Option<WorkerPod>> = vec![None; self.each.len()];
        for pod in pods {
            if let Some(place) = found.get_mut(pod.index as usize) {
                *place = Some(pod);
            }
        }
        for (member, pod) in self.each.iter_mut().zip(found) {
            match pod {
                Some(pod) => member.pod = Some(pod),
                // What was there and is not any more was deleted; what it had said is kept.
                None => {
                    if let Some(known) = &mut member.pod {
                        known.is = PodIs::Over("its pod was deleted".into());
                        member.read_out = true;
                    }
                }
            }
        }
    }

    fn heard(&mut self, (index, read, is_all, said): Said) {
        let (run, number) = (self.run.clone(), u32::try_from(index).unwrap_or(u32::MAX));
        let Some(member) = self.each.get_mut(index) else { return };
        // A log that cannot be read now may be in a second.
        let Ok(lines) = said else { return };
        let before = member.heard.waits;
        member.read_whole |= is_all && member.heard.is_over();
        member.heard.take(lines.iter().map(String::as_str), &run, number);
        if let Some(waits) = member.heard.waits.filter(|waits| before < Some(*waits)) {
            member.bounds.heard(waits, read);
        }
        if let Some((begin, seen)) = member.heard.told {
            member.bounds.saw(begin.said, seen);
        }
        if member.pod.as_ref().is_some_and(|pod| matches!(pod.is, PodIs::Over(_))) {
            member.read_out = true;
        }
    }

    /// Where each is, before the begin.
    pub fn seats(&self) -> Vec<Seat> {
        let seat = |member: &Member| {
            let over = match (&member.heard.end(), member.pod.as_ref().map(|pod| &pod.is)) {
                (Some(End::Failed(problem)), _) => Some(problem.to_string().trim_end_matches('.').to_owned()),
                (_, Some(PodIs::Over(how))) => Some(how.clone()),
                _ => None,
            };
            let pod = member.pod.as_ref().map(|pod| match &pod.is {
                PodIs::Coming(why) => why.clone(),
                PodIs::Running => "it runs, and says nothing that is read".to_owned(),
                PodIs::Over(how) => how.clone(),
            });
            Seat { pod, over, waits: member.heard.waits.is_some(), clock: member.bounds }
        };
        self.each.iter().map(seat).collect()
    }

    /// Did the cluster tell nothing when it was looked at last?
    pub fn is_silent(&self) -> bool {
        self.in_vain > 0
    }

    /// Is anything more to be heard of any?
    pub fn goes_on(&self) -> bool {
        self.each.iter().any(Member::goes_on)
    }

    /// Hears no more of who goes on.
    pub fn cut(&mut self, why: &str) {
        self.each.iter_mut().filter(|member| member.goes_on()).for_each(|member| member.cut = Some(why.to_owned()));
    }

    /// Is any no longer heard that goes on?
    pub fn is_cut(&self) -> bool {
        self.each.iter().any(|member| member.cut.is_some())
    }

    /// How far all are together.
    pub fn progress(&self) -> Progress {
        self.each.iter().filter_map(|member| member.heard.progress).fold(Progress::default(), |sum, of| Progress {
            answered: sum.answered.saturating_add(of.answered),
            failed: sum.failed.saturating_add(of.failed),
            tokens: sum.tokens.saturating_add(of.tokens),
            ttft_us: sum.ttft_us.saturating_add(of.ttft_us),
            ..Progress::default()
        })
    }

    /// What each handed over, with its pod, its node and its clock; and its requests.
    pub fn handed_over(self) -> Vec<(Told, Vec<Sample>)> {
        let one = |member: Member| {
            let handed = match (member.heard.end(), &member.cut, member.pod.as_ref().map(|pod| &pod.is)) {
                (Some(End::Document(document)), ..) => Ok(document),
                (Some(End::Failed(problem)), ..) => Err(problem.to_string().trim_end_matches('.').to_owned()),
                (Some(End::Broken(why)), ..) => Err(why),
                (None, _, Some(PodIs::Over(how))) => Err(format!("{how}; it handed over nothing")),
                (None, Some(why), _) => Err(why.clone()),
                (None, None, Some(PodIs::Coming(why))) => Err(why.clone()),
                (None, None, _) => Err("nothing was heard of it".into()),
            };
            // That they did not come is said of each, and is no matter for what is counted.
            let (samples, lines) = match member.heard.requests() {
                Ok((samples, lines)) if handed.is_ok() => (samples, Some(lines)),
                _ => (Vec::new(), None),
            };
            let (pod, node) = member.pod.map_or((None, None), |pod| (Some(pod.name), pod.node));
            (Told { pod, node, clock: member.bounds, handed, lines }, samples)
        };
        self.each.into_iter().map(one).collect()
    }
}

impl Member {
    /// Is anything more to be heard of it?
    fn goes_on(&self) -> bool {
        let is_over = self.pod.as_ref().is_some_and(|pod| matches!(pod.is, PodIs::Over(_)));
        let is_whole = match self.heard.end() {
            Some(End::Failed(_)) => true,
            // Its requests stand before its document, and so may be further back in its log than was read.
            Some(End::Document(_)) => self.read_whole || self.heard.has_lines(),
            Some(End::Broken(_)) | None => false,
        };
        self.cut.is_none() && !is_whole && !(is_over && self.read_out)
    }
}
