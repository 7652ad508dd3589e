//! What a door hears of notices, what acts about them do, and what the engine says of its record.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

use pilothouse_engine::{Clock, Engine, Frames, Operator, Options, Paths};
use pilothouse_wire::{
    Act, Acted, Answer, Ask, Body, Code, Problem, View, ViewSpec, When,
    notice::{Delivery, NoticeKind, NoticesView, QuietHours, Wishes},
};
use std::path::Path;

async fn engine(home: &Path, record: bool) -> Operator {
    let options = Options { paths: Paths::under(home), demo: true, only: None, record, clock: Clock::system() };
    Engine::start(options).await.unwrap()
}

async fn act(operator: &Operator, act: Act) {
    assert_eq!(operator.act(act).await, Ok(Acted::Ok));
}

/// The next frame of the notices that is as wanted.
async fn until(frames: &mut Frames, wanted: impl Fn(&NoticesView) -> bool) -> NoticesView {
    loop {
        let frame = frames.next().await.unwrap();
        match &frame.body {
            Body::Full(View::Notices(view)) if wanted(view) => return view.as_ref().clone(),
            Body::Full(View::Notices(_)) | Body::Same { .. } => {}
            other => panic!("not the notices: {other:?}"),
        }
    }
}

fn wishes() -> Wishes {
    let quiet = QuietHours::new("22:00".parse().unwrap(), "07:00".parse().unwrap());
    Wishes { kinds: [NoticeKind::Alert].into(), warnings: true, quiet }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_is_tried_is_told_and_what_became_of_it_is_kept() {
    let home = tempfile::tempdir().unwrap();
    let operator = engine(home.path(), true).await;
    let mut frames = operator.reader().watch(ViewSpec::Notices, When::Now).await.unwrap();
    let first = until(&mut frames, |_| true).await;
    assert_eq!((first.told_here, first.wishes, first.notices), (false, Wishes::default(), Vec::new()));
    act(&operator, Act::ShowNotices).await;
    act(&operator, Act::TryNotice).await;
    let told = until(&mut frames, |view| !view.notices.is_empty()).await;
    assert!(told.told_here && told.notices[0].delivery == Delivery::Waiting && told.notices[0].number == 1);
    let problem = Problem::new(Code::NotOffered, "there is no bus");
    act(&operator, Act::DeliveredNotice(1, Err(problem.clone()))).await;
    until(&mut frames, |view| view.notices[0].delivery == Delivery::NotShown(problem.clone())).await;
    // Whoever only asks is told the same.
    let ask = Ask::Frame { spec: ViewSpec::Notices, when: When::Now };
    let Ok(Answer::Frame(frame)) = operator.reader().ask(ask).await else { panic!("no frame") };
    assert!(matches!(frame.body, Body::Full(View::Notices(view)) if view.notices.len() == 1));
    operator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wished_for_holds_at_once_is_written_down_and_holds_in_the_next_run() {
    let home = tempfile::tempdir().unwrap();
    let operator = engine(home.path(), false).await;
    let mut frames = operator.reader().watch(ViewSpec::Notices, When::Now).await.unwrap();
    act(&operator, Act::Wish(wishes())).await;
    until(&mut frames, |view| view.wishes == wishes()).await;
    operator.shutdown().await;
    let text = std::fs::read_to_string(Paths::under(home.path()).settings()).unwrap();
    assert!(text.contains("of = [\"alert\"]") && text.contains("from = \"22:00\""), "{text}");
    let operator = engine(home.path(), false).await;
    let mut frames = operator.reader().watch(ViewSpec::Notices, When::Now).await.unwrap();
    assert_eq!(until(&mut frames, |_| true).await.wishes, wishes());
    operator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_record_says_what_it_is_and_that_there_is_none() {
    let home = tempfile::tempdir().unwrap();
    let reading = engine(home.path(), false).await;
    assert_eq!(reading.reader().ask(Ask::Record).await, Ok(Answer::Record(None)));
    reading.shutdown().await;
    let recording = engine(home.path(), true).await;
    let Ok(Answer::Record(Some(info))) = recording.reader().ask(Ask::Record).await else { panic!("no record") };
    let bounds = info.bounds.unwrap();
    assert!(info.recording && bounds.bytes == 1 << 30 && bounds.thinned.is_some() && info.file.ends_with("journal.db"));
    recording.shutdown().await;
    // Who only reads says nothing of bounds: it does not hold them.
    let reading = engine(home.path(), false).await;
    let Ok(Answer::Record(Some(info))) = reading.reader().ask(Ask::Record).await else { panic!("no record") };
    assert_eq!((info.recording, info.bounds.is_none(), info.runs), (false, true, 1));
    assert!(info.span.is_some() && info.used > 0 && info.used <= info.bytes, "{info:?}");
    reading.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_told_is_known_also_while_another_process_records() {
    let home = tempfile::tempdir().unwrap();
    let recording = engine(home.path(), true).await;
    // One that cannot be read is said: so it was looked for.
    std::fs::write(Paths::under(home.path()).data().join("notices.json"), "{").unwrap();
    let telling = engine(home.path(), true).await;
    let ask = Ask::Frame { spec: ViewSpec::Connections, when: When::Now };
    let Ok(Answer::Frame(frame)) = telling.reader().ask(ask).await else { panic!("no frame") };
    let Body::Full(View::Connections(view)) = frame.body else { panic!("not the connections") };
    let said: Vec<&str> = view.problems.iter().map(|problem| problem.what.as_str()).collect();
    assert!(said.iter().any(|what| what.contains("notices.json")), "{said:?}");
    telling.shutdown().await;
    recording.shutdown().await;
}
