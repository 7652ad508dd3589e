//! The interface as files: built in, or from a folder while it is being written. They hold no data of anybody.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use std::path::PathBuf;

/// Where the interface comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Dist {
    /// From this program.
    #[default]
    BuiltIn,
    /// From a folder, read anew each time: for whoever writes the interface.
    Folder(PathBuf),
}

struct BuiltIn {
    path: &'static str,
    tag: &'static str,
    bytes: &'static [u8],
}

/// Ordered by path.
static FILES: &[BuiltIn] = &include!(concat!(env!("OUT_DIR"), "/interface.rs"));

const INDEX: &str = "index.html";

/// Shown where the program was built before its interface.
const NOT_BUILT: &str = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Pilothouse</title></head>\
    <body><p>The interface is not built in. Build the interface with cargo xtask ui, then build this program again.</p>\
    </body></html>\n";

/// Is the interface in this program?
#[must_use]
pub fn is_built_in() -> bool {
    find("pilothouse_bg.wasm").is_some()
}

impl Dist {
    /// Answers a GET for a path. Routes of the interface have no file: they get its page.
    pub(crate) async fn answer(&self, path: &str, headers: &HeaderMap) -> Response {
        let path = path.trim_start_matches('/');
        let path = if path.is_empty() { INDEX } else { path };
        if let Some(found) = self.file(path, headers).await {
            return found;
        }
        if !wants_page(headers) {
            return StatusCode::NOT_FOUND.into_response();
        }
        match self.file(INDEX, headers).await {
            Some(page) => page,
            None => reply(INDEX, Body::from(NOT_BUILT), None),
        }
    }

    /// Is it the interface's page that this request is answered with, and not a file of its own?
    pub(crate) async fn is_page(&self, path: &str, headers: &HeaderMap) -> bool {
        let path = path.trim_start_matches('/');
        path.is_empty() || path == INDEX || wants_page(headers) && self.file(path, headers).await.is_none()
    }

    async fn file(&self, path: &str, headers: &HeaderMap) -> Option<Response> {
        match self {
            Self::BuiltIn => {
                let file = find(path)?;
                let known = headers.get(header::IF_NONE_MATCH).is_some_and(|tag| tag.as_bytes() == file.tag.as_bytes());
                let body = if known { Body::empty() } else { Body::from(file.bytes) };
                let mut response = reply(path, body, Some(file.tag));
                if known {
                    *response.status_mut() = StatusCode::NOT_MODIFIED;
                }
                Some(response)
            }
            Self::Folder(folder) => {
                if path.split(['/', '\\']).any(|part| part.is_empty() || part.starts_with('.') || part.contains(':')) {
                    return None;
                }
                let bytes = tokio::fs::read(folder.join(path)).await.ok()?;
                Some(reply(path, Body::from(bytes), None))
            }
        }
    }
}

fn find(path: &str) -> Option<&'static BuiltIn> {
    FILES.iter().find(|file| file.path == path)
}

fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

fn reply(path: &str, body: Body, tag: Option<&'static str>) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(path)));
    // Names carry no fingerprint: ask each time, and be told "as you have it".
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Some(tag) = tag {
        headers.insert(header::ETAG, HeaderValue::from_static(tag));
    }
    response
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, end)| end) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        "json" => "application/json",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> HeaderMap {
        HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static("text/html,*/*"))])
    }

    #[tokio::test]
    async fn a_route_gets_the_page_and_an_absent_file_gets_404() {
        for (path, headers, want) in [
            ("/", page(), StatusCode::OK),
            ("/fleet", page(), StatusCode::OK),
            ("/nothing.js", HeaderMap::new(), StatusCode::NOT_FOUND),
        ] {
            let answer = Dist::BuiltIn.answer(path, &headers).await;
            assert_eq!(answer.status(), want, "{path}");
        }
    }

    #[tokio::test]
    async fn a_folder_gives_nothing_from_outside_of_it() {
        let dist = Dist::Folder(PathBuf::from("src"));
        assert_eq!(dist.answer("/lib.rs", &HeaderMap::new()).await.status(), StatusCode::OK);
        for path in ["/../Cargo.toml", "/./../Cargo.toml", "//etc/passwd", "/..\\Cargo.toml", "/.hidden"] {
            assert_eq!(dist.answer(path, &HeaderMap::new()).await.status(), StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[test]
    fn wasm_is_wasm() {
        assert_eq!(content_type("pilothouse_bg.wasm"), "application/wasm");
    }
}
