//! What is done in this session: a sign in the top bar while something is under way, or has ended and nobody has looked, and the
//! list of all of it, from which each opens in its dialog again. What goes on goes on, whatever is closed here.

use super::{
    menu::Menu,
    plan::{detail, sentence, status_of, use_plan, words},
    text,
    toast::{Toaster, use_toasts},
};
use crate::{
    clock::use_clock,
    keys::{Command, on_command},
    mirror::{Watched, use_view},
    once::effect,
    parts::{
        mark::{Mark, tone},
        show::{Show, each},
    },
};
use leptos::{html, prelude::*};
use pilothouse_wire::{
    Stamp, ViewSpec,
    plan::{Action, ActionState},
    units::{age, count, span, visible},
    view::Status,
};
use std::{collections::BTreeSet, time::Duration};

/// It lasts as long as the session of the window, over loading its page again.
const STORED_AS: &str = "pilothouse.looked-at";
/// Good news that nobody has looked at is told for so long; all else until somebody looks.
const GOOD_STAYS: Duration = Duration::from_secs(300);

/// What is done in this session, which of it a person has looked at, and whether the list is open.
#[derive(Clone, Copy)]
pub struct Doing {
    actions: Watched,
    /// The newest first.
    all: Memo<Vec<Line>>,
    said: Memo<Option<Said>>,
    open: RwSignal<bool>,
    looked: RwSignal<BTreeSet<u64>>,
    /// The action whose dialog is open, and whether it is over.
    shown: StoredValue<Option<(u64, bool)>>,
}

/// What is done in this session.
#[must_use]
pub fn use_doing() -> Doing {
    expect_context()
}

impl Doing {
    /// Follows what is done, reads what was looked at, and offers itself to everything below.
    pub fn provide() {
        let (clock, actions) = (use_clock(), use_view(Signal::stored(ViewSpec::Actions)));
        let newest_first = move || actions.actions(|view| view.actions.rows().iter().rev().map(Line::of).collect());
        let all: Memo<Vec<Line>> = Memo::new(move |_| newest_first().unwrap_or_default());
        let text = storage().and_then(|storage| storage.get_item(STORED_AS).ok().flatten()).unwrap_or_default();
        let looked = RwSignal::new(text.split(',').filter_map(|id| id.parse().ok()).collect());
        let said = Memo::new(move |_| all.with(|all| looked.with(|looked| said(all, looked, clock.real()))));
        let (open, shown) = (RwSignal::new(false), StoredValue::new(None));
        provide_context(Self { actions, all, said, open, looked, shown });
    }

    /// How much of the top bar the sign takes; tracks.
    #[must_use]
    pub fn room(self) -> f64 {
        // Mark, paddings, gaps, and the widest age of an action.
        self.said.with(|said| said.as_ref().map_or(0.0, |said| text::width(&said.name).min(140.0) + 130.0))
    }

    /// The dialog of an action is open.
    pub fn shows(self, action: &Action) {
        self.shown.try_set_value(Some((action.id, action.state.is_over())));
    }

    /// No dialog is open any more: what was over in it was looked at.
    pub fn closed(self) {
        if let Some((id, true)) = self.shown.try_update_value(Option::take).flatten() {
            self.look([id]);
        }
    }

    fn look(self, ids: impl IntoIterator<Item = u64>) {
        self.looked.try_update(|looked| looked.extend(ids));
        let text =
            self.looked.try_with_untracked(|looked| looked.iter().map(u64::to_string).collect::<Vec<_>>().join(","));
        if let Some((storage, text)) = storage().zip(text) {
            let _ = storage.set_item(STORED_AS, &text);
        }
    }
}

fn storage() -> Option<web_sys::Storage> {
    window().session_storage().ok().flatten()
}

/// What is told of an action.
#[derive(Clone, Debug, PartialEq)]
struct Line {
    id: u64,
    title: String,
    /// Its verb and its object, as short as they can be.
    short: String,
    /// Through which connection.
    place: String,
    status: Status,
    word: &'static str,
    detail: String,
    /// While it is being sent: how many of its several steps were taken.
    taken: Option<(u32, usize)>,
    begun: Stamp,
    at: Stamp,
    is_over: bool,
}

impl Line {
    fn of(action: &Action) -> Self {
        let Action { plan, state, .. } = action;
        let (object, of) = (&plan.intent.object, plan.steps.len());
        Self {
            id: action.id,
            title: visible(&plan.title),
            short: visible(&format!("{} {}", words(&plan.intent.deed), object.name())),
            place: visible(object.connection().as_str()),
            status: status_of(state),
            word: state.word(),
            detail: match state {
                ActionState::Sending(waits) if waits.is_empty() => String::new(),
                ActionState::Sending(waits) => format!("It waits: {}", visible(waits)),
                _ => visible(&detail(action)),
            },
            taken: (of > 1 && matches!(state, ActionState::Sending(_))).then_some((action.sent, of)),
            begun: action.begun,
            at: action.at,
            is_over: state.is_over(),
        }
    }

    /// How it is: its outcome, or how far it is.
    fn how(&self) -> String {
        let taken = self.taken.map(|taken| format!(", {}", steps(taken))).unwrap_or_default();
        let head = format!("{}{taken}", sentence(self.word));
        let joins = match self.status {
            Status::Progress if self.taken.is_some() => ". ",
            _ if self.word == "unverified" => ", ",
            _ => ": ",
        };
        if self.detail.is_empty() { head } else { format!("{head}{joins}{}", self.detail) }
    }

    /// Since when, or how long ago it ended.
    fn when(&self, now: Stamp) -> String {
        if self.is_over {
            format!("{} ago", age(now.since(self.at)))
        } else {
            format!("for {}", age(now.since(self.begun)))
        }
    }
}

fn steps((taken, of): (u32, usize)) -> String {
    format!("{} of {} steps", count(taken.into()), count(of as u64))
}

/// What the bar says.
#[derive(Clone, Debug, PartialEq)]
struct Said {
    status: Status,
    name: String,
    how: String,
}

/// Something is under way, or has ended and was not looked at; else nothing is said.
fn said(all: &[Line], looked: &BTreeSet<u64>, now: Stamp) -> Option<Said> {
    let is_told = |line: &&Line| {
        let is_new = !looked.contains(&line.id) && (line.status != Status::Good || now.since(line.at) < GOOD_STAYS);
        !line.is_over || is_new
    };
    let told: Vec<&Line> = all.iter().filter(is_told).collect();
    // What went wrong is what a person is called for; what is under way comes before good news.
    let rank = |status: Status| match status {
        Status::Bad => 3,
        Status::Warn | Status::Unknown => 2,
        Status::Progress => 1,
        Status::Good => 0,
    };
    let worst = told.iter().map(|line| line.status).max_by_key(|status| rank(*status))?;
    if let [one] = told.as_slice() {
        let how = match one.taken {
            Some(taken) => steps(taken),
            None if one.is_over => one.word.to_owned(),
            None => span(now.since(one.begun)),
        };
        return Some(Said { status: worst, name: one.short.clone(), how });
    }
    let mut words: Vec<(&str, u64)> = Vec::new();
    for line in &told {
        let word = if line.is_over { line.word } else { "under way" };
        match words.iter_mut().find(|(known, _)| *known == word) {
            Some((_, times)) => *times += 1,
            None => words.push((word, 1)),
        }
    }
    let how: Vec<String> = words.into_iter().map(|(word, times)| format!("{} {word}", count(times))).collect();
    Some(Said { status: worst, name: format!("{} actions", count(told.len() as u64)), how: how.join(", ") })
}

/// The sign in the bar, and the list under it.
#[component]
pub fn DoingSign() -> impl IntoView {
    let (doing, door) = (use_doing(), use_plan());
    let all = doing.all;
    tell_ends(all, doing, use_toasts());
    let close = move || {
        if doing.open.get_untracked() {
            doing.open.set(false);
            let over = all.get_untracked().into_iter().filter(|line| line.is_over);
            doing.look(over.map(|line| line.id));
        }
    };
    let turn = move || if doing.open.get_untracked() { close() } else { doing.open.set(true) };
    on_command(Command::Actions, move || {
        turn();
        true
    });
    let status = Memo::new(move |_| doing.said.with(|said| said.as_ref().map(|said| said.status)));
    let says = move |read: fn(&Said) -> String| doing.said.with(|said| said.as_ref().map(read));
    let chip = NodeRef::<html::Button>::new();
    let state = move || match status.get() {
        Some(Status::Bad) => "lost",
        Some(Status::Warn) => "stale",
        _ => "live",
    };
    let ids = Memo::new(move |_| all.with(|all| all.iter().map(|line| line.id).collect::<Vec<_>>()));
    let reopen = Callback::new(move |id: u64| {
        // The dialog gives the focus back to who had it.
        if let Some(chip) = chip.get_untracked() {
            let _ = chip.focus();
        }
        close();
        if let Some(action) = untrack(|| doing.actions.actions(|view| view.actions.get(&id).cloned())).flatten() {
            door.reopen(action);
        }
    });
    view! {
        <div class="doing">
            <Show when=move || status.get().is_some() || doing.open.get()>
                <button
                    node_ref=chip type="button" class="chip" data-test="doing" data-state=move || state() title="What is done in this session"
                    aria-expanded=move || doing.open.get().to_string()
                    on:click=move |_| turn()
                >
                    {move || status.get().map(|status| view! { <Mark status=status size=9 /> })}
                    <span class="chip-name" dir="auto">{move || says(|said| said.name.clone()).unwrap_or_else(|| "Actions".to_owned())}</span>
                    <span class="age">{move || says(|said| said.how.clone())}</span>
                </button>
            </Show>
            <Show when=move || doing.open.get()>
                <Menu label="Actions of this session" on_close=close>
                    {each(move || ids.get(), |id| *id, move |id| view! { <Row id=id all=all open=reopen /> }.into_any())}
                    <p class="doing-foot small faint">
                        {move || if all.with(Vec::is_empty) { "Nothing was done in this session. " } else { "" }}
                        "Earlier ones, and those of others: "<span class="mono">"pilothouse audit list"</span>
                    </p>
                </Menu>
            </Show>
        </div>
    }
}

#[component]
fn Row(id: u64, all: Memo<Vec<Line>>, open: Callback<u64>) -> impl IntoView {
    let clock = use_clock();
    let line = Memo::new(move |_| all.with(|all| all.iter().find(|line| line.id == id).cloned()));
    let status = Memo::new(move |_| line.with(|line| line.as_ref().map_or(Status::Unknown, |line| line.status)));
    let text = move |read: &dyn Fn(&Line) -> String| line.with(|line| line.as_ref().map(read));
    view! {
        <button
            type="button" class="menu-item doing-item" role="menuitem" data-test="doing-action" data-key=id.to_string()
            data-state=move || line.with(|line| line.as_ref().map(|line| line.word))
            title=move || text(&|line| format!("Action {id} of the audit book, confirmed at {} UTC.", line.begun.clock()))
            on:click=move |_| open.run(id)
        >
            <Mark status=status />
            <span class="doing-title" dir="auto">{move || text(&|line| line.title.clone())}</span>
            <span class="age">{move || text(&|line| line.when(clock.real()))}</span>
            <span class=move || format!("doing-how {}", tone(status.get())) dir="auto">{move || text(&Line::how)}</span>
            <span class="faint" dir="auto">{move || text(&|line| line.place.clone())}</span>
        </button>
    }
}

/// Says what came of an action whose dialog is not open: a person may be elsewhere by then.
fn tell_ends(all: Memo<Vec<Line>>, doing: Doing, toasts: Toaster) {
    let under_way = StoredValue::new(Vec::<u64>::new());
    // Toasts are a log of what happens, which the engine tells by its view: this effect is the bridge.
    effect(move || {
        let now = all.get();
        let before = under_way.get_value();
        let shown = doing.shown.get_value().map(|(id, _)| id);
        under_way.set_value(now.iter().filter(|line| !line.is_over).map(|line| line.id).collect());
        for line in now.iter().filter(|line| line.is_over && before.contains(&line.id) && shown != Some(line.id)) {
            toasts.say(line.status, format!("{}: {}", line.title, line.word), line.detail.clone());
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: u64, state: &ActionState, taken: Option<(u32, usize)>) -> Line {
        Line {
            id,
            title: "Drain node h-1".into(),
            short: "Drain h-1".into(),
            place: "iad".into(),
            status: status_of(state),
            word: state.word(),
            detail: String::new(),
            taken,
            begun: Stamp(0),
            at: Stamp(60_000),
            is_over: state.is_over(),
        }
    }

    fn problem() -> Box<pilothouse_wire::Problem> {
        Box::new(pilothouse_wire::Problem::new(pilothouse_wire::Code::Cut, "It was cut."))
    }

    #[test]
    fn what_is_under_way_is_said_and_what_ended_until_somebody_looks() {
        let sending = || ActionState::Sending(String::new());
        let verified = || ActionState::Verified("all is well".into());
        let unverified = || ActionState::Unverified("2 of 4".into());
        let check = |all: &[Line], looked: &[u64], now: i64, want: Option<(Status, &str, &str)>| {
            let said = said(all, &looked.iter().copied().collect(), Stamp(now));
            let got = said.as_ref().map(|said| (said.status, said.name.as_str(), said.how.as_str()));
            assert_eq!(got, want, "{all:?}");
        };
        check(&[], &[], 72_000, None);
        check(&[line(1, &sending(), Some((2, 5)))], &[], 72_000, Some((Status::Progress, "Drain h-1", "2 of 5 steps")));
        let verifying = ActionState::Verifying("1 of 4".into());
        // What is under way is said though somebody has looked.
        check(&[line(1, &verifying, None)], &[1], 72_000, Some((Status::Progress, "Drain h-1", "1 min 12 s")));
        check(&[line(1, &unverified(), None)], &[], 9_000_000, Some((Status::Warn, "Drain h-1", "unverified")));
        check(&[line(1, &unverified(), None)], &[1], 72_000, None);
        // Good news is told for a while, and then it is none.
        check(&[line(1, &verified(), None)], &[], 72_000, Some((Status::Good, "Drain h-1", "verified")));
        check(&[line(1, &verified(), None)], &[], 9_000_000, None);
        let all = [
            line(4, &sending(), None),
            line(3, &unverified(), None),
            line(2, &verifying, None),
            line(1, &ActionState::Partly(problem()), None),
        ];
        let words = "2 under way, 1 unverified, 1 partly done";
        check(&all, &[], 72_000, Some((Status::Bad, "4 actions", words)));
        check(&all, &[1], 72_000, Some((Status::Warn, "3 actions", "2 under way, 1 unverified")));
        // What is under way comes before good news.
        let two = [line(2, &verified(), None), line(1, &sending(), None)];
        check(&two, &[], 72_000, Some((Status::Progress, "2 actions", "1 verified, 1 under way")));
    }

    #[test]
    fn a_line_says_how_far_it_is_or_what_became_of_it_and_when() {
        let sending = line(1, &ActionState::Sending(String::new()), Some((2, 5)));
        assert_eq!(sending.how(), "Being sent, 2 of 5 steps");
        assert_eq!(sending.when(Stamp(72_000)), "for 1 min 12 s");
        let waits = Line { detail: "It waits: a budget allows no eviction".into(), ..sending };
        assert_eq!(waits.how(), "Being sent, 2 of 5 steps. It waits: a budget allows no eviction");
        let over =
            Line { detail: "after 3 min: 2 of 4".into(), ..line(1, &ActionState::Unverified(String::new()), None) };
        assert_eq!(
            (over.how().as_str(), over.when(Stamp(72_000)).as_str()),
            ("Unverified, after 3 min: 2 of 4", "12 s ago")
        );
    }
}
