//! From the text of the settings file to settings. Field by field, so that what is wrong can be named with its line.

use super::{ConnectionSettings, Settings, VERSION, notices};
use crate::trouble::Trouble;
use pilothouse_wire::{ConnectionId, plan::Operation, view::connections::PluginNotice};
use std::{collections::BTreeMap, path::Path};
use toml_edit::{Document, Item, TableLike, TomlError, Value};

/// Reads settings.
pub(crate) fn settings(path: &Path, text: &str) -> Result<Settings, Trouble> {
    let reader = Reader { path, text };
    let document = Document::parse(text).map_err(|error| not_toml(path, text, &error))?;
    if let Some(item) = document.get("version") {
        let version = item.as_integer().filter(|version| *version >= 1);
        let version = version.ok_or_else(|| reader.bad(item, "version", "It is to be the number 1."))?;
        if version > VERSION {
            return Err(Trouble::Newer(path.to_owned(), version));
        }
    }
    let mut settings = Settings::default();
    for (at, (item, table)) in reader.tables(document.get("connections"), "connections")?.into_iter().enumerate() {
        let connection = reader.connection(item, table, &format!("connections[{at}]"))?;
        if settings.connection(&connection.id).is_some() {
            let why = format!("Another connection above has the id {} too.", connection.id);
            return Err(reader.bad_at(place_of(table.get("id")), &format!("connections[{at}].id"), &why));
        }
        settings.connections.push(connection);
    }
    if let Some(item) = document.get("notices") {
        settings.notices = notices::read(&reader, item)?;
    }
    Ok(settings)
}

/// What a text that is no TOML says of itself.
pub(super) fn not_toml(path: &Path, text: &str, error: &TomlError) -> Trouble {
    let at = error.span().map_or(0, |span| span.start);
    let message = error.message().lines().collect::<Vec<_>>().join("; ");
    Trouble::NotToml { file: path.to_owned(), line: line(text, at), message: message.trim_end_matches('.').to_owned() }
}

/// A place in the text, and a table to look into.
type Table<'a> = (Place, &'a dyn TableLike);

/// Where something stands in the text, if that is known.
type Place = Option<usize>;

pub(super) struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Reader<'_> {
    fn connection(&self, at: Place, table: &dyn TableLike, name: &str) -> Result<ConnectionSettings, Trouble> {
        let id_text = self.required(at, table, name, "id")?;
        let id = ConnectionId::slug(&id_text);
        if id.as_str() != id_text {
            let why = format!("An id is made of a-z, 0-9, dots and dashes: {id}, say.");
            return Err(self.bad_at(place_of(table.get("id")), &format!("{name}.id"), &why));
        }
        Ok(ConnectionSettings {
            kind: self.required(at, table, name, "kind")?,
            name: self.optional(table, name, "name")?.unwrap_or(id_text),
            values: self.values(table.get("values"), &format!("{name}.values"))?,
            secrets: self.texts(table.get("secrets"), &format!("{name}.secrets"))?,
            paused: self.switch(table, name, "paused")?,
            operation: Operation {
                operate: self.switch(table, name, "operate")?,
                production: self.switch(table, name, "production")?,
            },
            trusted_plugins: self.plugins(table.get("trusted_plugins"), &format!("{name}.trusted_plugins"))?,
            id,
        })
    }

    fn switch(&self, table: &dyn TableLike, name: &str, key: &str) -> Result<bool, Trouble> {
        let Some(item) = table.get(key) else { return Ok(false) };
        item.as_bool().ok_or_else(|| self.bad(item, &format!("{name}.{key}"), "It is to be true or false."))
    }

    fn plugins(&self, item: Option<&Item>, name: &str) -> Result<Vec<PluginNotice>, Trouble> {
        let mut plugins = Vec::new();
        for (n, (at, table)) in self.tables(item, name)?.into_iter().enumerate() {
            let name = format!("{name}[{n}]");
            plugins.push(PluginNotice {
                command: self.required(at, table, &name, "command")?,
                arguments: self.texts(table.get("arguments"), &format!("{name}.arguments"))?,
                digest: self.optional(table, &name, "digest")?,
                fingerprint: self.optional(table, &name, "fingerprint")?,
            });
        }
        Ok(plugins)
    }

    fn required(&self, at: Place, table: &dyn TableLike, name: &str, key: &str) -> Result<String, Trouble> {
        let text = self.optional(table, name, key)?.filter(|text| !text.is_empty());
        text.ok_or_else(|| self.bad_at(at, &format!("{name}.{key}"), "It is missing, or empty."))
    }

    fn optional(&self, table: &dyn TableLike, name: &str, key: &str) -> Result<Option<String>, Trouble> {
        let Some(item) = table.get(key) else { return Ok(None) };
        let text = item.as_str().ok_or_else(|| self.bad(item, &format!("{name}.{key}"), TEXT))?;
        Ok(Some(text.to_owned()))
    }

    fn values(&self, item: Option<&Item>, name: &str) -> Result<BTreeMap<String, String>, Trouble> {
        let Some(item) = item else { return Ok(BTreeMap::new()) };
        let table = item.as_table_like().ok_or_else(|| self.bad(item, name, "It is to be a table of texts."))?;
        let text = |(key, item): (&str, &Item)| {
            let text = item.as_str().ok_or_else(|| self.bad(item, &format!("{name}.{key}"), TEXT))?;
            Ok((key.to_owned(), text.to_owned()))
        };
        table.iter().map(text).collect()
    }

    pub(super) fn texts(&self, item: Option<&Item>, name: &str) -> Result<Vec<String>, Trouble> {
        let Some(item) = item else { return Ok(Vec::new()) };
        let list = item.as_array().ok_or_else(|| self.bad(item, name, "It is to be a list of texts."))?;
        let text = |value: &Value| {
            let at = value.span().map(|span| span.start);
            value.as_str().map(str::to_owned).ok_or_else(|| self.bad_at(at, name, TEXT))
        };
        list.iter().map(text).collect()
    }

    /// The tables of a list, however it is written: `[[name]]`, or `name = [{ … }]`.
    fn tables<'a>(&self, item: Option<&'a Item>, name: &str) -> Result<Vec<Table<'a>>, Trouble> {
        match item {
            None => Ok(Vec::new()),
            Some(Item::ArrayOfTables(list)) => {
                Ok(list.iter().map(|table| (table.span().map(|span| span.start), table as &dyn TableLike)).collect())
            }
            Some(Item::Value(Value::Array(list))) => {
                let table = |value: &'a Value| {
                    let at = value.span().map(|span| span.start);
                    let table = value.as_inline_table().ok_or_else(|| self.bad_at(at, name, "It is to be a table."))?;
                    Ok((at, table as &dyn TableLike))
                };
                list.iter().map(table).collect()
            }
            Some(item) => {
                let header: String = name.chars().filter(|c| !c.is_ascii_digit() && !"[]".contains(*c)).collect();
                Err(self.bad(item, name, &format!("It is to be a list: write [[{header}]] above each.")))
            }
        }
    }

    pub(super) fn bad(&self, item: &Item, field: &str, why: &str) -> Trouble {
        self.bad_at(place_of(Some(item)), field, why)
    }

    pub(super) fn bad_at(&self, at: Place, field: &str, why: &str) -> Trouble {
        Trouble::BadField {
            file: self.path.to_owned(),
            line: line(self.text, at.unwrap_or(0)),
            field: field.to_owned(),
            why: why.to_owned(),
        }
    }
}

const TEXT: &str = "It is to be a text in quotes.";

pub(super) fn place_of(item: Option<&Item>) -> Place {
    item?.span().map(|span| span.start)
}

/// The line of a place in a text, counted from 1.
fn line(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}
