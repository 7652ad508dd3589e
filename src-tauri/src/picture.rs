//! How the web view makes its picture where there is no graphics card.

/// What WebKitGTK and GDK read when they start. The first: paint into memory, and do not compose with GL.
#[cfg(target_os = "linux")]
const PLAIN: [(&str, &str); 2] = [("WEBKIT_DISABLE_COMPOSITING_MODE", "1"), ("GDK_GL", "disable")];

/// Begins the program again with an environment that fits this machine; returns where it fits already.
///
/// Without a card, GL is made by a compiler of shaders on the processor: 150 MB more, for a slower picture. `WebKitGTK`
/// can be told in its environment alone: its setting for this, changed after the view is there, ends its page.
#[cfg(target_os = "linux")]
pub fn fit() {
    use std::os::unix::process::CommandExt;
    let decided = PLAIN.iter().any(|(name, _)| std::env::var_os(name).is_some());
    let Ok(program) = std::env::current_exe() else { return };
    if decided || has_graphics_card() {
        return;
    }
    // Returns only if it fails; then the picture costs more, and is the same.
    let error = std::process::Command::new(program).args(std::env::args_os().skip(1)).envs(PLAIN).exec();
    tracing::warn!(%error, "the web view draws with GL, though there is no graphics card");
}

/// Is there a device that renders? (A render node of the kernel's Direct Rendering Manager.)
#[cfg(target_os = "linux")]
fn has_graphics_card() -> bool {
    let devices = std::fs::read_dir("/dev/dri").into_iter().flatten().flatten();
    devices.into_iter().any(|device| device.file_name().as_encoded_bytes().starts_with(b"renderD"))
}

#[cfg(not(target_os = "linux"))]
pub fn fit() {}
