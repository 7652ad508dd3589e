//! Real servers as child processes, for the tests of the doors.
//!
//! `cargo xtask servers` builds them once into the cache; nothing here needs Go.
//! A test that only reads, or works in its own namespace and pool of nodes, takes
//! [`ControlPlane::shared`]: one for each test binary. A test that stops or pauses a server
//! starts its own by [`ControlPlane::start`].

pub mod api;
mod cache;
pub mod certs;
mod control_plane;
mod failure;
mod fleet;
mod kubectl;
mod login;
mod page;
mod parts;
mod people;
mod ports;
mod process;
mod settings;
mod story;
mod terminal;
mod wait;

pub use api::Api;
pub use control_plane::{ControlPlane, Options};
pub use failure::{Context, Failure, Result};
pub use fleet::{APP_LABEL, GPU, GpuNodes, GpuPods, POOL_LABEL};
pub use login::Login;
pub use page::{Page, program};
pub use parts::Part;
pub use people::{ADMINS, Rule, Subject, User};
pub use process::Process;
pub use story::Story;
pub use terminal::{Said, Terminal};
pub use wait::until;
