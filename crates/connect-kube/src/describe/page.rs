//! The first page of a list, its objects one by one: one that cannot be read does not hide the others.

use serde::Deserialize;
use serde_json::Value;

/// A page of objects.
#[derive(Deserialize)]
pub(super) struct Page {
    #[serde(default)]
    metadata: Meta,
    #[serde(default)]
    items: Option<Vec<Value>>,
}

#[derive(Deserialize, Default)]
struct Meta {
    #[serde(default)]
    r#continue: String,
}

impl Page {
    /// Reads it; `None` for what is no list.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// Are there more than these?
    pub(super) fn more(&self) -> bool {
        !self.metadata.r#continue.is_empty()
    }

    /// Its objects.
    pub(super) fn items(self) -> impl Iterator<Item = Value> {
        self.items.into_iter().flatten()
    }
}
