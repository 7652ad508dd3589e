//! Where the clone is that is tested.

use std::env;
use std::path::{Path, PathBuf};

/// The root of the clone that this program runs in, which need not be the one that it was built from: clones of the same
/// sources share what is built. Outside of any, the one that it was built from.
pub fn repository() -> PathBuf {
    let here = env::current_dir().unwrap_or_default();
    let is_root = |folder: &&Path| folder.join("xtask/Cargo.toml").is_file();
    let root = here.ancestors().find(is_root).map(Path::to_path_buf);
    root.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
}
