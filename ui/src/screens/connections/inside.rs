//! Servers that were found inside of connected clusters: offered, not contacted until a person chooses.

use super::acting::Acting;
use crate::{
    mirror::Watched,
    parts::{
        button::{Button, Weight},
        icon::{Icon, Sign},
        show::{Show, each},
    },
    state::use_state,
};
use leptos::prelude::*;
use pilothouse_wire::{sort, units::visible, view::OfferedService};

/// Draws the servers that are not connected yet. Needs an [`Acting`].
#[component]
pub fn Inside(view: Watched) -> impl IntoView {
    let offered = Memo::new(move |_| {
        let open = view.connections(|view| {
            view.inside.iter().filter(|offer| offer.connected_as.is_none()).cloned().collect::<Vec<_>>()
        });
        open.unwrap_or_default()
    });
    let head = move || offered.with(|offered| count_words(offered));
    view! {
        <Show when=move || offered.with(|offered| !offered.is_empty())>
            <section class="card offers" data-test="inside">
                <header class="card-head">
                    <h2 class="lead">"Found in your clusters"</h2>
                    <span class="faint clip" dir="auto">{move || head()}</span>
                </header>
                {each(
                    move || offered.get(),
                    |offer| (offer.cluster.clone(), offer.service.clone()),
                    |offer| view! { <Offer offer=offer /> }.into_any(),
                )}
            </section>
        </Show>
    }
}

#[component]
fn Offer(offer: OfferedService) -> impl IntoView {
    let (state, acting): (_, Acting) = (use_state(), expect_context());
    let hook = format!("inside-{}", offer.draft.name);
    let about = format!("{} in {}", offer.service, offer.cluster);
    let draft = offer.draft.clone();
    let button = state.may_act().then(|| {
        let busy = Signal::derive(move || acting.busy());
        let connect = move || acting.send_new(draft.clone(), vec![], None);
        view! { <Button label="Connect" on_press=connect weight=Weight::Plain blocked=busy /> }
    });
    view! {
        <div class="offer" data-test=hook>
            <Sign icon=Icon::Connections size=14 />
            <span class="strong clip" dir="auto">{visible(&offer.what)}</span>
            <span class="offer-about">
                <span class="soft clip" dir="auto" title=visible(&about)>{visible(&about)}</span>
                <span class="small faint clip">"asked through the cluster's API server"</span>
            </span>
            {button}
        </div>
    }
}

fn count_words(offered: &[OfferedService]) -> String {
    let mut clusters: Vec<&str> = offered.iter().map(|offer| offer.cluster.as_str()).collect();
    sort::sort(&mut clusters);
    clusters.dedup();
    let servers = if offered.len() == 1 { "1 server".to_owned() } else { format!("{} servers", offered.len()) };
    format!("{servers} in {}", visible(&clusters.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{ConnectionId, form::Draft};

    #[test]
    fn servers_are_counted_and_each_cluster_is_named_once() {
        let offer = |cluster: &str| OfferedService {
            cluster: ConnectionId::slug(cluster),
            service: "monitoring/prometheus:9090".into(),
            what: "Prometheus".into(),
            draft: Draft::default(),
            connected_as: None,
        };
        assert_eq!(count_words(&[offer("iad-prod")]), "1 server in iad-prod");
        let three = ["ord-prod", "iad-prod", "ord-prod"].map(offer);
        assert_eq!(count_words(&three), "3 servers in iad-prod, ord-prod");
    }
}
