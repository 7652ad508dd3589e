//! The count on the program's own sign, where the system has one for that.

use crate::window;
use tauri::{AppHandle, Manager};

pub struct Tray(AppHandle);

impl Tray {
    pub async fn begin(app: AppHandle) -> Self {
        Self(app)
    }

    /// Says how much nobody has seen.
    pub async fn show(&self, unseen: u32) {
        if let Some(window) = self.0.get_webview_window(window::LABEL) {
            let _ = window.set_badge_count((unseen > 0).then_some(unseen.into()));
        }
    }
}
