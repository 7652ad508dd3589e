//! A day before ten screens, in a process that serves them and records, as one that a person starts does. Its clock is the
//! runtime's, which jumps to the next event as soon as nothing is left to do. The thread that writes the record lives in the
//! machine's time: each minute the clock waits for it, so that it is no further behind than it would be in a day of true hours.

use std::process::ExitCode;
use std::time::Duration;

use acceptance::{Context, Failure, Result};
use pilothouse_engine::{Clock, Engine, Options, Paths};
use pilothouse_serve::{Book, Dist, Grade, Limits, ServeOptions, serve};
use pilothouse_wire::form::Draft;
use pilothouse_wire::record::Missing;
use pilothouse_wire::{Act, Answer, Ask, Body, Stamp, View, ViewSpec, When};
use serde_json::json;
use tokio::time::Instant;

use super::screen::{Screen, let_in};
use super::{CLUSTERS, SCREENS};
use crate::made::START;
use crate::{processes, report};

const HOUR: Duration = Duration::from_secs(3_600);
/// So many seconds pass for the fleet in one of the runtime's: in each of those it says what changed meanwhile. Of the record so many
/// times as much is made small at once as in a day of true hours, since that goes by the runtime's.
const FASTER: u32 = 4;
/// How often the GPUs are measured, in seconds: each measurement is a frame for every screen.
const EVERY: &str = "12";
/// One of the GPUs that are measured.
const GPU: &str = "gpu:iad-0/h100-117/5";
/// How often the memory is looked at: each minute.
const LOOK: Duration = Duration::from_secs(60);

/// What the process does: it tells its memory on its output.
pub fn alone(minutes: u32) -> ExitCode {
    // A clock that jumps wants a runtime of one thread, and a runtime of its own thread.
    let own = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.could_not("make a runtime")?.block_on(day(minutes))
    });
    let told = own.join().unwrap_or_else(|_| Err(Failure::new("the day ended in a panic")));
    match told {
        Ok(told) => {
            report::tell(&told.to_string());
            ExitCode::SUCCESS
        }
        Err(failure) => {
            report::say(&failure.to_string());
            ExitCode::FAILURE
        }
    }
}

async fn day(minutes: u32) -> Result<serde_json::Value> {
    let home = tempfile::tempdir().could_not("make a folder")?;
    let began = Instant::now();
    let clock = Clock::of(move || Stamp(START.0).plus(began.elapsed() * FASTER));
    let paths = Paths::under(home.path());
    let options = Options { paths, demo: false, only: None, record: true, clock: clock.clone() };
    let operator = Engine::start(options).await.map_err(|problem| Failure::new(problem.to_string()))?;
    for number in 0..CLUSTERS {
        let values =
            [("cluster", "iad-prod".to_owned()), ("seed", (4_096 + number).to_string()), ("interval", EVERY.into())];
        let values = values.map(|(key, value)| (key.to_owned(), value)).into();
        let draft = Draft { kind: "demo".into(), name: format!("iad-{number}"), values };
        let act = Act::AddConnection { draft, secrets: Vec::new() };
        operator.act(act).await.map_err(|problem| Failure::new(problem.to_string()))?;
    }
    let options = ServeOptions {
        address: ([127, 0, 0, 1], 0).into(),
        grade: Grade::Wall,
        identity: None,
        plain: false,
        book: Some(Book::at(home.path().join("wall.json"))),
        names: Vec::new(),
        dist: Dist::BuiltIn,
        // Each look at the book waits for the disk, and the clock with it.
        limits: Limits { check: HOUR, ..Limits::default() },
        clock,
    };
    let serving = serve(operator.reader(), options).await.map_err(|problem| Failure::new(problem.to_string()))?;
    let key = let_in(&serving.url).await?;
    let mut screens = Vec::new();
    for _ in 0..SCREENS {
        screens.push(Screen::open(&key).await?);
    }
    // Time is real until here: connections are made with what the machine says.
    tokio::time::pause();
    let began = Instant::now();
    let mut looks: Vec<f64> = Vec::new();
    while began.elapsed() * FASTER < LOOK * minutes {
        tokio::time::sleep(LOOK / FASTER).await;
        // What is asked of the record is answered once all that was heard is in it.
        let object = GPU.parse().could_not("name a GPU")?;
        let ask = Ask::History { object, span: LOOK, when: When::Now };
        operator.reader().ask(ask).await.map_err(|problem| Failure::new(problem.to_string()))?;
        looks.extend(processes::memory_mb(std::process::id(), "VmRSS"));
    }
    let frames = screens.iter().map(Screen::frames).min().unwrap_or_default();
    if !screens.iter().all(Screen::is_open) {
        return Err(Failure::new("a screen lost its link"));
    }
    if frames < u64::from(minutes) * 5 {
        return Err(Failure::new(format!("a screen saw only {frames} frames in {minutes} min")));
    }
    // A recorder that lost what it was told would be no burden.
    let ask = Ask::Frame { spec: ViewSpec::Ribbon { span: HOUR * 24, end: When::Now }, when: When::Now };
    let told = operator.reader().ask(ask).await.map_err(|problem| Failure::new(problem.to_string()))?;
    let Answer::Frame(frame) = told else { return Err(Failure::new("no frame of the ribbon")) };
    let Body::Full(View::Ribbon(ribbon)) = frame.body else { return Err(Failure::new("another view than the ribbon")) };
    if let Some(gap) = ribbon.gaps.iter().find(|gap| gap.why == Missing::NotWritten) {
        return Err(Failure::new(format!("the recorder fell behind: {gap:?}")));
    }
    let (first, last) = growth(&looks);
    serving.close();
    Ok(json!({ "hours": f64::from(minutes) / 60.0, "frames": frames, "first_mb": first, "growth_mb": last - first }))
}

/// The memory in the second hour and in the last one: the middle of what was seen there.
fn growth(looks: &[f64]) -> (f64, f64) {
    let hour = usize::try_from(HOUR.as_secs() / LOOK.as_secs()).unwrap_or(1);
    let middle = |part: &[f64]| crate::statistics::median(part);
    let second = looks.chunks(hour).nth(1).unwrap_or(looks);
    (middle(second), middle(&looks[looks.len().saturating_sub(hour)..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_from_the_second_hour_to_the_last() {
        let mut looks = vec![50.0; 60];
        looks.extend([100.0; 60]);
        looks.extend([500.0; 60]);
        looks.extend([103.0; 60]);
        assert_eq!(growth(&looks), (100.0, 103.0));
        assert_eq!(growth(&[7.0]), (7.0, 7.0));
    }
}
