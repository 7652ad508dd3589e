//! Every reason for which a cluster is not well, produced for real, and the words that a person reads then.
//!
//! The API server is the real one where it can do it; scripts, a frozen process and certificates of our own do the rest.

use std::{
    io::{Read, Write},
    path::Path,
    sync::Arc,
    time::Duration,
};

use crate::kube_scripted::{Reply, Scripted, kubeconfig, status};
use crate::kube_support::{Settings, Watched};
use acceptance::{
    ControlPlane, Failure, Options, Part, Result, Rule,
    certs::{Authority, Validity},
};
use pilothouse_connect::Clock;
use pilothouse_wire::{Code, Problem, Stamp};
use serde_json::{Value, json};

/// A problem as a person reads it, with what differs in each run replaced by its name.
struct Told(String);

impl Told {
    fn of(problem: &Problem) -> Self {
        let parts = [Some(&problem.what), problem.why.as_ref(), problem.next.as_ref(), problem.remedy.as_ref()];
        let names = ["what  ", "why   ", "next  ", "remedy\n"];
        let lines: Vec<String> =
            names.iter().zip(parts).filter_map(|(name, part)| Some(format!("{name}{}", part?))).collect();
        Self(format!("code  {:?}\n{}", problem.code, lines.join("\n")))
    }

    fn without(self, differs: &str, name: &str) -> Self {
        assert!(!differs.is_empty());
        Self(self.0.replace(differs, name))
    }

    /// The port of an address, and the file of a kubeconfig.
    fn at(self, url: &str, file: &Path) -> Self {
        let port = url.rsplit_once(':').map_or("", |(_, port)| port);
        self.without(&file.display().to_string(), "KUBECONFIG").without(&format!(":{port}"), ":PORT")
    }
}

async fn problem(settings: &Settings) -> Result<Problem> {
    let connector = settings.open().map_err(|problem| Failure::new(problem.to_string()))?;
    match connector.probe().await {
        Err(problem) => Ok(problem),
        Ok(tested) => tested.problem.ok_or_else(|| Failure::new("nothing was wrong")),
    }
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[tokio::test]
async fn a_server_that_has_ended_is_refused_within_ten_seconds_and_heals() -> Result<()> {
    let mut plane = ControlPlane::start(Options::default()).await?;
    let file = plane.kubeconfig();
    let watched = Watched::start(&Settings::new(&file))?;
    watched.until_well().await?;
    let stopped = tokio::time::Instant::now();
    plane.stop_apiserver();
    let problem = watched.until_problem("Lost").await?;
    assert!(stopped.elapsed() < Duration::from_secs(10), "{:?}", stopped.elapsed());
    insta::assert_snapshot!("refused", Told::of(&problem).at(&plane.url(), &file).0);
    assert!(watched.see(|source| source.retry_at.is_some()).unwrap_or_default());
    plane.start_apiserver().await?;
    watched.until_well().await?;
    watched.until_as_listed(&plane.api()?).await?;
    assert_eq!(watched.words().first(), Some(&"Connecting"));
    Ok(())
}

#[tokio::test]
async fn a_server_that_hangs_is_found_within_ten_seconds_and_heals() -> Result<()> {
    let mut plane = ControlPlane::start(Options::default()).await?;
    let file = plane.kubeconfig();
    let watched = Watched::start(&Settings::new(&file))?;
    watched.until_well().await?;
    plane.pause(Part::ApiServer)?;
    let paused = tokio::time::Instant::now();
    let lost = watched.until_problem("Lost").await?;
    assert!(paused.elapsed() < Duration::from_secs(11), "{:?}", paused.elapsed());
    insta::assert_snapshot!("hangs_when_connected", Told::of(&lost).at(&plane.url(), &file).0);
    let new = problem(&Settings::new(&file)).await?;
    insta::assert_snapshot!("hangs_when_connecting", Told::of(&new).at(&plane.url(), &file).0);
    plane.resume(Part::ApiServer)?;
    watched.until_well().await
}

#[tokio::test]
async fn an_unknown_token_is_401_and_an_ended_certificate_too() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    let file = plane.kubeconfig_for("nobody-knows-this-token")?;
    let unknown = problem(&Settings::new(&file)).await?;
    insta::assert_snapshot!("token_401", Told::of(&unknown).at(&plane.url(), &file).without(&user(&file), "USER").0);
    let file = plane.kubeconfig_with(&plane.certificate("ann", None, Validity::Expired)?)?;
    let ended = problem(&Settings::new(&file)).await?;
    insta::assert_snapshot!(
        "certificate_401",
        Told::of(&ended).at(&plane.url(), &file).without(&user(&file), "USER").0
    );
    Ok(())
}

fn user(file: &Path) -> String {
    let config: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    config["users"][0]["name"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_is_forbidden_comes_with_the_role_that_allows_it() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    let file = plane.kubeconfig_with(&plane.certificate("bea", None, Validity::Good)?)?;
    let settings = Settings::new(&file);
    let nothing = problem(&settings).await?;
    insta::assert_snapshot!("nothing_allowed", Told::of(&nothing).0);
    let watched = Watched::start(&settings)?;
    assert_eq!(watched.until_problem("Partial").await?, nothing);

    // Only nodes are missing: the role asks for no more than that.
    let rules = [
        Rule::new("", &["pods", "namespaces"], &["list", "watch"]),
        Rule::new("events.k8s.io", &["events"], &["list", "watch"]),
    ];
    plane.grant(&acceptance::Subject::User("bea".to_owned()), None, &rules).await?;
    let nodes = problem(&settings).await?;
    insta::assert_snapshot!("nodes_forbidden", Told::of(&nodes).0);

    // The remedy is one: applied, everything is read.
    plane.apply(&nodes.remedy.unwrap_or_default()).await?;
    let connector = settings.open().map_err(|problem| Failure::new(problem.to_string()))?;
    let tested = connector.probe().await.map_err(|problem| Failure::new(problem.to_string()))?;
    assert_eq!(tested.problem, None);
    assert_eq!(tested.identity.as_deref(), Some("bea"));
    Ok(())
}

#[tokio::test]
async fn an_authority_that_is_not_trusted() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    let folder = folder();
    let other = folder.path().join("other.crt");
    std::fs::write(&other, Authority::new("somebody-else")?.pem()).unwrap();
    let token = json!({ "token": plane.admin_token() });
    let file =
        kubeconfig(folder.path(), json!({ "server": plane.url(), "certificate-authority": other }), token.clone())?;
    let untrusted = problem(&Settings::new(&file)).await?;
    insta::assert_snapshot!("tls_untrusted", Told::of(&untrusted).at(&plane.url(), &file).0);

    // With no authority at all, those of this machine are asked.
    let file = kubeconfig(folder.path(), json!({ "server": plane.url() }), token)?;
    let unknown = problem(&Settings::new(&file)).await?;
    insta::assert_snapshot!("tls_unknown_authority", Told::of(&unknown).at(&plane.url(), &file).0);

    // Not looking at certificates is possible, and said as long as it is so.
    let watched = Watched::start(&Settings::new(&file).with("insecure", "true"))?;
    let insecure = watched.until_problem("Partial").await?;
    insta::assert_snapshot!("tls_not_checked", Told::of(&insecure).at(&plane.url(), &file).0);
    Ok(())
}

#[tokio::test]
async fn a_certificate_for_another_name() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    let folder = folder();
    let ca = folder.path().join("ca.crt");
    std::fs::write(&ca, plane.ca_pem()).unwrap();
    let cluster = |name: &str| json!({ "server": plane.url(), "certificate-authority": ca, "tls-server-name": name });
    let token = json!({ "token": plane.admin_token() });
    let file = kubeconfig(folder.path(), cluster("api.elsewhere.example"), token.clone())?;
    let wrong = problem(&Settings::new(&file)).await?;
    insta::assert_snapshot!("tls_wrong_name", Told::of(&wrong).at(&plane.url(), &file).0);
    // A name that it has is accepted, whatever the address.
    let file = kubeconfig(folder.path(), cluster("localhost"), token)?;
    Watched::start(&Settings::new(&file))?.until_well().await
}

#[tokio::test]
async fn a_certificate_that_has_ended() -> Result<()> {
    let authority = Authority::new("tests")?;
    let pair = authority.server(&["127.0.0.1"], Validity::Expired)?;
    let url = tls_server(&pair.cert_pem, &pair.key_pem);
    let folder = folder();
    let ca = folder.path().join("ca.crt");
    std::fs::write(&ca, authority.pem()).unwrap();
    let file =
        kubeconfig(folder.path(), json!({ "server": url, "certificate-authority": ca }), json!({ "token": "t" }))?;
    let ended = problem(&Settings::new(&file)).await?;
    insta::assert_snapshot!("tls_expired", Told::of(&ended).at(&url, &file).0);
    Ok(())
}

/// A TLS server with a certificate of our own: the handshake is all that is needed of it.
fn tls_server(cert_pem: &str, key_pem: &str) -> String {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(cert_pem.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(key_pem.as_bytes()).unwrap(),
        )
        .unwrap();
    let config = Arc::new(config);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut tls = rustls::StreamOwned::new(connection, stream);
            let _ = tls.read(&mut [0; 1_024]).and_then(|_| tls.flush());
        }
    });
    url
}

#[tokio::test]
async fn a_name_that_nobody_knows() -> Result<()> {
    let folder = folder();
    let file = kubeconfig(folder.path(), json!({ "server": "https://api.nowhere.invalid:6443" }), json!({}))?;
    let unknown = problem(&Settings::new(&file)).await?;
    insta::assert_snapshot!("name_not_found", Told::of(&unknown).at("https://api.nowhere.invalid:6443", &file).0);
    Ok(())
}

#[tokio::test]
async fn a_server_that_never_answers_and_one_that_speaks_no_tls() -> Result<()> {
    let silent = Scripted::start(|_, _| Some(Reply::Silence)).await?;
    let folder = folder();
    let file = kubeconfig(folder.path(), json!({ "server": silent.url }), json!({ "token": "t" }))?;
    let timed_out = problem(&Settings::new(&file)).await?;
    insta::assert_snapshot!("never_answers", Told::of(&timed_out).at(&silent.url, &file).0);

    let plain = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", plain.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in plain.incoming().flatten() {
            let _ = stream.read(&mut [0; 512]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let file = kubeconfig(folder.path(), json!({ "server": url }), json!({}))?;
    let no_tls = problem(&Settings::new(&file)).await?;
    insta::assert_snapshot!("no_tls", Told::of(&no_tls).at(&url, &file).0);
    Ok(())
}

#[tokio::test]
async fn clocks_that_differ() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    let file = plane.kubeconfig();
    let mut settings = Settings::new(&file);
    let true_clock = Clock::system();
    // The server is the real one, with the real time: our own clock is behind.
    settings.clock = Clock::of(move || Stamp(true_clock.now().0 - 9_030_000));
    let watched = Watched::start(&settings)?;
    let skew = watched.until_problem("Slow").await?;
    insta::assert_snapshot!("clock_skew", Told::of(&skew).0);
    Ok(())
}

#[tokio::test]
async fn a_server_that_asks_for_patience_fails_or_lacks_an_api() -> Result<()> {
    let folder = folder();
    for (name, word, code, headers, reason, message) in [
        ("too_many", "Slow", 429, "retry-after: 7\r\n", "TooManyRequests", "too many requests, please try again later"),
        ("server_failed", "Slow", 500, "", "InternalError", "etcdserver: request timed out"),
        ("api_absent", "Partial", 404, "", "NotFound", "the server could not find the requested resource"),
    ] {
        let server = Scripted::start(move |path, _| {
            path.starts_with("/api/v1/nodes").then(|| Reply::Json(code, headers, status(code, reason, message)))
        })
        .await?;
        let file = kubeconfig(folder.path(), json!({ "server": server.url }), json!({ "token": "t" }))?;
        let watched = Watched::start(&Settings::new(&file))?;
        let problem = watched
            .until(word, |source| source.health.problem().filter(|_| source.health.word() == word).cloned())
            .await?;
        insta::assert_snapshot!(name, Told::of(&problem).0);
    }
    Ok(())
}

#[tokio::test]
async fn an_answer_that_is_no_kubernetes() -> Result<()> {
    let server = Scripted::start(|_, _| Some(Reply::Json(200, "", json!("<html>Sign in</html>")))).await?;
    let folder = folder();
    let file = kubeconfig(folder.path(), json!({ "server": server.url }), json!({ "token": "t" }))?;
    let watched = Watched::start(&Settings::new(&file))?;
    let problem = watched.until_problem("Lost").await?;
    insta::assert_snapshot!("no_kubernetes", Told::of(&problem).at(&server.url, &file).0);
    Ok(())
}

#[tokio::test]
async fn a_proxy_that_is_not_there() -> Result<()> {
    let plane = ControlPlane::shared().await?;
    let folder = folder();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let proxy = format!("http://me:hunter2@127.0.0.1:{port}");
    let file =
        kubeconfig(folder.path(), json!({ "server": plane.url(), "proxy-url": proxy }), json!({ "token": "t" }))?;
    let told = Told::of(&problem(&Settings::new(&file)).await?);
    assert!(!told.0.contains("hunter2"), "{}", told.0);
    insta::assert_snapshot!("proxy_refused", told.at(&plane.url(), &file).without(&port.to_string(), "PROXY_PORT").0);
    Ok(())
}

#[tokio::test]
async fn settings_that_cannot_be_used_name_the_file() -> Result<()> {
    let folder = folder();
    let file = folder.path().join("config");
    let settings = Settings::new(&file);
    let mut all = Vec::new();
    for text in [
        None,
        Some(""),
        Some("contexts:\n  - name: [oops\n"),
        Some("contexts: []\n"),
        Some("a: b\ncurrent-context: x\n"),
    ] {
        if let Some(text) = text {
            std::fs::write(&file, text).unwrap();
        }
        let problem = settings.open().err().ok_or_else(|| Failure::new("it was opened"))?;
        assert_eq!(problem.code, Code::BadInput);
        all.push(Told::of(&problem).without(&file.display().to_string(), "KUBECONFIG").0);
    }
    insta::assert_snapshot!("kubeconfig", all.join("\n\n"));
    Ok(())
}
