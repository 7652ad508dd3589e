//! The desktop's notifications, by the interface that all Linux desktops have.
//!
//! Source: Desktop Notifications Specification 1.2, <https://specifications.freedesktop.org/notification-spec/>.

use futures::StreamExt;
use pilothouse_wire::{Code, Problem, notice::Notice};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tauri::{AppHandle, async_runtime::JoinHandle};
use tokio::time::timeout;
use zbus::zvariant::Value;

/// What a click on the notification itself is called.
const CLICK: &str = "default";
/// A service that does not answer within this hangs.
const PATIENCE: Duration = Duration::from_secs(5);
/// Notices whose click is still understood: the last ones.
const KEPT: usize = 50;
/// "Normal": what is critical stays on the screen until somebody closes it, also over a talk.
const URGENCY: u8 = 1;

#[zbus::proxy(
    interface = "org.freedesktop.Notifications",
    default_service = "org.freedesktop.Notifications",
    default_path = "/org/freedesktop/Notifications",
    gen_blocking = false
)]
trait Notifications {
    fn get_capabilities(&self) -> zbus::Result<Vec<String>>;

    #[allow(clippy::too_many_arguments, reason = "as the interface has it")]
    fn notify(
        &self,
        app_name: &str,
        replaces_id: u32,
        app_icon: &str,
        summary: &str,
        body: &str,
        actions: &[&str],
        hints: HashMap<&str, Value<'_>>,
        expire_timeout: i32,
    ) -> zbus::Result<u32>;

    #[zbus(signal)]
    fn action_invoked(&self, id: u32, action_key: String) -> zbus::Result<()>;
}

/// The notices that are on the desktop, by its own numbers.
type Shown = Arc<Mutex<VecDeque<(u32, Notice)>>>;

/// The desktop of this session. It is looked for when there is something to show, and again if there was none.
pub struct Desktop {
    app: AppHandle,
    found: Option<Found>,
    shown: Shown,
}

/// What shows notifications, and who listens to its clicks.
struct Found {
    way: NotificationsProxy<'static>,
    has_markup: bool,
    clicks: JoinHandle<()>,
}

impl Drop for Found {
    fn drop(&mut self) {
        self.clicks.abort();
    }
}

impl Desktop {
    pub fn new(app: AppHandle) -> Self {
        Self { app, found: None, shown: Shown::default() }
    }

    /// Shows a notice.
    ///
    /// # Errors
    /// If there is no session, or nothing in it that shows notifications, or it hangs.
    pub async fn show(&mut self, notice: &Notice) -> Result<(), Problem> {
        let why = match timeout(PATIENCE, self.try_show(notice)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => format!("{error}."),
            Err(_) => format!("It did not answer within {} s.", PATIENCE.as_secs()),
        };
        // What is there may come later.
        self.found = None;
        Err(Problem::new(Code::NotOffered, "This desktop does not show notices.")
            .why(why)
            .next("They are listed here. A notification service of the desktop shows them: GNOME and KDE have one."))
    }

    async fn try_show(&mut self, notice: &Notice) -> zbus::Result<()> {
        let found = match self.found.take() {
            Some(found) => found,
            None => self.find().await?,
        };
        let body = if found.has_markup { escaped(&notice.text) } else { notice.text.clone() };
        let hints = HashMap::from([
            ("urgency", Value::from(URGENCY)),
            ("desktop-entry", Value::from("Pilothouse")),
            ("category", Value::from("device.error")),
        ]);
        let actions = [CLICK, "Open"];
        // The desktop decides for how long it is seen.
        let id =
            found.way.notify("Pilothouse", 0, "pilothouse-desktop", &notice.title, &body, &actions, hints, -1).await?;
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.push_front((id, notice.clone()));
        shown.truncate(KEPT);
        self.found = Some(found);
        Ok(())
    }

    /// Finds the desktop, and listens to its clicks.
    async fn find(&self) -> zbus::Result<Found> {
        let way = NotificationsProxy::new(&zbus::Connection::session().await?).await?;
        let has_markup = way.get_capabilities().await?.iter().any(|word| word == "body-markup");
        let mut clicks = way.receive_action_invoked().await?;
        let (app, shown) = (self.app.clone(), Arc::clone(&self.shown));
        let clicks = tauri::async_runtime::spawn(async move {
            while let Some(click) = clicks.next().await {
                let Ok(click) = click.args() else { continue };
                let of = |(id, _): &&(u32, Notice)| *id == click.id && click.action_key == CLICK;
                let notice = shown.lock().unwrap_or_else(PoisonError::into_inner).iter().find(of).cloned();
                if let Some((_, notice)) = notice {
                    super::open(&app, &notice);
                }
            }
        });
        Ok(Found { way, has_markup, clicks })
    }
}

/// A text where tags are understood: it has none.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_no_tags() {
        assert_eq!(escaped("<b>a & b</b>"), "&lt;b&gt;a &amp; b&lt;/b&gt;");
    }
}
