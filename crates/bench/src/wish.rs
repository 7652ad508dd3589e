//! A benchmark as a person fills it in: a form, what it says, and what would be sent when. Nothing is sent here.

mod filled;
mod form;
mod preview;

pub use form::{KIND, form};

use self::filled::Filled;
use crate::{
    compare::{self, Arm},
    plan::{Plan, Target},
    search,
    workers::{Errand, Spec},
    worth::Price,
};
use pilothouse_insight::verdict::{self, Settings, looks_to};
use pilothouse_wire::{Problem, SmolStr, Stamp, form::Draft};

/// The most pairs of a comparison where nobody says.
const PAIRS: u32 = 24;

/// What a person wants.
#[derive(Clone, Debug)]
pub struct Wish {
    /// What is to be measured.
    pub aim: Aim,
    /// What is started for it, in this order.
    pub serves: Vec<Serve>,
    /// The workers that send it; none where this machine does.
    pub workers: Option<Spec>,
    /// What is said of what serves.
    pub price: Price,
}

/// What is to be measured.
#[derive(Clone, Debug)]
pub enum Aim {
    /// One target.
    Run(Box<Plan>),
    /// Two, the first being what serves now.
    Compare(Box<Compared>),
    /// One target, at heights of load that are looked for.
    Search(Box<search::Wanted>),
}

/// A command that serves a target.
#[derive(Clone, Debug, PartialEq)]
pub struct Serve {
    /// The arm that it is of; empty where there is one target.
    pub arm: SmolStr,
    /// The command with its arguments.
    pub command: Vec<String>,
    /// What is asked there.
    pub target: Target,
}

/// Two targets.
#[derive(Clone, Debug)]
pub struct Compared {
    /// They, the baseline first.
    pub arms: Vec<Arm>,
    /// When they are judged, and by what.
    pub plan: verdict::Plan,
    /// The server of embeddings that tells how near answers are in meaning; none where nobody is named.
    pub embed: Option<Target>,
}

impl Wish {
    /// What a filled-in form says.
    ///
    /// # Errors
    /// Which field cannot be used, and why.
    pub fn read(draft: &Draft) -> Result<Self, Problem> {
        let filled = Filled(draft);
        let plan = filled.plan("url", "model")?;
        let (embed, workers, price) = (filled.embed()?, filled.workers()?, filled.price()?);
        let mut serves: Vec<Serve> = filled.serve("serve", "", &plan.target)?.into_iter().collect();
        if let Some(found) = filled.find()? {
            let aim = Aim::Search(Box::new(filled.search(plan, found)?));
            return Ok(Self { aim, serves, workers, price });
        }
        let Some(_) = filled.text("against") else {
            filled.no_candidate()?;
            if let Some(spec) = &workers {
                // What workers cannot make of it is said before it is begun.
                Errand::new(spec.clone(), plan.clone(), Stamp(0))?;
            }
            return Ok(Self { aim: Aim::Run(Box::new(plan)), serves, workers, price });
        };
        let model = if filled.text("against_model").is_some() { "against_model" } else { "model" };
        let candidate = filled.plan("against", model)?;
        let metrics = compare::usual(&plan).into_iter().map(compare::Quantity::metric).collect();
        let names = [SmolStr::new_static("baseline"), filled.candidate()];
        serves.iter_mut().for_each(|serve| serve.arm.clone_from(&names[0]));
        serves.extend(filled.serve("against_serve", &names[1], &candidate.target)?);
        let pairs = filled.number("pairs")?.unwrap_or(PAIRS);
        verdict::check_pairs(pairs)?;
        let settings = Settings { looks: looks_to(pairs), ..Settings::new(names.to_vec(), metrics, plan.seed) };
        let of = |name: &SmolStr, plan: Plan| Arm { name: name.clone(), plan, server: None };
        let arms = vec![of(&names[0], plan), of(&names[1], candidate)];
        let compared = Compared { arms, plan: verdict::Plan::new(settings)?, embed };
        Ok(Self { aim: Aim::Compare(Box::new(compared)), serves, workers, price })
    }

    /// The load of it, of a comparison that of a block of the baseline, of a search that of its first probe.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        match &self.aim {
            Aim::Run(plan) => plan,
            Aim::Compare(compared) => &compared.arms[0].plan,
            Aim::Search(wanted) => &wanted.plan,
        }
    }

    /// Who is asked, to open the way to them.
    pub fn targets(&mut self) -> Vec<&mut Target> {
        match &mut self.aim {
            Aim::Run(plan) => vec![&mut plan.target],
            Aim::Compare(compared) => compared.arms.iter_mut().map(|arm| &mut arm.plan.target).collect(),
            Aim::Search(wanted) => vec![&mut wanted.plan.target],
        }
    }

    /// What it would be called on the way.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.aim {
            Aim::Run(plan) => plan.target.model.clone(),
            Aim::Compare(_) => "baseline-candidate".to_owned(),
            Aim::Search(wanted) => format!("search {}", wanted.plan.target.model),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        plan::{Api, KeyFrom, Load},
        search::Scale,
    };
    use pilothouse_wire::drawing::Ink;

    fn draft(values: &[(&str, &str)]) -> Draft {
        let values = values.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Draft { kind: KIND.into(), name: String::new(), values }
    }

    const RUN: [(&str, &str); 4] =
        [("url", "http://h:1"), ("model", "chat"), ("concurrency", " 4 "), ("requests", "1,000")];

    #[test]
    fn a_form_says_what_the_terminal_says() {
        let Aim::Run(plan) = Wish::read(&draft(&RUN)).unwrap().aim else { panic!("one target") };
        assert_eq!(plan.target.url, "http://h:1/v1/chat/completions");
        assert_eq!((plan.load.clone(), plan.until.requests), (Load::Closed { concurrency: 4 }, Some(1_000)));
        let more = [("against", "http://h:2"), ("pairs", "8"), ("limits", "ttft=1s")];
        let Aim::Compare(compared) = Wish::read(&draft(&[&RUN[..], &more[..]].concat())).unwrap().aim else {
            panic!("two targets")
        };
        assert_eq!(compared.plan.settings().looks, [6, 8]);
        assert_eq!(compared.arms[1].plan.target.model, "chat");
        let ids: Vec<&str> = compared.plan.settings().metrics.iter().map(|metric| metric.id.as_str()).collect();
        assert_eq!(ids, ["ttft-p95", "tpot-p50", "goodput"]);
    }

    #[test]
    fn what_cannot_be_used_is_named_by_its_label() {
        for (more, want) in [
            (("model", ""), "Target's model is needed."),
            (("requests", "many"), "Requests cannot be many."),
            (("requests", ""), "The run has no end."),
            (("rate", "3"), "Concurrency and rate are both given."),
            (("concurrency", ""), "No load is said."),
            (("concurrency", "0"), "concurrency cannot be 0."),
            (("url", "ftp://h"), "Target's address cannot be ftp://h/v1/chat"),
            (("limits", "ttft=fast"), "Limits cannot be ttft=fast."),
            (("input", "x"), "Prompt tokens cannot be x."),
            (("against", "nowhere"), "Candidate's address cannot be nowhere"),
            (("url", "service:a/b:1"), "Target's address cannot be service:a/b:1."),
            (("serve", "run 'it"), "Target's command cannot be started."),
            (("find", "1..8"), "A load and a search for it are both given."),
            (("find", "8"), "Find the limit cannot be 8."),
            (("shape", "x"), "Shapes cannot be x."),
            (("shape", "x=2x3"), "Shapes cannot be used."),
            (("against_model", "next"), "Candidate's address is needed."),
            (("version", "chat/2"), "Candidate's address is needed."),
            (("url", "service:default/chat:@admin"), "Target's address cannot be service:default/chat:@admin."),
            (("embed", "http://h:3"), "Embeddings' address is of no comparison."),
            (("embed_model", "e"), "Embeddings' address is needed."),
            (("on", "prod/bench"), "How many workers is needed."),
            (("workers", "4"), "Workers in is needed."),
            (("ramp_from", "2"), "Ramp seconds is needed."),
            (("cancel", "5"), "Cancel after is needed."),
            (("think", "long"), "Think time cannot be long."),
            (("turns", "1"), "turns cannot be 1."),
            (("trace", "/a.csv"), "Trace and Concurrency are both given."),
            (("gpu_hour", "cheap"), "$ a GPU-hour cannot be cheap."),
        ] {
            let what = Wish::read(&draft(&[&RUN[..], &[more]].concat())).unwrap_err().what;
            assert!(what.starts_with(want), "{more:?}: {what}");
        }
    }

    #[test]
    fn a_candidate_of_a_registry_is_called_after_its_version() {
        let more = [("against", "http://h:2"), ("version", "org/chat 8b/2")];
        let Aim::Compare(compared) = Wish::read(&draft(&[&RUN[..], &more[..]].concat())).unwrap().aim else {
            panic!("two targets")
        };
        let names: Vec<&str> = compared.arms.iter().map(|arm| arm.name.as_str()).collect();
        assert_eq!(names, ["baseline", "org-chat-8b-2"]);
    }

    #[test]
    fn those_who_send_behave_as_is_filled_in_and_it_is_shown() {
        let more = [
            ("ramp_from", "1"),
            ("ramp_seconds", "10"),
            ("think", "exp:2s"),
            ("turns", "3"),
            ("cancel", "5"),
            ("cancel_after", "1s"),
            ("mix", "base sql=3"),
            ("cache", "cold"),
            ("gpu_hour", "2.50"),
            ("gpus", "8"),
        ];
        let wish = Wish::read(&draft(&[&RUN[..], &more[..]].concat())).unwrap();
        let manner = &wish.plan().manner;
        assert_eq!((manner.ramp.map(|ramp| ramp.seconds), manner.turns, manner.mix.len()), (Some(10.0), Some(3), 2));
        assert_eq!(
            (wish.price.gpus, wish.price.gpu_hour.map(|hour| hour.to_string())),
            (Some(8), Some("$2.50".into()))
        );
        let shown = format!("{:?}", wish.preview());
        for want in [
            "from 1 within 10 s",
            "exp:2000ms of thinking",
            "conversations of 3 turns",
            "5.0 % of requests",
            "sql=3",
            "cold: words",
        ] {
            assert!(shown.contains(want), "{want}: {shown}");
        }
        let trace = [("url", "http://h:1"), ("model", "chat"), ("trace", "/t.jsonl"), ("speed", "2")];
        let load = Wish::read(&draft(&trace)).unwrap().plan().load.clone();
        assert_eq!(load, Load::Trace { file: "/t.jsonl".into(), speed: 2.0, max_concurrency: None });
    }

    #[test]
    fn tensors_are_asked_for_over_rest_and_over_grpc() {
        for (api, url) in [
            ("infer", "http://h:1/v2/models/chat/infer"),
            ("infer-grpc", "http://h:1/inference.GRPCInferenceService/ModelInfer"),
        ] {
            let more = [("api", api), ("shape", "a=2x3 b=4")];
            let Aim::Run(plan) = Wish::read(&draft(&[&RUN[..], &more[..]].concat())).unwrap().aim else {
                panic!("one target")
            };
            let shapes =
                plan.target.template.as_ref().map(|template| template.shapes.keys().cloned().collect::<Vec<_>>());
            assert_eq!((plan.target.url.as_str(), shapes), (url, Some(vec!["a".to_owned(), "b".to_owned()])));
        }
    }

    #[test]
    fn answers_are_compared_by_a_server_of_embeddings_with_a_key_of_its_own() {
        let both = [("against", "http://h:2"), ("key_file", "/run/key"), ("embed", "http://h:3")];
        let named = [("embed_model", "e"), ("embed_key_file", "/run/other")];
        let read = |more: &[(&str, &str)]| Wish::read(&draft(&[&RUN[..], &both[..], more].concat()));
        let Aim::Compare(compared) = read(&named).unwrap().aim else { panic!("two targets") };
        let embed = compared.embed.unwrap();
        assert_eq!((embed.url.as_str(), embed.api), ("http://h:3/v1/embeddings", Api::Embeddings));
        assert_eq!(embed.key, KeyFrom::File("/run/other".into()));
        assert_eq!(read(&[]).unwrap_err().what, "Embeddings' model is needed.");
        let shown = format!("{:?}", read(&named).unwrap().preview());
        assert!(shown.contains("What both say is sent to e at http://h:3/v1/embeddings"), "{shown}");
    }

    #[test]
    fn workers_send_a_run_and_nothing_else() {
        let on = [("on", "me/prod/bench"), ("workers", "3"), ("concurrency", "6")];
        let read = |more: &[(&str, &str)]| Wish::read(&draft(&[&RUN[..], &on[..], more].concat()));
        let wish = read(&[("key_secret", "keys/chat")]).unwrap();
        let spec = wish.workers.clone().unwrap();
        assert_eq!((spec.cluster.as_str(), spec.namespace.as_str(), spec.workers), ("me/prod", "bench", 3));
        assert_eq!(spec.key, Some(("keys".into(), "chat".into())));
        let shown = format!("{:?}", wish.preview());
        assert!(shown.contains("3 workers in bench of me/prod"), "{shown}");
        for (more, want) in [
            (("against", "http://h:2"), "Workers in and Candidate's address are both given."),
            (("serve", "vllm"), "Workers in and Target's command are both given."),
            (("key_file", "/run/key"), "Workers in and Key file are both given."),
            (("on", "prod"), "Workers in cannot be prod."),
            (("key_secret", "keys"), "Workers' key cannot be keys."),
            (("workers", "9"), "6 at a time are fewer than 9 workers."),
            (("url", "service:a/b:1@other"), "The workers cannot ask the service"),
        ] {
            let what = read(&[more]).unwrap_err().what;
            assert!(what.starts_with(want), "{more:?}: {what}");
        }
        let find = [("find", "1..8"), ("limits", "ttft=1s"), ("concurrency", "")];
        assert_eq!(read(&find).unwrap_err().what, "Workers in and Find the limit are both given.");
    }

    const FIND: [(&str, &str); 5] =
        [("url", "http://h:1"), ("model", "chat"), ("requests", "200"), ("limits", "ttft=1s"), ("find", "2..64")];

    #[test]
    fn a_limit_is_searched_over_rates_or_concurrency_and_a_sweep_over_the_latter() {
        let wanted = |more: &[(&str, &str)]| match Wish::read(&draft(&[&FIND[..], more].concat())).unwrap().aim {
            Aim::Search(wanted) => wanted,
            other => panic!("{other:?}"),
        };
        let rates = wanted(&[]);
        assert_eq!((rates.scale, rates.range, rates.sweep.clone()), (Scale::Rate, (2.0, 64.0), None));
        assert!(matches!(rates.plan.load, Load::Open { rate, .. } if (rate - 2.0).abs() < 1e-9));
        let at_a_time = wanted(&[("find_over", "concurrency")]);
        assert_eq!(
            (at_a_time.scale, at_a_time.plan.load.clone()),
            (Scale::Concurrency, Load::Closed { concurrency: 1 })
        );
        let sweep = wanted(&[("find", "4, 1,8"), ("limits", "")]);
        assert_eq!(
            (sweep.scale, sweep.range, sweep.sweep.clone()),
            (Scale::Concurrency, (1.0, 8.0), Some(vec![4.0, 1.0, 8.0]))
        );

        for (more, want) in [
            (("limits", ""), "Limits is needed."),
            (("find", "9..3"), "Find the limit cannot be 9..3."),
            (("find", "1,x"), "Find the limit cannot be 1,x."),
            (("against", "http://h:2"), "Find the limit and the candidate's address are both given."),
        ] {
            assert_eq!(Wish::read(&draft(&[&FIND[..], &[more]].concat())).unwrap_err().what, want);
        }
        let page = Wish::read(&draft(&FIND)).unwrap().preview();
        let rows: Vec<&str> = page.cards[0].rows.iter().map(|row| row.cells[1].text.as_str()).collect();
        assert_eq!(rows[1], "the most requests a second from 2.0 to 64.0 that keep the limits");
        assert_eq!(rows[2], "95 % of requests are to keep them, 95 % sure; it ends within 10 %");
    }

    #[test]
    fn what_serves_is_started_for_each_target_and_its_secrets_are_not_shown() {
        let serve = [("serve", "vllm serve 'org/a b' --api-key canary")];
        let one = Wish::read(&draft(&[&RUN[..], &serve].concat())).unwrap();
        assert_eq!((one.serves.len(), one.serves[0].arm.as_str()), (1, ""));
        assert_eq!(one.serves[0].command[2], "org/a b");
        let said = format!("{:?}", one.preview());
        assert!(said.contains("vllm serve") && !said.contains("canary"), "{said}");
        let both = [("against", "http://h:2"), ("against_serve", "other")];
        let two = Wish::read(&draft(&[&RUN[..], &serve, &both].concat())).unwrap();
        let arms: Vec<(&str, &str)> =
            two.serves.iter().map(|serve| (serve.arm.as_str(), serve.target.url.as_str())).collect();
        assert_eq!(
            arms,
            [("baseline", "http://h:1/v1/chat/completions"), ("candidate", "http://h:2/v1/chat/completions")]
        );
    }

    #[test]
    fn a_preview_draws_the_moments_that_would_be_used() {
        let open =
            [("url", "http://h:1"), ("model", "chat"), ("rate", "20"), ("arrivals", "constant"), ("seconds", "9")];
        let page = Wish::read(&draft(&open)).unwrap().preview();
        let card = &page.cards[0];
        assert_eq!(card.about, "180 requests in 9 s");
        let columns = card.drawing.as_ref().unwrap().marks.iter().filter(|mark| mark.ink == Ink::Quantity).count();
        assert_eq!(columns, 45);
        let closed = Wish::read(&draft(&RUN)).unwrap().preview();
        assert_eq!(closed.cards[0].about, "4 at a time until 1,000 are over");
        let compared = Wish::read(&draft(&[&RUN[..], &[("against", "http://h:2")]].concat())).unwrap();
        let Aim::Compare(of) = &compared.aim else { panic!("two targets") };
        let blocks = format!("at most {} of this load", of.plan.order().len());
        let card = &compared.preview().cards[0];
        assert!(card.rows.iter().any(|row| row.cells[1].text.starts_with(&blocks)), "{blocks}: {card:?}");
    }

    #[test]
    fn every_field_of_the_form_is_read() {
        // A field that nobody reads would promise what is not done.
        let source = [include_str!("wish.rs"), include_str!("wish/filled.rs"), include_str!("wish/form.rs")].concat();
        for field in form().fields {
            assert!(source.matches(&format!("\"{}\"", field.key)).count() > 1, "{}", field.key);
        }
    }
}
