//! An HTTP server on the loopback address that answers by a script: for what a real one does not do on demand.

use serde_json::Value;
use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::Instant,
};

/// What is answered to a request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A status, further headers, and a JSON body.
    Json(u16, &'static str, Value),
    /// A status, further headers, and a body that is no JSON.
    Text(u16, &'static str, String),
    /// Parts of a stream, each after its wait; at the end the stream is held open, ended, or cut.
    Stream(Vec<(Duration, String)>, Then),
    /// Nothing, for ever.
    Silence,
}

/// How a stream goes on after its parts.
#[derive(Clone, Copy, Debug)]
pub enum Then {
    /// It stays open and says nothing.
    Hold,
    /// It ends as it should.
    End,
    /// The connection breaks.
    Cut,
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct Asked {
    /// When; by the runtime's clock, which may be paused.
    pub at: Instant,
    /// Its method.
    pub method: String,
    /// Its path, with its query.
    pub path: String,
}

/// A running server; ends when dropped.
pub struct Scripted {
    /// Its address.
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    _tasks: JoinSet<()>,
}

/// The script: path with query or posted form, and how often the same path without query was asked before.
type Script = dyn Fn(&str, usize) -> Reply + Send + Sync;

impl Scripted {
    /// Starts a server that answers by the script.
    ///
    /// # Errors
    /// If there is no port to listen on.
    pub async fn start(script: impl Fn(&str, usize) -> Reply + Send + Sync + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let counts: Arc<Mutex<BTreeMap<String, usize>>> = Arc::default();
        let script: Arc<Script> = Arc::new(script);
        let mut tasks = JoinSet::new();
        tasks.spawn({
            let asked = Arc::clone(&asked);
            async move {
                let mut connections = JoinSet::new();
                while let Ok((stream, _)) = listener.accept().await {
                    let (asked, counts, script) = (Arc::clone(&asked), Arc::clone(&counts), Arc::clone(&script));
                    connections.spawn(async move {
                        // A client that goes away ends its connection, and nothing else.
                        let _ = serve(stream, &asked, &counts, &*script).await;
                    });
                }
            }
        });
        Ok(Self { url, asked, _tasks: tasks })
    }

    /// Requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Asked> {
        own(&self.asked).clone()
    }

    /// Requests so far, as `METHOD path`.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        own(&self.asked).iter().map(|asked| format!("{} {}", asked.method, asked.path)).collect()
    }
}

fn own<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(
    mut stream: TcpStream,
    asked: &Mutex<Vec<Asked>>,
    counts: &Mutex<BTreeMap<String, usize>>,
    script: &Script,
) -> io::Result<()> {
    // What is written goes out at once: a small part that waited for the one before to be acknowledged would come, by a clock
    // that is paused, after every time-out.
    stream.set_nodelay(true)?;
    loop {
        let Some((method, path)) = request(&mut stream).await? else { return Ok(()) };
        own(asked).push(Asked { at: Instant::now(), method, path: path.clone() });
        let plain = if path.contains("watch=1") { "watch ".to_owned() } else { String::new() };
        let key = plain + path.split('?').next().unwrap_or_default();
        let before = {
            let mut counts = own(counts);
            let count = counts.entry(key).or_insert(0);
            *count += 1;
            *count - 1
        };
        match script(&path, before) {
            Reply::Json(code, headers, body) => {
                let headers = format!("content-type: application/json\r\n{headers}");
                stream.write_all(whole(code, &headers, &body.to_string()).as_bytes()).await?;
            }
            Reply::Text(code, headers, body) => {
                stream.write_all(whole(code, headers, &body).as_bytes()).await?;
            }
            Reply::Stream(parts, then) => {
                let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
                stream.write_all(head.as_bytes()).await?;
                for (wait, part) in parts {
                    tokio::time::sleep(wait).await;
                    stream.write_all(format!("{:x}\r\n{part}\r\n", part.len()).as_bytes()).await?;
                }
                match then {
                    Then::Hold => std::future::pending().await,
                    Then::End => stream.write_all(b"0\r\n\r\n").await?,
                    Then::Cut => return Ok(()),
                }
            }
            Reply::Silence => std::future::pending().await,
        }
    }
}

fn whole(code: u16, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {code} X\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

/// Reads a request whole; `None` at the end of the connection. A form that is posted stands where a query would.
async fn request(stream: &mut TcpStream) -> io::Result<Option<(String, String)>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).await? == 0 {
            return Ok(None);
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let header = |wanted: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(':'));
        lines.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
    };
    let mut body = vec![0; header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0)];
    stream.read_exact(&mut body).await?;
    let mut words = head.split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    Ok(Some(match header("content-type") {
        Some("application/x-www-form-urlencoded") => (method, format!("{path}?{}", String::from_utf8_lossy(&body))),
        _ => (method, path),
    }))
}
