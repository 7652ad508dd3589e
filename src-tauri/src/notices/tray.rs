//! The sign in the tray: it is there where the session has a tray, and says how much was told that nobody has seen.
//!
//! Source: StatusNotifierItem, <https://www.freedesktop.org/wiki/Specifications/StatusNotifierItem/>.

use super::badge;
use crate::window;
use ksni::{Handle, Icon, MenuItem, Status, ToolTip, TrayMethods, menu::StandardItem};
use tauri::AppHandle;

/// The tray's sign, or nothing where there is no session.
pub struct Tray(Option<Handle<Sign>>);

struct Sign {
    app: AppHandle,
    unseen: u32,
}

impl Tray {
    /// Puts the sign into the tray, now or when there is one.
    pub async fn begin(app: AppHandle) -> Self {
        let sign = Sign { app, unseen: 0 }.assume_sni_available(true);
        Self(sign.spawn().await.map_err(|error| tracing::info!(%error, "there is no tray")).ok())
    }

    /// Says how much nobody has seen.
    pub async fn show(&self, unseen: u32) {
        if let Some(handle) = &self.0 {
            handle.update(|sign| sign.unseen = unseen).await;
        }
    }
}

impl ksni::Tray for Sign {
    fn id(&self) -> String {
        "pilothouse".into()
    }

    fn title(&self) -> String {
        "Pilothouse".into()
    }

    fn status(&self) -> Status {
        if self.unseen > 0 { Status::NeedsAttention } else { Status::Active }
    }

    fn icon_pixmap(&self) -> Vec<Icon> {
        let Some(icon) = self.app.default_window_icon() else { return Vec::new() };
        let (Ok(width), Ok(height)) = (i32::try_from(icon.width()), i32::try_from(icon.height())) else {
            return Vec::new();
        };
        vec![Icon { width, height, data: badge::argb(icon.rgba(), icon.width(), self.unseen) }]
    }

    fn attention_icon_pixmap(&self) -> Vec<Icon> {
        self.icon_pixmap()
    }

    fn tool_tip(&self) -> ToolTip {
        let description = match self.unseen {
            0 => "Nothing new was told.".into(),
            n => format!("{} not seen.", pilothouse_wire::units::count(n.into())),
        };
        ToolTip { title: self.title(), description, ..ToolTip::default() }
    }

    fn activate(&mut self, _: i32, _: i32) {
        window::come(&self.app, None);
        super::saw_all(&self.app);
    }

    fn menu(&self) -> Vec<MenuItem<Self>> {
        let open = StandardItem {
            label: "Open Pilothouse".into(),
            activate: Box::new(|sign: &mut Self| ksni::Tray::activate(sign, 0, 0)),
            ..StandardItem::default()
        };
        let quit = StandardItem {
            label: "Quit".into(),
            activate: Box::new(|sign: &mut Self| sign.app.exit(0)),
            ..StandardItem::default()
        };
        vec![open.into(), MenuItem::Separator, quit.into()]
    }
}
