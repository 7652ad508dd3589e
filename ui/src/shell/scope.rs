//! The scope: which clusters the screen is about. On screens that it does not narrow, their name stands here.

use super::menu::{Choice, Menu};
use crate::{
    mirror::Watched,
    once::live,
    parts::{
        icon::{Icon, Sign},
        show::{Show, each},
    },
    screens,
    state::use_state,
};
use leptos::prelude::*;
use pilothouse_wire::{ConnectionId, sort, units, view::ConnectionRow};

/// The scope picker.
#[component]
pub fn Scope(
    /// The view of the connections: clusters of them are what can be in scope.
    watched: Watched,
) -> impl IntoView {
    let state = use_state();
    let clusters = Memo::new(move |_| watched.connections(|view| clusters(view.rows.rows())).unwrap_or_default());
    let name = move || state.screen().with(|route| screens::find(route).filter(|screen| !screen.scoped));
    live(move || {
        if let Some(screen) = name() {
            return view! { <h1 class="scope">{screen.name}</h1> }.into_any();
        }
        if clusters.with(Vec::is_empty) {
            let text = if watched.loaded() { "no cluster" } else { "" };
            return view! { <span class="scope faint">{text}</span> }.into_any();
        }
        view! { <Picker clusters=clusters /> }.into_any()
    })
}

#[component]
fn Picker(clusters: Memo<Vec<(ConnectionId, String)>>) -> impl IntoView {
    let state = use_state();
    let open = RwSignal::new(false);
    let label = move || clusters.with(|clusters| label(&state.scope().get(), clusters));
    let count = move || {
        let (scope, all) = (state.scope().with(Vec::len), clusters.with(Vec::len));
        if scope == 0 { all.to_string() } else { format!("{scope} of {all}") }
    };
    view! {
        <div class="scope">
            <button
                type="button"
                class="pick"
                data-test="scope"
                aria-haspopup="menu"
                aria-expanded=move || open.get().to_string()
                on:click=move |_| open.update(|open| *open = !*open)
            >
                <span class="strong" dir="auto">{move || label()}</span>
                <span class="faint">{move || count()}</span>
                <Sign icon=Icon::Down size=12 />
            </button>
            <Show when=move || open.get()>
                <Menu label="Clusters in scope" on_close=move || open.set(false)>
                    <Choice label="All clusters".to_owned() on=move || state.scope().with(Vec::is_empty)
                        choose=move || {
                            state.set_scope(Vec::new());
                            open.set(false);
                        } />
                    {each(move || clusters.get(), |cluster| cluster.clone(), move |(id, name): (ConnectionId, String)| {
                        let mine = id.clone();
                        view! {
                            <Choice label=units::visible(&name) on=move || state.scope().with(|scope| scope.contains(&mine))
                                choose=move || state.set_scope(turned(state.scope().get_untracked(), &id)) />
                        }
                        .into_any()
                    })}
                </Menu>
            </Show>
        </div>
    }
}

/// The clusters of all connections, with their names: what stands beside them, such as a Prometheus, narrows nothing.
fn clusters(rows: &[ConnectionRow]) -> Vec<(ConnectionId, String)> {
    rows.iter().filter(|row| row.cluster).map(|row| (row.id.clone(), row.name.clone())).collect()
}

/// The scope with one cluster put in or taken out; all of them is the same as none named.
fn turned(mut scope: Vec<ConnectionId>, id: &ConnectionId) -> Vec<ConnectionId> {
    if let Some(at) = scope.iter().position(|member| member == id) {
        scope.remove(at);
    } else {
        scope.push(id.clone());
        sort::sort(&mut scope);
    }
    scope
}

fn label(scope: &[ConnectionId], clusters: &[(ConnectionId, String)]) -> String {
    fn name<'a>(id: &'a ConnectionId, clusters: &'a [(ConnectionId, String)]) -> &'a str {
        clusters.iter().find(|(known, _)| known == id).map_or(id.as_str(), |(_, name)| name)
    }
    match scope {
        [] => "All clusters".to_owned(),
        [only] => units::middle(&units::visible(name(only, clusters)), 28),
        [first, rest @ ..] => format!("{} + {}", units::middle(&units::visible(name(first, clusters)), 20), rest.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screens::connections::sample;
    use pilothouse_wire::Health;

    #[test]
    fn what_stands_beside_clusters_is_not_counted_as_one() {
        let cluster = sample(Health::Well);
        let beside = |id: &str| ConnectionRow { id: ConnectionId::slug(id), cluster: false, ..cluster.clone() };
        let rows = [cluster.clone(), beside("prometheus"), beside("models")];
        assert_eq!(clusters(&rows), [(cluster.id, cluster.name)]);
    }

    #[test]
    fn the_label_names_what_is_in_scope() {
        let clusters: Vec<_> = ["iad", "ord"].map(|name| (ConnectionId::slug(name), name.to_uppercase())).into();
        let ids: Vec<_> = clusters.iter().map(|(id, _)| id.clone()).collect();
        assert_eq!(label(&[], &clusters), "All clusters");
        assert_eq!(label(&ids[..1], &clusters), "IAD");
        assert_eq!(label(&ids, &clusters), "IAD + 1");
        assert_eq!(turned(turned(Vec::new(), &ids[1]), &ids[0]), ids);
        assert!(turned(ids[..1].to_vec(), &ids[0]).is_empty());
    }
}
