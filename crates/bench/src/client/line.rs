//! Connections of HTTP/1.1 that are driven by who waits for their answers: what comes in wakes one task, which reads it and looks at
//! it, and not one that reads and then another that looks. One that is idle is used again.

use crate::{
    failure::Failure,
    stamped::{Connector, Marks, Stamped},
};
use bytes::Bytes;
use http::{Request, Response, Uri, header::HOST, response::Parts};
use http_body_util::Full;
use hyper::{
    body::{Body, Frame, Incoming},
    client::conn::http1::{Builder, Connection, SendRequest},
};
use pilothouse_connect::Cause;
use std::{
    future::poll_fn,
    pin::Pin,
    sync::{Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use tower_service::Service;

/// How long a connection may take to be free again once its answer is over: longer, and it is not used again.
const FREE_WITHIN: Duration = Duration::from_secs(1);

/// The connections to a server.
pub(super) struct Lines {
    connector: Connector,
    idle: Mutex<Vec<Line>>,
}

/// One of them.
struct Line {
    send: SendRequest<Full<Bytes>>,
    driven: Driven,
    marks: Marks,
}

/// What a connection does on its own: it goes on while somebody waits for its answer.
struct Driven {
    connection: Pin<Box<Connection<Stamped, Full<Bytes>>>>,
    is_over: bool,
}

impl Driven {
    fn go_on(&mut self, context: &mut Context<'_>) {
        // Why it ended is told to who waits for its answer.
        self.is_over = self.is_over || self.connection.as_mut().poll(context).is_ready();
    }

    /// Lets it go on until something has come of it.
    async fn until<T>(&mut self, mut wanted: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
        poll_fn(|context| {
            self.go_on(context);
            wanted(context)
        })
        .await
    }
}

/// An answer on its way. Its connection is used again once all of it was taken, and closed where it is dropped before.
pub(super) struct Answer<'a> {
    /// Its head.
    pub head: Parts,
    /// When the connection last brought something.
    pub marks: Marks,
    body: Incoming,
    line: Option<Line>,
    lines: &'a Lines,
}

impl Lines {
    /// None yet.
    pub fn new(connector: Connector) -> Self {
        Self { connector, idle: Mutex::default() }
    }

    /// Sends a request to this address, and gives the answer once its head is there.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn send(&self, uri: &Uri, mut request: Request<Full<Bytes>>) -> Result<Answer<'_>, Failure> {
        address(&mut request, uri);
        loop {
            let (mut line, is_new) = match self.take().await {
                Some(line) => (line, false),
                None => (self.connect(uri).await?, true),
            };
            let mut sent = std::pin::pin!(line.send.try_send_request(request));
            match line.driven.until(|context| sent.as_mut().poll(context)).await {
                Ok(response) => return Ok(self.answer(response, line)),
                Err(mut error) => match error.take_message() {
                    // It had gone before it was used.
                    Some(unsent) if !is_new => request = unsent,
                    _ => return Err(Failure::of_cause(Cause::of(&error.into_error()))),
                },
            }
        }
    }

    fn answer(&self, response: Response<Incoming>, line: Line) -> Answer<'_> {
        let (head, body) = response.into_parts();
        Answer { head, marks: line.marks.clone(), body, line: Some(line), lines: self }
    }

    /// One that is idle and still there.
    async fn take(&self) -> Option<Line> {
        loop {
            let mut line = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            // Nobody has looked at it meanwhile: that it was closed is seen now.
            line.driven.until(|_| Poll::Ready(())).await;
            if !line.driven.is_over && line.send.is_ready() {
                return Some(line);
            }
        }
    }

    async fn connect(&self, uri: &Uri) -> Result<Line, Failure> {
        let mut connector = self.connector.clone();
        let connected = async {
            poll_fn(|context| connector.poll_ready(context)).await?;
            connector.call(uri.clone()).await
        };
        let io = connected.await.map_err(|error| Failure::of_cause(Cause::of(&*error)))?;
        let marks = io.marks();
        let shaken = Builder::new().handshake(io).await;
        let (send, connection) = shaken.map_err(|error| Failure::of_cause(Cause::of(&error)))?;
        Ok(Line { send, driven: Driven { connection: Box::pin(connection), is_over: false }, marks })
    }
}

impl Answer<'_> {
    /// The next part of its body; none once it is over.
    ///
    /// # Errors
    /// If the connection broke before.
    pub async fn part(&mut self) -> Result<Option<Bytes>, hyper::Error> {
        loop {
            let Some(line) = &mut self.line else { return Ok(None) };
            let body = &mut self.body;
            let frame: Option<Result<Frame<Bytes>, hyper::Error>> =
                line.driven.until(|context| Pin::new(&mut *body).poll_frame(context)).await;
            match frame {
                // What stands behind a body is no part of it.
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(part) => return Ok(Some(part)),
                    Err(_) => continue,
                },
                Some(Err(error)) => {
                    self.line = None;
                    return Err(error);
                }
                None => {
                    self.give_back().await;
                    return Ok(None);
                }
            }
        }
    }

    /// Its connection may be used again, unless it is closed or does not get free.
    async fn give_back(&mut self) {
        let Some(mut line) = self.line.take() else { return };
        if !line.driven.is_over && !line.send.is_ready() {
            let Line { send, driven, .. } = &mut line;
            let free = driven.until(|context| send.poll_ready(context));
            if !matches!(tokio::time::timeout(FREE_WITHIN, free).await, Ok(Ok(()))) {
                return;
            }
        }
        if !line.driven.is_over {
            self.lines.idle.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    }
}

/// What a request says of where it goes, as HTTP/1.1 wants it: the path in its first line, and the host in a header.
fn address(request: &mut Request<Full<Bytes>>, uri: &Uri) {
    let path = uri.path_and_query().cloned();
    *request.uri_mut() = path.map_or_else(|| Uri::from_static("/"), Uri::from);
    let host = uri.authority().map(|authority| authority.as_str());
    // Who signs in by the address does so elsewhere.
    let host = host.map(|host| host.rsplit_once('@').map_or(host, |(_, host)| host));
    if let Some(host) = host.and_then(|host| host.parse().ok()) {
        request.headers_mut().insert(HOST, host);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        client::Way,
        failure::Kind,
        plan::{Api, Target, tests::plan},
        prompts::Ready,
    };
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
        time::{Instant, sleep},
    };

    /// Reads a request up to the end of its head and of its body.
    async fn asked(socket: &mut TcpStream) -> Option<String> {
        let mut text = Vec::new();
        loop {
            let mut some = [0; 1_024];
            let read = socket.read(&mut some).await.ok().filter(|read| *read > 0)?;
            text.extend_from_slice(&some[..read]);
            let whole = String::from_utf8_lossy(&text).into_owned();
            let Some((head, body)) = whole.split_once("\r\n\r\n") else { continue };
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(whole);
            }
        }
    }

    /// A server that gives each request of a connection this answer; how many connections it had.
    async fn serving(answer: &'static str, closes_after: Option<Duration>) -> (Target, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/x?a=b", listener.local_addr().unwrap());
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(async move {
                    while let Some(request) = asked(&mut socket).await {
                        assert!(request.starts_with("POST /x?a=b HTTP/1.1\r\n"), "{request}");
                        assert!(request.contains("host: 127.0.0.1:"), "{request}");
                        for part in answer.split('|') {
                            socket.write_all(part.as_bytes()).await.unwrap();
                            socket.flush().await.unwrap();
                            tokio::task::yield_now().await;
                        }
                        if answer.contains("connection: close") {
                            return;
                        }
                        if let Some(after) = closes_after {
                            sleep(after).await;
                            return;
                        }
                    }
                });
            }
        });
        (Target { api: Api::Http, url, ..plan().target }, connections)
    }

    fn ready() -> Ready {
        Ready { body: Bytes::from_static(b"{\"ask\": 1}"), wanted_input: 0, wanted_output: None }
    }

    #[tokio::test]
    async fn answers_come_whole_and_their_connection_is_used_again_unless_the_server_closes_it() {
        for (answer, want, again) in [
            ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe|llo", "hello", true),
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n|2\r\nhe\r\n|3;x=y\r\nllo\r\n|0\r\n\r\n",
                "hello",
                true,
            ),
            ("HTTP/1.1 100 Continue\r\n\r\n|HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", "hi", true),
            ("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi", "hi", false),
            ("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nto the| end", "to the end", false),
        ] {
            let (target, connections) = serving(answer, None).await;
            let client = Way::new(&target, None).unwrap().begin(Instant::now());
            for _ in 0..3 {
                assert_eq!(client.bytes(&ready()).await.unwrap(), want.as_bytes(), "{answer}");
            }
            assert_eq!(connections.load(Ordering::Relaxed), if again { 1 } else { 3 }, "{answer}");
            let ready = ready();
            let (one, other) = tokio::join!(client.bytes(&ready), client.bytes(&ready));
            assert!(one.is_ok() && other.is_ok());
            assert_eq!(connections.load(Ordering::Relaxed), if again { 2 } else { 5 }, "{answer}");
        }
    }

    #[tokio::test]
    async fn a_connection_that_was_closed_while_nobody_used_it_is_no_failure() {
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";
        let (target, connections) = serving(answer, Some(Duration::from_millis(5))).await;
        let client = Way::new(&target, None).unwrap().begin(Instant::now());
        for _ in 0..5 {
            client.bytes(&ready()).await.unwrap();
            sleep(Duration::from_millis(60)).await;
        }
        assert_eq!(connections.load(Ordering::Relaxed), 5);
    }

    #[tokio::test]
    async fn one_that_breaks_is_cut_and_one_that_speaks_otherwise_is_something_else() {
        for (answer, want) in [
            ("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 50\r\n\r\nnot all", Kind::Cut),
            ("HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhe", Kind::Cut),
            ("connection: close, and no answer\r\n\r\n", Kind::Other),
        ] {
            let (target, _) = serving(answer, None).await;
            let client = Way::new(&target, None).unwrap().begin(Instant::now());
            let failure = client.bytes(&ready()).await.unwrap_err();
            assert_eq!(failure.kind, want, "{answer}: {failure:?}");
        }
    }
}
