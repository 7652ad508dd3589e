//! The desktop door: one window with one engine behind it.
fn main() {
    let _ = tauri::Builder::default().run(tauri::generate_context!());
}
