//! Benchmarks as the loop holds them, without a server: nobody listens where load is sent.

use super::*;
use pilothouse_wire::view::Status;

fn draft(more: &[(&str, &str)]) -> Draft {
    let usual = [("url", "http://127.0.0.1:1"), ("model", "chat"), ("concurrency", "32"), ("requests", "5000")];
    let values = usual.iter().chain(more).map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    Draft { kind: wish::KIND.into(), name: String::new(), values: values.collect() }
}

fn begin(benches: &mut Benches, draft: &Draft) -> oneshot::Receiver<Result<Acted, Problem>> {
    let (reply, answer) = oneshot::channel();
    benches.begin(draft, &Clock::system(), reply);
    answer
}

/// Takes in what is heard until it is as wanted.
async fn until(benches: &mut Benches, inbox: &mut mpsc::Receiver<Input>, wanted: impl Fn(&BenchView) -> bool) {
    let heard = async {
        while !wanted(benches.view()) {
            if let Some(Input::Bench(news)) = inbox.recv().await {
                benches.take(news);
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), heard).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_runs_at_a_time_and_what_nobody_answers_is_given_up_and_kept() {
    let home = tempfile::tempdir().unwrap();
    let (inputs, mut inbox) = mpsc::channel(64);
    let mut benches = Benches::new(home.path().join("bench"), inputs);
    assert_eq!(benches.end().unwrap_err().code, Code::NotFound);
    let wrong = begin(&mut benches, &draft(&[("limits", "fast")])).await.unwrap().unwrap_err();
    assert_eq!((wrong.code, wrong.what.as_str()), (Code::BadInput, "Limits cannot be fast."));

    let first = begin(&mut benches, &draft(&[]));
    let second = begin(&mut benches, &draft(&[])).await.unwrap().unwrap_err();
    assert_eq!(second.code, Code::Exists);
    let Ok(Acted::Measuring(id)) = first.await.unwrap() else { panic!("it began") };
    until(&mut benches, &mut inbox, |view| view.going.is_some()).await;
    assert_eq!(benches.view().going.as_ref().unwrap().id, id);
    until(&mut benches, &mut inbox, |view| {
        view.going.is_none() && view.kept.as_ref().is_some_and(|card| !card.rows.is_empty())
    })
    .await;
    let rows = &benches.view().kept.as_ref().unwrap().rows;
    let state = &rows[0].cells[0];
    assert_eq!(
        (rows[0].leads.as_str(), state.text.as_str(), state.status),
        (id.as_str(), "Given up", Some(Status::Bad))
    );
    assert_eq!(benches.end().unwrap_err().code, Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_does_not_serve_is_told_with_its_last_words_and_nothing_is_measured() {
    let home = tempfile::tempdir().unwrap();
    let (inputs, mut inbox) = mpsc::channel(64);
    let mut benches = Benches::new(home.path().join("bench"), inputs);
    let dies = draft(&[("serve", "sh -c 'echo no weights here; exit 3'")]);
    let Ok(Acted::Measuring(id)) = begin(&mut benches, &dies).await.unwrap() else { panic!("it began") };
    until(&mut benches, &mut inbox, |view| view.failed.is_some()).await;
    let problem = benches.view().failed.clone().unwrap();
    assert_eq!(problem.what, "The server sh does not serve.");
    let why = problem.why.as_deref().unwrap_or_default();
    assert!(why.contains("exit status: 3") && why.contains("no weights here"), "{problem:?}");
    assert!(store::kept(&home.path().join("bench"), &id).is_err() && benches.view().going.is_none());

    // One that never gets ready is stopped with the benchmark.
    let hangs = draft(&[("serve", "sleep 600")]);
    let Ok(Acted::Measuring(_)) = begin(&mut benches, &hangs).await.unwrap() else { panic!("it began") };
    until(&mut benches, &mut inbox, |view| view.going.is_some()).await;
    assert_eq!(benches.view().going.as_ref().unwrap().card.title, "Waiting");
    benches.end().unwrap();
    until(&mut benches, &mut inbox, |view| view.failed.is_some()).await;
    let why = benches.view().failed.as_ref().and_then(|problem| problem.why.as_deref());
    assert!(why.is_some_and(|why| why.contains("interrupted before it was ready")), "{why:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_of_a_cluster_that_nobody_hands_out_are_not_asked_for() {
    let home = tempfile::tempdir().unwrap();
    let (inputs, mut inbox) = mpsc::channel(64);
    let mut benches = Benches::new(home.path().join("bench"), inputs);
    let few = begin(&mut benches, &draft(&[("on", "prod/bench"), ("workers", "33")])).await.unwrap().unwrap_err();
    assert_eq!(few.what, "32 at a time are fewer than 33 workers.");
    // Whoever is asked for the ground in this test says nothing.
    let answer = begin(&mut benches, &draft(&[("on", "prod/bench"), ("workers", "3")]));
    until(&mut benches, &mut inbox, |view| view.kept.is_some()).await;
    assert!(answer.await.unwrap().is_err());
    let view = benches.view();
    assert_eq!((&view.going, &view.failed, &view.beside), (&None, &None, &None));
    assert_eq!(benches.end().unwrap_err().code, Code::NotFound);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn that_a_server_ended_by_itself_is_said_beside_what_is_kept() {
    let home = tempfile::tempdir().unwrap();
    let (inputs, mut inbox) = mpsc::channel(64);
    let mut benches = Benches::new(home.path().join("bench"), inputs);
    // It says that it is ready to one who asks, and ends; the load finds nobody.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let ready = home.path().join("ready");
    let waits = format!("sh -c 'touch {}; sleep 1; echo no memory left; exit 9'", ready.display());
    let answering = tokio::task::spawn_blocking(move || {
        for socket in listener.incoming().map_while(Result::ok) {
            // Before it was started nobody is to answer.
            if ready.exists() {
                let _ = std::io::Read::read(&mut &socket, &mut [0; 1_024]);
                drop(std::io::Write::write_all(&mut &socket, b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
                return;
            }
        }
    });
    let dies = draft(&[("url", &url), ("serve", &waits), ("concurrency", ""), ("rate", "10"), ("seconds", "3")]);
    let Ok(Acted::Measuring(id)) = begin(&mut benches, &dies).await.unwrap() else { panic!("it began") };
    until(&mut benches, &mut inbox, |view| view.going.is_none() && view.beside.is_some()).await;
    answering.await.unwrap();
    let problem = benches.view().beside.clone().unwrap();
    let why = problem.why.as_deref().unwrap_or_default();
    assert!(why.contains("exit status: 9") && why.contains("no memory left"), "{problem:?}");
    // Also to who reads it later.
    let (_, kept) = store::kept(&home.path().join("bench"), &id).unwrap();
    assert!(format!("{:?}", shown::page(&kept, home.path())).contains("it ended while it was measured"));
    assert!(benches.view().failed.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_is_kept_before_everybody_stops() {
    let home = tempfile::tempdir().unwrap();
    let (inputs, mut inbox) = mpsc::channel(64);
    let mut benches = Benches::new(home.path().join("bench"), inputs);
    // Too slow to be given up in this test.
    let slow = draft(&[("concurrency", ""), ("rate", "0.5"), ("requests", ""), ("seconds", "3600")]);
    let Ok(Acted::Measuring(id)) = begin(&mut benches, &slow).await.unwrap() else { panic!("it began") };
    until(&mut benches, &mut inbox, |view| view.going.is_some()).await;
    benches.stop().await;
    let (_, kept) = store::kept(&home.path().join("bench"), &id).unwrap();
    let page = shown::page(&kept, home.path());
    assert_eq!(page.cards[0].title, "Ended early: partial");
}

#[tokio::test]
async fn a_record_holds_none() {
    let (inputs, _inbox) = mpsc::channel(1);
    let mut benches = Benches::new(PathBuf::new(), inputs);
    benches.none();
    benches.look();
    assert!(benches.view().problem.is_some() && benches.view().form.is_none() && benches.shelf.is_none());
}
