//! Quiet hours: from when to when nothing is shown, by the clock of this machine.

use super::ask::Switch;
use crate::once::effect;
use leptos::prelude::*;
use pilothouse_wire::{
    notice::{QuietHours, TimeOfDay, Wishes},
    units::visible,
};

/// What is offered to who has none yet.
const NIGHT: (&str, &str) = ("22:00", "07:00");

/// The line of the quiet hours, and what is wrong with what was typed.
#[component]
pub fn Quiet(wishes: Memo<Wishes>, wish: Callback<Wishes>, may: Signal<bool>) -> impl IntoView {
    let hours = Memo::new(move |_| wishes.with(|wishes| wishes.quiet));
    let text = |part: fn(QuietHours) -> TimeOfDay, other: &'static str| {
        move || hours.get().map_or_else(|| other.to_owned(), |hours| part(hours).to_string())
    };
    let (from, to) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    // What is typed is of the page, until it is written down or the engine says something else.
    let (said_from, said_to) = (text(QuietHours::from, NIGHT.0), text(QuietHours::to, NIGHT.1));
    effect(move || {
        from.set(said_from());
        to.set(said_to());
    });
    let wrong = RwSignal::new(None::<String>);
    let write = move |on: bool| {
        let quiet = if on {
            match read(&from.get_untracked(), &to.get_untracked()) {
                Ok(quiet) => Some(quiet),
                Err(why) => {
                    wrong.set(Some(why));
                    return;
                }
            }
        } else {
            None
        };
        wrong.set(None);
        if hours.get_untracked() != quiet {
            wish.run(Wishes { quiet, ..wishes.get_untracked() });
        }
    };
    let is_on = move || hours.with(Option::is_some);
    let field = move |id: &'static str, label: &'static str, text: RwSignal<String>| {
        view! {
            <input
                class="field settings-time" type="text" inputmode="numeric" maxlength="5" autocomplete="off" spellcheck="false"
                data-test=id aria-label=label disabled=move || !may.get()
                aria-invalid=move || wrong.with(Option::is_some).then_some("true")
                prop:value=move || text.get()
                on:input:target=move |event| text.set(event.target().value())
                on:change=move |_| if hours.with_untracked(Option::is_some) { write(true) }
            />
        }
    };
    view! {
        <div class="wish">
            <Switch id="wish-quiet".into() on=Signal::derive(is_on) may=may on_change=Callback::new(write) />
            <div>
                <p class="line">
                    <label for="wish-quiet" class="name">"Quiet hours"</label>
                    {field("quiet-from", "Quiet from", from)} <span class="soft">"to"</span> {field("quiet-to", "Quiet to", to)}
                    <span class="small faint">"by the clock of this machine"</span>
                </p>
                <p class="small" role="status">
                    {move || match wrong.get() {
                        Some(why) => view! { <span class="bad" data-test="quiet-wrong" dir="auto">{visible(&why)}</span> }.into_any(),
                        None => view! {
                            <span class="faint">"Nothing is shown in them. After them one notice says what is still so."</span>
                        }
                        .into_any(),
                    }}
                </p>
            </div>
        </div>
    }
}

/// Quiet hours as they are typed, or what is wrong with them.
fn read(from: &str, to: &str) -> Result<QuietHours, String> {
    let time = |text: &str| text.trim().parse::<TimeOfDay>().map_err(|error| format!("{error}."));
    QuietHours::new(time(from)?, time(to)?).ok_or_else(|| "They are to end at another time than they begin.".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_two_times_that_differ() {
        assert_eq!(read(" 22:00", "7:00 ").map(|hours| hours.to().to_string()), Ok("07:00".into()));
        assert_eq!(read("22", "07:00"), Err("\"22\" is no time of day such as 22:00.".into()));
        assert!(read("07:00", "7:00").is_err());
    }
}
