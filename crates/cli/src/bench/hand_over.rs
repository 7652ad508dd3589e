//! What is kept, handed to others, and what others measured, taken in.

use super::{compare::unwritable, folder, page};
use crate::{
    bench_args::{ExportArgs, ReportArgs},
    exit::{Exit, Failed},
    json,
    out::{Style, note, stdout},
};
use pilothouse_bench::{
    import,
    kept::Kept,
    report,
    store::{self, Place},
};
use pilothouse_connect::Clock;
use pilothouse_wire::{Code, Problem};
use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
};

/// Writes a report.
pub fn report(of: &ReportArgs) -> Result<Exit, Failed> {
    let kept = store::find(&folder()?, &of.run)?.1;
    let text = match (of.md, of.svg) {
        (true, _) => report::markdown(&kept.page()),
        (_, true) => report::svg(&kept)?,
        _ => report::html_of(&kept),
    };
    put(of.out.as_deref(), |out| Ok(out.write_all(text.as_bytes())?))
}

/// Writes it for other programs.
pub fn export(of: &ExportArgs) -> Result<Exit, Failed> {
    let (file, kept) = store::find(&folder()?, &of.run)?;
    let beside = file.parent().unwrap_or(Path::new("")).to_owned();
    put(of.out.as_deref(), |mut out| {
        match (of.csv, of.jsonl) {
            (true, _) => report::csv(&kept, &mut out)?,
            (_, true) => report::jsonl(&kept, &beside, &mut out)?,
            _ => json::write(&mut out, &kept, false)?,
        }
        Ok(())
    })
}

/// Into a file that is whole or not there, or to stdout.
fn put(file: Option<&Path>, write: impl FnOnce(&mut dyn Write) -> Result<(), Failed>) -> Result<Exit, Failed> {
    let Some(file) = file else {
        let mut out = stdout();
        write(&mut out)?;
        out.flush()?;
        return Ok(Exit::Ok);
    };
    let mut bytes = Vec::new();
    write(&mut bytes)?;
    std::fs::write(file, bytes).map_err(|error| unwritable(file, &error))?;
    Ok(Exit::Ok)
}

/// Takes in a file of another tool; each measurement in it is kept as one.
pub fn import(file: &PathBuf, as_json: bool, style: Style) -> Result<Exit, Failed> {
    let unreadable = |why: String| Problem::new(Code::NotFound, format!("{} cannot be read.", file.display())).why(why);
    let size =
        File::open(file).and_then(|file| file.metadata()).map_err(|error| unreadable(format!("{error}.")))?.len();
    if size > import::LARGEST {
        return Err(unreadable(format!("It has {size} bytes, at most {} are read.", import::LARGEST)).into());
    }
    let text = std::fs::read_to_string(file).map_err(|error| unreadable(format!("{error}.")))?;
    let now = Clock::system().now();
    let folder = folder()?;
    let mut out = stdout();
    for mut document in import::read(&text, file, now)? {
        let name = document.model.as_deref().unwrap_or(document.tool.name());
        let place = Place::new(&folder, now, &format!("import {name}"));
        document.id.clone_from(&place.id);
        place.write(&document)?;
        note(&format!("Kept as {}: {}", document.id, place.document.display()));
        if as_json {
            json::write(&mut out, &document, true)?;
        } else {
            page::write(&mut out, &Kept::Imported(Box::new(document)).page(), style)?;
        }
    }
    Ok(Exit::Ok)
}
