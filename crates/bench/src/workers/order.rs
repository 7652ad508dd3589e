//! What workers are told: the whole plan, and how it is dealt out. The load of all workers together is the very load that one
//! machine would have made, request by request: each makes the same schedule and the same prompts, and sends its own of them.

use crate::plan::{Cache, KeyFrom, Load, Plan, Prompts};
use pilothouse_wire::{Code, Problem};
use serde::{Deserialize, Serialize};

/// What such an order calls itself.
const FORMAT: &str = "pilothouse-bench-order";
const VERSION: u32 = 1;
/// More workers are not asked one by one each second.
pub const MOST: u32 = 64;
/// The variable that a worker finds the key of the target in, where its Job takes one from a Secret.
pub const KEY: &str = "PILOTHOUSE_BENCH_KEY";

/// A worker's part of all requests: those whose number leaves its own as the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Which worker, from 0.
    pub index: u32,
    /// Of so many.
    pub of: u32,
}

impl Default for Share {
    /// All of it.
    fn default() -> Self {
        Self { index: 0, of: 1 }
    }
}

impl Share {
    /// Is the request of this number its own?
    #[must_use]
    pub fn has(self, n: u64) -> bool {
        n % u64::from(self.of) == u64::from(self.index)
    }

    /// The number of its own request of this number.
    #[must_use]
    pub fn nth(self, own: u64) -> u64 {
        own.saturating_mul(u64::from(self.of)).saturating_add(u64::from(self.index))
    }

    /// How many of so many requests are its own.
    #[must_use]
    pub fn count(self, all: u64) -> u64 {
        let (of, index) = (u64::from(self.of), u64::from(self.index));
        all / of + u64::from(index < all % of)
    }

    /// Its part of so many at a time.
    #[must_use]
    pub fn part(self, all: u32) -> u32 {
        all / self.of + u32::from(self.index < all % self.of)
    }
}

/// What workers are told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    format: String,
    version: u32,
    /// What the run is called: what its workers say is known by it.
    pub run: String,
    /// How many workers.
    pub workers: u32,
    /// Seconds that a worker waits to be told when to begin.
    pub come_within_s: f64,
    /// A clock that is surely further apart than this from that of who asks does not begin, in milliseconds.
    pub clocks_within_ms: i64,
    /// The whole load.
    pub plan: Plan,
}

impl Order {
    /// Of a plan that workers can run.
    ///
    /// # Errors
    /// If something in it is on this machine alone, or cannot be dealt out.
    pub fn new(
        run: &str,
        workers: u32,
        come_within_s: f64,
        clocks_within_ms: i64,
        plan: Plan,
    ) -> Result<Self, Problem> {
        plan.check()?;
        let order = Self {
            format: FORMAT.into(),
            version: VERSION,
            run: run.into(),
            workers,
            come_within_s,
            clocks_within_ms,
            plan,
        };
        order.check()?;
        Ok(order)
    }

    /// Reads one.
    ///
    /// # Errors
    /// If it is none, of another version, or one that cannot be done.
    pub fn read(text: &str) -> Result<Self, Problem> {
        #[derive(Deserialize)]
        struct Head {
            format: String,
            version: u32,
        }
        let none = |why: String| Problem::new(Code::BadInput, "This is no order for a worker.").why(why);
        let head: Head = serde_json::from_str(text).map_err(|error| none(format!("{error}.")))?;
        if head.format != FORMAT {
            return Err(none("It calls itself something else.".into()));
        }
        if head.version != VERSION {
            return Err(none(format!("It is of version {}, and {VERSION} can be read.", head.version))
                .next("Run workers of the same Pilothouse that asks for them: --image."));
        }
        let order: Self = serde_json::from_str(text).map_err(|error| none(format!("{error}.")))?;
        // A worker is told by a variable, which somebody may have written by hand.
        order.plan.check()?;
        order.check()?;
        Ok(order)
    }

    /// The part of a worker.
    ///
    /// # Errors
    /// If there is no such worker.
    pub fn plan_of(&self, index: u32) -> Result<(Plan, Share), Problem> {
        if index >= self.workers {
            let what = format!("There is no worker {index} of {}.", self.workers);
            return Err(Problem::new(Code::BadInput, what).why("Workers are counted from 0."));
        }
        let share = Share { index, of: self.workers };
        let mut plan = self.plan.clone();
        match &mut plan.load {
            Load::Closed { concurrency } => *concurrency = share.part(*concurrency),
            Load::Open { max_concurrency, .. } | Load::Trace { max_concurrency, .. } => {
                *max_concurrency = max_concurrency.map(|most| share.part(most));
            }
        }
        Ok((plan, share))
    }

    /// The longest that a worker may take once it has begun, in seconds; none where only a number of requests ends it.
    #[must_use]
    pub fn longest_s(&self) -> Option<f64> {
        self.plan.until.seconds.map(|seconds| seconds + self.plan.drain_s)
    }

    fn check(&self) -> Result<(), Problem> {
        let bad = |what: String, why: &str, next: &str| Err(Problem::new(Code::BadInput, what).why(why).next(next));
        let Plan { target, load, prompts, until, .. } = &self.plan;
        let workers = self.workers;
        if !(1..=MOST).contains(&workers) {
            let why = "Each is looked at every second.";
            return bad(format!("workers cannot be {workers}."), why, &format!("Give 1 to {MOST}."));
        }
        if !(self.come_within_s > 0.0 && self.come_within_s <= 86_400.0) {
            return bad(
                format!("come-within cannot be {}.", self.come_within_s),
                "It is no time to wait.",
                "Give seconds, more than 0, a day at most.",
            );
        }
        if !(1..=60_000).contains(&self.clocks_within_ms) {
            return bad(
                format!("clocks-within cannot be {} ms.", self.clocks_within_ms),
                "Within it workers are taken for beginning together.",
                "Give more than 0, a minute at most.",
            );
        }
        if let Some(through) = &target.through {
            return bad(
                format!("The workers cannot ask {}.", through.place()),
                "They run inside of a cluster, and have none of your connections.",
                "Name a server of the cluster that they run in.",
            );
        }
        match &target.key {
            KeyFrom::None => {}
            KeyFrom::Variable(name) if name == KEY => {}
            KeyFrom::Variable(_) | KeyFrom::File(_) => {
                return bad(
                    "The workers have no key.".into(),
                    "It is on this machine, and stands in no manifest.",
                    "Put it into a Secret of their namespace, and give --key-secret NAME/KEY.",
                );
            }
        }
        let on_this_machine = "It is on this machine, and the workers have only their program.";
        if let Some(file) = &target.authorities {
            let what = format!("The workers have no {}.", file.display());
            return bad(what, on_this_machine, "Ask a server that the image trusts, or one without TLS.");
        }
        match (load, prompts) {
            (Load::Trace { file, .. }, _) => {
                let what = format!("The workers have no {}.", file.display());
                return bad(what, on_this_machine, "Give --rate or --concurrency.");
            }
            (_, Prompts::File(file)) => {
                let what = format!("The workers have no {}.", file.display());
                return bad(what, on_this_machine, "Leave out --prompts: they are made.");
            }
            _ => {}
        }
        let manner = &self.plan.manner;
        if let Some(field) = [
            (manner.ramp.is_some() && matches!(load, Load::Closed { .. }), "ramp-from"),
            (manner.cache != Cache::Unstated, "cache"),
        ]
        .into_iter()
        .find_map(|(is_said, field)| is_said.then_some(field))
        {
            let why = "Each worker would do it by itself, and not together with the others.";
            return bad(format!("Workers cannot keep {field}."), why, "Leave it out, or send it from this machine.");
        }
        if let Some(most) = load.at_a_time().filter(|most| *most < workers) {
            let what = format!("{most} at a time are fewer than {workers} workers.");
            return bad(what, "One of them would send nothing.", "Give fewer workers, or more at a time.");
        }
        if let Some(requests) = until.requests.filter(|requests| *requests < u64::from(workers)) {
            let what = format!("{requests} requests are fewer than {workers} workers.");
            return bad(what, "One of them would send nothing.", "Give fewer workers, or more requests.");
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{arrivals::Arrivals, plan::Until, plan::tests::plan, run::schedule};
    use proptest::prelude::*;

    /// An order for so many.
    pub fn order(workers: u32) -> Order {
        let plan = Plan { load: Load::Closed { concurrency: 64 }, until: requests(1_000), ..plan() };
        Order::new("bench-a", workers, 60.0, 1_000, plan).unwrap()
    }

    fn requests(requests: u64) -> Until {
        Until { requests: Some(requests), seconds: None }
    }

    #[test]
    fn an_order_reads_back_and_another_text_does_not() {
        let order = order(3);
        let text = serde_json::to_string(&order).unwrap();
        assert_eq!(Order::read(&text).unwrap(), order);
        let newer = text.replacen("\"version\":1", "\"version\":2", 1);
        assert!(Order::read(&newer).unwrap_err().to_string().contains("--image"));
        let absurd = text.replacen("\"come_within_s\":60.0", "\"come_within_s\":-1e300", 1);
        assert!(Order::read(&absurd).unwrap_err().what.contains("come-within"));
        for bad in ["", "{}", "[]", &text.replacen(FORMAT, "other", 1)] {
            assert!(Order::read(bad).is_err(), "{bad}");
        }
        assert!(order.plan_of(3).is_err());
    }

    type Change = Box<dyn Fn(&mut Order)>;

    #[test]
    fn what_workers_do_not_have_is_refused_by_its_name() {
        let cases: Vec<(&str, Change)> = vec![
            ("workers cannot be 0.", Box::new(|order| order.workers = 0)),
            ("workers cannot be 65.", Box::new(|order| order.workers = 65)),
            ("come-within cannot be NaN.", Box::new(|order| order.come_within_s = f64::NAN)),
            ("clocks-within cannot be 0 ms.", Box::new(|order| order.clocks_within_ms = 0)),
            ("The workers have no key.", Box::new(|order| order.plan.target.key = KeyFrom::Variable("OPENAI".into()))),
            ("The workers have no ca.pem.", Box::new(|order| order.plan.target.authorities = Some("ca.pem".into()))),
            ("The workers have no p.jsonl.", Box::new(|order| order.plan.prompts = Prompts::File("p.jsonl".into()))),
            (
                "The workers have no t.csv.",
                Box::new(|order| {
                    order.plan.load = Load::Trace { file: "t.csv".into(), speed: 1.0, max_concurrency: None };
                }),
            ),
            (
                "2 at a time are fewer than 3 workers.",
                Box::new(|order| order.plan.load = Load::Closed { concurrency: 2 }),
            ),
            ("Workers cannot keep cache.", Box::new(|order| order.plan.manner.cache = Cache::Cold)),
            ("2 requests are fewer than 3 workers.", Box::new(|order| order.plan.until = requests(2))),
        ];
        for (want, change) in cases {
            let mut order = order(3);
            change(&mut order);
            assert_eq!(order.check().unwrap_err().what, want);
        }
        let mut own = order(3);
        own.plan.target.key = KeyFrom::Variable(KEY.into());
        own.check().unwrap();
    }

    proptest! {
        /// All workers together send what one machine would have sent, each request once.
        #[test]
        fn a_load_is_dealt_out_whole(workers in 1_u32..=9, most in 9_u64..200, shape in 0.2_f64..3.0) {
            let load = Load::Open { rate: 50.0, arrivals: Arrivals::Gamma(shape), max_concurrency: Some(64) };
            let plan = Plan { load, until: requests(most), ..plan() };
            let order = Order::new("bench-a", workers, 60.0, 1_000, plan).unwrap();
            let all: Vec<_> = schedule(&order.plan, Vec::new()).collect();
            let (mut dealt, mut at_a_time) = (Vec::new(), 0);
            for index in 0..workers {
                let (plan, share) = order.plan_of(index).unwrap();
                let own: Vec<_> = schedule(&plan, Vec::new()).filter(|due| share.has(due.n)).collect();
                prop_assert_eq!(own.len() as u64, share.count(most));
                prop_assert!(own.iter().enumerate().all(|(at, due)| share.nth(at as u64) == due.n));
                at_a_time += plan.load.at_a_time().unwrap();
                dealt.extend(own);
            }
            dealt.sort_by_key(|due| due.n);
            prop_assert_eq!((dealt, at_a_time), (all, 64));
        }
    }
}
