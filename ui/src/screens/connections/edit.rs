//! The dialog that adds or changes a connection, drawn from its kind's form.

use super::acting::Acting;
use crate::{
    keys::{Command, on_command},
    mirror::Watched,
    once::{CollectAny, live},
    parts::{
        button::{Button, Weight},
        form::{
            dialog::Titled,
            field::FieldInput,
            logic::{Filled, NAME, field_of},
        },
        mark::Mark,
        problem::ProblemRows,
    },
};
use leptos::prelude::*;
use pilothouse_wire::{
    Act, Acted, Code, ConnectionId, Problem,
    ask::Tested,
    form::KindForm,
    units::visible,
    view::{ConnectionRow, Status},
};
use std::collections::BTreeMap;

/// What a press of a button led to.
#[derive(Clone, Debug, PartialEq)]
enum Outcome {
    None,
    Tested(Tested),
    Failed(Problem),
}

/// What the dialog holds. Copies are the same dialog.
#[derive(Clone, Copy)]
struct Editing {
    view: Watched,
    kind: RwSignal<String>,
    filled: RwSignal<Filled>,
    outcome: RwSignal<Outcome>,
    errors: RwSignal<BTreeMap<String, String>>,
    row: StoredValue<Option<ConnectionRow>>,
    acting: Acting,
}

impl Editing {
    fn form(self) -> Option<KindForm> {
        let kind = self.kind.get();
        self.view.connections(|view| view.kinds.iter().find(|form| form.id == kind).cloned()).flatten()
    }

    /// The connection that is changed; none while one is added.
    fn id(self) -> Option<ConnectionId> {
        self.row.with_value(|row| row.as_ref().map(|row| row.id.clone()))
    }

    fn set(self) -> Vec<String> {
        self.row.with_value(|row| row.as_ref().map(|row| row.secrets_set.clone()).unwrap_or_default())
    }

    /// The form and what is filled in, if nothing is missing; else the fields say what is.
    fn ready(self) -> Option<(KindForm, Filled)> {
        let form = untrack(|| self.form())?;
        let filled = self.filled.get_untracked();
        let errors = filled.errors(&form, &self.set());
        let fits = errors.is_empty();
        self.errors.set(errors);
        self.outcome.set(Outcome::None);
        fits.then_some((form, filled))
    }

    fn failed(self, form: &KindForm, problem: Problem) {
        if let Some(key) = field_of(form, &problem) {
            let key = key.to_owned();
            self.errors.try_update(|errors| drop(errors.insert(key, problem.what.clone())));
        }
        if problem.code == Code::VaultLocked {
            self.acting.failed(&problem);
        } else {
            self.outcome.try_set(Outcome::Failed(problem));
        }
    }

    fn test(self) {
        let Some((form, filled)) = self.ready() else { return };
        let act = Act::TestConnection { of: self.id(), draft: filled.draft(&form), secrets: filled.secrets(&form) };
        self.acting.send_and(act, "testing".into(), move |outcome| match outcome {
            Ok(Acted::Tested(tested)) => drop(self.outcome.try_set(Outcome::Tested(tested))),
            Ok(Acted::NeedsConsent { id, plugin }) => self.acting.ask_consent(id, plugin),
            Ok(_) => {}
            Err(problem) => self.failed(&form, problem),
        });
    }

    fn submit(self) {
        let Some((form, filled)) = self.ready() else { return };
        let (draft, secrets, name) = (filled.draft(&form), filled.secrets(&form), filled.name.trim().to_owned());
        let (acting, toasts) = (self.acting, self.acting.toasts());
        let act = match self.id() {
            Some(id) => Act::EditConnection { id, draft, secrets },
            None => Act::AddConnection { draft, secrets },
        };
        acting.send_and(act, "saving".into(), move |outcome| match outcome {
            Ok(Acted::NeedsConsent { id, plugin }) => acting.ask_consent(id, plugin),
            Ok(_) => {
                acting.close();
                toasts.say(Status::Good, format!("{name} is saved"), "It is being read now.");
            }
            Err(problem) => self.failed(&form, problem),
        });
    }
}

/// Adds a connection, or changes one.
#[component]
pub fn EditDialog(view: Watched, kind: Option<String>, row: Option<ConnectionRow>) -> impl IntoView {
    let acting: Acting = expect_context();
    let kinds = untrack(|| view.connections(|view| view.kinds.clone()).unwrap_or_default());
    let first = kind.or_else(|| kinds.first().map(|form| form.id.clone())).unwrap_or_default();
    let mut filled = Filled::default();
    if let Some(row) = &row {
        (filled.name, filled.values) = (row.name.clone(), row.values.clone());
    }
    for form in &kinds {
        filled.fit(form);
    }
    let is_new = row.is_none();
    let title =
        row.as_ref().map_or_else(|| "Add a connection".to_owned(), |row| format!("Edit {}", visible(&row.name)));
    let editing = Editing {
        view,
        kind: RwSignal::new(first),
        filled: RwSignal::new(filled),
        outcome: RwSignal::new(Outcome::None),
        errors: RwSignal::new(BTreeMap::new()),
        row: StoredValue::new(row),
        acting,
    };
    on_command(Command::Confirm, move || {
        editing.submit();
        true
    });
    let busy = Signal::derive(move || acting.busy());
    view! {
        <Titled label="Connection" title=title on_close=Callback::new(move |()| acting.close()) test="connection-form">
            <form
                class="dialog-body stack"
                on:submit=move |event| {
                    event.prevent_default();
                    editing.submit();
                }
            >
                {is_new.then(|| view! { <KindChoice editing=editing kinds=kinds /> })}
                <Fields editing=editing />
                <OutcomeView editing=editing />
                // A form without a button of its own is not sent by Enter.
                <button type="submit" class="unseen" tabindex="-1" aria-hidden="true"></button>
            </form>
            <footer class="dialog-foot">
                <Button label="Test" on_press=move || editing.test() blocked=busy test="form-test" />
                <span class="fill"></span>
                <Button label="Cancel" on_press=move || acting.close() command=Command::Close />
                <Button
                    label=if is_new { "Add connection" } else { "Save connection" }
                    on_press=move || editing.submit()
                    weight=Weight::Primary
                    command=Command::Confirm
                    blocked=busy
                    test="form-submit"
                />
            </footer>
        </Titled>
    }
}

#[component]
fn KindChoice(editing: Editing, kinds: Vec<KindForm>) -> impl IntoView {
    let choose = move |kind: String| {
        editing.kind.set(kind);
        editing.errors.set(BTreeMap::new());
        editing.outcome.set(Outcome::None);
    };
    let one = |form: KindForm| {
        let (id, of) = (form.id.clone(), form.id.clone());
        view! {
            <button
                type="button" class="kind" role="radio" data-test=format!("kind-{}", form.id)
                aria-checked=move || editing.kind.with(|kind| *kind == of).to_string()
                on:click=move |_| choose(id.clone())
            >
                <span class="name">{form.name}</span>
                <span class="small faint">{form.summary}</span>
            </button>
        }
    };
    view! { <div class="kinds" role="radiogroup" aria-label="Kind of connection">{kinds.into_iter().map(one).collect_any()}</div> }
}

#[component]
fn Fields(editing: Editing) -> impl IntoView {
    let error = move |key: String| Signal::derive(move || editing.errors.with(|errors| errors.get(&key).cloned()));
    let name_error = error(NAME.to_owned());
    let form = Memo::new(move |_| editing.form());
    view! {
        <div class="form-field" class:wrong=move || name_error.with(Option::is_some)>
            <label for="field-connection-name">"Name"</label>
            <input
                id="field-connection-name" autofocus class="field" type="text" data-test="field-name" autocomplete="off" spellcheck="false"
                aria-describedby="field-connection-name-help"
                prop:value=move || editing.filled.with(|filled| filled.name.clone())
                on:input=move |event| editing.filled.update(|filled| filled.name = event_target_value(&event))
            />
            <p id="field-connection-name-help" class="small faint">
                {move || match name_error.get() {
                    Some(error) => view! { <span class="bad" data-test="field-error" dir="auto">{visible(&error)}</span> }.into_any(),
                    None => view! { "For people; the id is made of it." }.into_any(),
                }}
            </p>
        </div>
        {move || form.get().map(|form| {
            let set = editing.set();
            let fields = form.fields.into_iter().map(|field| {
                let (is_set, error) = (set.contains(&field.key), error(field.key.clone()));
                view! { <FieldInput field=field filled=editing.filled error=error is_set=is_set /> }
            });
            let rights = (!form.permissions.is_empty()).then(|| {
                view! {
                    <details class="rights">
                        <summary class="soft">"The least rights that it needs"</summary>
                        <ul class="soft">{form.permissions.into_iter().map(|right| view! { <li dir="auto">{visible(&right)}</li> }).collect_any()}</ul>
                    </details>
                }
            });
            view! { {fields.collect_any()} {rights} }
        })}
    }
}

#[component]
fn OutcomeView(editing: Editing) -> impl IntoView {
    live(move || {
        match editing.outcome.get() {
        Outcome::None => None,
        Outcome::Failed(problem) => {
            Some(view! { <div class="finding bad" role="alert" data-test="form-problem"><ProblemRows problem=problem /></div> }.into_any())
        }
        Outcome::Tested(tested) => Some(view! { <TestedView tested=tested /> }.into_any()),
    }
    })
}

#[component]
fn TestedView(tested: Tested) -> impl IntoView {
    let (status, claim) = match &tested.problem {
        None => (Status::Good, "It answers."),
        Some(_) => (Status::Warn, "It answers, but not with all that is asked for."),
    };
    let class = if status == Status::Good { "finding good" } else { "finding warn" };
    let absent = || pilothouse_wire::units::ABSENT.to_owned();
    view! {
        <div class=class role="status" data-test="form-tested">
            <p class="line"><Mark status=status size=12 /><b>{claim}</b></p>
            <dl class="facts">
                <dt>"Version"</dt><dd dir="auto">{tested.version.map_or_else(absent, |text| visible(&text))}</dd>
                <dt>"Known there as"</dt><dd dir="auto">{tested.identity.map_or_else(absent, |text| visible(&text))}</dd>
                <dt>"May"</dt><dd dir="auto">{if tested.may.is_empty() { absent() } else { visible(&tested.may.join(", ")) }}</dd>
            </dl>
            {tested.problem.map(|problem| view! { <ProblemRows problem=problem /> })}
        </div>
    }
}
