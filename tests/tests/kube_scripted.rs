//! A scripted HTTP server for what the real API server will not do: 410 and 429 on demand, cut lines, wrong dates.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use acceptance::{Context, Result};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// What is answered to a request.
pub enum Reply {
    /// A status, further headers, and a JSON body.
    Json(u16, &'static str, Value),
    /// Parts of a stream, each after its wait; at the end the stream is held open, ended, or cut.
    Stream(Vec<(Duration, String)>, Then),
    /// Nothing, for ever.
    Silence,
}

/// How a stream goes on after its parts.
#[derive(Clone, Copy)]
pub enum Then {
    Hold,
    End,
    Cut,
}

/// A running server; ends when dropped.
pub struct Scripted {
    pub url: String,
    asked: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

/// The script: path with query, and how often the same path without query was asked before.
type Script = dyn Fn(&str, usize) -> Option<Reply> + Send + Sync;

impl Scripted {
    /// Starts a server that answers by the script, and like an empty cluster where that has nothing to say.
    pub async fn start(script: impl Fn(&str, usize) -> Option<Reply> + Send + Sync + 'static) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.could_not("listen")?;
        let address = listener.local_addr().could_not("listen")?;
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
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
                        let _ = serve(stream, &asked, &counts, &*script).await;
                    });
                }
            }
        });
        Ok(Self { url: format!("http://{address}"), asked, _tasks: tasks })
    }

    /// Requests so far, as `METHOD path`.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// Writes a kubeconfig with the context `test`.
pub fn kubeconfig(folder: &Path, cluster: Value, user: Value) -> Result<PathBuf> {
    let path = folder.join("config");
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "test" } }],
        "clusters": [{ "name": "test", "cluster": cluster }],
        "users": [{ "name": "test", "user": user }],
    });
    std::fs::write(&path, config.to_string()).could_not("write a kubeconfig")?;
    Ok(path)
}

/// A pod as the server sends it.
pub fn pod(name: &str, version: u32) -> Value {
    json!({
        "kind": "Pod", "apiVersion": "v1",
        "metadata": { "name": name, "namespace": "serving", "uid": format!("uid-{name}"), "resourceVersion": version.to_string() },
        "status": { "phase": "Running" },
    })
}

/// A list of pods.
pub fn pods(version: u32, items: &[Value]) -> Value {
    json!({ "kind": "PodList", "apiVersion": "v1", "metadata": { "resourceVersion": version.to_string() }, "items": items })
}

/// A line of a watch.
pub fn line(what: &str, object: &Value) -> String {
    format!("{}\n", json!({ "type": what, "object": object }))
}

/// A Status that says no.
pub fn status(code: u16, reason: &str, message: &str) -> Value {
    json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message })
}

fn usual(path: &str) -> Reply {
    if path.contains("watch=1") {
        return Reply::Stream(Vec::new(), Then::Hold);
    }
    let body = match path.split('?').next().unwrap_or_default() {
        "/version" => json!({ "gitVersion": "v1.36.3" }),
        "/apis/authentication.k8s.io/v1/selfsubjectreviews" => {
            json!({ "status": { "userInfo": { "username": "oncall@example.org" } } })
        }
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews" => json!({ "status": { "allowed": true } }),
        _ => json!({ "metadata": { "resourceVersion": "1" }, "items": [] }),
    };
    Reply::Json(200, "", body)
}

async fn serve(
    mut stream: TcpStream,
    asked: &Mutex<Vec<String>>,
    counts: &Mutex<BTreeMap<String, usize>>,
    script: &Script,
) -> std::io::Result<()> {
    loop {
        let Some((method, path)) = request(&mut stream).await? else { return Ok(()) };
        asked.lock().unwrap().push(format!("{method} {path}"));
        let plain = if path.contains("watch=1") { "watch ".to_owned() } else { String::new() };
        let key = plain + path.split('?').next().unwrap_or_default();
        let before = {
            let mut counts = counts.lock().unwrap();
            let count = counts.entry(key).or_insert(0);
            *count += 1;
            *count - 1
        };
        match script(&path, before).unwrap_or_else(|| usual(&path)) {
            Reply::Json(code, headers, body) => {
                let body = body.to_string();
                let head = format!(
                    "HTTP/1.1 {code} X\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\n\r\n",
                    body.len()
                );
                stream.write_all(format!("{head}{body}").as_bytes()).await?;
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

/// Reads a request whole; `None` at the end of the connection.
async fn request(stream: &mut TcpStream) -> std::io::Result<Option<(String, String)>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).await? == 0 {
            return Ok(None);
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().unwrap_or(0))
    });
    stream.read_exact(&mut vec![0; length.unwrap_or(0)]).await?;
    let mut words = head.split(' ').map(str::to_owned);
    Ok(Some((words.next().unwrap_or_default(), words.next().unwrap_or_default())))
}
