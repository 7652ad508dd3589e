//! connect-kube
