//! What a Kubernetes connection is and asks for, as data.

use crate::{connector, discover};
use pilothouse_connect::{FieldSpec, InputSpec, Kind};

/// The Kubernetes connector.
pub const KIND: Kind = Kind {
    id: "kubernetes",
    name: "Kubernetes",
    summary: "Nodes, GPUs, pods and events of a cluster, live.",
    fields: FIELDS,
    permissions: &[
        "list and watch nodes",
        "list and watch namespaces",
        "list and watch pods, in all namespaces or in some",
        "list and watch events of events.k8s.io, in all namespaces or in some",
        "list and watch deployments, statefulsets, daemonsets, replicasets and controllerrevisions of apps, and jobs of \
         batch, so that services with their revisions are told, and changes of images, settings and sizes and what came \
         of Jobs, also from before; without it they are not",
        "list and watch rollouts, analysisruns and experiments of argoproj.io, and leaderworkersets of \
         leaderworkerset.x-k8s.io, where they are served, so that services are followed to their next revision",
        "list and watch inferenceservices and llminferenceservices of serving.kserve.io, where they are served, so that \
         services of KServe are told with their model and their traffic",
        "list and watch httproutes of gateway.networking.k8s.io with services, inferencepools of \
         inference.networking.k8s.io and inferencemodelrewrites of llm-d.ai, where they are served, so that it is told who \
         should get how much traffic",
        "list and watch applications of argoproj.io, canaries of flagger.app, promotions and stages of kargo.akuity.io, where \
         they are served, so that it is told who keeps a service as it is, and what they change",
        "list and watch resourceslices and resourceclaims of resource.k8s.io, where they are served (v1, v1beta2 or \
         v1beta1), so that it is told which pod has which GPU by a claim",
        "list and watch poddisruptionbudgets of policy, so that no move is proposed that they do not allow; without it moves \
         say that budgets are not read",
        "get nodes, namespaces and pods, to show one as YAML",
        "list services, so that servers of metrics inside of it are offered; without it none is",
    ],
    demo: false,
    nodes: true,
    open: connector::open,
    discover: Some(discover::discover),
    inside: None,
};

const FIELDS: &[FieldSpec] = &[
    FieldSpec {
        key: "context",
        label: "Context",
        help: "The context of the kubeconfig: which cluster, and as whom.",
        input: InputSpec::Text("prod-eu"),
        required: true,
    },
    FieldSpec {
        key: "kubeconfig",
        label: "Kubeconfig",
        help: "The file that has the context. Empty: the files of KUBECONFIG, else ~/.kube/config.",
        input: InputSpec::Text("~/.kube/config"),
        required: false,
    },
    FieldSpec {
        key: "namespaces",
        label: "Namespaces",
        help: "Only these namespaces are read, separated by commas. Empty: all that may be read.",
        input: InputSpec::Text("serving, training"),
        required: false,
    },
    FieldSpec {
        key: "team-labels",
        label: "Team labels",
        help: "Labels of pods or namespaces that name the team, separated by commas: the first that is there counts. \
               Empty: team, squad, owner, under any prefix.",
        input: InputSpec::Text("acme.com/team, cost-center"),
        required: false,
    },
    FieldSpec {
        key: "insecure",
        label: "Do not check the server's certificate",
        help: "Whoever answers at the address is believed and is sent the credential. Never for production.",
        input: InputSpec::Toggle,
        required: false,
    },
];
