//! The log of a pod, or of all pods of a workload, in a dialog: which container, the run before, follow, find, copy. Followed, it is read on
//! behind the last line that was read, so that none is lost. Memory is bounded: the last lines.

use super::logs_text::Shown;
use crate::{
    keys::{Command, on_command},
    link::{Link, use_link},
    once::{CollectAny, effect},
    parts::{
        button::{Button, CopyButton},
        form::dialog::Titled,
        mark::Mark,
        problem::ProblemRows,
        show::Show,
    },
};
use leptos::{
    html::{Input, Pre},
    leptos_dom::helpers::IntervalHandle,
    prelude::*,
};
use pilothouse_wire::{
    Answer, Ask, ObjectRef, Problem, SmolStr,
    ask::{LogQuery, WorkloadLogQuery},
    units::{count, visible},
    view::Status,
};
use std::time::Duration;

/// The lines that are shown.
const LINES: u32 = 1_000;
/// How often the log is read again while it is followed.
const EVERY: Duration = Duration::from_secs(2);

/// What is asked for.
#[derive(Clone, Copy)]
struct Wanted {
    of: StoredValue<ObjectRef>,
    container: RwSignal<Option<SmolStr>>,
    previous: RwSignal<bool>,
    follow: RwSignal<bool>,
    find: RwSignal<String>,
    read: RwSignal<Option<Result<Shown, Problem>>>,
    link: StoredValue<Link>,
}

impl Wanted {
    /// The lines behind which it is read on: none, where it is read anew.
    fn last(self, anew: bool) -> Vec<(SmolStr, String)> {
        let last = |read: &Option<Result<Shown, Problem>>| match read {
            Some(Ok(shown)) if !anew => shown.last.clone(),
            _ => Vec::new(),
        };
        self.read.with_untracked(last)
    }

    /// The question; `None` for what has no log.
    fn ask(self, anew: bool) -> Option<Ask> {
        let mut after = self.last(anew);
        let (container, previous) = (self.container.get_untracked(), self.previous.get_untracked());
        match self.of.get_value() {
            ObjectRef::Pod(pod) => {
                let after = after.pop().map(|(_, line)| line);
                Some(Ask::Logs(LogQuery { pod, container, previous, lines: LINES, after }))
            }
            ObjectRef::Workload(cluster, namespace, kind, name) => Some(Ask::WorkloadLogs(WorkloadLogQuery {
                cluster,
                namespace,
                kind,
                name,
                container,
                previous,
                lines: LINES,
                after,
            })),
            _ => None,
        }
    }

    /// Reads the log anew, or on; what was read stays until the answer comes.
    fn read(self, anew: bool) {
        let Some(ask) = self.ask(anew) else { return };
        let is_new = self.last(anew).is_empty();
        let asked = ask.clone();
        self.link.get_value().ask_then(ask, move |answer| {
            // Another container was chosen meanwhile, or the same lines came already: another answer is on its way.
            if self.container.is_disposed() || self.ask(anew).as_ref() != Some(&asked) {
                return;
            }
            let shown: Result<Shown, Problem> = match answer {
                Ok(Answer::Logs(logs)) => Ok(logs.into()),
                Ok(Answer::WorkloadLogs(logs)) => Ok(logs.into()),
                Ok(_) => Err(Problem::other_answer()),
                Err(problem) => Err(problem),
            };
            let goes_on = matches!(&shown, Ok(shown) if shown.newer);
            self.read.update(|read| match (read, shown) {
                (Some(Ok(read)), Ok(shown)) if !is_new => read.follow(shown),
                (read, shown) => *read = Some(shown),
            });
            if goes_on {
                self.read(false);
            }
        });
    }
}

/// Has an object logs?
pub fn has_logs(object: &ObjectRef) -> bool {
    matches!(object, ObjectRef::Pod(_) | ObjectRef::Workload(..))
}

/// Shows the log of a pod, or those of a workload's pods together.
#[component]
pub fn LogsDialog(of: ObjectRef, on_close: Callback<()>) -> impl IntoView {
    let title = format!("Log of {}", visible(&of.name()));
    let wanted = Wanted {
        of: StoredValue::new(of),
        container: RwSignal::new(None),
        previous: RwSignal::new(false),
        follow: RwSignal::new(true),
        find: RwSignal::new(String::new()),
        read: RwSignal::new(None),
        link: StoredValue::new(use_link()),
    };
    effect(move || {
        wanted.container.track();
        wanted.previous.track();
        wanted.read(true);
    });
    let tick = move || {
        if wanted.follow.get_untracked() && !wanted.previous.get_untracked() {
            wanted.read(false);
        }
    };
    let beat: StoredValue<Option<IntervalHandle>> = StoredValue::new(set_interval_with_handle(tick, EVERY).ok());
    on_cleanup(move || {
        if let Some(beat) = beat.get_value() {
            beat.clear();
        }
    });
    let problem = move || wanted.read.with(|read| read.as_ref().and_then(|read| read.as_ref().err().cloned()));
    view! {
        <Titled label="Log" title=title on_close=on_close test="logs">
            <Controls wanted=wanted />
            {move || match problem() {
                Some(problem) => view! { <div class="dialog-body"><ProblemRows problem=problem /></div> }.into_any(),
                None if wanted.read.with(Option::is_none) => {
                    view! { <p class="dialog-body faint">"Reading it from its server."</p> }.into_any()
                }
                None => view! { <Unread wanted=wanted /> <Lines wanted=wanted /> }.into_any(),
            }}
            <footer class="dialog-foot">
                {move || {
                    let text = wanted.read.with(|read| match read {
                        Some(Ok(logs)) => logs.lines.join("\n"),
                        _ => String::new(),
                    });
                    view! { <CopyButton label="Copy these lines" text=text /> }
                }}
                <Button label="Close" on_press=move || on_close.run(()) command=Command::Close />
            </footer>
        </Titled>
    }
}

#[component]
fn Controls(wanted: Wanted) -> impl IntoView {
    let node = NodeRef::<Input>::new();
    on_command(Command::Filter, move || node.get_untracked().is_some_and(|input| input.focus().is_ok()));
    let containers = Memo::new(move |_| {
        wanted.read.with(|read| match read {
            Some(Ok(logs)) => logs.containers.clone(),
            _ => Vec::new(),
        })
    });
    let words = move || {
        let (all, shown, hidden) = wanted.read.with(|read| match read {
            Some(Ok(logs)) => (logs.lines.len(), wanted.find.with(|find| logs.hits(find).count()), logs.hidden),
            _ => (0, 0, 0),
        });
        let lines = |n: usize| count(n as u64);
        let pods = wanted.read.with(|read| match read {
            Some(Ok(logs)) => logs.pods.clone(),
            _ => None,
        });
        let of = pods.map_or_else(String::new, |pods| format!(", {pods}"));
        let of = if hidden > 0 { format!("{of}, {} before are not kept", lines(hidden)) } else { of };
        if wanted.find.with(String::is_empty) {
            format!("last {} lines{of}", lines(all))
        } else {
            format!("{} of {}{of}", lines(shown), lines(all))
        }
    };
    view! {
        <div class="yaml-head logs-head">
            <Show when=move || containers.with(Vec::len).gt(&1)>
                <select
                    class="pick"
                    aria-label="Container"
                    data-test="logs-container"
                    on:change=move |event| wanted.container.set(Some(event_target_value(&event).into()))
                >
                    {move || containers.get().into_iter().map(|name| view! {
                        <option value=name.to_string()>{visible(&name)}</option>
                    }).collect_any()}
                </select>
            </Show>
            <label><input
                type="checkbox" prop:checked=move || wanted.follow.get() data-test="logs-follow"
                on:change=move |event| wanted.follow.set(event_target_checked(&event))
            />" Follow"</label>
            <label><input
                type="checkbox" prop:checked=move || wanted.previous.get() data-test="logs-previous"
                on:change=move |event| wanted.previous.set(event_target_checked(&event))
            />" Before the last restart"</label>
            <label class="filter">
                <span class="unseen">"Show only lines with"</span>
                <input
                    class="mono" type="text" placeholder="find" spellcheck="false" autocomplete="off" node_ref=node
                    data-test="logs-find" on:input=move |event| wanted.find.set(event_target_value(&event))
                />
                <span class="small faint" role="status">{move || words()}</span>
                <kbd aria-hidden="true">"/"</kbd>
            </label>
        </div>
    }
}

/// Pods that could not be read, beside those that could.
#[component]
fn Unread(wanted: Wanted) -> impl IntoView {
    let unread = Memo::new(move |_| {
        wanted.read.with(|read| match read {
            Some(Ok(logs)) => logs.unread.clone(),
            _ => Vec::new(),
        })
    });
    let one = |text: String| {
        view! { <li><Mark status=Status::Warn size=10 /><span dir="auto">{text}</span></li> }
    };
    view! {
        <Show when=move || unread.with(|unread| !unread.is_empty())>
            <ul class="logs-unread" data-test="logs-unread">{move || unread.get().into_iter().map(one).collect_any()}</ul>
        </Show>
    }
}

#[component]
fn Lines(wanted: Wanted) -> impl IntoView {
    let node = NodeRef::<Pre>::new();
    let text = move || {
        wanted.read.with(|read| match read {
            Some(Ok(logs)) if logs.lines.is_empty() => "It has printed nothing.".to_owned(),
            Some(Ok(logs)) => wanted.find.with(|find| logs.hits(find).map(visible).collect::<Vec<_>>().join("\n")),
            _ => String::new(),
        })
    };
    // Following means that the newest line is in sight.
    effect(move || {
        wanted.read.track();
        if let Some(pre) = node.get().filter(|_| wanted.follow.get()) {
            request_animation_frame(move || pre.set_scroll_top(pre.scroll_height()));
        }
    });
    view! { <pre class="yaml logs-text mono" tabindex="0" dir="auto" node_ref=node data-test="logs-text">{move || text()}</pre> }
}
