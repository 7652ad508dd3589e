//! Shares of traffic: what a route gives to each of its backends, or what comes to a service; and other weights, which open a
//! plan.

use super::rollout::part;
use crate::{
    keys::Command,
    mirror::Watched,
    once::CollectAny,
    parts::{
        button::{Button, Weight},
        form::dialog::Titled,
        show::Show,
    },
    shell::plan::{use_acts_on, use_plan},
    state::use_state,
};
use leptos::prelude::*;
use pilothouse_wire::{
    ObjectRef, SmolStr,
    plan::{Deed, Intent},
    units::{self, visible},
    view::delivery::{ShareRow, percent},
};

/// Backends of one rule that are weighed anew.
#[derive(Clone, PartialEq)]
struct Weighing {
    route: ObjectRef,
    rule: u32,
    backends: Vec<(SmolStr, u32)>,
}

/// Draws the shares, where there are some.
#[component]
pub fn Shares(view: Watched) -> impl IntoView {
    let shares = part(view, |rollout| (rollout.row.shares.clone(), rollout.row.is_route()));
    let weighing = RwSignal::new(None::<Weighing>);
    let on_close = Callback::new(move |()| weighing.set(None));
    view! {
        {move || {
            let (rows, is_route) = shares.get();
            (!rows.is_empty()).then(|| table(&rows, is_route, weighing))
        }}
        {move || weighing.get().map(|what| view! { <Weigh what=what on_close=on_close /> })}
    }
}

/// Of a service: what the rules of a route give it alike, once, with the rules in words. A gateway has a rule a path, and a
/// dozen of them may say the same.
fn gathered(rows: &[ShareRow]) -> Vec<(ShareRow, Vec<String>)> {
    // All of a share but the rule.
    fn given(row: &ShareRow) -> impl PartialEq + use<'_> {
        let backend = (&row.kind, &row.backend, &row.namespace);
        (&row.route, backend, row.weight, row.of, &row.to, row.revision, &row.unknown)
    }
    let mut all: Vec<(ShareRow, Vec<String>)> = Vec::new();
    for row in rows {
        match all.iter_mut().find(|(other, _)| given(other) == given(row)) {
            Some((_, rules)) => rules.push(row.rule_words.clone()),
            None => all.push((row.clone(), vec![row.rule_words.clone()])),
        }
    }
    all
}

fn table(rows: &[ShareRow], is_route: bool, weighing: RwSignal<Option<Weighing>>) -> impl IntoView + use<> {
    let title = if is_route { "Where its traffic goes" } else { "Traffic that routes give it" };
    let of_route = || {
        rows.iter().enumerate().map(|(at, row)| {
            // What can be weighed is a rule: its button stands beside its first backend.
            let is_first =
                at.checked_sub(1).and_then(|before| rows.get(before)).is_none_or(|before| before.rule != row.rule);
            let of_rule = || rows.iter().filter(|other| other.rule == row.rule && other.route == row.route);
            let weigh = is_first.then(|| Weighing {
                route: row.route.clone(),
                rule: row.rule,
                backends: of_rule().map(|other| (other.backend.clone(), other.weight)).collect(),
            });
            let rule = match row.rule_words.as_str() {
                "" => view! { <span class="soft">"everything"</span> }.into_any(),
                words => view! { <span dir="auto">{visible(words)}</span> }.into_any(),
            };
            line(row, rule, weigh, weighing)
        })
    };
    let of_service = || {
        gathered(rows)
            .iter()
            .map(|(row, rules)| {
                let many = (rules.len() > 1).then(|| {
            view! { <span class="soft" title=visible(&rules.join("\n"))>{format!(" in {} rules", rules.len())}</span> }
        });
                line(row, view! { {link(&row.route)} {many} }.into_any(), None, weighing)
            })
            .collect_any()
    };
    let lines = if is_route { of_route().collect_any() } else { of_service() };
    view! {
        <section class="card table-card" aria-label=title data-test="shares">
            <header class="card-head"><h2>{title}</h2></header>
            <table class="plain-table shares-table">
                <thead>
                    <tr>
                        <th>{if is_route { "For" } else { "Route" }}</th>
                        <th>"Backend"</th>
                        <th class="number">"Weight"</th>
                        <th class="number">"Wanted"</th>
                        <th>"Goes to"</th>
                        <th></th>
                    </tr>
                </thead>
                <tbody>{lines}</tbody>
            </table>
        </section>
    }
}

fn line(
    row: &ShareRow,
    first: AnyView,
    weigh: Option<Weighing>,
    weighing: RwSignal<Option<Weighing>>,
) -> impl IntoView + use<> {
    let may = use_acts_on(&row.route);
    let to = row.to.iter().map(link).collect_any();
    let revision = row.revision.map(|number| view! { <span class="soft">{format!(" revision {number}")}</span> });
    let unknown = row.unknown.clone().map(|why| view! { <span class="warn small" dir="auto">{visible(&why)}</span> });
    let backend = format!("{} {}", row.kind, row.place());
    view! {
        <tr data-test="share" data-key=row.backend.to_string()>
            <td class="clip">{first}</td>
            <td class="mono clip" dir="auto" title=visible(&backend)>{visible(&backend)}</td>
            <td class="number">{units::count(row.weight.into())}</td>
            <td class="number strong" data-test="share-wanted">{row.percent()}</td>
            <td class="clip">{to} {revision} {unknown}</td>
            <td>
                {weigh.map(|what| view! {
                    <Show when=move || may.get()>
                        <Button
                            label="Weights…"
                            on_press={
                                let what = what.clone();
                                move || weighing.set(Some(what.clone()))
                            }
                            test="weigh"
                        />
                    </Show>
                })}
            </td>
        </tr>
    }
}

/// A service, by which one gets to its page.
fn link(object: &ObjectRef) -> impl IntoView + use<> {
    let state = use_state();
    let (words, tab) = (format!("{} {}", object.kind_word(), object.name()), object.to_string());
    view! {
        <button type="button" class="link clip" dir="auto" on:click=move |_| state.set_tab(&tab)>{visible(&words)}</button>
    }
}

/// Asks for other weights. Nothing is done here: the plan says what would be.
#[component]
fn Weigh(what: Weighing, on_close: Callback<()>) -> impl IntoView {
    let door = use_plan();
    let Weighing { route, rule, backends } = what;
    let fields: Vec<(SmolStr, u32, RwSignal<String>)> =
        backends.into_iter().map(|(name, weight)| (name, weight, RwSignal::new(weight.to_string()))).collect();
    let fields = StoredValue::new(fields);
    let typed = move || fields.with_value(|fields| weights(fields));
    let blocked = Signal::derive(move || match typed() {
        None => Some("each weight is a whole number from 0 on".to_owned()),
        Some(weights) if changed(&weights).is_empty() => Some("nothing is another one".to_owned()),
        Some(_) => None,
    });
    let plan = StoredValue::new(route);
    let plan = move || {
        if let Some(weights) = untrack(typed).map(|weights| changed(&weights)).filter(|weights| !weights.is_empty()) {
            on_close.run(());
            door.open(Intent {
                object: plan.get_value(),
                deed: Deed::SetWeights { rule: Some(rule), mark: None, weights },
            });
        }
    };
    let field = move |(name, _, text): (SmolStr, u32, RwSignal<String>)| {
        let share = move || {
            let weights = typed()?;
            let whole = weights.iter().map(|(_, _, to)| u64::from(*to)).sum();
            text.with(|text| text.trim().parse().ok()).map(|weight: u32| percent(weight, whole))
        };
        view! {
            <label class="weigh">
                <span class="mono clip" dir="auto">{visible(&name)}</span>
                <input
                    class="field" type="text" inputmode="numeric" maxlength="7" autocomplete="off" data-test="weigh-field"
                    data-key=name.to_string()
                    prop:value=move || text.get()
                    on:input:target=move |event| text.set(event.target().value())
                />
                <span class="soft">{move || share().unwrap_or_else(|| units::ABSENT.to_owned())}</span>
            </label>
        }
    };
    view! {
        <Titled label="Weights" title="Which weights should they have?" on_close=on_close test="weights">
            <div class="dialog-body stack">{fields.get_value().into_iter().map(field).collect_any()}</div>
            <footer class="dialog-foot">
                <Button label="Cancel" on_press=move || on_close.run(()) command=Command::Close />
                <Button label="Plan it" on_press=plan weight=Weight::Primary blocked=blocked test="weigh-plan" />
            </footer>
        </Titled>
    }
}

/// Each backend with its weight and the one that is typed; none where one is no weight.
fn weights(fields: &[(SmolStr, u32, RwSignal<String>)]) -> Option<Vec<(SmolStr, u32, u32)>> {
    fields
        .iter()
        .map(|(name, from, text)| Some((name.clone(), *from, text.with(|text| text.trim().parse().ok())?)))
        .collect()
}

/// Those that would be others.
fn changed(weights: &[(SmolStr, u32, u32)]) -> Vec<(SmolStr, u32)> {
    weights.iter().filter(|(_, from, to)| from != to).map(|(name, _, to)| (name.clone(), *to)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_a_route_that_give_alike_are_told_once() {
        let row = |rule: u32, words: &str, weight: u32| ShareRow {
            route: "workload:iad/serving/HTTPRoute/chat".parse().unwrap(),
            rule,
            rule_words: words.to_owned(),
            kind: "Service".into(),
            backend: "chat".into(),
            namespace: None,
            weight,
            of: 100,
            to: Vec::new(),
            revision: None,
            unknown: None,
        };
        let all = gathered(&[row(0, "/v1/chat", 10), row(1, "/health", 100), row(2, "/v1/completions", 10)]);
        let told: Vec<(u32, usize)> = all.iter().map(|(row, rules)| (row.weight, rules.len())).collect();
        assert_eq!(told, [(10, 2), (100, 1)]);
        assert_eq!(all[0].1, ["/v1/chat", "/v1/completions"]);
    }

    #[test]
    fn only_what_is_another_weight_is_planned() {
        let weights = [("a".into(), 90, 50), ("b".into(), 10, 10)];
        assert_eq!(changed(&weights), [("a".into(), 50)]);
    }
}
