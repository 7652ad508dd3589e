//! The parts of a control plane and the arguments that each is started with.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A server of the control plane.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Part {
    /// The store.
    Etcd,
    /// The API server.
    ApiServer,
    /// The controllers of deployments, nodes, service accounts and so on.
    ControllerManager,
    /// The scheduler.
    Scheduler,
    /// Plays the nodes and their pods.
    Kwok,
}

impl Part {
    /// The binary's first argument, and the name of the log.
    pub fn name(self) -> &'static str {
        match self {
            Part::Etcd => "etcd",
            Part::ApiServer => "kube-apiserver",
            Part::ControllerManager => "kube-controller-manager",
            Part::Scheduler => "kube-scheduler",
            Part::Kwok => "kwok",
        }
    }
}

/// Where everything of one control plane is.
pub(crate) struct Layout {
    pub binary: PathBuf,
    pub folder: PathBuf,
    pub etcd_port: u16,
    pub etcd_peer_port: u16,
    pub api_port: u16,
    pub kwok_port: u16,
    /// Further arguments of the API server.
    pub api_args: Vec<String>,
}

impl Layout {
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.api_port)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The command that starts a part.
    pub fn command(&self, part: Part) -> Command {
        let mut command = self.run(part.name());
        match part {
            Part::Etcd => self.etcd(&mut command),
            Part::ApiServer => self.api_server(&mut command),
            Part::ControllerManager => self.controller_manager(&mut command),
            Part::Scheduler => self.scheduler(&mut command),
            Part::Kwok => self.kwok(&mut command),
        }
        command
    }

    /// The binary as one of its programs, with no settings of the person who runs the tests.
    pub fn run(&self, program: &str) -> Command {
        let mut command = Command::new(&self.binary);
        command.arg(program).env_clear().env("HOME", &self.folder).env("PATH", "/usr/bin:/bin");
        // They live for a minute, most of which would go into collecting garbage: of the processor time of all tests with
        // servers it was a third. Memory is there.
        command.env("GOGC", "500");
        command
    }

    fn etcd(&self, command: &mut Command) {
        let client = format!("http://127.0.0.1:{}", self.etcd_port);
        let peer = format!("http://127.0.0.1:{}", self.etcd_peer_port);
        command
            .arg("--name=etcd")
            .arg(flag("data-dir", &self.file("etcd")))
            .arg(format!("--listen-client-urls={client}"))
            .arg(format!("--advertise-client-urls={client}"))
            .arg(format!("--listen-peer-urls={peer}"))
            .arg(format!("--initial-advertise-peer-urls={peer}"))
            .arg(format!("--initial-cluster=etcd={peer}"))
            .arg("--log-level=warn")
            .arg("--quota-backend-bytes=4294967296")
            // The data need not survive a crash of the machine.
            .arg("--unsafe-no-fsync");
    }

    fn api_server(&self, command: &mut Command) {
        // A mode that is given twice is refused.
        let authorizes = self.api_args.iter().any(|arg| arg.starts_with("--authorization-mode="));
        command
            .arg(format!("--etcd-servers=http://127.0.0.1:{}", self.etcd_port))
            .arg("--bind-address=127.0.0.1")
            .arg("--advertise-address=127.0.0.1")
            .arg(format!("--secure-port={}", self.api_port))
            .arg(flag("cert-dir", &self.folder))
            .arg(flag("tls-cert-file", &self.file("server.crt")))
            .arg(flag("tls-private-key-file", &self.file("server.key")))
            .arg(flag("client-ca-file", &self.file("ca.crt")))
            .arg(flag("token-auth-file", &self.file("tokens.csv")))
            .args((!authorizes).then_some("--authorization-mode=Node,RBAC"))
            .arg("--service-account-issuer=https://kubernetes.default.svc")
            .arg(flag("service-account-key-file", &self.file("service-accounts.pub")))
            .arg(flag("service-account-signing-key-file", &self.file("service-accounts.key")))
            .arg("--service-cluster-ip-range=10.96.0.0/16")
            // The loopback address may not be an endpoint of the service `kubernetes`.
            .arg("--endpoint-reconciler-type=none")
            .arg("--allow-privileged=true")
            .arg("--max-requests-inflight=2000")
            .arg("--max-mutating-requests-inflight=1000")
            // kwok plays the kubelet of every node, behind this address.
            .arg("--kubelet-preferred-address-types=InternalIP")
            .arg(flag("kubelet-client-certificate", &self.file("admin.crt")))
            .arg(flag("kubelet-client-key", &self.file("admin.key")))
            .arg("--profiling=false")
            .args(&self.api_args);
    }

    fn controller_manager(&self, command: &mut Command) {
        command
            .arg(flag("kubeconfig", &self.file("controller-manager.kubeconfig")))
            .arg("--secure-port=0")
            .arg("--leader-elect=false")
            .arg("--controllers=*,-cloud-node-lifecycle-controller,-service-lb-controller")
            // Else the controllers lack permissions, nodes keep their not-ready taint and
            // pods stay Pending.
            .arg("--use-service-account-credentials=true")
            .arg(flag("service-account-private-key-file", &self.file("service-accounts.key")))
            .arg(flag("root-ca-file", &self.file("ca.crt")))
            // A thousand nodes on a busy machine send their signs of life late: without this
            // they would flap.
            .arg("--node-monitor-grace-period=900s")
            .arg("--kube-api-qps=2000")
            .arg("--kube-api-burst=4000");
    }

    fn scheduler(&self, command: &mut Command) {
        command.arg(flag("config", &self.file("scheduler.yaml"))).arg("--secure-port=0");
    }

    fn kwok(&self, command: &mut Command) {
        command
            .arg(flag("kubeconfig", &self.file("kwok.kubeconfig")))
            .arg(flag("config", &self.file("kwok.yaml")))
            .arg("--manage-all-nodes")
            .arg("--cidr=10.0.0.1/16")
            .arg("--node-ip=127.0.0.1")
            .arg(format!("--node-port={}", self.kwok_port))
            .arg(format!("--server-address=127.0.0.1:{}", self.kwok_port))
            .arg(flag("tls-cert-file", &self.file("server.crt")))
            .arg(flag("tls-private-key-file", &self.file("server.key")));
    }
}

fn flag(name: &str, path: &Path) -> String {
    format!("--{name}={}", path.display())
}
