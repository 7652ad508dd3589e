//! The signs of the interface: strokes of 1.5 px in the colour of the text, from `assets/icons`.

use leptos::prelude::*;
use pilothouse_wire::ObjectRef;

macro_rules! icons {
    ($($name:ident = $file:literal),+ $(,)?) => {
        /// A sign. Beside it stands a word, or its button has a label.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(dead_code, reason = "the set is whole, whatever is drawn today")]
        #[allow(missing_docs, reason = "the names of the pictures")]
        pub enum Icon {
            $($name),+
        }

        impl Icon {
            fn svg(self) -> &'static str {
                match self {
                    $(Self::$name => include_str!(concat!("../../../assets/icons/", $file, ".svg"))),+
                }
            }
        }
    };
}

icons! {
    Alert = "alert",
    Arrow = "arrow",
    Bench = "bench",
    Check = "check",
    Close = "close",
    Code = "code",
    Connections = "connections",
    Compare = "compare",
    Copy = "copy",
    Delivery = "delivery",
    Down = "down",
    Edit = "edit",
    Flag = "flag",
    Fleet = "fleet",
    Gpu = "gpu",
    Help = "help",
    Link = "link",
    Lock = "lock",
    Logs = "logs",
    Models = "models",
    Namespace = "namespace",
    Node = "node",
    Past = "past",
    Pause = "pause",
    Pilothouse = "pilothouse",
    Pin = "pin",
    Play = "play",
    Plus = "plus",
    Pod = "pod",
    Retry = "retry",
    Screen = "screen",
    Search = "search",
    Settings = "settings",
    Tag = "tag",
    Theme = "theme",
    Trash = "trash",
    Undo = "undo",
    Workload = "workload",
}

impl Icon {
    /// The sign of a kind of object.
    #[must_use]
    pub fn of(object: &ObjectRef) -> Self {
        match object {
            ObjectRef::Connection(_) => Self::Connections,
            ObjectRef::Namespace(..) => Self::Namespace,
            ObjectRef::Node(_) => Self::Node,
            ObjectRef::Gpu(..) => Self::Gpu,
            ObjectRef::Pod(_) => Self::Pod,
            ObjectRef::Workload(..) => Self::Workload,
            ObjectRef::Other(_) => Self::Code,
            ObjectRef::Alert(_) => Self::Alert,
            ObjectRef::Model(_) => Self::Models,
            ObjectRef::Tag(_) => Self::Tag,
        }
    }
}

/// Draws a sign, `size` pixels wide.
#[component]
pub fn Sign(
    /// Which.
    icon: Icon,
    /// Its width and height in pixels.
    #[prop(default = 16)]
    size: u8,
) -> impl IntoView {
    // Our own files, read when the page is built: no text from a server comes near `inner_html`.
    view! { <span class="icon" aria-hidden="true" style:width=format!("{size}px") style:height=format!("{size}px") inner_html=icon.svg()></span> }
}
