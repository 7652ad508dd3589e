//! A Kubernetes control plane of real servers on the loopback address: starting, breaking and
//! mending it. What is put into it is in `fleet`, `people` and `kubectl`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::sync::OnceCell;

use crate::api::Api;
use crate::cache;
use crate::certs::{self, Authority, Validity};
use crate::failure::{Context, Failure, Result};
use crate::login::{self, Login};
use crate::parts::{Layout, Part};
use crate::people::{self, User};
use crate::ports;
use crate::process::{Den, Process};
use crate::settings;
use crate::wait::until;

const START_LIMIT: Duration = Duration::from_secs(120);

/// What is asked of a control plane before it starts.
#[derive(Clone, Default)]
pub struct Options {
    /// People with a static token, besides the administrator.
    pub users: Vec<User>,
    /// Further arguments of the API server, after the harness's own.
    pub api_server_args: Vec<String>,
    /// Pods of Jobs run until the test ends them: else kwok does at once, as none has anything to do.
    pub jobs_go_on: bool,
}

/// Running servers: etcd, API server, controller manager, scheduler and kwok. They end when
/// this is dropped, and also when the process of the test ends in any other way.
pub struct ControlPlane {
    pub(crate) layout: Layout,
    pub(crate) authority: Authority,
    // Before the den, so that they have ended when it removes their folder.
    processes: BTreeMap<Part, Process>,
    den: Arc<Den>,
    admin_token: String,
    made: AtomicU32,
}

impl ControlPlane {
    /// Starts all parts and returns when they work: about five seconds on an idle machine.
    pub async fn start(options: Options) -> Result<Self> {
        let den = Den::new()?;
        let layout = Layout {
            binary: cache::binary("controlplane")?,
            folder: den.folder().to_owned(),
            etcd_port: ports::free()?,
            etcd_peer_port: ports::free()?,
            api_port: ports::free()?,
            kwok_port: ports::free()?,
            api_args: options.api_server_args,
        };
        let mut plane = Self {
            layout,
            authority: Authority::new("pilothouse-tests")?,
            processes: BTreeMap::new(),
            den,
            admin_token: people::new_token(),
            made: AtomicU32::new(0),
        };
        plane.write_files(&options.users, options.jobs_go_on).await?;
        plane.launch(Part::Etcd)?;
        plane.start_apiserver().await?;
        for part in [Part::ControllerManager, Part::Scheduler, Part::Kwok] {
            plane.launch(part)?;
        }
        plane.wait_for_the_rest().await?;
        Ok(plane)
    }

    /// The control plane that all tests of one test binary share: started by the first that
    /// asks, ended with the process. A test puts its objects into its own [`namespace`] and
    /// its own pool of nodes. Stopping and pausing need `&mut`, so they cannot be done to this.
    ///
    /// [`namespace`]: ControlPlane::namespace
    pub async fn shared() -> Result<&'static Self> {
        static SHARED: OnceCell<ControlPlane> = OnceCell::const_new();
        SHARED.get_or_try_init(|| Self::start(Options::default())).await
    }

    /// The API server's address, `https://127.0.0.1:PORT`; the same after a restart.
    pub fn url(&self) -> String {
        self.layout.url()
    }

    /// The certificate of the authority that signed the API server's certificate.
    pub fn ca_pem(&self) -> String {
        self.authority.pem()
    }

    /// The administrator's bearer token.
    pub fn admin_token(&self) -> &str {
        &self.admin_token
    }

    /// The path of the administrator's kubeconfig.
    pub fn kubeconfig(&self) -> PathBuf {
        self.layout.file("admin.kubeconfig")
    }

    /// Writes a kubeconfig for the owner of a token and returns its path.
    pub fn kubeconfig_for(&self, token: &str) -> Result<PathBuf> {
        self.kubeconfig_with(&Login::Token(token.to_owned()))
    }

    /// Writes a kubeconfig for any login and returns its path.
    pub fn kubeconfig_with(&self, login: &Login) -> Result<PathBuf> {
        let number = self.next_number();
        self.write_kubeconfig(&format!("user-{number}"), login)
    }

    /// A client of the administrator.
    pub fn api(&self) -> Result<Api> {
        self.api_for(&self.admin_token)
    }

    /// A client of the owner of a token.
    pub fn api_for(&self, token: &str) -> Result<Api> {
        Api::new(&self.url(), &self.ca_pem(), token)
    }

    /// Stops the API server at once, as a crash would. Its data stay in etcd.
    pub fn stop_apiserver(&mut self) {
        self.processes.remove(&Part::ApiServer);
    }

    /// Starts the API server, at the same address and with the same data, and waits for it.
    pub async fn start_apiserver(&mut self) -> Result<()> {
        self.launch(Part::ApiServer)?;
        let api = self.api()?;
        until("the API server is ready", START_LIMIT, async || {
            self.check()?;
            let answer = api.call(reqwest::Method::GET, "/readyz", None).await;
            Ok(answer.is_ok_and(|answer| answer.status == 200).then_some(()))
        })
        .await
        .map_err(|failure| self.explain(failure, Part::ApiServer))
    }

    /// Freezes a part: connections stay open, and nothing answers until it is resumed.
    pub fn pause(&mut self, part: Part) -> Result<()> {
        self.process(part)?.pause()
    }

    /// Lets a frozen part go on.
    pub fn resume(&mut self, part: Part) -> Result<()> {
        self.process(part)?.resume()
    }

    /// Replaces what every pod of this control plane shows as its log. All lines have one time,
    /// so "since" selects all or none.
    pub fn set_pod_log(&self, text: &str) -> Result<()> {
        self.write("pod.log", &settings::pod_log(text)).map(drop)
    }

    /// The file that every pod of this control plane shows as its log, a line as the runtimes of containers write it.
    pub fn pod_log(&self) -> PathBuf {
        self.layout.file("pod.log")
    }

    /// Makes a namespace that no other test has and returns its name, when pods may enter it.
    pub async fn namespace(&self, prefix: &str) -> Result<String> {
        let name = format!("{prefix}-{}", self.next_number());
        let api = self.api()?;
        let object = json!({ "metadata": { "name": name } });
        api.create("/api/v1/namespaces", &object).await?;
        let account = format!("/api/v1/namespaces/{name}/serviceaccounts/default");
        until("the namespace is usable", START_LIMIT, async || {
            let answer = api.call(reqwest::Method::GET, &account, None).await?;
            Ok((answer.status == 200).then_some(()))
        })
        .await?;
        Ok(name)
    }

    /// A number that no other caller gets, for names.
    pub(crate) fn next_number(&self) -> u32 {
        self.made.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn write(&self, name: &str, content: &str) -> Result<PathBuf> {
        self.den.write(name, content)
    }

    fn launch(&mut self, part: Part) -> Result<()> {
        // The old one, if any, has to free its port first.
        self.processes.remove(&part);
        let process = Process::start(&self.den, part.name(), self.layout.command(part))?;
        self.processes.insert(part, process);
        Ok(())
    }

    fn process(&self, part: Part) -> Result<&Process> {
        self.processes.get(&part).ok_or_else(|| Failure::new(format!("{} is not running", part.name())))
    }

    fn check(&self) -> Result<()> {
        self.processes.values().try_for_each(Process::check)
    }

    /// The reason for a wait in vain: a part that has ended, else what this one printed.
    fn explain(&self, failure: Failure, part: Part) -> Failure {
        if let Err(ended) = self.check() {
            return ended;
        }
        let log = self.process(part).map(|process| process.last_lines(15));
        Failure::new(format!("{failure}\nThe end of the log of {}:\n{}", part.name(), log.unwrap_or_default()))
    }

    async fn wait_for_the_rest(&self) -> Result<()> {
        let api = self.api()?;
        // The controller manager makes this account; pods are refused without it.
        let account = "/api/v1/namespaces/default/serviceaccounts/default";
        until("the controllers work", START_LIMIT, async || {
            self.check()?;
            let answer = api.call(reqwest::Method::GET, account, None).await?;
            Ok((answer.status == 200).then_some(()))
        })
        .await
        .map_err(|failure| self.explain(failure, Part::ControllerManager))?;

        let kwok = ("127.0.0.1", self.layout.kwok_port);
        until("kwok works", START_LIMIT, async || {
            self.check()?;
            Ok(tokio::net::TcpStream::connect(kwok).await.ok().map(drop))
        })
        .await
        .map_err(|failure| self.explain(failure, Part::Kwok))
    }

    async fn write_files(&self, users: &[User], jobs_go_on: bool) -> Result<()> {
        let server = self.authority.server(&["127.0.0.1", "localhost"], Validity::Good)?;
        let admin = self.authority.client("admin", Some(people::ADMINS), Validity::Good)?;
        self.write("ca.crt", &self.ca_pem())?;
        self.write("server.crt", &server.cert_pem)?;
        self.write("server.key", &server.key_pem)?;
        self.write("admin.crt", &admin.cert_pem)?;
        self.write("admin.key", &admin.key_pem)?;
        let (private, public) = certs::signing_keys()?;
        self.write("service-accounts.key", &private)?;
        self.write("service-accounts.pub", &public)?;
        self.set_pod_log("a line of a pod\n")?;

        let mut known = users.to_vec();
        known.push(User::new("admin", &self.admin_token).in_group(people::ADMINS));
        self.write_kubeconfig("admin", &Login::Token(self.admin_token.clone()))?;
        // kwok plays kubelets and more; the others get the names that RBAC knows them by.
        for (file, user) in [
            ("controller-manager", User::new("system:kube-controller-manager", &people::new_token())),
            ("scheduler", User::new("system:kube-scheduler", &people::new_token())),
            ("kwok", User::new("kwok", &people::new_token()).in_group(people::ADMINS)),
        ] {
            self.write_kubeconfig(file, &Login::Token(user.token.clone()))?;
            known.push(user);
        }
        let tokens: String = known.iter().map(User::token_line).collect();
        self.write("tokens.csv", &tokens)?;

        let stages = self.layout.run("kwok-stages").output();
        let stages = stages.could_not("read kwok's stages")?.stdout;
        let stages = String::from_utf8_lossy(&stages);
        let is_played = |stage: &&str| !(jobs_go_on && stage.contains("name: pod-complete"));
        let stages: Vec<&str> = stages.split("\n---\n").filter(is_played).collect();
        self.write("kwok.yaml", &settings::kwok(&self.layout, &stages.join("\n---\n")))?;
        self.write("scheduler.yaml", &settings::scheduler(&self.layout))?;
        Ok(())
    }

    fn write_kubeconfig(&self, name: &str, login: &Login) -> Result<PathBuf> {
        let ca = self.layout.file("ca.crt");
        let text = login::kubeconfig(name, &self.url(), &ca, login);
        self.write(&format!("{name}.kubeconfig"), &text)
    }
}
