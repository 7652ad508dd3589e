//! What a new connector and a new screen begin as. Both compile; the test of each says what is next.

/// A file of a connector's crate.
pub const CONNECTOR: &str = r#"//! TITLE: what it says, as facts.

use std::sync::Arc;

use async_trait::async_trait;
#[cfg(feature = "conformance")]
use pilothouse_connect::conformance::{Given, Paged, Server, Stand, scripted::Reply};
use pilothouse_connect::{Connector, FieldSpec, InputSpec, Kind, Opening, Sink};
use pilothouse_wire::{ObjectRef, Problem, ask::Tested};
use pilothouse_world::fact::SourceAbout;

/// Dialogs, flags and documents are drawn from this.
pub const KIND: Kind = Kind {
    id: "NAME",
    name: "TITLE",
    summary: "What connecting it gives, in one sentence.",
    fields: &[FieldSpec {
        key: "url",
        label: "Address",
        help: "Where it answers.",
        input: InputSpec::Text("https://NAME.example.com"),
        required: true,
    }],
    permissions: &[],
    demo: false,
    nodes: false,
    open,
    discover: None,
    inside: None,
};

/// Its place in the suite of all connectors, which the engine's table gives it: how its server speaks when it is well.
/// The crate needs the feature `conformance = ["pilothouse-connect/conformance"]`.
#[cfg(feature = "conformance")]
pub const STAND: Stand = Stand {
    kind: KIND,
    fill: |place| Given { values: [("url".to_owned(), place.url.to_owned())].into(), ..Given::default() },
    server: Some(Server {
        well: |_path| Reply::Silence,
        listing: |_path| None,
        paged: Some(Paged { kind: pilothouse_world::fact::Kind::Node, whole: 3 }),
    }),
};

/// One connection. Contacts nobody until it is probed or watched.
struct Connection {
    #[expect(dead_code, reason = "the first call will need it")]
    opening: Opening,
}

fn open(opening: Opening) -> Result<Arc<dyn Connector>, Problem> {
    Ok(Arc::new(Connection { opening }))
}

#[async_trait]
impl Connector for Connection {
    fn about(&self) -> SourceAbout {
        SourceAbout::default()
    }

    async fn probe(&self) -> Result<Tested, Problem> {
        std::future::pending().await
    }

    async fn watch(&self, _sink: Sink) {
        std::future::pending().await
    }

    async fn yaml(&self, _object: &ObjectRef) -> Result<String, Problem> {
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_recorded_answer_becomes_facts() {
        panic!("record a real TITLE, write `facts`, and compare the two here");
    }
}
"#;

/// A file of `ui/src/screens`. The catalog's test fails until the screen has a key of its own.
pub const SCREEN: &str = r#"//! The screen TITLE.

use crate::{keys::Command, parts::icon::Icon, screens::Screen};
use leptos::prelude::*;

/// The catalog's row. It needs a command of its own in `keys.rs`: two screens cannot share a key.
pub const SCREEN: Screen = Screen {
    route: "NAME",
    name: "TITLE",
    about: "TITLE, in one sentence.",
    icon: Icon::Fleet,
    scoped: true,
    go: Command::GoFleet,
    view: || view! { <p>"TITLE"</p> }.into_any(),
};
"#;
