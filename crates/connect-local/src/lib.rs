//! This machine as a connection: one node whose GPUs are read from NVML, the library of NVIDIA's driver.
//!
//! NVML is loaded while we run (`dlopen`), so that the program starts where there is no driver. It is C, it may hang in
//! the kernel, and it cannot be interrupted: each GPU has a thread of its own that nobody waits for longer than a
//! moment. What NVML says becomes facts in [`book`], which is pure.
//!
//! Pods are not listed. A process that uses a GPU is no pod: with an empty listing of pods a busy GPU would be shown as
//! free. So who holds the GPUs of this machine is *not known*, and their load is.

pub mod beside;
mod book;
mod connector;
mod driver;
mod gpu;
pub mod host;
mod kind;
mod panel;
mod problems;
mod reading;
mod replays;
mod session;
#[cfg(feature = "conformance")]
mod stand;
#[cfg(feature = "conformance")]
pub mod stub;

pub use kind::KIND;
#[cfg(feature = "conformance")]
pub use stand::STAND;
