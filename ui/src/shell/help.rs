//! The help overlay: the keys that work here and now, from the one table.

use crate::{
    keys::{Binding, Command, Keys, Place, on_command},
    link::use_link,
    once::CollectAny,
    parts::{button::IconButton, dialog::Dialog, icon::Icon, key::Key, show::Show},
};
use leptos::prelude::*;
use pilothouse_wire::units::visible;

/// Opens on `?`.
#[component]
pub fn Help() -> impl IntoView {
    let (open, link) = (RwSignal::new(false), use_link());
    on_command(Command::Help, move || {
        open.update(|open| *open = !*open);
        true
    });
    // Who reports a fault needs to name the build, and finds it where help is.
    let build = move || link.about().map(|about| format!("Pilothouse {}", visible(&about.version)));
    view! {
        <Show when=move || open.get()>
            <Dialog label="Keys of this screen" test="help" on_close=move || open.set(false)>
                <header class="dialog-head">
                    <h2 class="title">"Keys of this screen"</h2>
                    <span class="fill"></span>
                    <span class="faint">{move || build()}</span>
                    <IconButton icon=Icon::Close label="Close" on_press=move || open.set(false) />
                </header>
                <div class="dialog-body"><Groups /></div>
            </Dialog>
        </Show>
    }
}

#[component]
fn Groups() -> impl IntoView {
    let keys: Keys = expect_context();
    let groups = move || {
        let live = keys.live();
        Place::ALL.into_iter().filter_map(|place| group(place, &rows(&live, place))).collect_any()
    };
    view! { <div class="help-groups">{move || groups()}</div> }
}

fn group(place: Place, rows: &[Row]) -> Option<impl IntoView + use<>> {
    let rows = rows.iter().map(|row| {
        view! {
            <div class="help-row">
                <dt>{row.chords.iter().map(|chord| view! { <Key chord=*chord /> }).collect_any()}</dt>
                <dd>{row.does}</dd>
            </div>
        }
    });
    let rows = rows.collect_any();
    (!rows.is_empty()).then(|| {
        view! {
            <section class="help-group">
                <h3>{place.title()}</h3>
                <dl>{rows}</dl>
            </section>
        }
    })
}

/// All keys of one command in one row.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    chords: Vec<&'static str>,
    does: &'static str,
}

fn rows(live: &[Binding], place: Place) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for binding in live.iter().filter(|binding| binding.place == place) {
        match rows.iter_mut().find(|row| row.does == binding.does) {
            Some(row) => row.chords.push(binding.chord),
            None => rows.push(Row { chords: vec![binding.chord], does: binding.does }),
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::BINDINGS;

    #[test]
    fn keys_of_one_command_share_a_row() {
        let rows = rows(BINDINGS, Place::Everywhere);
        assert!(rows.contains(&Row { chords: vec!["↓", "j"], does: "move down" }));
    }
}
