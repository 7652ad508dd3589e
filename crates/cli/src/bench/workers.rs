//! A run that is sent past this machine: the Job of its workers is planned, shown and made, and what is waited for is said.

use super::{Bar, folder, show, verdict};
use crate::{
    act,
    act_args::How,
    args::SourceArgs,
    bench_args::RunArgs,
    exit::{Exit, Failed},
    out::{Style, note},
    serve,
    start::{Session, other_answer},
};
use pilothouse_bench::{
    kept::Kept,
    page::Tone,
    plan::Plan,
    result::Document,
    store::Place,
    workers::{self, Begun, Errand, Hand, News, Spec},
};
use pilothouse_connect::Clock;
use pilothouse_wire::{
    Code, ObjectRef, Problem, Stamp, ViewSpec,
    plan::{Deed, Intent},
};
use std::time::Duration;

/// Does what was asked for. `on` is the connection and the namespace.
pub async fn run(of: &RunArgs, on: &str, plan: Plan, out: Style, err: Style) -> Result<Exit, Failed> {
    let clock = Clock::system();
    let place = match &of.out {
        Some(file) => Place::at(file),
        None => Place::new(&folder()?, clock.now(), &plan.target.model),
    };
    place.is_free()?;
    let errand = asked(of, on, plan, clock.now())?;
    let source = SourceArgs { context: Some(errand.spec.cluster.clone()), demo: false, wait: Duration::from_secs(30) };
    let how = How { source, plan: of.workers.plan, yes: of.workers.yes, typed: of.way.typed.clone(), json: of.json };
    let session = Session::start_quietly(&how.source, false).await?;
    let document = measured(&errand, &session, &how, (&place, clock), (out, err)).await;
    session.end().await;
    let Some(document) = document? else { return Ok(Exit::Ok) };
    note(&format!("Kept as {}: {}", document.id, place.document.display()));
    if document.measures.is_none() {
        let lost = document.workers.iter().flat_map(workers::lines).find(|(_, tone)| *tone == Tone::Bad);
        let why = lost.map_or_else(String::new, |(text, _)| text);
        return Err(Problem::new(Code::ServerFailed, "Not one worker told what it measured.")
            .why(format!("{why}."))
            .into());
    }
    let exit = verdict(&document);
    show(&Kept::Run(Box::new(document)), of.json, out)?;
    exit
}

fn asked(of: &RunArgs, on: &str, plan: Plan, now: Stamp) -> Result<Errand, Failed> {
    let args = &of.workers;
    let Some((cluster, namespace)) = workers::place(on) else {
        return Err(Failed::Usage(format!("--on is CONNECTION/NAMESPACE, and {on:?} is none.")));
    };
    let key = match args.key_secret.as_deref().map(|typed| typed.split_once('/')) {
        None => None,
        Some(Some((name, key))) if !name.is_empty() && !key.is_empty() => Some((name.into(), key.into())),
        Some(_) => return Err(Failed::Usage("--key-secret is NAME/KEY of a Secret.".into())),
    };
    let spec = Spec {
        image: args.image.clone(),
        key,
        come_within_s: args.come_within,
        clocks_within_s: args.clocks_within,
        job: args.job.clone(),
        ..Spec::usual(cluster, namespace, args.workers.unwrap_or_default())
    };
    Ok(Errand::new(spec, plan, now)?)
}

/// Has them made, told and heard out; nothing where it was only to be shown, or is not wanted.
async fn measured(
    errand: &Errand,
    session: &Session,
    how: &How,
    (place, clock): (&Place, Clock),
    (out, err): (Style, Style),
) -> Result<Option<Document>, Failed> {
    // What is planned is read from the server: it has to be open by then.
    let (frame, _) = session.frame(ViewSpec::Connections, how.source.wait).await?;
    let Some(source) = frame.sources.first() else { return Err(other_answer()) };
    let object = errand.object(source.id.clone());
    let run = Intent { object: object.clone(), deed: errand.deed() };
    let Some((_, by)) = act::agreed(session, run, how, None, out).await? else { return Ok(None) };
    let grounded = session.operator().ground(&errand.spec.cluster).await?;
    // In production the name was typed once, and all that is done is to that one Job.
    let mut hand = OfJob { session, object, typed: by.typed.clone(), err };
    let begun = Begun { place: place.clone(), asked: clock.now(), clock };
    let action = act::done(session, by, how.json).await?;
    if act::ended(&action, err)? != Exit::Ok {
        errand.end(&mut hand, &mut tell).await;
        return Err(errand.not_made(&action.state).into());
    }
    let until = errand.order.plan.until;
    let mut bar = None;
    let shown = |news: News| match news {
        News::Sends(progress) => {
            let requests = until.requests.filter(|_| until.seconds.is_none());
            bar.get_or_insert_with(|| Bar::of(requests, &errand.order.plan, err)).show(progress);
        }
        other => tell(other),
    };
    let ran = errand.run(grounded.ground, &mut hand, &begun, serve::interruption_or_hangup(), shown).await;
    Ok(Some(ran?))
}

fn tell(news: News) {
    match news {
        News::Waits(who) => note(&format!("Waiting: {who}.")),
        News::Trouble(problem) => note(&problem.to_string()),
        News::Sends(_) => {}
    }
}

/// What is done to the Job belongs to what was agreed to.
struct OfJob<'a> {
    session: &'a Session,
    object: ObjectRef,
    typed: Option<String>,
    err: Style,
}

impl Hand for OfJob<'_> {
    async fn does(&mut self, deed: Deed) -> Result<(), Problem> {
        let intent = Intent { object: self.object.clone(), deed };
        let done = async {
            let action = act::belongs(self.session, intent, self.typed.as_deref()).await?;
            act::ended(&action, self.err)
        };
        match done.await {
            Ok(_) => Ok(()),
            Err(Failed::Problem(problem)) => Err(*problem),
            Err(Failed::Usage(what)) => Err(Problem::new(Code::BadInput, what)),
            Err(Failed::NobodyReads) => Err(Problem::new(Code::Cut, "Nobody reads what is said.")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Arguments, Verb};
    use crate::bench_args::{BenchArgs, BenchVerb};
    use clap::Parser;

    fn asked(typed: &str) -> Result<Errand, Failed> {
        let words = ["pilothouse", "bench", "run"].into_iter().chain(typed.split(' '));
        let Verb::Bench(BenchArgs { verb: BenchVerb::Run(run) }) = Arguments::try_parse_from(words).unwrap().verb
        else {
            panic!("{typed}")
        };
        let (plan, _) = run.plan()?;
        super::asked(&run, run.workers.on.as_deref().unwrap_or_default(), plan, Stamp(1_800_000_000_000))
    }

    const LOAD: &str = "--model m --concurrency 8 --seconds 30 --workers 4";

    #[test]
    fn what_is_typed_is_what_is_asked_for() {
        let of = asked(&format!("service:serving/chat:8000@me/prod {LOAD} --on me/prod/bench --key-secret keys/chat"))
            .unwrap();
        assert_eq!((of.spec.cluster.as_str(), of.spec.namespace.as_str()), ("me/prod", "bench"));
        let wanted = of.wanted();
        assert_eq!((wanted.workers, wanted.key), (4, Some(("keys".into(), "chat".into()))));
        assert!(wanted.longest >= Duration::from_secs(30 + 300), "{:?}", wanted.longest);
    }

    #[test]
    fn what_workers_cannot_reach_is_refused() {
        for (typed, want) in [
            (format!("service:a/b:1@other {LOAD} --on prod/bench"), "They run in prod"),
            (format!("http://h:1 {LOAD} --on prod"), "CONNECTION/NAMESPACE"),
            (format!("http://h:1 {LOAD} --on prod/bench --key-secret x"), "NAME/KEY"),
            (format!("http://h:1 {LOAD} --on prod/bench --prompts p.jsonl"), "have no p.jsonl"),
        ] {
            let said = match asked(&typed) {
                Ok(_) => "nothing".to_owned(),
                Err(Failed::Usage(said)) => said,
                Err(Failed::Problem(problem)) => problem.to_string(),
                Err(other) => format!("{other:?}"),
            };
            assert!(said.contains(want), "{typed}: {said}");
        }
    }
}
