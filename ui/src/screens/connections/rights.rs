//! What we may do through a connection, by the word of its server, and the role that would give what is missing.

use super::acting::Acting;
use crate::{
    keys::Command,
    link::use_link,
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
    Answer, Ask, ConnectionId, Problem,
    rights::{Held, Right, Rights, RightsQuery},
    units::{visible, visible_lines},
    view::Status,
};

/// Shows them in a dialog.
#[component]
pub fn RightsDialog(id: ConnectionId, name: String) -> impl IntoView {
    let acting: Acting = expect_context();
    let read = RwSignal::new(None::<Result<Rights, Problem>>);
    let query = RightsQuery { connection: id, namespace: None };
    use_link().ask_then(Ask::Rights(query), move |answer| {
        let _ = read.try_set(Some(match answer {
            Ok(Answer::Rights(rights)) => Ok(*rights),
            Ok(_) => Err(Problem::other_answer()),
            Err(problem) => Err(problem),
        }));
    });
    let role = Memo::new(move |_| {
        read.with(|read| read.as_ref().and_then(|read| read.as_ref().ok().and_then(|rights| rights.role.clone())))
    });
    view! {
        <Titled label="Rights" title=format!("What may we do in {}?", visible(&name)) on_close=Callback::new(move |()| acting.close()) test="rights">
            <div class="dialog-body stack" data-test="rights-body">
                {move || match read.get() {
                    None => view! { <p aria-busy="true"><Outline width=320 /></p> }.into_any(),
                    Some(Err(problem)) => view! { <ProblemRows problem=problem /> }.into_any(),
                    Some(Ok(rights)) => view! { <Said rights=rights /> }.into_any(),
                }}
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

#[component]
fn Said(rights: Rights) -> impl IntoView {
    let who = rights.who.as_deref().unwrap_or("somebody whom the server does not name");
    let alone = (!rights.operation.operate).then(|| {
        view! { <p class="soft">"Here it is read alone, whatever its server allows: a plan can switch that."</p> }
    });
    view! {
        <p dir="auto">{format!("Everywhere in the cluster, as {}.", visible(who))}</p>
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
