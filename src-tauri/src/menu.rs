//! The window's menu. What the page can do by a key is done by that key; the rest is the window's own.

use tauri::{
    AppHandle, Manager, Runtime, WebviewWindow,
    menu::{Menu, MenuBuilder, MenuItem, MenuItemBuilder, SubmenuBuilder},
};

const ADD: &str = "add";
const QUIT: &str = "quit";
const RELOAD: &str = "reload";
const THEME: &str = "theme";
const FULL: &str = "full";
const KEYS: &str = "keys";

/// Goes to the connections, then presses the key that adds one. Fixed text: nothing from outside is in it.
const TO_ADD: &str = "history.pushState(null, '', '/connections');\
    dispatchEvent(new PopStateEvent('popstate'));\
    requestAnimationFrame(() => requestAnimationFrame(() =>\
        dispatchEvent(new KeyboardEvent('keydown', { key: 'a', bubbles: true, cancelable: true }))));";
/// Presses Ctrl Shift T.
const TO_THEME: &str = "dispatchEvent(new KeyboardEvent('keydown',\
    { key: 'T', ctrlKey: true, shiftKey: true, bubbles: true, cancelable: true }));";
/// Presses ?.
const TO_KEYS: &str = "dispatchEvent(new KeyboardEvent('keydown',\
    { key: '?', shiftKey: true, bubbles: true, cancelable: true }));";

/// The menu.
///
/// # Errors
/// The system draws no menus.
pub fn build<R: Runtime>(app: &AppHandle<R>) -> tauri::Result<Menu<R>> {
    let item = |id: &str, text: &str, key: Option<&str>| -> tauri::Result<MenuItem<R>> {
        let item = MenuItemBuilder::with_id(id, text);
        match key {
            Some(key) => item.accelerator(key).build(app),
            None => item.build(app),
        }
    };
    let file = SubmenuBuilder::new(app, "File")
        .item(&item(ADD, "Add connection…", None)?)
        .separator()
        .item(&item(QUIT, "Quit", Some("CmdOrCtrl+Q"))?)
        .build()?;
    let view = SubmenuBuilder::new(app, "View")
        .item(&item(RELOAD, "Reload", Some("CmdOrCtrl+R"))?)
        .item(&item(THEME, "Dark or light", None)?)
        .item(&item(FULL, "Full screen", Some("F11"))?)
        .build()?;
    let help = SubmenuBuilder::new(app, "Help").item(&item(KEYS, "Keys", None)?).build()?;
    MenuBuilder::new(app).items(&[&file, &view, &help]).build()
}

/// Does what was chosen.
pub fn chosen<R: Runtime>(app: &AppHandle<R>, id: &str) {
    let Some(window) = app.get_webview_window(crate::window::LABEL) else { return };
    let done = match id {
        ADD => window.eval(TO_ADD),
        THEME => window.eval(TO_THEME),
        KEYS => window.eval(TO_KEYS),
        RELOAD => window.reload(),
        FULL => full_screen(&window),
        QUIT => {
            app.exit(0);
            Ok(())
        }
        _ => Ok(()),
    };
    if let Err(error) = done {
        tracing::warn!(%error, id, "the menu");
    }
}

fn full_screen<R: Runtime>(window: &WebviewWindow<R>) -> tauri::Result<()> {
    window.set_fullscreen(!window.is_fullscreen()?)
}
