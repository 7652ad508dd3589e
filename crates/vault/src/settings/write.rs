//! From settings to the text of their file. Only what changed is written anew: comments and unknown fields stay.

use super::{ConnectionSettings, Settings, VERSION, notices, read};
use crate::trouble::Trouble;
use pilothouse_wire::view::connections::PluginNotice;
use std::path::Path;
use toml_edit::{Array, ArrayOfTables, Document, Item, Table, Value, value};

/// Head of a file that did not exist.
const HEAD: &str = "# Settings of Pilothouse. Secrets are not here: they are in the keyring, or in secrets.age.\n";

/// The text that says these settings, made of the text that is there.
pub(crate) fn settings(path: &Path, old: &str, settings: &Settings) -> Result<String, Trouble> {
    let mut document = Document::parse(old).map_err(|error| read::not_toml(path, old, &error))?.into_mut();
    if !document.contains_key("version") {
        document.insert("version", value(VERSION));
    }
    let kept = document.remove("connections").unwrap_or_default();
    let mut kept: Vec<Table> = kept.into_array_of_tables().map(|list| list.into_iter().collect()).unwrap_or_default();
    let mut list = ArrayOfTables::new();
    for connection in &settings.connections {
        let is_it = |table: &Table| table.get("id").and_then(Item::as_str) == Some(connection.id.as_str());
        let table = kept.iter().position(is_it).map(|at| kept.swap_remove(at));
        list.push(connection_table(table.unwrap_or_default(), connection));
    }
    in_order(&mut list);
    if !list.is_empty() {
        document.insert("connections", Item::ArrayOfTables(list));
    }
    notices::write(&mut document, &settings.notices);
    let text = document.to_string();
    Ok(if old.is_empty() { format!("{HEAD}{text}") } else { text })
}

fn connection_table(mut table: Table, connection: &ConnectionSettings) -> Table {
    put_text(&mut table, "id", connection.id.as_str());
    put_text(&mut table, "kind", &connection.kind);
    put_text(&mut table, "name", &connection.name);
    put_switch(&mut table, "paused", connection.paused);
    put_switch(&mut table, "operate", connection.operation.operate);
    put_switch(&mut table, "production", connection.operation.production);
    put_texts(&mut table, "secrets", &connection.secrets);
    put_values(&mut table, connection);
    put_plugins(&mut table, &connection.trusted_plugins);
    table
}

fn put_switch(table: &mut Table, key: &str, on: bool) {
    if table.get(key).and_then(Item::as_bool).unwrap_or(false) != on {
        table.insert(key, value(on));
    }
}

fn put_values(table: &mut Table, connection: &ConnectionSettings) {
    if connection.values.is_empty() {
        table.remove("values");
        return;
    }
    let values = table.entry("values").or_insert_with(|| Item::Table(Table::new()));
    let Some(values) = values.as_table_like_mut() else { return };
    let gone: Vec<String> = values.iter().map(|(key, _)| key.to_owned()).collect();
    for key in gone.iter().filter(|key| !connection.values.contains_key(*key)) {
        values.remove(key);
    }
    for (key, text) in &connection.values {
        if values.get(key).and_then(Item::as_str) != Some(text) {
            values.insert(key, value(text));
        }
    }
}

fn put_plugins(table: &mut Table, plugins: &[PluginNotice]) {
    let old = table.remove("trusted_plugins").unwrap_or_default();
    let mut kept: Vec<Table> = old.into_array_of_tables().map(|list| list.into_iter().collect()).unwrap_or_default();
    let mut list = ArrayOfTables::new();
    for plugin in plugins {
        let is_it = |table: &Table| is_plugin(table, plugin);
        let table = kept.iter().position(is_it).map(|at| kept.swap_remove(at));
        list.push(table.unwrap_or_else(|| plugin_table(plugin)));
    }
    in_order(&mut list);
    if !list.is_empty() {
        table.insert("trusted_plugins", Item::ArrayOfTables(list));
    }
}

/// A table keeps the place that it had in the file, one that is new comes behind it. Where that is not the order of the
/// list, they all go to where the first of them was.
fn in_order(list: &mut ArrayOfTables) {
    let places: Vec<Option<isize>> = list.iter().map(Table::position).collect();
    let old = places.iter().take_while(|place| place.is_some()).count();
    if !places[..old].is_sorted() || !places[old..].iter().all(Option::is_none) {
        let first = places.iter().flatten().min().copied();
        for table in list.iter_mut() {
            forget_places(table);
            table.set_position(first);
        }
    }
    // Behind all of the one before it: what of that came later would be read as the new one's.
    let mut last = None;
    for table in list.iter_mut() {
        if table.position().is_none() {
            table.set_position(last);
        }
        last = last.max(last_place(table));
    }
}

fn last_place(table: &Table) -> Option<isize> {
    let below = table.iter().filter_map(|(_, item)| match item {
        Item::Table(table) => last_place(table),
        Item::ArrayOfTables(list) => list.iter().filter_map(last_place).max(),
        _ => None,
    });
    below.max().max(table.position())
}

fn forget_places(table: &mut Table) {
    table.set_position(None);
    for (_, item) in table.iter_mut() {
        match item {
            Item::Table(table) => forget_places(table),
            Item::ArrayOfTables(list) => list.iter_mut().for_each(forget_places),
            _ => {}
        }
    }
}

fn is_plugin(table: &Table, plugin: &PluginNotice) -> bool {
    let text = |key| table.get(key).and_then(Item::as_str);
    text("command") == Some(&plugin.command)
        && text("digest") == plugin.digest.as_deref()
        && text("fingerprint") == plugin.fingerprint.as_deref()
        && are(table.get("arguments"), &plugin.arguments)
}

fn plugin_table(plugin: &PluginNotice) -> Table {
    let mut table = Table::new();
    put_text(&mut table, "command", &plugin.command);
    put_texts(&mut table, "arguments", &plugin.arguments);
    if let Some(digest) = &plugin.digest {
        put_text(&mut table, "digest", digest);
    }
    if let Some(fingerprint) = &plugin.fingerprint {
        put_text(&mut table, "fingerprint", fingerprint);
    }
    table
}

fn put_text(table: &mut Table, key: &str, text: &str) {
    if table.get(key).and_then(Item::as_str) != Some(text) {
        table.insert(key, value(text));
    }
}

fn put_texts(table: &mut Table, key: &str, texts: &[String]) {
    if texts.is_empty() {
        table.remove(key);
    } else if !are(table.get(key), texts) {
        table.insert(key, value(texts.iter().map(String::as_str).collect::<Array>()));
    }
}

/// Is this a list of just these texts?
fn are(item: Option<&Item>, texts: &[String]) -> bool {
    let list = item.and_then(Item::as_array);
    list.is_none() && texts.is_empty()
        || list.is_some_and(|list| list.iter().map(Value::as_str).eq(texts.iter().map(|text| Some(text.as_str()))))
}
