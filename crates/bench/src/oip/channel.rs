//! Calls of gRPC over HTTP/2: one at a time on each connection, as over HTTP/1.1, so that the time of an answer is that of the
//! read that brought it and not one of a neighbour's. A connection that is idle is used again.

use super::{proto, status};
use crate::{
    failure::{Failure, Kind},
    hearing::short,
    stamped::{Connector, Marks},
    whole::LARGEST,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri, header::CONTENT_TYPE};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::Incoming,
    client::conn::http2::{Builder, SendRequest},
};
use hyper_util::rt::TokioExecutor;
use pilothouse_connect::Cause;
use std::{
    future::poll_fn,
    sync::{Mutex, PoisonError},
};
use tower_service::Service;

/// What is called, and the connections to it.
pub struct Channel {
    connector: Connector,
    uri: Uri,
    headers: HeaderMap,
    idle: Mutex<Vec<Line>>,
}

/// A connection.
struct Line {
    send: SendRequest<Full<Bytes>>,
    marks: Marks,
}

impl Channel {
    /// To a method at this address; `headers` go with each call, those of gRPC are added. Contacts nobody.
    pub fn new(connector: Connector, uri: Uri, mut headers: HeaderMap) -> Self {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert("te", HeaderValue::from_static("trailers"));
        Self { connector, uri, headers, idle: Mutex::default() }
    }

    /// Calls with this frame; the message of the answer, and when its connection last brought something.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn call(&self, id: &str, frame: Bytes) -> Result<(Vec<u8>, Marks), Failure> {
        let mut request = self.request(id, frame);
        loop {
            let (mut line, is_new) = match self.take() {
                Some(line) => (line, false),
                None => (self.connect().await?, true),
            };
            match line.send.try_send_request(request).await {
                Ok(response) => {
                    let answer = read(response).await?;
                    let marks = line.marks.clone();
                    self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                    return answer.map(|message| (message, marks));
                }
                Err(mut error) => match error.take_message() {
                    // It had gone before it was used.
                    Some(unsent) if !is_new => request = unsent,
                    _ => return Err(Failure::of_cause(Cause::of(&error.into_error()))),
                },
            }
        }
    }

    fn request(&self, id: &str, frame: Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(frame));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        if let Ok(id) = HeaderValue::from_str(id) {
            request.headers_mut().insert(HeaderName::from_static("x-request-id"), id);
        }
        request
    }

    /// One that is idle and still there.
    fn take(&self) -> Option<Line> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        std::iter::from_fn(|| idle.pop()).find(|line| !line.send.is_closed())
    }

    async fn connect(&self) -> Result<Line, Failure> {
        let mut connector = self.connector.clone();
        let connected = async {
            poll_fn(|context| connector.poll_ready(context)).await?;
            connector.call(self.uri.clone()).await
        };
        let io = connected.await.map_err(|error| Failure::of_cause(Cause::of(&*error)))?;
        let marks = io.marks();
        let shaken = Builder::new(TokioExecutor::new()).handshake(io).await;
        let (send, connection) = shaken.map_err(|error| Failure::of_cause(Cause::of(&error)))?;
        tokio::spawn(async move {
            // Whoever waits for an answer on it is told why there is none.
            let _ = connection.await;
        });
        Ok(Line { send, marks })
    }
}

/// What a call came to, once all of its answer is in: then the connection is free again. Else why it is not.
async fn read(response: Response<Incoming>) -> Result<Result<Vec<u8>, Failure>, Failure> {
    let (parts, mut body) = response.into_parts();
    if !parts.status.is_success() {
        let code = parts.status.as_u16();
        return Err(Failure::new(Kind::of_status(code), code.to_string()));
    }
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("none");
    if !kind.to_ascii_lowercase().starts_with("application/grpc") {
        return Err(Failure::new(Kind::Malformed, format!("no answer of gRPC: content type {}", short(kind))));
    }
    let (mut bytes, mut trailers) = (Vec::new(), None);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Failure::of_cause(Cause::of(&error)))?;
        match frame.into_data() {
            Ok(more) => bytes.extend_from_slice(&more),
            Err(frame) => trailers = frame.into_trailers().ok().or(trailers),
        }
        if bytes.len() > LARGEST + proto::HEAD {
            return Err(Failure::new(Kind::TooLarge, format!("more than {LARGEST} bytes")));
        }
    }
    // A call that fails at once says so in front, and has nothing behind.
    let said = trailers.as_ref().and_then(status::of).or_else(|| status::of(&parts.headers));
    Ok(match said {
        None => Err(Failure::new(Kind::Cut, "the answer ended without a status")),
        Some(Err(failure)) => Err(failure),
        Some(Ok(())) => proto::unframed(&bytes).map(<[u8]>::to_vec).map_err(|why| Failure::new(Kind::Malformed, why)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        client::Way,
        plan::{Api, Target, tests::plan},
        prompts::Ready,
    };
    use hyper::service::service_fn;
    use hyper_util::rt::TokioIo;
    use std::{
        convert::Infallible,
        sync::Arc,
        sync::atomic::{AtomicUsize, Ordering},
    };
    use tokio::{net::TcpListener, time::Instant};

    /// A scripted server: what a real one answers only when it is broken.
    #[derive(Clone, Copy, PartialEq)]
    enum How {
        Well,
        FailsAtOnce,
        FailsAtTheEnd,
        SaysNoStatus,
        IsAPage,
        IsBusy,
        IsCompressed,
        LeavesAfterEach,
    }

    struct Stand {
        target: Target,
        connections: Arc<AtomicUsize>,
    }

    async fn serving(how: How) -> Stand {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/inference.GRPCInferenceService/ModelInfer", listener.local_addr().unwrap());
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(async move {
                    let service = service_fn(move |request| answer(how, request));
                    let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(socket), service));
                    if how == How::LeavesAfterEach {
                        // It says that it will go, and goes once what it has is answered.
                        tokio::select! {
                            _ = &mut connection => return,
                            () = tokio::time::sleep(std::time::Duration::from_millis(60)) => connection.as_mut().graceful_shutdown(),
                        }
                    }
                    let _ = connection.await;
                });
            }
        });
        Stand { target: Target { api: Api::InferGrpc, url, ..plan().target }, connections }
    }

    async fn answer(
        how: How,
        request: Request<Incoming>,
    ) -> Result<Response<http_body_util::combinators::BoxBody<Bytes, Infallible>>, Infallible> {
        let asked = request.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(proto::unframed(&asked).map(<[u8]>::len), Ok(0));
        let status = |code: &'static str| {
            HeaderMap::from_iter([
                (HeaderName::from_static("grpc-status"), HeaderValue::from_static(code)),
                (HeaderName::from_static("grpc-message"), HeaderValue::from_static("because%21")),
            ])
        };
        let (mut frame, trailers) = match how {
            How::Well | How::LeavesAfterEach | How::IsCompressed => (vec![0, 0, 0, 0, 2, 8, 1], Some(status("0"))),
            How::FailsAtTheEnd => (vec![0, 0, 0, 0, 2, 8, 1], Some(status("13"))),
            _ => (Vec::new(), None),
        };
        if how == How::IsCompressed {
            frame[0] = 1;
        }
        let body = Full::new(Bytes::from(frame)).with_trailers(async move { trailers.map(Ok) }).boxed();
        let mut response = Response::new(body);
        let kind = if how == How::IsAPage { "text/html" } else { "application/grpc+proto" };
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        if how == How::FailsAtOnce {
            response.headers_mut().extend(status("5"));
        }
        if how == How::IsBusy {
            *response.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
        }
        Ok(response)
    }

    fn ready() -> Ready {
        Ready { body: proto::framed(&proto::ServerReadyRequest {}), wanted_input: 0, wanted_output: None }
    }

    #[tokio::test]
    async fn what_goes_wrong_is_counted_by_its_kind() {
        for (how, want) in [
            (How::Well, Ok(vec![8, 1])),
            (How::FailsAtOnce, Err((Kind::NotFound, "NOT_FOUND (5): because!"))),
            (How::FailsAtTheEnd, Err((Kind::ServerFailed, "INTERNAL (13): because!"))),
            (How::SaysNoStatus, Err((Kind::Cut, "without a status"))),
            (How::IsAPage, Err((Kind::Malformed, "content type text/html"))),
            (How::IsBusy, Err((Kind::ServerFailed, "503"))),
            (How::IsCompressed, Err((Kind::Malformed, "it is compressed"))),
        ] {
            let stand = serving(how).await;
            let client = Way::new(&stand.target, None).unwrap().begin(Instant::now());
            match (client.bytes(&ready()).await, want) {
                (Ok(got), Ok(want)) => assert_eq!(got, want),
                (Err(got), Err((kind, words))) => {
                    assert!(got.kind == kind && got.detail.contains(words), "{words}: {got:?}");
                }
                (got, want) => panic!("{got:?} is not {want:?}"),
            }
        }
    }

    #[tokio::test]
    async fn a_server_is_ready_where_a_call_says_so() {
        for (how, want) in [(How::Well, true), (How::FailsAtOnce, false), (How::IsAPage, false), (How::IsBusy, false)] {
            let stand = serving(how).await;
            let client = Way::new(&stand.target, None).unwrap().begin(Instant::now());
            assert_eq!(crate::oip::says_ready(&client).await, want);
        }
        let nobody = Target { url: "http://127.0.0.1:1/x".into(), api: Api::InferGrpc, ..plan().target };
        assert!(!crate::oip::says_ready(&Way::new(&nobody, None).unwrap().begin(Instant::now())).await);
    }

    #[tokio::test]
    async fn a_connection_carries_one_call_at_a_time_and_is_used_again() {
        let stand = serving(How::Well).await;
        let client = Way::new(&stand.target, None).unwrap().begin(Instant::now());
        let ready = ready();
        for _ in 0..3 {
            client.bytes(&ready).await.unwrap();
        }
        assert_eq!(stand.connections.load(Ordering::Relaxed), 1);
        let (one, other) = tokio::join!(client.bytes(&ready), client.bytes(&ready));
        assert!(one.is_ok() && other.is_ok());
        assert_eq!(stand.connections.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn a_connection_that_has_gone_is_no_failure() {
        let stand = serving(How::LeavesAfterEach).await;
        let client = Way::new(&stand.target, None).unwrap().begin(Instant::now());
        for _ in 0..6 {
            client.bytes(&ready()).await.unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
        assert!(stand.connections.load(Ordering::Relaxed) > 1);
    }
}
