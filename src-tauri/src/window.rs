//! The window: opened where it was left, once on this desktop, and shut to every other page.

use crate::{
    door,
    engine::{Shows, Starting},
    link, menu, notices,
    page::Pages,
    wall::Wall,
};
use pilothouse_engine::Paths;
use pilothouse_wire::address::Address;
use tauri::{
    App, AppHandle, Manager, RunEvent, Url, Webview, WebviewUrl, WebviewWindowBuilder, WindowEvent, Wry,
    webview::NewWindowResponse, window::Color,
};
use tauri_plugin_window_state::StateFlags;

/// The darkest ground of the interface, `#0C0E10`.
const GROUND: Color = Color(0x0c, 0x0e, 0x10, 0xff);

/// The label of the one window.
pub const LABEL: &str = "main";

/// Opens the window, and returns when it is closed.
///
/// # Errors
/// There is no display, or no WebKit.
pub fn run() -> tauri::Result<()> {
    let shows = shows();
    let mut builder = tauri::Builder::default();
    // A record has a window of its own, beside that of what is live.
    if matches!(shows, Shows::Live { .. }) {
        // First: a second program ends before it does anything else.
        builder = builder.plugin(tauri_plugin_single_instance::init(|app, arguments, _| {
            come(app, link::wanted(&arguments).as_ref());
        }));
    }
    let app = builder
        .plugin(remembered())
        .invoke_handler(tauri::generate_handler![door::call, door::subscribe])
        .menu(menu::build)
        .on_menu_event(|app, event| menu::chosen(app, event.id().as_ref()))
        .on_window_event(|window, event| match event {
            WindowEvent::Focused(true) => notices::saw_all(window.app_handle()),
            WindowEvent::Destroyed => {
                let app = window.app_handle().clone();
                tauri::async_runtime::spawn(async move { app.state::<Pages>().end().await });
            }
            _ => {}
        })
        .manage(Pages::default())
        .manage(Wall::default())
        .manage(notices::Unseen::default())
        .setup(move |app| {
            let is_live = matches!(shows, Shows::Live { .. });
            app.manage(Starting::begin(shows));
            end_when_told(app.handle().clone());
            if is_live {
                notices::begin(app.handle().clone());
            }
            open(app)?;
            Ok(())
        })
        .build(tauri::generate_context!())?;
    app.run(|app, event| {
        if let RunEvent::Exit = event
            && let Some(engine) = app.try_state::<Starting>()
        {
            tauri::async_runtime::block_on(async {
                app.state::<Pages>().end().await;
                app.state::<Wall>().close().await;
                engine.end().await;
            });
        }
    });
    Ok(())
}

/// What the window was called to show.
fn shows() -> Shows {
    let file = std::env::args_os().skip(1).find_map(|argument| link::file(&argument));
    let demo = std::env::args_os().any(|argument| argument == "--demo");
    file.map_or(Shows::Live { demo }, Shows::Record)
}

/// Brings the window to the front, at an address if there is one.
pub fn come(app: &AppHandle, address: Option<&Address>) {
    let Some(window) = app.get_webview_window(LABEL) else { return };
    let shown = window.unminimize().and_then(|()| window.show()).and_then(|()| window.set_focus());
    let shown = match address {
        Some(address) => shown.and(link::open(&window, address)),
        None => shown,
    };
    if let Err(error) = shown {
        tracing::warn!(%error, "the window does not come to the front");
    }
}

/// Has the window the caret of this desktop?
pub fn is_in_front(app: &AppHandle) -> bool {
    app.get_webview_window(LABEL).is_some_and(|window| window.is_focused().unwrap_or(false))
}

/// A session that ends, or a person with `kill`: the engine is ended as by Quit.
#[cfg(unix)]
fn end_when_told(app: AppHandle) {
    use tokio::signal::unix::{SignalKind, signal};
    tauri::async_runtime::spawn(async move {
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => {
                terminate.recv().await;
                app.exit(0);
            }
            Err(error) => tracing::warn!(%error, "no signals are heard"),
        }
    });
}

#[cfg(not(unix))]
fn end_when_told(_: AppHandle) {}

fn open(app: &App) -> tauri::Result<()> {
    let Some(config) = app.config().app.windows.iter().find(|window| window.label == LABEL) else {
        return Err(tauri::Error::WindowNotFound);
    };
    let mut config = config.clone();
    let arguments: Vec<String> = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect();
    if let Some(address) = link::wanted(&arguments) {
        config.url = WebviewUrl::App(address.to_string().into());
    }
    let window = WebviewWindowBuilder::from_config(app, &config)?
        .on_navigation(is_ours)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .on_document_title_changed(|window, title| {
            if let Err(error) = window.set_title(&title) {
                tracing::warn!(%error, "the window keeps its title");
            }
        })
        .build()?;
    // The page's ground until it is drawn. Not the window's: the menu has the colours of the desktop.
    let page: &Webview = window.as_ref();
    page.set_background_color(Some(GROUND))
}

/// Size and place. Beside the settings, so that a home of its own has a window of its own.
fn remembered() -> tauri::plugin::TauriPlugin<Wry> {
    let state = tauri_plugin_window_state::Builder::default()
        .with_state_flags(StateFlags::SIZE | StateFlags::POSITION | StateFlags::MAXIMIZED);
    match Paths::from_env() {
        Ok(paths) => state.with_filename(paths.data().join("window.json").display().to_string()).build(),
        Err(_) => state.build(),
    }
}

/// Is this address one of the interface's own? The window goes nowhere else.
fn is_ours(url: &Url) -> bool {
    url.scheme() == "tauri" || url.host_str() == Some("tauri.localhost")
}
