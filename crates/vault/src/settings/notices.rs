//! What a person asked to hear of, in the settings file: `[notices]`. Where nothing is said of it, the defaults hold.

use super::read::{Reader, place_of};
use crate::trouble::Trouble;
use pilothouse_wire::notice::{NoticeKind, QuietHours, TimeOfDay, Wishes};
use std::collections::BTreeSet;
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TableLike, Value, value};

pub(super) fn read(reader: &Reader<'_>, item: &Item) -> Result<Wishes, Trouble> {
    let default = Wishes::default();
    let table = item.as_table_like().ok_or_else(|| reader.bad(item, "notices", "It is to be a table: [notices]."))?;
    let warnings = match table.get("warnings") {
        None => default.warnings,
        Some(item) => {
            item.as_bool().ok_or_else(|| reader.bad(item, "notices.warnings", "It is to be true or false."))?
        }
    };
    Ok(Wishes {
        kinds: match table.get("of") {
            None => default.kinds,
            Some(item) => kinds(reader, item)?,
        },
        warnings,
        quiet: table.get("quiet").map(|item| quiet(reader, item)).transpose()?,
    })
}

fn kinds(reader: &Reader<'_>, item: &Item) -> Result<BTreeSet<NoticeKind>, Trouble> {
    let words = reader.texts(Some(item), "notices.of")?;
    let kind = |word: String| {
        NoticeKind::of(&word).ok_or_else(|| {
            let known = NoticeKind::ALL.map(NoticeKind::word).join(", ");
            reader.bad(item, "notices.of", &format!("There is no \"{word}\" to hear of; there are {known}."))
        })
    };
    words.into_iter().map(kind).collect()
}

fn quiet(reader: &Reader<'_>, item: &Item) -> Result<QuietHours, Trouble> {
    let name = "notices.quiet";
    let table = item.as_table_like().ok_or_else(|| reader.bad(item, name, "It is to be a table with from and to."))?;
    let hours = QuietHours::new(time(reader, item, table, "from")?, time(reader, item, table, "to")?);
    hours.ok_or_else(|| reader.bad(item, name, "It is to end at another time than it begins."))
}

fn time(reader: &Reader<'_>, item: &Item, table: &dyn TableLike, key: &str) -> Result<TimeOfDay, Trouble> {
    let read = table.get(key).and_then(Item::as_str).and_then(|text| text.parse().ok());
    read.ok_or_else(|| {
        let at = place_of(table.get(key)).or(place_of(Some(item)));
        reader.bad_at(at, &format!("notices.quiet.{key}"), "It is to be a time of day in quotes: \"22:00\", say.")
    })
}

pub(super) fn write(document: &mut DocumentMut, wishes: &Wishes) {
    if !document.contains_key("notices") {
        if *wishes == Wishes::default() {
            return;
        }
        document.insert("notices", Item::Table(Table::new()));
    }
    let Some(table) = document.get_mut("notices").and_then(Item::as_table_like_mut) else { return };
    put_kinds(table, wishes);
    if table.get("warnings").and_then(Item::as_bool).unwrap_or_default() != wishes.warnings {
        table.insert("warnings", value(wishes.warnings));
    }
    put_quiet(table, wishes.quiet);
}

fn put_kinds(table: &mut dyn TableLike, wishes: &Wishes) {
    let old = table.get("of").and_then(Item::as_array);
    let old = old.map(|list| list.iter().filter_map(Value::as_str).filter_map(NoticeKind::of).collect());
    // An empty list is an answer, too: of nothing.
    if old.unwrap_or_else(|| Wishes::default().kinds) != wishes.kinds {
        table.insert("of", value(wishes.kinds.iter().map(|kind| kind.word()).collect::<Array>()));
    }
}

fn put_quiet(table: &mut dyn TableLike, quiet: Option<QuietHours>) {
    let Some(hours) = quiet else {
        table.remove("quiet");
        return;
    };
    let kept = table.entry("quiet").or_insert_with(|| Item::Value(InlineTable::new().into()));
    let Some(kept) = kept.as_table_like_mut() else { return };
    for (key, time) in [("from", hours.from()), ("to", hours.to())] {
        let old = kept.get(key).and_then(Item::as_str).and_then(|text| text.parse::<TimeOfDay>().ok());
        if old != Some(time) {
            kept.insert(key, value(time.to_string()));
        }
    }
}
