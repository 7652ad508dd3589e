//! The record's door: whom it gives what, and what it says to everybody else.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by failing")]

use pilothouse_engine::{
    Clock, Engine, Operator, Options, Paths,
    record::{self, far},
};
use pilothouse_serve::{Book, Limits, OfRecord, OfWall, RecordOptions, Sent, Serving, serve_record};
use pilothouse_wire::{Code, Problem, Stamp};
use std::{
    fs,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const DAY: Duration = Duration::from_secs(86_400);
const LIMIT: Duration = Duration::from_secs(60);

/// A recorder on the demo fleet, and its door.
struct Recorder {
    serving: Serving<Sent>,
    operator: Operator,
    home: tempfile::TempDir,
}

struct Reply {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Reply {
    fn problem(&self) -> Problem {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&self.body)))
    }
}

async fn engine(home: &tempfile::TempDir, record: bool) -> Operator {
    let (paths, clock) = (Paths::under(home.path()), Clock::system());
    Engine::start(Options { paths, demo: true, only: None, record, clock }).await.unwrap()
}

impl Recorder {
    /// Once it has recorded what there is.
    async fn open(change: impl FnOnce(&mut RecordOptions)) -> Self {
        let home = tempfile::tempdir().unwrap();
        let operator = engine(&home, true).await;
        let settled = operator.reader().settled(LIMIT).await;
        assert!(settled.late.is_empty() && settled.not_recorded.is_none(), "{settled:?}");
        let mut options = options(&home, "127.0.0.1:0");
        let journal = options.journal.clone();
        tokio::time::timeout(LIMIT, async {
            // What was heard last is a moment on its way into the file.
            while !is_whole(&journal) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await
        .unwrap();
        change(&mut options);
        let serving = serve_record(operator.reader(), options).await.unwrap();
        Self { serving, operator, home }
    }

    fn book(&self) -> Book<OfRecord> {
        Book::at(self.home.path().join("record.json"))
    }

    fn token(&self) -> String {
        self.book().make_token("laptop", DAY, Clock::system().now()).unwrap().1
    }

    async fn ask(&self, line: &str, token: Option<&str>) -> Reply {
        let bearer = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        self.raw(&format!("{line} HTTP/1.1\r\nHost: {}\r\n{bearer}Connection: close\r\n\r\n", self.serving.local_addr))
            .await
    }

    async fn raw(&self, request: &str) -> Reply {
        let mut stream = TcpStream::connect(self.serving.local_addr).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        // One that is cut off ends with an error or without.
        let _ = stream.read_to_end(&mut bytes).await;
        let at = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(bytes[..at].to_vec()).unwrap().to_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Reply { status, head, body: bytes[at + 4..].to_vec() }
    }

    async fn end(self) {
        self.serving.close();
        self.operator.shutdown().await;
    }
}

fn options(home: &tempfile::TempDir, address: &str) -> RecordOptions {
    RecordOptions {
        journal: record::file(&Paths::under(home.path())),
        address: address.parse().unwrap(),
        identity: None,
        plain: false,
        book: Book::at(home.path().join("record.json")),
        names: Vec::new(),
        limits: Limits::default(),
        clock: Clock::system(),
    }
}

/// Are the pods of each cluster in it?
fn is_whole(journal: &Path) -> bool {
    let Ok(Some((_, end))) = record::reader(journal).and_then(|reader| reader.span()) else { return false };
    record::reader(journal).and_then(|reader| reader.world_at(end)).is_ok_and(|world| {
        // Three clusters with their pods, and a registry with its models.
        let mut sources = world.sources();
        world.sources().count() > 3 && sources.all(|(_, source)| !source.pods.is_empty() || !source.models.is_empty())
    })
}

#[tokio::test]
async fn who_has_a_token_gets_the_record_as_an_export_and_the_recorder_goes_on() {
    let mut recorder = Recorder::open(|_| {}).await;
    let token = recorder.token();
    let reply = recorder.ask("GET /record?from=1h", Some(&token)).await;
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
    assert!(reply.head.contains(&format!("content-length: {}", reply.body.len())), "{}", reply.head);
    assert!(reply.head.contains(&format!("content-type: {}", far::MIME)) && reply.head.contains("no-store"));
    let sent = recorder.serving.notices.recv().await.unwrap();
    assert_eq!((sent.token.as_str(), sent.bytes, sent.whole), ("laptop", reply.body.len() as u64, true));

    let file = recorder.home.path().join("came.pilothouse");
    fs::write(&file, &reply.body).unwrap();
    let opened = record::open(&file).await.unwrap();
    let (there, here) = (
        record::reader(opened.path()).unwrap(),
        record::reader(&options(&recorder.home, "127.0.0.1:0").journal).unwrap(),
    );
    assert_eq!(there.world_at(sent.until).unwrap(), here.world_at(sent.until).unwrap());
    assert_eq!(there.verify().unwrap(), Vec::<String>::new());

    // Part by part, and while it is read, more is recorded.
    let (since, until) = (sent.since, sent.until);
    let part = recorder.ask(&format!("GET /record?from={since}&to={until}"), Some(&token)).await;
    assert_eq!((part.status, part.body), (200, reply.body));
    tokio::time::timeout(LIMIT, async {
        while here.span().unwrap().unwrap().1 <= until {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
    recorder.end().await;
}

#[tokio::test]
async fn whoever_has_no_token_for_it_is_told_why_and_gets_nothing() {
    let time = Arc::new(AtomicI64::new(Clock::system().now().0));
    let now = Arc::clone(&time);
    let recorder =
        Recorder::open(|options| options.clock = Clock::of(move || Stamp(now.load(Ordering::Relaxed)))).await;
    let now = Clock::system().now();
    let (book, line) = (recorder.book(), "GET /record?from=1h");
    // Even one that is in the same file.
    let (_, wall) = Book::<OfWall>::at(recorder.home.path().join("record.json")).make_token("lobby", DAY, now).unwrap();
    let (row, revoked) = book.make_token("lost", DAY, now).unwrap();
    book.revoke(row.id, now).unwrap();
    let (_, ending) = book.make_token("short", DAY, now).unwrap();
    let guess = format!("phr_{}", "A".repeat(43));
    let long = "x".repeat(300);
    for (token, status, code, word) in [
        (None, 401, Code::Unauthenticated, "without a token"),
        (Some(""), 401, Code::Unauthenticated, "without a token"),
        (Some(long.as_str()), 401, Code::Unauthenticated, "without a token"),
        (Some("open sesame"), 401, Code::Unauthenticated, "does not know"),
        (Some(guess.as_str()), 401, Code::Unauthenticated, "does not know"),
        (Some(wall.as_str()), 403, Code::Denied, "for the wall"),
        (Some(revoked.as_str()), 401, Code::Unauthenticated, "was revoked"),
        (Some(ending.as_str()), 200, Code::Internal, ""),
    ] {
        let reply = recorder.ask(line, token).await;
        assert_eq!(reply.status, status, "{token:?}");
        if status != 200 {
            let (problem, text) = (reply.problem(), String::from_utf8_lossy(&reply.body).into_owned());
            assert!(problem.code == code && problem.what.contains(word), "{problem}");
            assert!(problem.why.is_some() && problem.next.is_some(), "{problem}");
            assert!(token.is_none_or(|token| token.is_empty() || !text.contains(token)), "it says the token: {text}");
            assert_eq!(reply.head.contains("www-authenticate: bearer"), status == 401);
        }
    }
    time.fetch_add(2 * DAY.as_millis() as i64, Ordering::Relaxed);
    let over = recorder.ask(line, Some(&ending)).await;
    assert!(over.status == 401 && over.problem().what.contains("is over"), "{}", over.problem());
    recorder.end().await;
}

#[tokio::test]
async fn a_time_that_is_none_or_not_in_the_record_is_named() {
    let recorder = Recorder::open(|_| {}).await;
    let token = recorder.token();
    for (query, status, word) in [
        ("", 400, "from is not given"),
        ("?to=1h", 400, "from is not given"),
        ("?from=yesterday", 400, "from: "),
        ("?from=1h&to=soon", 400, "to: "),
        ("?from=2001-01-01T00:00:00Z&to=2001-01-02T00:00:00Z", 404, "The record tells of "),
        ("?from=2999-01-01T00:00:00Z&to=2999-01-02T00:00:00Z", 404, "The record tells of "),
        ("?from=1h&to=2h", 404, "The record tells of "),
    ] {
        let reply = recorder.ask(&format!("GET /record{query}"), Some(&token)).await;
        assert_eq!(reply.status, status, "{query}");
        assert!(reply.problem().to_string().contains(word), "{query}: {}", reply.problem());
    }
    recorder.end().await;
}

#[tokio::test]
async fn it_has_nothing_else_and_no_other_way() {
    let recorder = Recorder::open(|_| {}).await;
    let token = recorder.token();
    for line in ["GET /", "GET /wall", "GET /link", "GET /record/", "GET /record/../journal.db", "GET /session"] {
        assert_eq!(recorder.ask(line, Some(&token)).await.status, 404, "{line}");
    }
    for line in ["POST /record?from=1h", "PUT /record", "DELETE /record", "HEAD /record?from=1h"] {
        assert_eq!(recorder.ask(line, Some(&token)).await.status, 405, "{line}");
    }
    let other = recorder.raw(&format!("GET /record?from=1h HTTP/1.1\r\nHost: evil.example\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n")).await;
    assert!(other.status == 403 && other.problem().next.unwrap().contains("--name"));
    let well = recorder.ask("GET /healthz", None).await;
    assert_eq!((well.status, well.body.len()), (204, 0));
    recorder.operator.clone().shutdown().await;
    assert_eq!(recorder.ask("GET /healthz", None).await.status, 503);
    recorder.serving.close();
}

#[tokio::test]
async fn so_many_are_served_at_a_time_and_so_often_one_may_try() {
    let recorder = Recorder::open(|options| options.limits.exports = 0).await;
    let token = recorder.token();
    let full = recorder.ask("GET /record?from=1h", Some(&token)).await;
    assert!(full.status == 429 && full.head.contains("retry-after: 5"), "{}", full.problem());
    let mut statuses = Vec::new();
    for _ in 0..30 {
        statuses.push(recorder.ask("GET /record?from=1h", Some("guess")).await);
    }
    let last = statuses.last().unwrap();
    assert!(last.status == 429 && last.problem().what.contains("Too many tokens"), "{}", last.problem());
    recorder.end().await;
}

#[tokio::test]
async fn a_token_that_ends_meanwhile_ends_what_is_sent_by_it() {
    let time = Arc::new(AtomicI64::new(0));
    let clock = Arc::clone(&time);
    // It is one later whenever somebody looks: the token is good when it is shown, and over at the next look.
    let mut recorder = Recorder::open(|options| {
        options.limits.check = Duration::ZERO;
        options.clock = Clock::of(move || Stamp(clock.fetch_add(1, Ordering::Relaxed)));
    })
    .await;
    let (_, token) = recorder.book().make_token("short", Duration::from_millis(1), Stamp(0)).unwrap();
    let reply = recorder.ask("GET /record?from=1h", Some(&token)).await;
    let told: u64 = reply.head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
    assert!(reply.status == 200 && (reply.body.len() as u64) < told);
    assert!(!recorder.serving.notices.recv().await.unwrap().whole);
    recorder.end().await;
}

#[tokio::test]
async fn other_machines_are_spoken_to_in_the_clear_only_where_somebody_says_so() {
    let home = tempfile::tempdir().unwrap();
    let operator = engine(&home, false).await;
    let refused = serve_record(operator.reader(), options(&home, "0.0.0.0:0")).await.unwrap_err();
    assert!(refused.next.unwrap().contains("--cert"));
    let plain = RecordOptions { plain: true, ..options(&home, "0.0.0.0:0") };
    let serving = serve_record(operator.reader(), plain).await.unwrap();
    assert_eq!(serving.url, format!("http://127.0.0.1:{}/", serving.local_addr.port()));
    let taken = RecordOptions {
        plain: true,
        ..options(&home, &SocketAddr::from(([0, 0, 0, 0], serving.local_addr.port())).to_string())
    };
    assert_eq!(serve_record(operator.reader(), taken).await.unwrap_err().code, Code::BadInput);
    operator.shutdown().await;
}
