//! From which value on a measurement counts, each with the reason.

use std::time::Duration;

/// PCIe replays in ten minutes above which the link is bad: eight a minute, the limit of DCGM's health check
/// (`DCGM_LIMIT_MAX_PCIREPLAY_RATE`). A few are normal.
pub(crate) const PCIE_REPLAYS: f32 = 80.0;

/// NVLink transfers repeated or recovered in ten minutes from which on the link is bad: the limit of DCGM's health
/// check (`DCGM_LIMIT_MAX_NVLINK_ERROR`). A good link needs none.
pub(crate) const NVLINK_ERRORS: f32 = 1.0;

/// Utilisation, engine and tensor activity up to which a GPU does nothing: a whole per cent is the finest step of
/// utilisation, and monitoring alone can show one.
pub(crate) const IDLE: f32 = 0.01;

/// Share of its memory below which a GPU is larger than what runs on it needs: a quarter is what the next smaller slice
/// of a device would have.
pub(crate) const LEAN: f32 = 0.25;

/// How long a GPU must do nothing, or use little memory, before it is waste: loading a large model, writing a checkpoint
/// and waiting for slower peers take minutes.
pub(crate) const WINDOW: Duration = Duration::from_secs(30 * 60);

/// How long a pod may take until it is ready: pulling a large image and loading weights take minutes.
pub(crate) const START: Duration = Duration::from_secs(10 * 60);

/// After how long without a measurement nobody knows what happened in between.
pub(crate) const GAP: Duration = Duration::from_secs(5 * 60);
