//! A small API server on the loopback address that says what was recorded, and writes the changes at a fixed rate.

use std::sync::Arc;
use std::time::Duration;

use acceptance::{Context, Failure, Result};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OnceCell};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::recorded::Recorded;
use crate::ticks::Made;

/// Lines are written in slices of this length.
const SLICE: Duration = Duration::from_millis(2);

/// What the server plays.
pub struct Script {
    /// What was recorded.
    pub recorded: Recorded,
    /// Lines a second, and how many in all.
    pub rate: usize,
    pub count: usize,
    /// The number of the first line.
    pub from: usize,
    /// When each line is written.
    pub made: Made,
    /// Told when the lines are to begin.
    pub begin: Notify,
    /// The rate that was reached, once all lines are written.
    pub reached: OnceCell<f64>,
}

/// A running server; ends when dropped.
pub struct Scripted {
    /// Its address.
    pub url: String,
    _tasks: JoinSet<()>,
}

impl Scripted {
    /// Starts it on a free port.
    pub async fn start(script: Arc<Script>) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.could_not("listen")?;
        let url = format!("http://{}", listener.local_addr().could_not("listen")?);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let script = Arc::clone(&script);
                // A client that goes away ends its connection, and nothing else.
                connections.spawn(async move { script.serve(stream).await.is_ok() });
            }
        });
        Ok(Self { url, _tasks: tasks })
    }
}

impl Script {
    async fn serve(&self, mut stream: TcpStream) -> Result<()> {
        stream.set_nodelay(true).could_not("set up a connection")?;
        let (read, mut write) = stream.split();
        let mut read = BufReader::new(read);
        while let Some(target) = request(&mut read).await? {
            let (path, query) = target.split_once('?').unwrap_or((&target, ""));
            if query.split('&').any(|one| one == "watch=1") {
                let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
                write.write_all(head.as_bytes()).await.could_not("answer")?;
                if path == "/api/v1/pods" {
                    self.begin.notified().await;
                    self.play(&mut write).await?;
                }
                // The other kinds stay silent, as a quiet cluster does.
                return std::future::pending().await;
            }
            let (status, body) = self.answer(path);
            let length = body.len();
            let head =
                format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n");
            write.write_all(head.as_bytes()).await.could_not("answer")?;
            write.write_all(body).await.could_not("answer")?;
        }
        Ok(())
    }

    fn answer(&self, path: &str) -> (&'static str, &[u8]) {
        match path {
            "/livez" => ("200 OK", b"ok"),
            _ if path.ends_with("/selfsubjectreviews") => {
                ("201 Created", br#"{"status":{"userInfo":{"username":"replay"}}}"#)
            }
            _ if path.ends_with("/selfsubjectaccessreviews") => ("201 Created", br#"{"status":{"allowed":true}}"#),
            _ => match self.recorded.answers.get(path) {
                Some(body) => ("200 OK", body),
                None => ("404 Not Found", b"{}"),
            },
        }
    }

    /// Writes all lines, each at its time; a client that reads too slowly lowers the rate.
    async fn play(&self, write: &mut (impl AsyncWriteExt + Unpin)) -> Result<()> {
        let lines = &self.recorded.lines;
        if lines.is_empty() {
            return Err(Failure::new("no line was recorded"));
        }
        let mut turn = interval(SLICE);
        turn.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let (began, mut number, mut slice) = (Instant::now(), 0, Vec::new());
        while number < self.count {
            turn.tick().await;
            let due = (began.elapsed().as_secs_f64() * self.rate as f64) as usize;
            slice.clear();
            while number < due.min(self.count) {
                let line = &lines[number % lines.len()];
                slice.extend_from_slice(format!("{:x}\r\n", line.len()).as_bytes());
                line.write(self.from + number, &mut slice);
                slice.extend_from_slice(b"\r\n");
                self.made.note(number);
                number += 1;
            }
            write.write_all(&slice).await.could_not("write lines")?;
        }
        let reached = number as f64 / began.elapsed().as_secs_f64();
        // Only one watch plays; a second would have nothing to play.
        let _ = self.reached.set(reached);
        Ok(())
    }
}

/// Reads a request whole; gives its target, or nothing at the end of the connection.
async fn request(read: &mut (impl AsyncBufReadExt + Unpin)) -> Result<Option<String>> {
    let (mut target, mut length, mut line) = (None, 0_u64, String::new());
    loop {
        line.clear();
        if read.read_line(&mut line).await.could_not("read a request")? == 0 {
            return Ok(None);
        }
        let text = line.trim_end();
        if text.is_empty() {
            break;
        }
        match (&target, text.split_once(':')) {
            (None, _) => target = text.split(' ').nth(1).map(str::to_owned),
            (Some(_), Some((name, value))) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().could_not("read a length")?;
            }
            _ => {}
        }
    }
    tokio::io::copy(&mut read.take(length), &mut tokio::io::sink()).await.could_not("read a request")?;
    Ok(target)
}
