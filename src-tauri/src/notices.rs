//! Notices on the desktop: the engine decides what is told, this shows it, and opens its moment when somebody clicks.

#[cfg(target_os = "linux")]
mod badge;
#[cfg(target_os = "linux")]
mod desktop;
#[cfg(not(target_os = "linux"))]
#[path = "notices/elsewhere.rs"]
mod desktop;
#[cfg(target_os = "linux")]
mod tray;
#[cfg(not(target_os = "linux"))]
#[path = "notices/dock.rs"]
mod tray;

use crate::{engine::Starting, window};
use desktop::Desktop;
use pilothouse_wire::{
    Act, Body, View, ViewSpec, When,
    notice::{Delivery, Notice},
};
use std::sync::atomic::{AtomicU32, Ordering};
use tauri::{AppHandle, Manager};
use tray::Tray;

/// Things that were told and that nobody has looked at.
#[derive(Default)]
pub struct Unseen(AtomicU32);

/// Shows what is told, for as long as the engine runs.
pub fn begin(app: AppHandle) {
    tauri::async_runtime::spawn(follow(app));
}

async fn follow(app: AppHandle) {
    // Why there is no engine is said by the page.
    let Ok(operator) = app.state::<Starting>().operator().await else { return };
    let Ok(mut frames) = operator.reader().watch(ViewSpec::Notices, When::Now).await else { return };
    if operator.act(Act::ShowNotices).await.is_err() {
        return;
    }
    let (mut desktop, tray) = (Desktop::new(app.clone()), Tray::begin(app.clone()).await);
    let mut last = 0;
    while let Some(frame) = frames.next().await {
        let Body::Full(View::Notices(view)) = &frame.body else { continue };
        let told_before = last;
        for notice in view.notices.iter().rev().filter(|notice| notice.number > told_before) {
            last = notice.number;
            if notice.delivery == Delivery::Waiting {
                let outcome = desktop.show(notice).await;
                let _ = operator.act(Act::DeliveredNotice(notice.number, outcome)).await;
            }
        }
        app.state::<Unseen>().0.store(view.unseen, Ordering::Relaxed);
        tray.show(view.unseen).await;
        // Whoever is in the window sees the count there.
        if window::is_in_front(&app) {
            saw_all(&app);
        }
    }
}

/// Somebody looks at the window: all that was told counts as seen.
pub fn saw_all(app: &AppHandle) {
    if app.state::<Unseen>().0.load(Ordering::Relaxed) > 0 {
        saw(app, u32::MAX);
    }
}

/// Opens the moment of a notice that somebody clicked.
fn open(app: &AppHandle, notice: &Notice) {
    window::come(app, Some(&notice.address()));
    saw(app, notice.number);
}

fn saw(app: &AppHandle, number: u32) {
    let engine = app.state::<Starting>().inner().clone();
    tauri::async_runtime::spawn(async move {
        if let Ok(operator) = engine.operator().await {
            let _ = operator.act(Act::SawNotices(number)).await;
        }
    });
}
