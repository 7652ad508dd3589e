//! The command that lists objects of any kind, in the columns that their server gives them.

use crate::{
    args::GetArgs,
    exit::{Exit, Failed},
    json,
    kinds::{meant, offered},
    out::{Style, note, stdout},
    problems,
    start::{Session, Troubles, other_answer},
    table::{self, Cell, Head},
};
use pilothouse_wire::{
    Answer, Ask, ConnectionId, Problem,
    kinds::{KindRow, Listing, ObjectColumn, ObjectLine, ObjectTable, Offered},
    units::count,
};
use serde::Serialize;
use serde_json::{Map, Value};
use std::io::Write;

/// The most objects of a cluster.
const MOST: u32 = 5_000;

/// Lists objects; without a kind, the kinds that there are.
pub async fn run(arguments: &GetArgs, out: Style, err: Style) -> Result<Exit, Failed> {
    let session = Session::start(&arguments.source, false).await?;
    let exit = listed(&session, arguments, out, err).await;
    session.end().await;
    exit
}

async fn listed(session: &Session, arguments: &GetArgs, style: Style, err: Style) -> Result<Exit, Failed> {
    let (offered, mut troubles) = offered(session, arguments.source.wait).await?;
    let Some(word) = &arguments.kind else {
        kinds(&offered, &troubles, arguments.json, style)?;
        return Ok(ended(&troubles, err));
    };
    let mut tables = Vec::new();
    for (cluster, kind) in meant(&offered, &troubles, word)? {
        let listing = Listing {
            cluster: cluster.clone(),
            kind: kind.id.clone(),
            namespaced: kind.namespaced,
            namespace: arguments.namespace.as_deref().filter(|_| kind.namespaced).map(Into::into),
            name: arguments.name.as_deref().map(Into::into),
            most: MOST,
        };
        match session.reader().ask(Ask::Objects(listing)).await {
            Ok(Answer::Objects(table)) => tables.push(Listed { cluster, kind, table }),
            Ok(_) => return Err(other_answer()),
            Err(problem) => troubles.0.push((cluster, problem)),
        }
    }
    if let (true, Some((_, problem))) = (tables.is_empty(), troubles.0.last()) {
        return Err(problem.clone().into());
    }
    let mut out = stdout();
    if arguments.json {
        json::write(&mut out, &Document::new(&tables, &troubles), !style.terminal)?;
    } else {
        draw(&mut out, &tables, arguments, style)?;
        out.flush()?;
    }
    for listed in tables.iter().filter(|listed| listed.table.more) {
        note(&format!("{}: the first {} are shown.", listed.cluster, count(listed.table.rows.len() as u64)));
    }
    Ok(ended(&troubles, err))
}

fn ended(troubles: &Troubles, err: Style) -> Exit {
    problems::tell_all(troubles, err);
    if troubles.is_empty() { Exit::Ok } else { Exit::Partial }
}

/// The objects of one cluster.
struct Listed {
    cluster: ConnectionId,
    kind: KindRow,
    table: ObjectTable,
}

/// One table a set of columns: clusters of one version have the same.
fn draw(out: &mut impl Write, tables: &[Listed], arguments: &GetArgs, style: Style) -> Result<(), Failed> {
    let several = tables.len() > 1;
    let mut rest: Vec<&Listed> = tables.iter().collect();
    while let Some(first) = rest.first().copied() {
        let (these, others): (Vec<&Listed>, Vec<&Listed>) =
            rest.into_iter().partition(|listed| listed.table.columns == first.table.columns);
        rest = others;
        let in_namespaces = first.kind.namespaced && arguments.namespace.is_none();
        let used: Vec<usize> = chosen(&first.table.columns, arguments.wide);
        let mut titles: Vec<(String, bool)> = Vec::new();
        titles.extend(several.then(|| ("CLUSTER".to_owned(), false)));
        titles.extend(in_namespaces.then(|| ("NAMESPACE".to_owned(), false)));
        titles.extend(used.iter().map(|at| {
            let column = &first.table.columns[*at];
            (column.name.to_uppercase(), column.number)
        }));
        let mut rows: Vec<Vec<Cell>> = Vec::new();
        for listed in these {
            for row in &listed.table.rows {
                let mut cells = Vec::with_capacity(titles.len());
                cells.extend(several.then(|| Cell::text(listed.cluster.as_str())));
                cells.extend(in_namespaces.then(|| Cell::some(row.object.namespace())));
                cells.extend(used.iter().map(|at| Cell::some(row.cells[*at].as_ref())));
                rows.push(cells);
            }
        }
        table::write_titled(out, &titles, &rows, style)?;
    }
    Ok(())
}

/// The columns that are shown, by place.
fn chosen(columns: &[ObjectColumn], wide: bool) -> Vec<usize> {
    (0..columns.len()).filter(|at| wide || !columns[*at].wide).collect()
}

fn kinds(offered: &[Offered], troubles: &Troubles, json: bool, style: Style) -> Result<(), Failed> {
    let mut out = stdout();
    if json {
        json::write(
            &mut out,
            &KindsDocument { clusters: offered, problems: trouble_lines(troubles) },
            !style.terminal,
        )?;
        return Ok(());
    }
    let heads = ["CLUSTER", "NAME", "SHORT", "API", "NAMESPACED", "KIND"].map(Head::left);
    let rows: Vec<Vec<Cell>> = offered
        .iter()
        .flat_map(|one| one.kinds.iter().map(|kind| (&one.cluster, kind)))
        .map(|(cluster, KindRow { id, short, namespaced, .. })| {
            let api = if id.group.is_empty() { id.version.to_string() } else { format!("{}/{}", id.group, id.version) };
            vec![
                Cell::text(if offered.len() > 1 { cluster.as_str() } else { "" }),
                Cell::text(&id.plural),
                Cell::text(short.join(",")),
                Cell::text(api),
                Cell::text(if *namespaced { "yes" } else { "no" }),
                Cell::text(&id.kind),
            ]
        })
        .collect();
    table::write(&mut out, &heads, &rows, style, None)?;
    out.flush()?;
    Ok(())
}

#[derive(Serialize)]
struct KindsDocument<'a> {
    clusters: &'a [Offered],
    problems: Vec<TroubleLine<'a>>,
}

#[derive(Serialize)]
struct Document<'a> {
    complete: bool,
    problems: Vec<TroubleLine<'a>>,
    objects: Vec<ObjectDocument<'a>>,
}

#[derive(Serialize)]
struct TroubleLine<'a> {
    source: &'a ConnectionId,
    #[serde(flatten)]
    problem: &'a Problem,
}

#[derive(Serialize)]
struct ObjectDocument<'a> {
    cluster: &'a ConnectionId,
    kind: String,
    namespace: Option<&'a str>,
    name: String,
    /// The address of the object, as doors take it.
    object: String,
    cells: Map<String, Value>,
}

fn trouble_lines(troubles: &Troubles) -> Vec<TroubleLine<'_>> {
    troubles.0.iter().map(|(source, problem)| TroubleLine { source, problem }).collect()
}

impl<'a> Document<'a> {
    fn new(tables: &'a [Listed], troubles: &'a Troubles) -> Self {
        let whole = troubles.is_empty() && tables.iter().all(|listed| !listed.table.more);
        let objects = tables.iter().flat_map(|listed| listed.table.rows.iter().map(|row| one(listed, row)));
        Self { complete: whole, problems: trouble_lines(troubles), objects: objects.collect() }
    }
}

fn one<'a>(listed: &'a Listed, row: &'a ObjectLine) -> ObjectDocument<'a> {
    let cell = |(column, cell): (&ObjectColumn, &Option<String>)| {
        (column.name.to_string(), cell.clone().map_or(Value::Null, Value::String))
    };
    ObjectDocument {
        cluster: &listed.cluster,
        kind: listed.kind.id.to_string(),
        namespace: row.object.namespace().map(|name| name.as_str()),
        name: row.object.name().to_string(),
        object: row.object.to_string(),
        cells: listed.table.columns.iter().zip(&row.cells).map(cell).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{KindId, ObjectRef};

    fn listed(cluster: &str, columns: &[(&str, bool)]) -> Listed {
        let id = KindId { group: "".into(), version: "v1".into(), plural: "services".into(), kind: "Service".into() };
        let cluster = ConnectionId::slug(cluster);
        let object = ObjectRef::listed(cluster.clone(), &id, Some("serving".into()), "chat".into());
        let column = |(name, wide): &(&str, bool)| ObjectColumn { name: (*name).into(), wide: *wide, number: false };
        let cells = columns.iter().map(|(name, _)| (*name != "Gone").then(|| name.to_lowercase())).collect();
        Listed {
            cluster,
            kind: KindRow { id, singular: "service".into(), short: Vec::new(), namespaced: true },
            table: ObjectTable {
                columns: columns.iter().map(column).collect(),
                rows: vec![ObjectLine { object, cells }],
                more: false,
            },
        }
    }

    #[track_caller]
    fn check(tables: &[Listed], arguments: &GetArgs, want: &str) {
        let style = Style { colour: false, terminal: false, width: None, height: None };
        let mut out = Vec::new();
        draw(&mut out, tables, arguments, style).unwrap_or_else(|_| panic!("a vector takes all"));
        assert_eq!(String::from_utf8(out).unwrap(), want);
    }

    #[test]
    fn columns_are_the_servers_and_several_clusters_are_told_apart() {
        let columns = [("Name", false), ("Gone", false), ("Selector", true)];
        let one = [listed("iad", &columns)];
        check(&one, &GetArgs::default(), "NAMESPACE  NAME  GONE\nserving    name  —\n");
        let wide = GetArgs { wide: true, namespace: Some("serving".into()), ..GetArgs::default() };
        check(&one, &wide, "NAME  GONE  SELECTOR\nname  —     selector\n");
        let two = [listed("iad", &columns), listed("ord", &columns), listed("old", &[("Name", false)])];
        check(
            &two,
            &GetArgs::default(),
            "CLUSTER  NAMESPACE  NAME  GONE\niad      serving    name  —\nord      serving    name  —\n\
             CLUSTER  NAMESPACE  NAME\nold      serving    name\n",
        );
    }
}
