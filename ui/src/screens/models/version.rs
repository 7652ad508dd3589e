//! A version: what the registry says of it, with what it can be compared, and the run that made it.

use super::{
    Here,
    deeds::{ModelTags, VersionDeeds},
    place::{Place, Spot, Versions},
    preflight::Fits,
    run::RunCard,
    serves::Serves,
};
use crate::{
    parts::{
        button::{IconButton, copy},
        empty::Empty,
        icon::Icon,
        show::Show,
    },
    shell::toast::use_toasts,
    once::CollectAny,
};
use leptos::prelude::*;
use pilothouse_wire::{
    ModelId, SmolStr,
    preflight::ModelSubject,
    runs::VersionId,
    units::{ABSENT, visible},
    view::{ModelRow, VersionRow},
};

/// Versions that are offered to be compared with.
const OFFERED: usize = 6;

/// Draws a version.
#[component]
pub fn Version(row: Memo<Option<ModelRow>>, model: ModelId, number: u64) -> impl IntoView {
    let model = StoredValue::new(model);
    let version =
        Memo::new(move |_| row.with(|row| row.as_ref().and_then(|row| row.version(number)).cloned()));
    let run = Memo::new(move |_| {
        let source = row.with(|row| row.as_ref().map(|row| row.id.source.clone()))?;
        version.with(|version| version.as_ref().and_then(|version| version.run.clone())).map(|run| (source, run))
    });
    let of_run = move || match run.get() {
        Some((source, run)) => view! { <RunCard source=source run=run /> }.into_any(),
        None => view! {
            <div class="section"><h3>"Run"</h3><p class="soft">"The registry names no run for this version."</p></div>
        }
        .into_any(),
    };
    view! {
        <Show
            when=move || version.with(Option::is_some)
            fallback=move || view! { <Empty title=format!("There is no version {number}") what="It was deleted, or is too old to be followed." /> }
        >
            <div class="section" data-test="version-page">
                <h3>{format!("Version {number}")}<With row=row number=number /></h3>
                <dl class="fields">{move || version.get().map(|version| fields(&version).collect_any())}</dl>
                <ModelTags row=row version=Some(number) />
                <VersionDeeds row=row number=number />
            </div>
            <Serves model=model.get_value() number=number />
            <Fits of=ModelSubject::Version(VersionId { model: model.get_value(), number }) />
            {move || of_run()}
        </Show>
    }
}

/// Each thing that the registry says, with its label.
fn fields(version: &VersionRow) -> impl Iterator<Item = AnyView> + use<> {
    let text = |text: Option<&SmolStr>| text.map(ToString::to_string);
    let said: [(&str, Option<String>, bool); 7] = [
        ("Registered", version.created.map(|at| at.to_string()), false),
        ("By", text(version.user.as_ref()), false),
        ("Source", text(version.source.as_ref()), true),
        ("Run", text(version.run.as_ref()), true),
        ("Logged model", text(version.model.as_ref()), true),
        ("Message", version.message.clone(), false),
        ("Description", version.description.clone(), false),
    ];
    // What a version mostly has not is not listed as absent.
    let always = ["Registered", "Source", "Run"];
    said.into_iter().filter(move |(label, value, _)| value.is_some() || always.contains(label)).map(|(label, value, is_id)| {
        let class = if is_id { "mono" } else { "" };
        let shown = value.as_deref().map_or_else(|| ABSENT.to_owned(), visible);
        let toasts = use_toasts();
        let button = value.filter(|_| is_id).map(|value| {
            view! { <IconButton icon=Icon::Copy label="Copy" on_press=move || copy(value.clone(), toasts) /> }
        });
        view! { <dt>{label}</dt><dd><span class=class dir="auto">{shown}</span>{button}</dd> }.into_any()
    })
}

/// What it can be compared with: where aliases lead, and the newest.
#[component]
fn With(row: Memo<Option<ModelRow>>, number: u64) -> impl IntoView {
    let here: Here = expect_context();
    let links = move || {
        let model = row.get()?;
        let place = Place::of(model.id.clone());
        let offer = |(word, other): (String, u64)| {
            // The older one stands at the left.
            let place = place.with(Versions::Two(number.min(other), number.max(other)));
            view! {
                <button type="button" class="link" data-test="compare-with" data-key=other.to_string() on:click=move |_| here.go(&Spot::Model(place.clone()))>
                    {visible(&word)}
                </button>
            }
        };
        let others = offered(&model, number);
        let is_empty = others.is_empty();
        (!is_empty).then(|| view! { <span class="compare-with">"Compare with "{others.into_iter().map(offer).collect_any()}</span> })
    };
    view! { {move || links()} }
}

fn offered(model: &ModelRow, number: u64) -> Vec<(String, u64)> {
    let led_to = |alias: &pilothouse_wire::view::AliasRow| (format!("@{} {}", alias.name, alias.version), alias.version);
    let mut all: Vec<(String, u64)> = model.aliases.iter().map(led_to).collect();
    all.extend(model.versions.iter().map(|version| (version.number.to_string(), version.number)));
    let mut seen = vec![number];
    all.retain(|(_, other)| {
        let is_new = !seen.contains(other) && model.version(*other).is_some();
        seen.push(*other);
        is_new
    });
    all.truncate(OFFERED);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{
        ConnectionId,
        view::{AliasRow, Readiness},
    };

    #[test]
    fn a_version_is_compared_with_where_aliases_lead_and_with_the_newest() {
        let version = |number| VersionRow {
            number,
            readiness: Readiness::Ready,
            ..VersionRow::default()
        };
        let alias = |name: &str, version| AliasRow { name: name.into(), version, ..AliasRow::default() };
        let model = ModelRow {
            id: ModelId { source: ConnectionId::slug("r"), name: "m".into() },
            created: None,
            updated: None,
            description: None,
            tags: Vec::new(),
            aliases: vec![alias("champion", 2), alias("gone", 99), alias("same", 2)],
            versions: (1..=9).rev().map(version).collect(),
            more: 0,
        };
        let words: Vec<String> = offered(&model, 9).into_iter().map(|(word, _)| word).collect();
        assert_eq!(words, ["@champion 2", "8", "7", "6", "5", "4"]);
        assert_eq!(offered(&model, 2)[0], ("9".to_owned(), 9));
    }
}
