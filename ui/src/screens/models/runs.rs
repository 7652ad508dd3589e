//! Runs of a tracking server, of whichever experiments: found by what was given to them and what came of them, and put side by
//! side. Read from their server when somebody asks, and so of now.

use super::{Here, place::Spot, run::status};
use crate::{
    link::use_link,
    parts::{age::Age, button::Button, mark::StatusWord, problem::ProblemRows},
    state::use_state,
    once::{CollectAny, effect},
};
use leptos::prelude::*;
use pilothouse_wire::{
    Answer, Ask, ConnectionId, Problem, SmolStr,
    runs::{ComparedPart, MOST_COMPARED, RunAnswer, RunAsk, RunId, RunPage, RunQuery, RunRow, RunsCompared, RunsRow, common_metrics},
    units::{ABSENT, count, lower, visible},
};

/// Runs that are asked for.
const MOST: u32 = 100;
/// Metrics that have a column of their own.
const COLUMNS: usize = 4;

/// What is looked for and what was chosen of it: it stays while a person looks at a run and comes back.
#[derive(Clone, Copy)]
pub struct Looked {
    /// Names of experiments with commas between them, a filter, and an order, each as it is typed.
    typed: [RwSignal<String>; 3],
    /// Runs that are to be put side by side, in the order in which they were chosen.
    picked: RwSignal<Vec<SmolStr>>,
}

impl Looked {
    /// For all of the screen.
    pub fn provide() {
        provide_context(Self { typed: [(); 3].map(|()| RwSignal::default()), picked: RwSignal::default() });
    }

    /// Chooses a run, or lets it go.
    fn turn(self, run: &SmolStr) {
        self.picked.update(|picked| match picked.iter().position(|one| one == run) {
            Some(at) => drop(picked.remove(at)),
            None if picked.len() < MOST_COMPARED => picked.push(run.clone()),
            None => {}
        });
    }

    fn query(self) -> RunQuery {
        let [experiments, filter, order] = self.typed.map(|typed| typed.get_untracked());
        query([&experiments, &filter, &order])
    }
}

fn query([experiments, filter, order]: [&str; 3]) -> RunQuery {
    let names = experiments.split(',').map(str::trim).filter(|name| !name.is_empty());
    let order = order.trim();
    RunQuery {
        experiments: names.map(str::to_owned).collect(),
        filter: filter.trim().to_owned(),
        order: (!order.is_empty()).then(|| order.to_owned()),
        most: MOST,
    }
}

/// Searches the runs of a server.
#[component]
pub fn RunsSearch(source: ConnectionId) -> impl IntoView {
    let (link, state, here): (_, _, Here) = (use_link(), use_state(), expect_context());
    let looked: Looked = expect_context();
    let wanted = RwSignal::new(looked.query());
    let found: RwSignal<Option<Result<RunPage, Problem>>> = RwSignal::new(None);
    let of = StoredValue::new(source);
    effect(move || {
        let query = wanted.get();
        if link.is_open() && !state.is_past() {
            found.set(None);
            link.ask_then(Ask::Runs(of.get_value(), RunAsk::Search(query)), move |answer| {
                found.set(Some(answer.and_then(|answer| match answer {
                    Answer::Runs(answer) => match *answer {
                        RunAnswer::Found(page) => Ok(page),
                        _ => Err(Problem::other_answer()),
                    },
                    _ => Err(Problem::other_answer()),
                })));
            });
        }
    });
    let search = move || wanted.set(looked.query());
    let field = move |at: usize, label: &'static str, hint: &'static str, test: &'static str| {
        let typed = looked.typed[at];
        view! {
            <label>
                <span class="faint small">{label}</span>
                <input
                    class="field mono" type="text" spellcheck="false" placeholder=hint data-test=test
                    prop:value=move || typed.get()
                    on:input:target=move |event| typed.set(event.target().value())
                    on:keydown=move |event| if event.key() == "Enter" && !event.is_composing() { search() }
                />
            </label>
        }
    };
    let chosen = move || looked.picked.with(Vec::len);
    let beside = move || here.go(&Spot::Runs(of.get_value(), looked.picked.get_untracked()));
    let too_few = Signal::derive(move || (chosen() < 2).then(|| "choose two or more".to_owned()));
    let body = move || {
        if state.is_past() {
            let words = "Runs are read from their server, and so are of now: they are not shown of the past.";
            return view! { <p class="soft">{words}</p> }.into_any();
        }
        match found.get() {
            None => view! { <p class="faint" aria-busy="true">"Runs are being looked for at their server."</p> }.into_any(),
            Some(Err(problem)) => view! { <ProblemRows problem=problem /> }.into_any(),
            Some(Ok(page)) => table(page, of.get_value(), looked, here).into_any(),
        }
    };
    view! {
        <div class="section" data-test="runs">
            <div class="runs-form">
                {field(0, "Experiments", "all, or chat*, eval", "runs-experiments")}
                {field(1, "Only those with", "metrics.loss < 0.4 and params.base = '8b'", "runs-filter")}
                {field(2, "In order of", "metrics.loss ASC", "runs-order")}
                <Button label="Search" on_press=search test="runs-search" />
                <Button
                    label=Signal::derive(move || format!("Compare {}", count(chosen() as u64)))
                    on_press=beside
                    blocked=too_few
                    test="runs-compare"
                />
            </div>
            {move || body()}
        </div>
    }
}

fn table(page: RunPage, source: ConnectionId, looked: Looked, here: Here) -> impl IntoView {
    let metrics = common_metrics(&page.runs, COLUMNS);
    let (shown, of) = (page.runs.len() as u64, some(page.experiments.into(), "experiment"));
    let told = match (shown, page.more) {
        (0, _) => format!("None of the runs of {of} fits."),
        (shown, true) => format!("The first {} of {of}.", some(shown, "run")),
        (shown, false) => format!("{} of {of}.", some(shown, "run")),
    };
    let heads = metrics.iter().map(|key| view! { <th class="number" dir="auto">{visible(key)}</th> }).collect_any();
    let row = |run: RunRow| line(run, &metrics, source.clone(), looked, here);
    let rows = page.runs.into_iter().map(row).collect_any();
    view! {
        <p class="small faint" role="status" data-test="runs-told">{told}</p>
        <div class="runs-table">
            <table class="plain-table">
                <thead>
                    <tr><th></th><th>"Status"</th><th>"Run"</th><th>"Experiment"</th><th class="number">"Began"</th>{heads}</tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

/// `1 run`, `12 runs`.
fn some(number: u64, of: &str) -> String {
    let many = if number == 1 { "" } else { "s" };
    format!("{} {of}{many}", count(number))
}

fn line(run: RunRow, metrics: &[SmolStr], source: ConnectionId, looked: Looked, here: Here) -> impl IntoView + use<> {
    let RunRow { id, name, experiment, status: word, began, metrics: last, .. } = run;
    let value = |key: &SmolStr| {
        let value = last.iter().find(|metric| metric.key == *key).map(|metric| metric.value.to_string());
        view! { <td class="number">{value.unwrap_or_else(|| ABSENT.to_owned())}</td> }
    };
    let values = metrics.iter().map(value).collect_any();
    let experiment = experiment.1.unwrap_or(experiment.0);
    let label = format!("Choose {}", visible(&name));
    let (key, shown, turned) = (id.to_string(), id.clone(), id.clone());
    let open = move |_| here.go(&Spot::Run(source.clone(), id.clone()));
    view! {
        <tr data-test="runs-row" data-key=key>
            <td>
                <input
                    type="checkbox" aria-label=label data-test="runs-pick"
                    prop:checked=move || looked.picked.with(|picked| picked.contains(&shown))
                    on:change=move |_| looked.turn(&turned)
                />
            </td>
            <td><StatusWord status=status(&word) word=lower(&word) /></td>
            <td><button type="button" class="link" dir="auto" on:click=open>{visible(&name)}</button></td>
            <td class="soft" dir="auto">{visible(&experiment)}</td>
            <td class="number faint"><Age of=Signal::stored(began) /></td>
            {values}
        </tr>
    }
}

/// A button of a run that leads to others, among which it is chosen.
#[component]
pub fn BesideOthers(source: ConnectionId, run: SmolStr) -> impl IntoView {
    let (here, looked): (Here, Looked) = (expect_context(), expect_context());
    let go = move |_| {
        if looked.picked.with_untracked(|picked| !picked.contains(&run)) {
            looked.turn(&run);
        }
        here.go(&Spot::Runs(source.clone(), Vec::new()));
    };
    view! { <button type="button" class="link small" data-test="run-beside" on:click=go>"Compare with other runs"</button> }
}

/// Runs side by side: what differs first, and the rest on request.
#[component]
pub fn RunsBeside(source: ConnectionId, runs: Vec<SmolStr>) -> impl IntoView {
    let (link, state, here): (_, _, Here) = (use_link(), use_state(), expect_context());
    let asked: RwSignal<Option<Result<RunsCompared, Problem>>> = RwSignal::new(None);
    let from = source.clone();
    effect(move || {
        if link.is_open() && !state.is_past() {
            let id = |run: &SmolStr| RunId { source: from.clone(), run: run.clone() };
            link.ask_then(Ask::CompareRuns(runs.iter().map(id).collect()), move |answer| {
                asked.set(Some(answer.and_then(|answer| match answer {
                    Answer::RunsCompared(compared) => Ok(*compared),
                    _ => Err(Problem::other_answer()),
                })));
            });
        }
    });
    let all = RwSignal::new(false);
    let body = move || {
        if state.is_past() {
            let words = "Runs are read from their server, and so are of now: they are not compared in the past.";
            return view! { <p class="soft">{words}</p> }.into_any();
        }
        match asked.get() {
            None => view! { <p class="faint" aria-busy="true">"The runs are being read from their server."</p> }.into_any(),
            Some(Err(problem)) => view! { <ProblemRows problem=problem /> }.into_any(),
            Some(Ok(compared)) => together(compared, all, here),
        }
    };
    let back = move |_| here.go(&Spot::Runs(source.clone(), Vec::new()));
    view! {
        <div class="section" data-test="runs-beside">
            <h3>
                "Side by side "
                <button type="button" class="link small" data-test="runs-back" on:click=back>"Choose others"</button>
            </h3>
            {move || body()}
        </div>
    }
}

fn together(of: RunsCompared, all: RwSignal<bool>, here: Here) -> AnyView {
    let head = |(id, name): (RunId, SmolStr)| {
        let name = visible(if name.is_empty() { &id.run } else { &name });
        let go = move |_| here.go(&Spot::Run(id.source.clone(), id.run.clone()));
        view! { <th><button type="button" class="link" dir="auto" on:click=go>{name}</button></th> }.into_any()
    };
    let heads = of.runs.into_iter().map(head).collect();
    side_by_side(heads, of.rows, of.problems, all, ["runs-compared", "runs-all"])
}

/// What is said of each, part by part: what differs first, and the rest on request. `tests` finds its rows, and its button.
pub(super) fn side_by_side(
    heads: Vec<AnyView>,
    rows: Vec<RunsRow>,
    problems: Vec<Problem>,
    all: RwSignal<bool>,
    tests: [&'static str; 2],
) -> AnyView {
    let same = rows.iter().filter(|row| !row.differs()).count();
    let problems = problems.into_iter().map(|problem| view! { <ProblemRows problem=problem /> }).collect_any();
    let wide = heads.len() + 1;
    let nothing = (same == rows.len()).then(|| view! { <p class="soft">"Nothing differs."</p> });
    let parts = move || {
        let all = all.get();
        let part = |part: ComparedPart| {
            let shown: Vec<AnyView> =
                rows.iter().filter(|row| row.part == part && (all || row.differs())).map(|row| compared(row, tests[0])).collect();
            (!shown.is_empty()).then(|| {
                view! {
                    <tbody>
                        <tr><th colspan=wide.to_string() class="compared-part">{part.title()}</th></tr>
                        {shown}
                    </tbody>
                }
            })
        };
        ComparedPart::ALL.map(part).into_iter().collect_any()
    };
    let more = (same > 0).then(|| {
        let words = move || if all.get() { "Show only what differs".to_owned() } else { format!("Show {} that are the same", count(same as u64)) };
        view! { <button type="button" class="link small" data-test=tests[1] on:click=move |_| all.update(|all| *all = !*all)>{move || words()}</button> }
    });
    view! {
        {problems}
        <div class="runs-table">
            <table class="plain-table compared"><thead><tr><th></th>{heads}</tr></thead>{move || parts()}</table>
        </div>
        {nothing}
        {more}
    }
    .into_any()
}

fn compared(row: &RunsRow, test: &'static str) -> AnyView {
    let cell = |(value, change): (&Option<String>, &Option<String>)| {
        let value = value.as_deref().map_or_else(|| ABSENT.to_owned(), visible);
        let change = change.as_ref().map(|change| view! { " "<span class="small faint">{change.clone()}</span> });
        view! { <td dir="auto">{value}{change}</td> }
    };
    let cells = row.values.iter().zip(&row.changes).map(cell).collect_any();
    view! {
        <tr data-test=test data-key=row.key.to_string() class:differs=row.differs()>
            <td class="mono soft" dir="auto">{visible(&row.key)}</td>
            {cells}
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_what_is_asked_for() {
        assert_eq!(query(["", " ", ""]), RunQuery { most: MOST, ..RunQuery::default() });
        let asked = query(["chat*, eval,", "metrics.loss < 0.4 ", "metrics.loss ASC"]);
        assert_eq!(asked.experiments, ["chat*", "eval"]);
        assert_eq!((asked.filter.as_str(), asked.order.as_deref()), ("metrics.loss < 0.4", Some("metrics.loss ASC")));
    }
}
