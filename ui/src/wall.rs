//! The wall: one screen for a room. Nobody touches it and everybody reads it from four metres: what needs a person,
//! since when, and how old everything is. It finds its way back by itself.
//!
//! It is laid out as 1080 units high and scaled as a whole, so that all sizes of LOOK hold on any screen.

mod alarm;
mod band;
mod foot;
mod gaps;
mod head;
mod panels;
pub mod plan;
mod scope;
mod screen;
mod strip;

use crate::{
    clock::{Clock, use_clock},
    keys::{Command, on_command},
    link::{Link, Phase, use_link},
    mirror::{Part, Watched, use_view},
    once::effect,
    parts::show::Show,
    state::use_state,
    theme::use_theme,
};
use leptos::prelude::*;
use pilothouse_wire::{
    ConnectionId, Stamp, ViewSpec, When,
    frame::SourceState,
    record::Gap,
    view::{Finding, FleetSpec, FleetView},
    wall::{Panel, WallAddress},
};
use plan::{Calm, Mood, Shown, Turn};
use scope::Scope;
use screen::Screen;
use std::time::Duration;

/// The route of the wall, which is no screen of the frame.
pub const ROUTE: &str = "wall";

/// What the strip shows.
const SPAN: Duration = Duration::from_secs(3_600);
/// What is watched for it: an hour more, so that the same ribbon has what changed before a trouble of this hour.
const WATCHED: Duration = Duration::from_secs(2 * 3_600);

/// What every part of the wall reads.
#[derive(Clone, Copy)]
pub(crate) struct Wall {
    link: Link,
    clock: Clock,
    screen: Screen,
    fleet: Watched,
    ribbon: Watched,
    /// The ribbon as far back as what changed before the trouble that has its turn: the same one, unless that is older than an
    /// hour.
    before: Watched,
    /// Does it reach so far?
    reaches: Memo<bool>,
    show: StoredValue<Vec<Panel>>,
    /// The clusters that it is about; all, if there are none.
    scope: StoredValue<Vec<ConnectionId>>,
    sources: Memo<Vec<SourceState>>,
    mood: Memo<Mood>,
    calm: Memo<Calm>,
    /// The troubles that are turned through.
    shown: Memo<Shown>,
    /// Which of them, and which panel, has its turn.
    trouble_turn: Memo<Turn>,
    panel_turn: Memo<Turn>,
}

impl Wall {
    fn watch() -> Self {
        let (link, clock) = (use_link(), use_clock());
        let WallAddress { show, scope } = address();
        let count = show.len();
        let fleet = use_view(Signal::stored(ViewSpec::Fleet(FleetSpec { scope: scope.clone() })));
        let ribbon = use_view(Signal::stored(ViewSpec::Ribbon { span: WATCHED, end: When::Now }));
        let sources = Memo::new(move |_| fleet.sources());
        let ids = Memo::new(move |_| {
            let ids = |view: &FleetView| {
                plan::troubles(&alarm::all(view)).into_iter().map(|finding| finding.id.clone()).collect::<Vec<_>>()
            };
            fleet.fleet_by(&[Part::Findings, Part::Alerts], ids).unwrap_or_default()
        });
        let shown = Memo::new(move |before: Option<&Shown>| Shown::then(before, ids.get(), clock.read()));
        let heard = Memo::new(move |_| fleet.as_of().is_some());
        let mood = Memo::new(move |_| match link.phase() {
            Phase::NoSession => Mood::NotLetIn,
            Phase::Differs => Mood::OtherBuild,
            Phase::Lost { .. } => Mood::Cut(fleet.as_of()),
            Phase::Connecting => Mood::Starting,
            Phase::Open => sources.with(|sources| plan::mood(heard.get(), sources, ids.with(Vec::len))),
        });
        let calm = Memo::new(move |before: Option<&Calm>| mood.with(|mood| Calm::then(before, mood, clock.read())));
        // Nobody reads it while there is trouble: it must notice that there was some all the same.
        effect(move || calm.track());
        let began = clock.read();
        let trouble_turn =
            Memo::new(move |_| shown.with(|shown| plan::turn(shown.ids.len(), shown.began, clock.now())));
        let panel_turn = Memo::new(move |_| {
            let began = calm.with(|calm| calm.since).unwrap_or(began);
            plan::turn(count, began, clock.now())
        });
        let since = Memo::new(move |_| {
            let id = shown.with(|shown| shown.ids.get(trouble_turn.get().at).cloned())?;
            fleet.fleet_by(&[Part::Findings, Part::Alerts], |view| alarm::find(view, &id)?.since)?
        });
        let reach = Memo::new(move |_| plan::reach(since.get(), clock.now()));
        let spec = move || ViewSpec::Ribbon { span: plan::watched(reach.get(), WATCHED), end: When::Now };
        let (before, reaches) = (use_view(Signal::derive(spec)), Memo::new(move |_| reach.get().is_some()));
        let screen = Screen::follow();
        let (show, scope) = (StoredValue::new(show), StoredValue::new(scope));
        Self {
            link,
            clock,
            screen,
            fleet,
            ribbon,
            before,
            reaches,
            show,
            scope,
            sources,
            mood,
            calm,
            shown,
            trouble_turn,
            panel_turn,
        }
    }

    /// The trouble that has its turn, and how many there are.
    fn trouble(self) -> Option<(Finding, usize)> {
        let at = self.trouble_turn.get().at;
        let (id, of) = self.shown.with(|shown| Some((shown.ids.get(at)?.clone(), shown.ids.len())))?;
        let finding = self.fleet.fleet_by(&[Part::Findings, Part::Alerts], |view| alarm::find(view, &id))??;
        Some((finding, of))
    }

    /// Where what changed before a trouble is looked for; tracks.
    fn scope_of(self, of: &Finding) -> Scope {
        let shown = self.scope.get_value();
        let scope = |view: &FleetView| self.sources.with(|sources| Scope::of(of, view, sources, &shown));
        self.fleet.fleet_by(&[Part::Alerts], scope).unwrap_or_default()
    }

    fn panel(self) -> Panel {
        let at = self.panel_turn.get().at;
        self.show.with_value(|show| show.get(at).copied()).unwrap_or(Panel::Fleet)
    }

    /// What the record does not tell of the last while; tracks.
    fn gaps(self) -> Vec<Gap> {
        self.ribbon.ribbon(|view| view.gaps.clone()).unwrap_or_default()
    }

    /// The time that what is shown is about: now, unless nothing is heard any more.
    fn as_of(self) -> Stamp {
        match self.mood.with(Mood::is_old) {
            true => self.fleet.as_of().unwrap_or_default(),
            false => self.clock.now(),
        }
    }
}

/// The wall, in place of the whole frame.
#[component]
pub fn WallScreen() -> impl IntoView {
    let wall = Wall::watch();
    provide_context(wall);
    let theme = use_theme();
    theme.force_dark(true);
    on_cleanup(move || theme.force_dark(false));
    leave_by_escape(wall.link);
    document().set_title("Wall · Pilothouse");
    let state = move || match wall.mood.get() {
        Mood::NotLetIn => "not-let-in",
        Mood::OtherBuild => "other-build",
        Mood::Cut(_) => "cut",
        Mood::Starting => "starting",
        Mood::Trouble => "trouble",
        Mood::Blind => "blind",
        Mood::Nothing => "nothing",
        Mood::Calm => "calm",
    };
    let is_trouble = Memo::new(move |_| wall.mood.with(|mood| *mood == Mood::Trouble));
    let panel = Memo::new(move |_| wall.panel());
    let shows_strip = move || wall.fleet.loaded();
    view! {
        <div
            class="wall"
            class:trouble=move || is_trouble.get()
            class:old=move || wall.mood.with(Mood::is_old)
            data-theme="dark"
            data-test="wall"
            data-state=move || state()
            style:width=move || format!("{}px", wall.screen.width())
            style:transform=move || format!("scale({})", wall.screen.scale())
        >
            {move || match is_trouble.get() {
                true => view! { <band::Band /> <main class="wall-body"><band::Hit /></main> }.into_any(),
                false => view! {
                    <head::Head />
                    <main class="wall-body" data-test="wall-panel" data-panel=move || panel.get().word()>
                        {move || match panel.get() {
                            Panel::Fleet => view! { <panels::FleetPanel /> }.into_any(),
                            Panel::Health => view! { <panels::HealthPanel /> }.into_any(),
                            Panel::Changes => view! { <panels::ChangesPanel /> }.into_any(),
                        }}
                    </main>
                }.into_any(),
            }}
            <Show when=shows_strip fallback=|| view! { <div class="wall-strip"></div> }><strip::Strip /></Show>
            <foot::Foot />
        </div>
    }
}

/// In the window and in a person's own browser the wall is left by Esc. A door of the wall has nothing else to show.
fn leave_by_escape(link: Link) {
    let state = use_state();
    on_command(Command::Close, move || {
        let only = link.about_untracked().is_none_or(|about| about.wall);
        if !only {
            state.go_screen("fleet");
        }
        !only
    });
}

fn address() -> WallAddress {
    let location = window().location();
    let Ok(address) = format!("/wall{}", location.search().unwrap_or_default()).parse::<WallAddress>();
    address
}
