//! One version of a registered model: where it serves, and did.

use super::{absent, ambiguous, named};
use crate::{
    exit::{Exit, Failed},
    json::{self, About},
    model_args::ModelsArgs,
    out::{Style, Tone},
    page::{self, Page},
    past,
    rows::{Listed, tone},
    start::{Session, other_answer},
    table::{self, Cell, Head},
};
use pilothouse_wire::{
    Body, Frame, ModelId, ObjectRef, View, ViewSpec,
    runs::VersionId,
    units::{self, count, visible},
    view::{DeliveryRow, LineageView, ModelRow, ServedRow, ServesRow, VersionRow},
};
use serde::Serialize;
use std::io::Write;

/// Shows a version.
pub async fn run(arguments: &ModelsArgs, name: &str, text: &str, out: Style, err: Style) -> Result<Exit, Failed> {
    let list = &arguments.list;
    let (source, past, form) = (&list.source, &list.past, &list.form);
    if past.at.is_some() || past.journal.is_some() {
        let (_, frame) = past::frame(ModelRow::spec(), past).await?;
        return page::show(&One::of(&frame, name, text)?, (source, past), form, false, out, err).await;
    }
    let session = Session::start(source, false).await?;
    let exit = async {
        // The share of its traffic is known once services are read, later than their source is well.
        session.frame_whole(DeliveryRow::spec(), source.wait, DeliveryRow::is_whole).await?;
        let (frame, troubles) = session.frame(ModelRow::spec(), source.wait).await?;
        let one = match (One::of(&frame, name, text), troubles.0.last()) {
            // One that is not read may have it.
            (Err(Failed::Problem(_)), Some((_, problem))) => return Err(problem.clone().into()),
            (one, _) => one?,
        };
        page::show_in(&session, &one, (source.wait, form), false, out, err).await
    };
    let exit = exit.await;
    session.end().await;
    exit
}

/// A version, as its registry told of it when it was looked up.
struct One {
    id: VersionId,
    row: VersionRow,
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    about: About<'a>,
    model: &'a ModelId,
    version: &'a VersionRow,
    /// Where it serves now, and of which workloads that is not known.
    serves: Vec<&'a ServesRow>,
    /// Where it served before, as far as that was seen.
    before: Vec<&'a ServedRow>,
}

impl One {
    fn of(frame: &Frame, name: &str, text: &str) -> Result<Self, Failed> {
        let Body::Full(View::Models(view)) = &frame.body else { return Err(other_answer()) };
        let models: Vec<&ModelRow> = view.models.rows().iter().filter(|model| model.id.name == name).collect();
        let model = match models[..] {
            [model] => model,
            [] => return Err(absent(name).into()),
            _ => return Err(Failed::Usage(ambiguous(name, &models))),
        };
        let id = named(model, text)?;
        let row = model.version(id.number).cloned().ok_or_else(other_answer)?;
        Ok(Self { id, row })
    }

    fn known<'a>(&self, view: &'a View) -> Result<&'a LineageView, Failed> {
        if let View::Lineage(lineage) = view { Ok(lineage) } else { Err(other_answer()) }
    }
}

impl Page for One {
    fn spec(&self) -> ViewSpec {
        ViewSpec::Lineage(self.id.model.clone())
    }

    fn json(&self, out: &mut impl Write, about: About<'_>, view: &View, one_line: bool) -> Result<(), Failed> {
        let (view, number) = (self.known(view)?, self.id.number);
        let document = Document {
            about,
            model: &self.id.model,
            version: &self.row,
            serves: view.of_version(number).collect(),
            before: view.before_of(number).collect(),
        };
        json::write(out, &document, one_line)
    }

    fn text(&self, out: &mut impl Write, frame: &Frame, view: &View, style: Style) -> Result<(), Failed> {
        let (view, number) = (self.known(view)?, self.id.number);
        let name = format!("{}/{number} in {}", self.id.model.name, self.id.model.source);
        writeln!(out, "{}", style.paint(Tone::Strong, &visible(&name)))?;
        let run =
            self.row.run.as_ref().map_or_else(|| "no run is named".to_owned(), |run| format!("run {}", visible(run)));
        let age = self.row.created.map(|at| format!("registered {} ago, ", units::age(frame.as_of.since(at))));
        writeln!(out, "{}{run}", age.unwrap_or_default())?;
        title(out, "Serves now", style)?;
        let now: Vec<&ServesRow> = view.of_version(number).collect();
        if now.is_empty() {
            writeln!(out, "No pod that is read is started with it.")?;
        } else {
            let rows: Vec<Vec<Cell>> = now.iter().map(|row| serves(row, frame)).collect();
            table::write(out, SERVES, &rows, style, None)?;
        }
        let before: Vec<&ServedRow> = view.before_of(number).collect();
        title(out, "Served before, as far as it was seen", style)?;
        if before.is_empty() {
            writeln!(out, "None was seen to go since Pilothouse began to watch.")?;
        } else {
            let rows: Vec<Vec<Cell>> = before.iter().map(|row| served(row, frame)).collect();
            table::write(out, SERVED, &rows, style, None)?;
        }
        Ok(())
    }
}

fn title(out: &mut impl Write, text: &str, style: Style) -> Result<(), Failed> {
    writeln!(out)?;
    writeln!(out, "{}", style.paint(Tone::Strong, text))?;
    Ok(())
}

const SERVES: &[Head] = &[
    Head::left("VERSION"),
    Head::left("WORKLOAD"),
    Head::left("NAMESPACE"),
    Head::left("CLUSTER"),
    Head::right("READY"),
    Head::right("GPUS"),
    Head::right("TRAFFIC"),
    Head::right("FOR"),
    Head::left("NAMED"),
    Head::left("KNOWN BY"),
];

fn serves(row: &ServesRow, frame: &Frame) -> Vec<Cell> {
    let mut cells = vec![version(row.version)];
    cells.extend(place(&row.workload));
    cells.extend([
        Cell::text(format!("{} of {}", count(row.ready), count(row.pods))),
        Cell::text(count(row.gpus)),
        Cell::text(row.traffic.words(row.traffic.actual)),
        Cell::some(row.since.map(|since| units::age(frame.as_of.since(since)))),
        Cell::text(row.verdict.word()).tone(tone(row.verdict.status())),
        Cell::text(format!("{} {}", row.evidence, row.share)),
    ]);
    cells
}

const SERVED: &[Head] = &[
    Head::left("VERSION"),
    Head::left("WORKLOAD"),
    Head::left("NAMESPACE"),
    Head::left("CLUSTER"),
    Head::right("PODS"),
    Head::right("FROM"),
    Head::right("UNTIL"),
    Head::left("KNOWN BY"),
];

fn served(row: &ServedRow, frame: &Frame) -> Vec<Cell> {
    let ago = |at| format!("{} ago", units::age(frame.as_of.since(at)));
    let mut cells = vec![version(row.version)];
    cells.extend(place(&row.workload));
    cells.extend([
        Cell::text(count(row.pods)),
        Cell::some(row.since.map(ago)),
        Cell::text(ago(row.until)),
        Cell::text(&row.evidence),
    ]);
    cells
}

fn version(number: Option<u64>) -> Cell {
    match number {
        Some(number) => Cell::text(number.to_string()),
        None => Cell::text("unknown").tone(Tone::Soft),
    }
}

fn place(workload: &ObjectRef) -> [Cell; 3] {
    [
        Cell::text(format!("{}/{}", workload.kind_word(), workload.name())),
        Cell::some(workload.namespace()),
        Cell::text(workload.connection().as_str()),
    ]
}
