//! Lines of jobs: each job runs, ends, and makes place for the next.

use super::{Role, Stage};
use crate::{
    agenda::{Due, PodNo},
    fleet::Naming,
};
use pilothouse_wire::SmolStr;
use pilothouse_world::fact::Phase;

impl Stage {
    /// The name of a line's job.
    pub fn job_name(&self, line: usize, number: u32) -> SmolStr {
        let line = &self.cast().lines[line];
        SmolStr::from(match line.naming {
            Naming::Numbered(first) => format!("{}-{}", line.name, first.saturating_add(number)),
            Naming::Listed(names) => format!("{}-{}", line.name, names[number as usize % names.len()]),
        })
    }

    /// Begins a line's next job.
    pub(crate) fn next_job(&mut self, line: usize) {
        let mut number = self.begun[line];
        // A notebook whose name is still in use waits for its turn.
        while self.is_listed(line) && self.is_in_use(line, number) {
            number = number.wrapping_add(1);
        }
        self.begun[line] = number.wrapping_add(1);
        for index in 0..self.cast().lines[line].pods {
            self.enter(Role::Job { line, number, index });
        }
    }

    fn is_listed(&self, line: usize) -> bool {
        matches!(self.cast().lines[line].naming, Naming::Listed(_))
    }

    fn is_in_use(&self, line: usize, number: u32) -> bool {
        let name = self.job_name(line, number);
        self.players.values().any(|player| player.fact.owners.iter().any(|owner| owner.name == name))
    }

    fn pods_of_job(&self, line: usize, number: u32) -> Vec<PodNo> {
        let own = |role: Role| matches!(role, Role::Job { line: l, number: n, .. } if (l, n) == (line, number));
        self.players.iter().filter(|(_, player)| own(player.role)).map(|(no, _)| *no).collect()
    }

    /// A pod of a job runs; once all of them do, its end is fixed.
    pub(super) fn job_runs(&mut self, line: usize, number: u32) {
        let Some((least, most)) = self.cast().lines[line].lasts else { return };
        let runs = |no: &PodNo| self.players.get(no).is_some_and(|player| player.fact.phase == Phase::Running);
        if self.pods_of_job(line, number).iter().all(runs) && self.ending.insert((line, number)) {
            let lasts = self.dice.between(least * 1_000, most * 1_000);
            self.agenda.after(self.now, lasts, Due::JobEnds(line, number));
        }
    }

    /// Fixes the end of a job that ran before anybody looked.
    pub(crate) fn job_ran(&mut self, line: usize, number: u32, ends_in_ms: u64) {
        if self.ending.insert((line, number)) {
            self.agenda.after(self.now, ends_in_ms, Due::JobEnds(line, number));
        }
    }

    pub(super) fn job_ends(&mut self, line: usize, number: u32) {
        let notebook = self.is_listed(line);
        for no in self.pods_of_job(line, number) {
            let runs = self.is_reached(no)
                && self
                    .players
                    .get(&no)
                    .is_some_and(|player| player.fact.phase == Phase::Running && player.fact.deleting.is_none());
            if runs && !notebook {
                self.complete(no);
                continue;
            }
            self.leave(no, false);
            // One that was on its way out already must not come back either.
            if let Some(player) = self.players.get_mut(&no) {
                player.replaced = false;
            }
        }
        self.ending.remove(&(line, number));
        let next_in = self.dice.between(3_000, 9_000);
        self.agenda.after(self.now, next_in, Due::NextJob(line));
        if !notebook {
            let (namespace, name) = (self.cast().lines[line].namespace, self.job_name(line, number));
            self.say("Job", Some(namespace.into()), name, false, "Completed", "Job completed".into());
        }
    }

    pub(super) fn finish(&mut self, name: &str) {
        let Some(line) = self.cast().lines.iter().position(|line| line.name == name) else { return };
        let mut numbers: Vec<u32> = Vec::new();
        for player in self.players.values() {
            if let Role::Job { line: own, number, .. } = player.role
                && own == line
                && !numbers.contains(&number)
            {
                numbers.push(number);
            }
        }
        for number in numbers {
            self.job_ends(line, number);
        }
    }
}
