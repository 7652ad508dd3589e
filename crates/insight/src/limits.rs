//! From which value on a measurement counts, each with the reason.

/// PCIe replays in ten minutes above which the link is bad: eight a minute, the limit of DCGM's health check
/// (`DCGM_LIMIT_MAX_PCIREPLAY_RATE`). A few are normal.
pub(crate) const PCIE_REPLAYS: f32 = 80.0;

/// NVLink transfers repeated or recovered in ten minutes from which on the link is bad: the limit of DCGM's health
/// check (`DCGM_LIMIT_MAX_NVLINK_ERROR`). A good link needs none.
pub(crate) const NVLINK_ERRORS: f32 = 1.0;

/// Share of the last minutes slowed by heat above which work is late: below it is a passing peak.
pub(crate) const THERMAL_SHARE: f32 = 0.05;

/// Utilisation or engine activity above which a GPU is active: monitoring itself, and a context that only waits, stay
/// below.
pub(crate) const ACTIVE: f32 = 0.05;

/// Tensor activity above which a GPU does useful maths: models of today are matrix products, and loading data, copying
/// and waiting for others keep the tensor cores below it.
pub(crate) const USEFUL: f32 = 0.05;
