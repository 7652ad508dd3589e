//! A command that shows one view: once or as it changes, for people, as JSON, or as a drawing.

use crate::{
    args::{FormArgs, PastArgs, SourceArgs},
    exit::{Exit, Failed},
    json::About,
    out::{Style, note, stdout},
    past, problems,
    start::{Session, Troubles, other_answer},
    watch,
};
use pilothouse_wire::{Body, Frame, Freshness, View, ViewSpec, frame::SourceState, view::FleetSpec};
use std::{io::Write, time::Duration};

/// What a command shows of its view.
pub trait Page {
    /// The view.
    fn spec(&self) -> ViewSpec;

    /// It as one JSON object.
    fn json(&self, out: &mut impl Write, about: About<'_>, view: &View, one_line: bool) -> Result<(), Failed>;

    /// It for people, no higher than the style says.
    fn text(&self, out: &mut impl Write, frame: &Frame, view: &View, style: Style) -> Result<(), Failed>;

    /// It as SVG, for what can be drawn.
    fn svg(&self, _: &Frame, _: &View, _: Shown) -> Result<String, Failed> {
        Err(other_answer())
    }

    /// Is all of it read that can be? Of some kinds that is later than that its source is well.
    fn is_whole(&self, _: &View) -> bool {
        true
    }

    /// What of the fleet has to be read before this can be concluded from it. By itself it does not tell.
    fn rests_on(&self) -> Option<fn(&View) -> bool> {
        None
    }

    /// What is to be said to whoever sees nothing.
    fn remark(&self, _: &Frame, _: &View) -> Option<String> {
        None
    }
}

/// What a drawing has to say of itself.
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    /// Is it the demo fleet?
    pub demo: bool,
    /// Is every source read, and whole?
    pub complete: bool,
}

/// Shows a page as a person asked for.
pub async fn show(
    page: &impl Page,
    (source, past): (&SourceArgs, &PastArgs),
    form: &FormArgs,
    svg: bool,
    out: Style,
    err: Style,
) -> Result<Exit, Failed> {
    if past.at.is_some() || past.journal.is_some() {
        let (demo, frame) = past::frame(page.spec(), past).await?;
        return once(page, demo, &frame, &Troubles::of_the_past(&frame), Form::of(form, svg), out, err);
    }
    let session = Session::start(source, false).await?;
    let exit = show_in(&session, page, (source.wait, form), svg, out, err).await;
    session.end().await;
    exit
}

/// The same in a session that is there.
pub async fn show_in(
    session: &Session,
    page: &impl Page,
    (wait, form): (Duration, &FormArgs),
    svg: bool,
    out: Style,
    err: Style,
) -> Result<Exit, Failed> {
    if form.watch {
        return follow(page, session, form.json, out).await;
    }
    if let Some(is_read) = page.rests_on() {
        session.frame_whole(ViewSpec::Fleet(FleetSpec::default()), wait, is_read).await?;
    }
    let (frame, troubles) = session.frame_whole(page.spec(), wait, |view| page.is_whole(view)).await?;
    once(page, session.demo, &frame, &troubles, Form::of(form, svg), out, err)
}

/// How one answer is given.
#[derive(Clone, Copy, Debug)]
enum Form {
    Text,
    Json,
    Svg,
}

impl Form {
    fn of(form: &FormArgs, svg: bool) -> Self {
        match (form.json, svg) {
            (true, _) => Self::Json,
            (false, true) => Self::Svg,
            (false, false) => Self::Text,
        }
    }
}

fn once(
    page: &impl Page,
    demo: bool,
    frame: &Frame,
    troubles: &Troubles,
    form: Form,
    style: Style,
    err: Style,
) -> Result<Exit, Failed> {
    let Body::Full(view) = &frame.body else { return Err(other_answer()) };
    let mut out = stdout();
    match form {
        Form::Json => page.json(&mut out, About::new(demo, frame, troubles), view, !style.terminal)?,
        Form::Svg => {
            let svg = page.svg(frame, view, Shown { demo, complete: troubles.is_empty() })?;
            out.write_all(svg.as_bytes())?;
            out.flush()?;
        }
        Form::Text => {
            page.text(&mut out, frame, view, Style { height: None, ..style })?;
            out.flush()?;
            if let Some(remark) = page.remark(frame, view).or_else(|| all_paused(frame)) {
                note(&remark);
            }
        }
    }
    problems::tell_all(troubles, err);
    Ok(if troubles.is_empty() { Exit::Ok } else { Exit::Partial })
}

/// An empty table of paused connections is no empty fleet.
fn all_paused(frame: &Frame) -> Option<String> {
    let paused = |source: &SourceState| source.freshness == Freshness::Paused;
    let all = !frame.sources.is_empty() && frame.sources.iter().all(paused);
    all.then(|| "Every connection is paused: pilothouse connect resume NAME goes on.".to_owned())
}

async fn follow(page: &impl Page, session: &Session, json: bool, style: Style) -> Result<Exit, Failed> {
    let (demo, style) = (session.demo, watch::style(style, json));
    // The last line of a screen says the time.
    let fits = Style { height: style.height.map(|height| height.saturating_sub(1)), ..style };
    watch::run(session, page.spec(), style, move |out, frame, view| {
        if json {
            let troubles = Troubles::default();
            return page.json(out, About::watching(demo, frame, &troubles), view, true);
        }
        page.text(out, frame, view, fits)
    })
    .await
}
