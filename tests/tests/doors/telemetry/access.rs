//! A real Prometheus that lets in only who signs in: by a user and a password, by a bearer token, by a header of a gateway's
//! own, and over TLS. What Prometheus itself cannot ask for (a token, a header) the harness asks before it lets through.

use std::path::Path;

use crate::telemetry_site::{EVERY, LIMIT};
use acceptance::certs::Authority;
use acceptance::exporter::Node;
use acceptance::prometheus::{Job, PASSWORD};
use acceptance::{Exporters, Failure, Gateway, Prometheus, Result, Said, Terminal, until};

const BEARER: &str = "Bearer pilot-token-4711";

/// A Prometheus that measures two GPUs, and a terminal that is connected to nothing.
struct Alone {
    _exporters: Exporters,
    prometheus: Prometheus,
    terminal: Terminal,
}

impl Alone {
    async fn start() -> Result<Self> {
        let exporters = Exporters::serve([Node::new("alone", 2, "NVIDIA H100 80GB HBM3", 81_559)]).await?;
        let prometheus = Prometheus::start(EVERY, &[Job::new("dcgm", exporters.gpu_targets())]).await?;
        let terminal = Terminal::new(Path::new("/nonexistent/kubeconfig"))?;
        Ok(Self { _exporters: exporters, prometheus, terminal })
    }

    /// What a test of a connection says, with these words behind the address and these secrets on standard input.
    async fn test(&self, url: &str, words: &[&str], secrets: &str) -> Result<Said> {
        let add = ["connect", "add", "prometheus", "--name", "metrics", "--dry-run", "--url", url];
        self.terminal.call_with(&[&add[..], words].concat(), secrets).await
    }

    /// Waits until a test is good: samples are there a moment after they were scraped.
    async fn is_read(&self, url: &str, words: &[&str], secrets: &str) -> Result<()> {
        let mut last = None;
        let read = until("the two GPUs are read", LIMIT, async || {
            let said = self.test(url, words, secrets).await?;
            let good = said.code == 0 && said.out.contains("read 2 GPUs on 1 node");
            last = Some(said);
            Ok(good.then_some(()))
        });
        let read = read.await;
        read.map_err(|failure| Failure::new(format!("{failure}: {last:?}")))
    }
}

/// Refused in these words, and without the secrets that were sent.
#[track_caller]
fn refused(said: &Said, words: &[&str], secrets: &[&str]) {
    assert!(said.code == 1 && words.iter().all(|words| said.err.contains(words)), "{said:?}");
    let all = format!("{}{}", said.out, said.err);
    assert!(secrets.iter().all(|secret| !all.contains(secret)), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_with_a_password_is_let_in_and_another_is_told_that_nobody_knows_him() -> Result<()> {
    let alone = Alone::start().await?;
    alone.prometheus.lock()?;
    let url = alone.prometheus.url();
    let nobody = alone.test(&url, &[], "").await?;
    refused(&nobody, &["metrics does not know who we are", "401 for us", "\"Token\"", "\"Password\""], &[]);
    let as_pilot = ["--username", "pilot", "--secret", "password"];
    let wrong = alone.test(&url, &as_pilot, "hunter2hunter2\n").await?;
    refused(&wrong, &["metrics does not know who we are", "401 for user pilot"], &["hunter2hunter2"]);
    alone.is_read(&url, &as_pilot, &format!("{PASSWORD}\n")).await?;

    // Where there is no place for secrets it is not kept, and not written anywhere else.
    let add = ["connect", "add", "prometheus", "--name", "metrics", "--url", &url];
    let kept = alone.terminal.call_with(&[&add[..], &as_pilot].concat(), &format!("{PASSWORD}\n")).await?;
    refused(&kept, &["There is no place for secrets yet"], &[PASSWORD]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bearer_token_and_a_header_of_a_gateway_are_sent_and_a_refusal_says_what_is_missing() -> Result<()> {
    let alone = Alone::start().await?;
    let port = alone.prometheus.port();
    let refusals = ["who are you", "you may not read metrics here"];
    let by_token = Gateway::refusing(port, "authorization", BEARER, refusals).await?;
    let url = by_token.url();
    refused(&alone.test(&url, &[], "").await?, &["metrics does not know who we are", "401 for us", "\"Token\""], &[]);
    let token = ["--secret", "token"];
    let denied = alone.test(&url, &token, "another-token-4711\n").await?;
    let words = ["metrics knows us, and says no", "you may not read metrics here", "for the right to read /api/v1/"];
    refused(&denied, &words, &["another-token-4711"]);
    alone.is_read(&url, &token, "pilot-token-4711\n").await?;

    let by_header = Gateway::refusing(port, "x-gateway-key", "key-of-the-gateway", refusals).await?;
    let url = by_header.url();
    let header = ["--secret", "header"];
    let denied = alone.test(&url, &header, "X-Gateway-Key: another-key-4711\n").await?;
    refused(&denied, &words, &["another-key-4711"]);
    alone.is_read(&url, &header, "X-Gateway-Key: key-of-the-gateway\n").await?;
    let no_header = alone.test(&url, &header, "key-of-the-gateway\n").await?;
    refused(&no_header, &["The field \"Header\" cannot be used", "no : in it"], &["key-of-the-gateway"]);

    // Both may be filled in: they are two headers.
    let both = ["--secret", "token", "--secret", "header"];
    let outer = Gateway::refusing(port, "authorization", BEARER, refusals).await?;
    alone.is_read(&outer.url(), &both, "pilot-token-4711\nX-Gateway-Key: key-of-the-gateway\n").await
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_it_is_believed_only_with_its_authority() -> Result<()> {
    let mut alone = Alone::start().await?;
    let authority = Authority::new("monitoring")?;
    let plain = alone.prometheus.url();
    let url = alone.prometheus.secure(&authority).await?;
    let ca = alone.terminal.home().join("ca.pem");
    std::fs::write(&ca, authority.pem()).unwrap();
    let ca = ca.to_str().unwrap();
    refused(&alone.test(&url, &[], "").await?, &["certificate of metrics is not trusted", "\"Authority file\""], &[]);
    let other = alone.terminal.home().join("other.pem");
    std::fs::write(&other, Authority::new("another")?.pem()).unwrap();
    let other = other.to_str().unwrap();
    refused(&alone.test(&url, &["--ca", other], "").await?, &["is not trusted", "none of the authorities in"], &[]);
    alone.is_read(&url, &["--ca", ca], "").await?;
    let said = alone.test(&plain, &[], "").await?;
    assert!(said.code == 1 && !said.err.is_empty(), "who asks it without TLS reads nothing: {said:?}");
    Ok(())
}
