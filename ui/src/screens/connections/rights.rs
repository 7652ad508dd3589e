//! What we may do through a connection and in which namespace, by the word of its server, and the role that would give what is
//! missing.

use super::acting::Acting;
use crate::{
    keys::Command,
    link::{Link, use_link},
    mirror::Watched,
    once::CollectAny,
    parts::{
        button::{Button, CopyButton},
        form::dialog::Titled,
        loading::Outline,
        mark::StatusWord,
        problem::ProblemRows,
        show::Show,
    },
};
use leptos::prelude::*;
use pilothouse_wire::{
    Answer, Ask, Body, ConnectionId, Problem, SmolStr, View, ViewSpec, When,
    rights::{Held, Right, Rights, RightsQuery},
    units::{visible, visible_lines},
    view::{FleetSpec, Status},
};

/// Namespaces that are offered: any other can be typed.
const MOST_OFFERED: usize = 200;

/// Shows them in a dialog: first those where the connection reads, if its settings name some namespaces, else those
/// everywhere; a person who has rights in some namespaces only asks for one of these.
#[component]
pub fn RightsDialog(view: Watched, id: ConnectionId, name: String) -> impl IntoView {
    let acting: Acting = expect_context();
    let own = untrack(|| {
        view.connections(|view| view.rows.get(&id).map(|row| named(row.values.get("namespaces").map(String::as_str))))
    });
    let own = own.flatten().unwrap_or_default();
    let typed = RwSignal::new(own.first().cloned().unwrap_or_default());
    let offered = RwSignal::new(own);
    let read = RwSignal::new(None::<Result<Rights, Problem>>);
    let (link, of, asked) = (use_link(), StoredValue::new(id.clone()), StoredValue::new(None::<SmolStr>));
    let ask = move || {
        read.set(None);
        let namespace =
            typed.with_untracked(|text| Some(text.trim()).filter(|text| !text.is_empty()).map(SmolStr::new));
        let query = RightsQuery { connection: of.get_value(), namespace };
        let wanted = query.namespace.clone();
        asked.set_value(wanted.clone());
        link.ask_then(Ask::Rights(query), move |answer| {
            let answer = match answer {
                Ok(Answer::Rights(rights)) => Ok(*rights),
                Ok(_) => Err(Problem::other_answer()),
                Err(problem) => Err(problem),
            };
            // Another one may be asked for since.
            if asked.try_with_value(|asked| *asked == wanted) == Some(true) {
                let _ = read.try_set(Some(answer));
            }
        });
    };
    ask();
    offer(link, id, offered);
    let role = Memo::new(move |_| {
        read.with(|read| read.as_ref().and_then(|read| read.as_ref().ok().and_then(|rights| rights.role.clone())))
    });
    view! {
        <Titled label="Rights" title=format!("What may we do in {}?", visible(&name)) on_close=Callback::new(move |()| acting.close()) test="rights">
            <div class="dialog-body stack">
                <Where typed=typed offered=offered ask=Callback::new(move |()| ask()) />
                <div class="stack" data-test="rights-body">
                    {move || match read.get() {
                        None => view! { <p aria-busy="true"><Outline width=320 /></p> }.into_any(),
                        Some(Err(problem)) => view! { <ProblemRows problem=problem /> }.into_any(),
                        Some(Ok(rights)) => view! { <Said rights=rights /> }.into_any(),
                    }}
                </div>
            </div>
            <footer class="dialog-foot">
                <Show when=move || role.with(Option::is_some)>
                    <CopyButton label="Copy the role" text=Signal::derive(move || role.get().unwrap_or_default()) />
                </Show>
                <span class="fill"></span>
                <Button label="Close" on_press=move || acting.close() command=Command::Close />
            </footer>
        </Titled>
    }
}

/// The namespaces that the settings of a connection name.
fn named(text: Option<&str>) -> Vec<String> {
    let names = text.unwrap_or_default().split([',', ' ']).map(str::trim);
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Offers namespaces that have services, too.
fn offer(link: Link, id: ConnectionId, offered: RwSignal<Vec<String>>) {
    let spec = ViewSpec::Delivery(FleetSpec { scope: vec![id] });
    link.ask_then(Ask::Frame { spec, when: When::Now }, move |answer| {
        let Ok(Answer::Frame(frame)) = answer else { return };
        let Body::Full(View::Delivery(view)) = frame.body else { return };
        let _ = offered.try_update(|all| {
            for row in view.rows.rows() {
                if all.len() < MOST_OFFERED && all.iter().all(|name| *name != row.namespace) {
                    all.push(row.namespace.to_string());
                }
            }
        });
    });
}

/// In which namespace: any that is typed; empty for everywhere.
#[component]
fn Where(typed: RwSignal<String>, offered: RwSignal<Vec<String>>, ask: Callback<()>) -> impl IntoView {
    let option = |name: String| view! { <option value=name></option> };
    view! {
        <div class="form-field">
            <label for="rights-namespace">"In which namespace"</label>
            <span class="line">
                <input
                    id="rights-namespace" class="field" type="text" list="rights-namespaces" spellcheck="false"
                    autocomplete="off" placeholder="everywhere" data-test="rights-namespace"
                    prop:value=move || typed.get()
                    on:input:target=move |event| typed.set(event.target().value())
                    on:keydown=move |event| if event.key() == "Enter" && !event.is_composing() { ask.run(()) }
                />
                <datalist id="rights-namespaces">{move || offered.get().into_iter().map(option).collect_any()}</datalist>
                <Button label="Ask" on_press=move || ask.run(()) test="rights-ask" />
            </span>
        </div>
    }
}

#[component]
fn Said(rights: Rights) -> impl IntoView {
    let who = rights.who.as_deref().unwrap_or("somebody whom the server does not name");
    let alone = (!rights.operation.operate).then(|| {
        view! { <p class="soft">"Here it is read alone, whatever its server allows: a plan can switch that."</p> }
    });
    let place = match &rights.of.namespace {
        Some(namespace) => format!("In namespace {}", visible(namespace)),
        None => "Everywhere in the cluster".to_owned(),
    };
    view! {
        <p dir="auto">{format!("{place}, as {}.", visible(who))}</p>
        {alone}
        <table class="plain-table rights">
            <thead><tr><th>"May we"</th><th>"Do what"</th><th>"To what"</th><th>"Needs"</th></tr></thead>
            <tbody>{rights.rights.into_iter().map(row).collect_any()}</tbody>
        </table>
        {rights.role.map(|role| view! {
            <h3>"The role that gives what is missing"</h3>
            <pre class="mono small" data-test="rights-role">{visible_lines(&role)}</pre>
        })}
    }
}

fn row(right: Right) -> impl IntoView {
    let status = match right.held {
        Held::Yes => Status::Good,
        Held::No => Status::Bad,
        Held::NotServed => Status::Unknown,
        Held::Unknown(_) => Status::Warn,
    };
    let why = if let Held::Unknown(why) = &right.held { visible(why) } else { String::new() };
    view! {
        <tr>
            <td title=why><StatusWord status=Signal::stored(status) word=Signal::stored(right.held.word().to_owned()) /></td>
            <td>{visible(&right.deeds)}</td>
            <td>{visible(&right.of)}</td>
            <td class="mono small soft">{visible(&right.needs)}</td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_are_those_that_the_settings_name() {
        assert_eq!(named(Some("serving, batch  chat,")), ["serving", "batch", "chat"]);
        assert!(named(Some("")).is_empty() && named(None).is_empty());
    }
}
