//! How long nobody is to be told of an alert, and why.

use crate::{
    keys::Command,
    once::CollectAny,
    parts::{
        button::{Button, Weight},
        form::{dialog::Titled, line::Line},
        show::Show,
    },
};
use leptos::prelude::*;
use pilothouse_wire::{
    plan::Deed,
    units::{span, span_typed},
};
use std::time::Duration;

/// The most signs of a comment, as its server's lists have room for.
const LONGEST_COMMENT: u16 = 280;
/// What lasts longer is a rule to be changed.
const LONGEST: Duration = Duration::from_secs(30 * 86_400);

/// For how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    Min30,
    /// Long enough to look into it, and told again before a shift is over.
    H2,
    H8,
    D1,
    /// As a person types it.
    Own,
}

impl Length {
    const ALL: [Self; 5] = [Self::Min30, Self::H2, Self::H8, Self::D1, Self::Own];

    /// What its button says, and what tests find it by.
    fn button(self) -> (&'static str, &'static str) {
        match self {
            Self::Min30 => ("30 min", "silence-30m"),
            Self::H2 => ("2 h", "silence-2h"),
            Self::H8 => ("8 h", "silence-8h"),
            Self::D1 => ("1 day", "silence-1d"),
            Self::Own => ("Own", "silence-own"),
        }
    }

    /// The time that is meant. `typed` is the person's own.
    fn meant(self, typed: &str) -> Result<Duration, String> {
        let seconds = match self {
            Self::Min30 => 30 * 60,
            Self::H2 => 2 * 3_600,
            Self::H8 => 8 * 3_600,
            Self::D1 => 86_400,
            Self::Own => {
                let own = span_typed(typed)?;
                return if own > LONGEST { Err(format!("give at most {}", span(LONGEST))) } else { Ok(own) };
            }
        };
        Ok(Duration::from_secs(seconds))
    }
}

/// The question in a dialog.
#[component]
pub(super) fn SilenceQuestion(on_deed: Callback<Deed>, on_close: Callback<()>) -> impl IntoView {
    let chosen = RwSignal::new(Length::H2);
    let (own, comment) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let deed = move || own.with(|own| chosen.get().meant(own)).map(|long| comment.with(|comment| meant(long, comment)));
    let blocked = Signal::derive(move || deed().err());
    let plan = move || {
        if let Ok(deed) = untrack(deed) {
            on_deed.run(deed);
        }
    };
    let choice = move |length: Length| {
        let (label, test) = length.button();
        let pressed = move || (chosen.get() == length).to_string();
        view! {
            <button type="button" aria-pressed=move || pressed() data-test=test on:click=move |_| chosen.set(length)>{label}</button>
        }
    };
    view! {
        <Titled label="Silence" title="Tell nobody of this alert for how long?" on_close=on_close test="silence">
            <div class="dialog-body stack">
                <div class="form-field">
                    <span class="soft" id="silence-long">"Time"</span>
                    <span class="segments plan-lengths" role="group" aria-labelledby="silence-long">
                        {Length::ALL.map(choice).collect_any()}
                    </span>
                </div>
                <Show when=move || chosen.get() == Length::Own>
                    <Line id="silence-own-time" label="Own time, such as 45m, 3h or 2d" text=own most=8 on_enter=plan />
                </Show>
                <Line id="silence-comment" label="Why, for others; optional" text=comment most=LONGEST_COMMENT on_enter=plan />
            </div>
            <footer class="dialog-foot">
                <Button label="Cancel" on_press=move || on_close.run(()) command=Command::Close />
                <Button label="Plan it" on_press=plan weight=Weight::Primary blocked=blocked test="silence-plan" />
            </footer>
        </Titled>
    }
}

fn meant(long: Duration, comment: &str) -> Deed {
    let comment = comment.trim();
    Deed::Silence { long, comment: (!comment.is_empty()).then(|| comment.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_is_as_long_as_was_chosen_or_typed() {
        let hours = |hours: u64| Ok(Duration::from_secs(hours * 3_600));
        assert_eq!(Length::H8.meant("ignored"), hours(8));
        assert_eq!((Length::Own.meant("3h"), Length::Own.meant("30d")), (hours(3), hours(720)));
        assert!(Length::Own.meant("31d").unwrap_err().contains("at most 30 d"));
        assert!(Length::Own.meant("").is_err() && Length::Own.meant("soon").is_err());
    }

    #[test]
    fn a_comment_of_nothing_is_none() {
        let long = Duration::from_secs(60);
        assert_eq!(meant(long, "  "), Deed::Silence { long, comment: None });
        assert_eq!(meant(long, " moved "), Deed::Silence { long, comment: Some("moved".into()) });
    }
}
