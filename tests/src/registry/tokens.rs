//! A token service as registries name one: it gives tokens that are signed as distribution wants them, to who has the
//! password, and for what begins with `public/` to anybody.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{KeyPair, PKCS_ED25519, PublicKeyData, SigningKey};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::{PASSWORD, USER};
use crate::failure::{Context, Result};

/// What the service calls the registry.
pub(super) const SERVICE: &str = "registry of the tests";
/// Who it is.
pub(super) const ISSUER: &str = "tokens of the tests";
const KEY: &str = "key-of-the-tests";

/// The service. It ends when this is dropped.
pub struct TokenService {
    port: u16,
    signer: Arc<Signer>,
    task: JoinHandle<()>,
}

struct Signer {
    key: KeyPair,
    /// How long a token is good for, in seconds.
    lives: u64,
    given: AtomicUsize,
}

impl Drop for TokenService {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl TokenService {
    /// Starts one whose tokens are good for so many seconds.
    pub async fn start(lives: u64) -> Result<Self> {
        let key = KeyPair::generate_for(&PKCS_ED25519).could_not("make a key")?;
        let signer = Arc::new(Signer { key, lives, given: AtomicUsize::new(0) });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.could_not("listen for who wants tokens")?;
        let port = listener.local_addr().could_not("know the port of the token service")?.port();
        let router = axum::Router::new().route("/token", get(give)).with_state(Arc::clone(&signer));
        let task = tokio::spawn(async move {
            // It ends with the test.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { port, signer, task })
    }

    /// The address that the registry names.
    pub fn realm(&self) -> String {
        format!("http://127.0.0.1:{}/token", self.port)
    }

    /// How many tokens it gave.
    pub fn given(&self) -> usize {
        self.signer.given.load(Ordering::Relaxed)
    }

    /// The public half of its key, as the registry reads it.
    pub(super) fn keys(&self) -> Value {
        let public = URL_SAFE_NO_PAD.encode(self.signer.key.der_bytes());
        json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": KEY, "use": "sig", "alg": "EdDSA", "x": public }] })
    }

    pub(super) fn token_to_push(&self, repository: &str) -> String {
        self.signer.token(&[json!({ "type": "repository", "name": repository, "actions": ["pull", "push"] })])
    }
}

impl Signer {
    fn token(&self, access: &[Value]) -> String {
        let now = pilothouse_connect::Clock::system().now().0 / 1_000;
        let ends = now + i64::try_from(self.lives).unwrap_or(i64::MAX);
        let head = json!({ "typ": "JWT", "alg": "EdDSA", "kid": KEY });
        let claims = json!({
            "iss": ISSUER, "sub": USER, "aud": SERVICE, "iat": now, "nbf": now - 5, "exp": ends, "jti": "canary-jti",
            "access": access
        });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&head), part(&claims));
        let signature = self.key.sign(signed.as_bytes()).unwrap_or_default();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

async fn give(State(signer): State<Arc<Signer>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let own = format!("Basic {}", STANDARD.encode(format!("{USER}:{PASSWORD}")));
    let known = match headers.get("authorization").map(|value| value.as_bytes()) {
        Some(sent) if sent == own.as_bytes() => true,
        Some(_) => return (StatusCode::UNAUTHORIZED, "canary: the password is wrong").into_response(),
        None => false,
    };
    let scopes = reqwest::Url::parse(&format!("http://any/?{}", query.unwrap_or_default()));
    let scopes: Vec<String> = scopes.map_or(Vec::new(), |url| {
        url.query_pairs().filter(|(name, _)| name == "scope").map(|(_, value)| value.into_owned()).collect()
    });
    let access = scopes.iter().filter_map(|scope| {
        let (kind, rest) = scope.split_once(':')?;
        let (name, actions) = rest.rsplit_once(':')?;
        let may = known || name.starts_with("public/");
        let actions: Vec<&str> = actions.split(',').filter(|_| may).collect();
        Some(json!({ "type": kind, "name": name, "actions": actions }))
    });
    let token = signer.token(&access.collect::<Vec<_>>());
    signer.given.fetch_add(1, Ordering::Relaxed);
    let answer = json!({ "token": token, "expires_in": signer.lives }).to_string();
    ([("content-type", "application/json")], answer).into_response()
}
