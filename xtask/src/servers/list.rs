//! Which servers of `tests/servers` there are: what is compiled of each, and what is taken out of its modules.

/// A folder of `tests/servers` that is a Go module.
pub struct Server {
    pub name: &'static str,
    pub takes: &'static str,
    pub ldflags: &'static str,
    /// What is compiled: the name of the binary, and its package.
    pub programs: &'static [(&'static str, &'static str)],
    /// Files that are taken out of modules as they are: each module, and their paths in it.
    pub files: &'static [(&'static str, &'static [&'static str])],
}

pub const SERVERS: &[Server] = &[
    Server {
        name: "controlplane",
        takes: "6 to 10 min the first time on 2 cores",
        // Without the version the API server calls itself v0.0.0, which clients may refuse.
        ldflags: "-s -w \
            -X k8s.io/component-base/version.gitVersion=v1.36.3 \
            -X k8s.io/component-base/version.gitMajor=1 \
            -X k8s.io/component-base/version.gitMinor=36",
        programs: &[("controlplane", ".")],
        files: &[],
    },
    Server {
        name: "registry",
        takes: "1 to 2 min the first time on 2 cores",
        ldflags: "-s -w",
        programs: &[("registry", ".")],
        files: &[],
    },
    Server {
        name: "referrers",
        takes: "half a minute the first time",
        ldflags: "-s -w",
        programs: &[("referrers", ".")],
        files: &[],
    },
    Server {
        name: "rollouts",
        takes: "2 to 4 min behind the control plane, with which it shares its libraries",
        ldflags: "-s -w",
        programs: &[
            ("rollouts-controller", "github.com/argoproj/argo-rollouts/cmd/rollouts-controller"),
            ("kubectl-argo-rollouts", "github.com/argoproj/argo-rollouts/cmd/kubectl-argo-rollouts"),
        ],
        files: &[(
            "github.com/argoproj/argo-rollouts",
            &[
                "manifests/crds/rollout-crd.yaml",
                "manifests/crds/analysis-run-crd.yaml",
                "manifests/crds/analysis-template-crd.yaml",
                "manifests/crds/cluster-analysis-template-crd.yaml",
                "manifests/crds/experiment-crd.yaml",
            ],
        )],
    },
    Server {
        name: "kserve",
        takes: "5 to 8 min the first time on 2 cores",
        ldflags: "-s -w",
        programs: &[
            ("kserve-manager", "github.com/kserve/kserve/cmd/manager"),
            ("kserve-llmisvc", "github.com/kserve/kserve/cmd/llmisvc"),
        ],
        files: &[
            (
                "github.com/kserve/kserve",
                &[
                    "config/crd/full/serving.kserve.io_inferenceservices.yaml",
                    "config/crd/full/serving.kserve.io_clusterservingruntimes.yaml",
                    "config/crd/full/serving.kserve.io_servingruntimes.yaml",
                    "config/crd/full/serving.kserve.io_inferencegraphs.yaml",
                    "config/crd/full/serving.kserve.io_trainedmodels.yaml",
                    "config/crd/full/clusterstoragecontainer/serving.kserve.io_clusterstoragecontainers.yaml",
                    "config/crd/full/localmodel/serving.kserve.io_localmodelcaches.yaml",
                    "config/crd/full/localmodel/serving.kserve.io_localmodelnamespacecaches.yaml",
                    "config/crd/full/llmisvc/serving.kserve.io_llminferenceservices.yaml",
                    "config/crd/full/llmisvc/serving.kserve.io_llminferenceserviceconfigs.yaml",
                    "config/llmisvcconfig/config-llm-template.yaml",
                    "config/llmisvcconfig/config-llm-router-route.yaml",
                ],
            ),
            (
                "sigs.k8s.io/gateway-api",
                &[
                    "config/crd/standard/gateway.networking.k8s.io_gatewayclasses.yaml",
                    "config/crd/standard/gateway.networking.k8s.io_gateways.yaml",
                    "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml",
                ],
            ),
        ],
    },
];

impl Server {
    /// The names of all that its folder of the cache holds.
    pub fn parts(&self) -> impl Iterator<Item = &'static str> {
        let files = self.files.iter().flat_map(|(_, paths)| paths.iter());
        self.programs.iter().map(|(name, _)| *name).chain(files.map(|path| file_name(path)))
    }
}

pub fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
