//! Weights in percent.

/// So much of the whole, in whole percent; nothing of nothing.
pub(super) fn percent(weight: u32, whole: u64) -> u32 {
    let percent = (u64::from(weight) * 100 + whole / 2).checked_div(whole).unwrap_or(0);
    u32::try_from(percent).unwrap_or(100)
}
