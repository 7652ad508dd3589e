//! What a person keeps at hand: views under a name, pinned objects, the columns of tables. It stays with this window or
//! browser: it is about how somebody works, and no fact about a fleet.

use leptos::prelude::*;
use pilothouse_wire::{ObjectRef, address::Address};
use std::collections::BTreeMap;

const STORED_AS: &str = "pilothouse.kept";
/// More are not found again; and storage is bounded.
const MOST: usize = 40;

/// Views and pins, the newest last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept {
    /// Saved views.
    pub views: Vec<SavedView>,
    /// Pinned objects.
    pub pins: Vec<ObjectRef>,
    /// Chosen columns, by table; a table that is not named has its usual ones.
    columns: BTreeMap<String, Vec<String>>,
}

/// A state of the interface under a name.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedView {
    /// What its owner calls it.
    pub name: String,
    /// The state.
    pub address: Address,
}

impl Kept {
    /// Saves a view; one of that name is replaced. The oldest gives way when there are too many.
    pub fn save(&mut self, name: &str, address: Address) {
        let name = one_line(name);
        if name.is_empty() {
            return;
        }
        self.views.retain(|view| view.name != name);
        self.views.push(SavedView { name, address });
        let over = self.views.len().saturating_sub(MOST);
        self.views.drain(..over);
    }

    /// Forgets a view.
    pub fn forget(&mut self, name: &str) {
        self.views.retain(|view| view.name != name);
    }

    /// Pins an object, or lets it go; answers whether it is pinned now.
    pub fn toggle(&mut self, object: &ObjectRef) -> bool {
        if let Some(at) = self.pins.iter().position(|pin| pin == object) {
            self.pins.remove(at);
            return false;
        }
        self.pins.push(object.clone());
        let over = self.pins.len().saturating_sub(MOST);
        self.pins.drain(..over);
        true
    }

    /// Is it pinned?
    #[must_use]
    pub fn is_pinned(&self, object: &ObjectRef) -> bool {
        self.pins.contains(object)
    }

    /// The columns that were chosen for a table.
    #[must_use]
    pub fn columns(&self, table: &str) -> Option<&[String]> {
        self.columns.get(table).map(Vec::as_slice)
    }

    /// Chooses the columns of a table, or its usual ones.
    pub fn choose_columns(&mut self, table: &str, columns: Option<Vec<String>>) {
        match columns {
            Some(columns) => drop(self.columns.insert(table.to_owned(), columns)),
            None => drop(self.columns.remove(table)),
        }
    }

    /// As text: a line each.
    fn write(&self) -> String {
        let views = self.views.iter().map(|view| format!("view\t{}\t{}\n", view.name, view.address));
        let pins = self.pins.iter().map(|pin| format!("pin\t{pin}\n"));
        let columns = self.columns.iter().map(|(table, columns)| format!("columns\t{table}\t{}\n", columns.join(",")));
        views.chain(pins).chain(columns).collect()
    }

    /// From text. A line that cannot be read is left out: it may be of another version.
    fn read(text: &str) -> Self {
        let mut kept = Self::default();
        for line in text.lines() {
            match line.split('\t').collect::<Vec<_>>().as_slice() {
                ["view", name, address] => {
                    let Ok(address) = address.parse();
                    kept.save(name, address);
                }
                ["pin", pin] => {
                    if let Some(pin) = pin.parse().ok().filter(|pin| !kept.is_pinned(pin)) {
                        kept.toggle(&pin);
                    }
                }
                ["columns", table, columns] => {
                    kept.choose_columns(table, Some(columns.split(',').map(str::to_owned).collect()));
                }
                _ => {}
            }
        }
        kept
    }
}

/// A name on one line, of a length that a list can show.
fn one_line(name: &str) -> String {
    let words: Vec<&str> = name.split_whitespace().collect();
    words.join(" ").chars().take(60).collect()
}

/// What a state is called until somebody names it: what it shows, and of what.
#[must_use]
pub fn suggested(address: &Address) -> String {
    let what = address.tab.as_deref().unwrap_or(&address.screen);
    let scope: Vec<&str> = address.scope.iter().map(pilothouse_wire::ConnectionId::as_str).collect();
    let parts = [what.to_owned(), address.filter.trim().to_owned(), scope.join(", ")];
    one_line(&parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · "))
}

/// The keeper of this page.
#[derive(Clone, Copy)]
pub struct Keeper(RwSignal<Kept>);

/// The keeper of this page.
#[must_use]
pub fn use_kept() -> Keeper {
    expect_context()
}

impl Keeper {
    /// Reads what was kept, and offers it to everything below.
    pub fn provide() {
        let storage = window().local_storage().ok().flatten();
        let text = storage.and_then(|storage| storage.get_item(STORED_AS).ok().flatten()).unwrap_or_default();
        provide_context(Self(RwSignal::new(Kept::read(&text))));
    }

    /// Looks at what is kept; tracked.
    pub fn with<T>(self, look: impl FnOnce(&Kept) -> T) -> T {
        self.0.with(look)
    }

    /// Changes what is kept. Where a browser keeps nothing, it lasts as long as the page.
    pub fn update<T>(self, change: impl FnOnce(&mut Kept) -> T) -> Option<T> {
        let done = self.0.try_update(change);
        let text = self.0.with_untracked(Kept::write);
        if let Ok(Some(storage)) = window().local_storage() {
            let _ = storage.set_item(STORED_AS, &text);
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        let Ok(address) = text.parse();
        address
    }

    fn pin(text: &str) -> ObjectRef {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_kept_reads_back_and_what_cannot_be_read_is_left_out() {
        let mut kept = Kept::default();
        kept.save("Lost\tGPUs\n of iad", address("/fleet?tab=gpus&filter=state%3Dlost"));
        assert!(kept.toggle(&pin("node:iad/h100-117")));
        assert!(kept.toggle(&pin("gpu:iad/h100-117/5")));
        kept.choose_columns("pods", Some(vec!["node".into(), "gpus".into()]));
        assert_eq!(Kept::read(&kept.write()), kept);
        assert_eq!(kept.views[0].name, "Lost GPUs of iad");
        let torn = format!("{}\nview\tonly a name\npin\tnonsense\nnew\tthing\n", kept.write());
        assert_eq!(Kept::read(&torn), kept);
    }

    #[test]
    fn one_name_is_one_view_and_a_second_pin_lets_go() {
        let mut kept = Kept::default();
        kept.save("mine", address("/fleet?tab=gpus"));
        kept.save("mine", address("/fleet?tab=pods"));
        kept.save("  ", address("/fleet"));
        assert_eq!(kept.views.len(), 1);
        assert_eq!(kept.views[0].address.tab.as_deref(), Some("pods"));
        kept.forget("mine");
        assert!(kept.toggle(&pin("node:iad/a")) && !kept.toggle(&pin("node:iad/a")));
        assert_eq!(kept, Kept::default());
    }

    #[test]
    fn the_oldest_gives_way() {
        let mut kept = Kept::default();
        for at in 0..=MOST {
            kept.save(&format!("view {at}"), address("/fleet"));
            kept.toggle(&pin(&format!("node:iad/n{at}")));
        }
        assert_eq!((kept.views.len(), kept.pins.len()), (MOST, MOST));
        assert_eq!((kept.views[0].name.as_str(), &kept.pins[0]), ("view 1", &pin("node:iad/n1")));
    }

    #[test]
    fn a_view_without_a_name_is_called_by_what_it_shows() {
        assert_eq!(suggested(&address("/fleet")), "fleet");
        let lost = address("/fleet?scope=iad-prod&tab=gpus&filter=state%3Dlost");
        assert_eq!(suggested(&lost), "gpus · state=lost · iad-prod");
    }
}
