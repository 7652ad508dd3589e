//! Connectors and the harness against real servers, with no program of ours started beside.
//!
//! One program for all of them: each that is linked costs as much as all of these together.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed, its helpers too")]

mod control_plane;
mod kube_claims;
mod kube_faults;
mod kube_gitops;
mod kube_inspect;
mod kube_past;
mod kube_plugins;
mod kube_problems;
mod kube_relay;
mod kube_rollouts;
mod kube_scripted;
mod kube_support;
mod kube_watch;
mod mlflow;
mod mlflow_old;
mod oci_leaving;
mod oci_registry;
mod oci_signing_in;
mod oci_support;
mod oci_terminal;
mod prometheus;
mod secrets;
