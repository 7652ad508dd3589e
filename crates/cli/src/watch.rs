//! Follows a view: a table that is drawn anew in place, or one object a line.

use crate::{
    exit::{Exit, Failed},
    out::{Style, note, stdout},
    start::Session,
};
use pilothouse_wire::{
    ConnectionId, Frame, Freshness, Stamp, View, ViewSpec, When,
    frame::{Body, Mirror, SourceState},
};
use std::io::Write;

/// To another screen of the terminal, without a caret; and back.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l";
const LEAVE: &[u8] = b"\x1b[?25h\x1b[?1049l";
/// To the top; to clear what is right of and below the caret.
const TOP: &[u8] = b"\x1b[H";
const CLEAR_LINE: &str = "\x1b[K\n";
const CLEAR_REST: &[u8] = b"\x1b[J";

/// In place on a terminal, unless it is JSON.
pub fn style(style: Style, json: bool) -> Style {
    Style { terminal: style.terminal && !json, ..style }
}

/// Draws every change of a view until it is interrupted.
pub async fn run<D>(session: &Session, spec: ViewSpec, style: Style, mut draw: D) -> Result<Exit, Failed>
where
    D: FnMut(&mut Vec<u8>, &Frame, &View) -> Result<(), Failed>,
{
    let _screen = if style.terminal { Some(Screen::enter()?) } else { None };
    let mut told = Vec::new();
    let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c());
    'again: loop {
        let mut frames = session.reader().watch(spec.clone(), When::Now).await?;
        let mut mirror = Mirror::default();
        loop {
            let frame = tokio::select! {
                frame = frames.next() => frame,
                _ = &mut interrupt => return Ok(Exit::Ok),
            };
            let Some(frame) = frame else { return Ok(Exit::Ok) };
            let same = matches!(frame.body, Body::Same { .. });
            if mirror.apply(frame.rev, frame.body.clone()).is_err() {
                // We missed one: a new watch begins with the whole view.
                continue 'again;
            }
            // A stream gets no line for the time alone, but one for a source that is lost or back.
            let quiet = same && !style.terminal && told == how_fresh(&frame.sources);
            let Some(view) = mirror.view().filter(|_| !quiet) else { continue };
            told = how_fresh(&frame.sources);
            let mut drawn = Vec::new();
            draw(&mut drawn, &frame, view)?;
            show(&drawn, style, frame.as_of, session.demo)?;
        }
    }
}

fn how_fresh(sources: &[SourceState]) -> Vec<(ConnectionId, Freshness, Option<String>)> {
    sources.iter().map(|source| (source.id.clone(), source.freshness, source.note.clone())).collect()
}

fn show(drawn: &[u8], style: Style, now: Stamp, demo: bool) -> Result<(), Failed> {
    let mut out = stdout();
    if style.terminal {
        out.write_all(TOP)?;
        let text = String::from_utf8_lossy(drawn);
        for line in text.lines() {
            out.write_all(line.as_bytes())?;
            out.write_all(CLEAR_LINE.as_bytes())?;
        }
        let label = if demo { "demo fleet, " } else { "" };
        write!(out, "{label}{} UTC, Ctrl-C ends", now.clock())?;
        out.write_all(CLEAR_REST)?;
    } else {
        out.write_all(drawn)?;
    }
    out.flush()?;
    Ok(())
}

/// The terminal's other screen. It is left when this is dropped, however the watch ends.
struct Screen;

impl Screen {
    fn enter() -> Result<Self, Failed> {
        let mut out = stdout();
        out.write_all(ENTER)?;
        out.flush()?;
        Ok(Self)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let mut out = stdout();
        if out.write_all(LEAVE).and_then(|()| out.flush()).is_err() {
            note("");
        }
    }
}
