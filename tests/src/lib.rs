//! Real servers as child processes, for the tests of the doors.
//!
//! `cargo xtask servers` builds the control plane and the OCI registry once into the cache, and installs MLflow and MLServer
//! there; nothing here needs Go. Prometheus, VictoriaMetrics and Alertmanager are the system's own, which `cargo xtask setup`
//! brings.
//! A test that only reads, or works in its own namespace and pool of nodes, takes
//! [`ControlPlane::shared`]: one for each test binary. A test that stops or pauses a server
//! starts its own by [`ControlPlane::start`]. So it is with [`Mlflow::shared`] and [`Mlflow::start`].

pub mod acting;
mod aged;
pub mod alertmanager;
pub mod api;
mod asked;
pub mod between;
mod cache;
pub mod certs;
mod control_plane;
pub mod definitions;
mod desktop;
pub mod exporter;
mod failure;
mod fleet;
mod gateway;
mod holders;
mod inside;
pub mod kserve;
mod kubectl;
mod login;
pub mod mlflow;
pub mod mlserver;
mod other_build;
mod page;
pub mod parity;
mod parts;
mod people;
mod ports;
mod process;
pub mod prometheus;
pub mod registry;
mod repository;
pub mod rollouts;
mod settings;
mod story;
mod terminal;
pub mod truth;
mod victoria;
mod wait;
pub mod walk;

pub use alertmanager::Alertmanager;
pub use api::Api;
pub use asked::Asked;
pub use cache::{model, peer};
pub use control_plane::{ControlPlane, Options};
pub use desktop::{Desktop, Notification};
pub use exporter::Exporters;
pub use failure::{Context, Failure, Result};
pub use fleet::{APP_LABEL, GPU, GpuNodes, GpuPods, POOL_LABEL};
pub use gateway::Gateway;
pub use holders::{Follower, Holder, Holders, Place};
pub use inside::Inside;
pub use kserve::Kserve;
pub use login::Login;
pub use mlflow::Mlflow;
pub use mlserver::MlServer;
pub use other_build::OtherBuild;
pub use page::{Page, program};
pub use parts::Part;
pub use people::{ADMINS, Rule, Subject, User};
pub use ports::free as free_port;
pub use process::Process;
pub use prometheus::Prometheus;
pub use registry::Registry;
pub use repository::repository;
pub use rollouts::Rollouts;
pub use story::Story;
pub use terminal::{Said, Terminal, Watch};
pub use truth::Truth;
pub use victoria::VictoriaMetrics;
pub use wait::until;
