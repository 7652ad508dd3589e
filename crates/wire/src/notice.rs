//! Notices: what a person asked to hear of, when nothing is to be shown, and what was told.

use crate::{ObjectRef, Problem, Stamp, When, address::Address, view::fleet::Status};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt, str::FromStr};

/// What a person can ask to hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum NoticeKind {
    /// A GPU is lost, or reports an XID.
    Gpu,
    /// Any other finding.
    Finding,
    /// A workload whose pods fail.
    Workload,
    /// A connection is lost.
    Source,
    /// An alert of an Alertmanager fires.
    Alert,
}

impl NoticeKind {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 5] = [Self::Gpu, Self::Finding, Self::Workload, Self::Source, Self::Alert];

    /// Its word in the settings file.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Gpu => "gpu",
            Self::Finding => "finding",
            Self::Workload => "workload",
            Self::Source => "connection",
            Self::Alert => "alert",
        }
    }

    /// The kind of a word of the settings file.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// What a person asked to hear of, and when nothing is to be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wishes {
    /// Of these kinds; of nothing, if empty.
    pub kinds: BTreeSet<NoticeKind>,
    /// Also of what is a warning, and not only of what is bad?
    pub warnings: bool,
    /// When nothing is shown, by the clock of this machine.
    pub quiet: Option<QuietHours>,
}

impl Default for Wishes {
    /// What needs a person and is seen by nobody else: no warning, and no workload, since whoever rolls one out is looking.
    fn default() -> Self {
        let kinds = [NoticeKind::Gpu, NoticeKind::Finding, NoticeKind::Source, NoticeKind::Alert];
        Self { kinds: kinds.into(), warnings: false, quiet: None }
    }
}

/// A part of each day, over midnight where it ends before it begins. The two ends differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuietHours {
    from: TimeOfDay,
    to: TimeOfDay,
}

impl QuietHours {
    /// From one time of day to another; `None` where they are the same, which could mean all of a day or none of it.
    #[must_use]
    pub fn new(from: TimeOfDay, to: TimeOfDay) -> Option<Self> {
        (from != to).then_some(Self { from, to })
    }

    /// When it begins.
    #[must_use]
    pub fn from(self) -> TimeOfDay {
        self.from
    }

    /// When it ends.
    #[must_use]
    pub fn to(self) -> TimeOfDay {
        self.to
    }
}

/// A time of day, to the minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TimeOfDay {
    hour: u8,
    minute: u8,
}

impl TimeOfDay {
    /// The time of this hour and minute, if a day has it.
    #[must_use]
    pub fn new(hour: u8, minute: u8) -> Option<Self> {
        (hour < 24 && minute < 60).then_some(Self { hour, minute })
    }

    /// The hour, 0 to 23; a message may hold what no day has.
    #[must_use]
    pub fn hour(self) -> u8 {
        self.hour.min(23)
    }

    /// The minute, 0 to 59.
    #[must_use]
    pub fn minute(self) -> u8 {
        self.minute.min(59)
    }
}

/// `07:30`.
impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.hour(), self.minute())
    }
}

/// A text that is no time of day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no time of day such as 22:00")]
pub struct NotATimeOfDay(pub String);

impl FromStr for TimeOfDay {
    type Err = NotATimeOfDay;

    fn from_str(text: &str) -> Result<Self, NotATimeOfDay> {
        let number = |digits: &str| {
            let all = (1..=2).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
            all.then(|| digits.parse().ok()).flatten()
        };
        let read = text.split_once(':').filter(|(_, minute)| minute.len() == 2);
        read.and_then(|(hour, minute)| Self::new(number(hour)?, number(minute)?))
            .ok_or_else(|| NotATimeOfDay(text.to_owned()))
    }
}

/// One notice: of one thing, or of several that came together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Counted from 1 since the engine began.
    pub number: u32,
    /// When it was told, by our clock.
    pub at: Stamp,
    /// The worst of what it is about.
    pub status: Status,
    /// What is wrong, in a line.
    pub title: String,
    /// More of it: a sentence, or a line for each.
    pub text: String,
    /// How many things it is about; 0 for one that somebody only tried.
    pub things: u32,
    /// The worst of them.
    pub object: Option<ObjectRef>,
    /// The moment that it opens: that in which it was told, where that is recorded.
    pub when: When,
    /// Was it shown on the desktop?
    pub delivery: Delivery,
}

/// What became of a notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Delivery {
    /// It is on its way to the desktop.
    Waiting,
    /// The desktop took it.
    Shown,
    /// The desktop shows none, and why.
    NotShown(Problem),
}

impl Notice {
    /// The place and the moment that it opens.
    #[must_use]
    pub fn address(&self) -> Address {
        let (screen, tab) = match &self.object {
            Some(ObjectRef::Connection(_)) => ("connections", None),
            Some(ObjectRef::Model(_)) => ("models", None),
            Some(ObjectRef::Alert(_)) => ("fleet", Some("alerts".to_owned())),
            Some(_) => ("fleet", None),
            None => ("settings", None),
        };
        Address { screen: screen.into(), tab, selected: self.object.clone(), when: self.when, ..Address::default() }
    }
}

/// What was asked for, what was told, and what is held back. Of now, whatever time is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticesView {
    /// Is there a door that shows them?
    pub told_here: bool,
    /// What a person asked to hear of.
    pub wishes: Wishes,
    /// Until when nothing is shown, if it is quiet now.
    pub quiet_until: Option<Stamp>,
    /// Things that wait for the end of the quiet hours.
    pub held: u32,
    /// Things that were told and that nobody has looked at.
    pub unseen: u32,
    /// What was told since the engine began, the newest first: the last ones.
    pub notices: Vec<Notice>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_reads_back_and_nothing_else_is_one() {
        for (text, printed) in [("22:00", "22:00"), ("7:05", "07:05"), ("00:00", "00:00"), ("23:59", "23:59")] {
            assert_eq!(text.parse::<TimeOfDay>().map(|time| time.to_string()), Ok(printed.into()), "{text}");
        }
        for text in ["", "7", "24:00", "12:60", "1:5", "007:00", "-1:00", "+1:00", "12:0x", "12:00:00", "ä:00"] {
            assert_eq!(text.parse::<TimeOfDay>(), Err(NotATimeOfDay(text.into())));
        }
    }

    #[test]
    fn quiet_hours_have_two_ends() {
        let at = |text: &str| text.parse::<TimeOfDay>().unwrap();
        assert!(QuietHours::new(at("22:00"), at("07:00")).is_some());
        assert_eq!(QuietHours::new(at("22:00"), at("22:00")), None);
    }

    #[test]
    fn every_kind_has_a_word_of_its_own() {
        assert!(NoticeKind::ALL.into_iter().all(|kind| NoticeKind::of(kind.word()) == Some(kind)));
    }

    #[test]
    fn a_notice_opens_the_place_and_the_moment_of_its_worst() {
        let address = |object: Option<&str>, when| {
            let object = object.map(|text| text.parse().unwrap());
            Notice {
                number: 1,
                at: Stamp(0),
                status: Status::Bad,
                title: String::new(),
                text: String::new(),
                things: 1,
                object,
                when,
                delivery: Delivery::Waiting,
            }
            .address()
            .to_string()
        };
        let then = When::At("2026-11-24T03:12:44Z".parse().unwrap());
        assert_eq!(address(Some("gpu:iad/h-1/5"), then), "/fleet?sel=gpu%3Aiad%2Fh-1%2F5&at=2026-11-24T03%3A12%3A44Z");
        assert_eq!(address(Some("connection:iad"), When::Now), "/connections?sel=connection%3Aiad");
        assert_eq!(address(Some("alert:am/Hot/6b"), When::Now), "/fleet?tab=alerts&sel=alert%3Aam%2FHot%2F6b");
        assert_eq!(address(None, When::Now), "/settings");
    }
}
