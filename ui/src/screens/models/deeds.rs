//! What can be done to a model and its versions: aliases and tags are set, moved and taken away. Each press opens a plan, and
//! none does anything by itself.

use crate::{
    keys::Command,
    link::use_link,
    mirror::use_view,
    once::{CollectAny, live},
    parts::{
        button::{Button, Weight},
        form::{dialog::Titled, line::Line},
        icon::{Icon, Sign},
        show::Show,
    },
    shell::{plan::use_plan, toast::use_toasts},
    state::use_state,
};
use leptos::prelude::*;
use pilothouse_wire::{
    Act, ConnectionId, ModelId, ObjectRef, SmolStr, ViewSpec,
    address::Address,
    plan::{Deed, Intent, Operation},
    units::{middle, visible},
    view::{ModelRow, ServesRow},
};

/// Aliases that have a button: more are set by their name.
const ALIASES: usize = 6;

/// The dialog that is open.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Alias,
    Tag,
}

/// May something be done through a connection?
#[derive(Clone, PartialEq)]
enum May {
    Yes,
    /// A person can switch it on.
    ReadAlone,
    /// It cannot, and why.
    Never(&'static str),
}

fn use_may(source: ConnectionId) -> Memo<May> {
    let connections = use_view(Signal::stored(ViewSpec::Connections));
    Memo::new(move |_| {
        let row = connections.connections(|view| view.rows.get(&source).map(|row| (row.operation, row.demo)));
        match row.flatten() {
            None => May::Never("its connection is not there"),
            Some((_, true)) => May::Never("it is of the demo"),
            Some((Operation { operate: true, .. }, _)) => May::Yes,
            Some(_) => May::ReadAlone,
        }
    })
}

/// The tags of a model, or of one of its versions, each with what takes it away.
#[component]
pub fn ModelTags(row: Memo<Option<ModelRow>>, version: Option<u64>) -> impl IntoView {
    let tags = Memo::new(move |_| {
        row.with(|row| {
            let row = row.as_ref()?;
            Some(match version {
                None => row.tags.clone(),
                Some(number) => row.version(number)?.tags.clone(),
            })
        })
        .unwrap_or_default()
    });
    let id = move || row.with_untracked(|row| row.as_ref().map(|row| row.id.clone()));
    let may = id().map(|id| use_may(id.source));
    let acts = move || may.is_some_and(|may| may.get() == May::Yes);
    let (state, door) = (use_state(), use_plan());
    let tag = move |(key, value): (SmolStr, SmolStr)| {
        let shown = format!("{}={}", visible(&key), visible(&middle(&value, 48)));
        let name = visible(&key);
        let remove = {
            let key = key.clone();
            move |_| {
                if let Some(model) = id() {
                    door.open(about(model, Deed::RemoveTag { version, key: key.clone() }));
                }
            }
        };
        let key = key.to_string();
        view! {
            <span class="tag" dir="auto">
                {shown}
                <Show when=move || state.may_act() && acts()>
                    <button
                        type="button"
                        class="tag-away"
                        data-test="tag-remove"
                        data-key=key.clone()
                        aria-label=format!("Remove tag {name}…")
                        title=format!("Remove tag {name}…")
                        on:click=remove.clone()
                    >
                        <Sign icon=Icon::Close size=10 />
                    </button>
                </Show>
            </span>
        }
    };
    view! {
        <Show when=move || tags.with(|tags| !tags.is_empty())>
            <p class="model-tags" data-test="tags">{move || tags.get().into_iter().map(tag).collect_any()}</p>
        </Show>
    }
}

/// What can be done to the model itself, where something may be done: in the window, and not in the past.
#[component]
pub fn ModelDeeds(model: ModelId) -> impl IntoView {
    let (state, door) = (use_state(), use_plan());
    let asked = RwSignal::new(false);
    let blocked = use_blocked(model.source.clone());
    let model = StoredValue::new(model);
    let open = Callback::new(move |deed: Deed| door.open(about(model.get_value(), deed)));
    let close = Callback::new(move |()| asked.set(false));
    view! {
        <Show when=move || state.may_act()>
            <div class="buttons">
                <Button label="Set a tag of the model…" on_press=move || asked.set(true) blocked=blocked test="model-tag-set" />
            </div>
        </Show>
        <Show when=move || asked.get()>
            <AskTag version=None open=open on_close=close />
        </Show>
    }
}

/// Why nothing is done through a connection, if so.
fn use_blocked(source: ConnectionId) -> Signal<Option<String>> {
    let name = visible(source.as_str());
    let may = use_may(source);
    Signal::derive(move || match may.get() {
        May::Yes => None,
        May::ReadAlone => Some(format!("{name} is read alone")),
        May::Never(why) => Some(why.to_owned()),
    })
}

/// Buttons for a version, where something may be done: in the window, and not in the past.
#[component]
pub fn VersionDeeds(row: Memo<Option<ModelRow>>, number: u64) -> impl IntoView {
    let state = use_state();
    let id = Memo::new(move |_| row.with(|row| row.as_ref().map(|row| row.id.clone())));
    live(move || {
        id.get().filter(|_| state.may_act()).map(|model| view! { <Deeds row=row model=model number=number /> })
    })
}

#[component]
fn Deeds(row: Memo<Option<ModelRow>>, model: ModelId, number: u64) -> impl IntoView {
    let door = use_plan();
    let asked: RwSignal<Option<Asked>> = RwSignal::new(None);
    let may = use_may(model.source.clone());
    let blocked = use_blocked(model.source.clone());
    let model = StoredValue::new(model);
    let open = move |deed: Deed| door.open(about(model.get_value(), deed));
    let aliases = Memo::new(move |_| {
        let of = |row: &ModelRow| {
            let named = row.aliases.iter().map(|alias| (alias.name.clone(), alias.version == number));
            named.take(ALIASES).collect::<Vec<(SmolStr, bool)>>()
        };
        row.with(|row| row.as_ref().map(of)).unwrap_or_default()
    });
    let of_alias = move |(alias, is_here): (SmolStr, bool)| {
        let (label, deed, test) = if is_here {
            (format!("Remove @{alias}…"), Deed::RemoveAlias(alias), "alias-remove")
        } else {
            (format!("Move @{alias} here…"), Deed::SetAlias { alias, version: number }, "alias-move")
        };
        view! { <Button label=label on_press=move || open(deed.clone()) test=test /> }
    };
    let close = Callback::new(move |()| asked.set(None));
    let state = use_state();
    let lineage = use_view(model.with_value(|model| ViewSpec::Lineage(model.clone())));
    // To the form alone: what is known is filled in, and what is not is asked for there by its name.
    let measure = move || {
        let source = row.with_untracked(|row| row.as_ref().and_then(|row| row.version(number)?.source.clone()));
        let rows = untrack(|| lineage.lineage(|view| view.now.clone())).unwrap_or_default();
        let filter = model.with_value(|model| against(&model.name, number, source.as_deref(), &rows));
        state.go(Address { screen: "bench".into(), tab: Some("new".into()), filter, ..state.same_time() });
    };
    view! {
        <div class="buttons model-deeds" data-test="model-deeds">
            <Button label="Set an alias…" on_press=move || asked.set(Some(Asked::Alias)) blocked=blocked test="alias-set" />
            {move || (may.get() == May::Yes).then(|| aliases.get().into_iter().map(of_alias).collect_any())}
            <Button label="Set a tag…" on_press=move || asked.set(Some(Asked::Tag)) blocked=blocked test="tag-set" />
            <Button label="Compare with what serves now…" on_press=measure test="version-bench" />
            {move || match may.get() {
                May::ReadAlone => Some(view! { <Allow source=model.get_value().source /> }),
                May::Yes | May::Never(_) => None,
            }}
        </div>
        {move || asked.get().map(|which| match which {
            Asked::Alias => view! { <AskAlias number=number open=Callback::new(open) on_close=close /> }.into_any(),
            Asked::Tag => view! { <AskTag version=Some(number) open=Callback::new(open) on_close=close /> }.into_any(),
        })}
    }
}

/// Lets something be done through a connection; each time it is planned, shown, confirmed and written down.
#[component]
fn Allow(source: ConnectionId) -> impl IntoView {
    let (link, toasts) = (use_link(), use_toasts());
    let allow = move || {
        link.act_then(Act::Operate { id: source.clone(), operate: true, production: None }, move |acted| {
            if let Err(problem) = acted {
                toasts.problem(&problem);
            }
        });
    };
    view! { <Button label="Let something be done through it" on_press=allow test="deeds-allow" /> }
}

/// What the form of a comparison is filled in with: a version of a model as the candidate, and what serves now beside it. The
/// port of neither is known, nor what its server calls the model.
fn against(model: &str, number: u64, source: Option<&str>, now: &[ServesRow]) -> String {
    let ready = |is_it: bool| now.iter().filter(|row| row.ready > 0).find(|row| (row.version == Some(number)) == is_it);
    let mut filter = format!("version={model}/{number}");
    let mut add = |key: &str, value: &str| {
        // A sign between two would end it.
        if !value.contains(';') {
            filter.push_str(&format!(";{key}={value}"));
        }
    };
    if let Some(source) = source {
        add("source", source);
    }
    if let Some(row) = ready(false) {
        place(&row.workload).iter().for_each(|place| add("url", place));
        let version = row.version.map_or_else(|| "a version that is not known".to_owned(), |version| format!("version {version}"));
        add("serves", &format!("{version}, {} of {} pods ready, by {}", row.ready, row.pods, row.workload));
    }
    if let Some(row) = ready(true) {
        place(&row.workload).iter().for_each(|place| add("against", place));
    }
    filter
}

/// Where a workload is asked through its API server, but for the port, which nobody tells.
fn place(of: &ObjectRef) -> Option<String> {
    match of {
        ObjectRef::Workload(cluster, namespace, _, name) => Some(format!("service:{namespace}/{name}:@{cluster}")),
        ObjectRef::Pod(pod) => Some(format!("pod:{}/{}:@{}", pod.namespace, pod.name, pod.cluster)),
        _ => None,
    }
}

fn about(model: ModelId, deed: Deed) -> Intent {
    Intent { object: ObjectRef::Model(Box::new(model)), deed }
}

/// Asks for the name of an alias.
#[component]
fn AskAlias(number: u64, open: Callback<Deed>, on_close: Callback<()>) -> impl IntoView {
    let text = RwSignal::new(String::new());
    let plan = move || {
        let alias = untrack(|| text.with(|text| alias_of(text)));
        if let Ok(alias) = alias {
            on_close.run(());
            open.run(Deed::SetAlias { alias, version: number });
        }
    };
    let blocked = Signal::derive(move || text.with(|text| alias_of(text).err().map(str::to_owned)));
    view! {
        <Titled label="An alias" title=format!("Which alias is to lead to version {number}?") on_close=on_close test="ask-alias">
            <div class="dialog-body stack">
                <Line id="alias-name" label="Alias" text=text most=255 on_enter=plan />
                <p class="small soft">"One that leads elsewhere now is moved."</p>
            </div>
            <footer class="dialog-foot">
                <Button label="Cancel" on_press=move || on_close.run(()) command=Command::Close />
                <Button label="Plan it" on_press=plan weight=Weight::Primary blocked=blocked test="alias-plan" />
            </footer>
        </Titled>
    }
}

/// Asks for a tag of the model, or of one of its versions, and its value.
#[component]
fn AskTag(version: Option<u64>, open: Callback<Deed>, on_close: Callback<()>) -> impl IntoView {
    let (key, value) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let plan = move || {
        let (key, value) = untrack(|| (key.get(), value.get()));
        let key = key.trim();
        if !key.is_empty() {
            on_close.run(());
            open.run(Deed::SetTag { version, key: key.into(), value: value.trim().into() });
        }
    };
    let blocked = Signal::derive(move || key.with(|key| key.trim().is_empty()).then(|| "give a tag".to_owned()));
    let whose = version.map_or_else(|| "the model".to_owned(), |number| format!("version {number}"));
    view! {
        <Titled label="A tag" title=format!("Which tag is {whose} to have?") on_close=on_close test="ask-tag">
            <div class="dialog-body stack">
                <Line id="tag-key" label="Tag" text=key most=250 on_enter=plan />
                <Line id="tag-value" label="Value" text=value most=5000 on_enter=plan />
                <p class="small soft">"One that is there gets this value."</p>
            </div>
            <footer class="dialog-foot">
                <Button label="Cancel" on_press=move || on_close.run(()) command=Command::Close />
                <Button label="Plan it" on_press=plan weight=Weight::Primary blocked=blocked test="tag-plan" />
            </footer>
        </Titled>
    }
}

/// The alias that is typed, with its sign or without; or why it is none.
fn alias_of(text: &str) -> Result<SmolStr, &'static str> {
    let alias = text.trim().trim_start_matches('@');
    match alias {
        "" => Err("give an alias"),
        alias if alias.contains(char::is_whitespace) => Err("an alias is one word"),
        alias => Ok(alias.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_compared_with_what_serves_now() {
        let row = |version, name: &str, ready| ServesRow {
            version,
            workload: ObjectRef::Workload(ConnectionId::slug("prod"), "serving".into(), "Deployment".into(), name.into()),
            pods: 4,
            ready,
            gpus: 8,
            traffic: pilothouse_wire::view::delivery::Split::default(),
            share: String::new(),
            since: None,
            verdict: pilothouse_wire::view::LineageVerdict::Pinned,
            evidence: String::new(),
        };
        let now = [row(Some(1), "gone", 0), row(Some(1), "chat", 4), row(Some(2), "canary", 1)];
        let filter = against("chat", 2, Some("s3://models/2"), &now);
        for want in ["version=chat/2;", ";source=s3://models/2;", ";url=service:serving/chat:@prod;", ";serves=version 1, 4 of 4 pods ready, by workload:prod/serving/Deployment/chat"] {
            assert!(filter.contains(want), "{want}: {filter}");
        }
        assert!(filter.ends_with(";against=service:serving/canary:@prod"), "{filter}");
        assert_eq!(against("chat", 2, None, &[]), "version=chat/2");
    }

    #[test]
    fn an_alias_is_one_word_with_its_sign_or_without() {
        assert_eq!(alias_of(" @champion ").as_deref(), Ok("champion"));
        assert_eq!(alias_of("champion").as_deref(), Ok("champion"));
        assert!(alias_of("@").is_err() && alias_of("a b").is_err() && alias_of("").is_err());
    }
}
