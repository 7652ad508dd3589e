//! One search over what registries hold: models with their versions, aliases and tags; repositories with their tags.

use pilothouse_wire::{
    ConnectionId, SmolStr,
    artifact::{ArtifactRef, short_digest},
    find::{Found, FoundAt, FoundKind, FoundRow, Searched},
    runs::{RunPage, RunRow, VersionId},
    units::count,
    view::{ArtifactsView, ModelRow, ModelsView, TagRow, VersionRow},
};
use std::collections::BTreeMap;

/// Digests and ids are looked into only by so many digits: fewer stand in all of them.
const LEAST_DIGITS: usize = 5;
/// Repositories that are named as not read whole.
const MOST_NAMED: usize = 4;

/// What is looked for: words that all have to stand in a thing, or in what it is of, and one of them in itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words(Vec<String>);

impl Words {
    /// The words of a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(text.split_whitespace().map(str::to_lowercase).collect())
    }

    /// Is there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// They, in lower case.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// How near a thing is, by its own texts and those of what it is of; `None` if it does not fit.
    fn near(&self, own: &[&str], around: &[&str]) -> Option<Near> {
        let own: Vec<String> = own.iter().map(|text| text.to_lowercase()).collect();
        let around: Vec<String> = around.iter().map(|text| text.to_lowercase()).collect();
        let stands = |texts: &[String], word: &String| texts.iter().any(|text| text.contains(word.as_str()));
        let fits = self.0.iter().all(|word| stands(&own, word) || stands(&around, word));
        if !fits || !self.0.iter().any(|word| stands(&own, word)) {
            return None;
        }
        let begins = |word: &String| own.iter().any(|text| text.starts_with(word.as_str()));
        Some(if self.0.iter().any(|word| own.contains(word)) {
            Near::Is
        } else if self.0.iter().any(begins) {
            Near::Begins
        } else {
            Near::Has
        })
    }
}

/// How near a thing is to what is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Near {
    Is,
    Begins,
    Has,
}

/// Runs of a tracking server that were found there, or why none was looked for.
pub type FoundRuns = (ConnectionId, Result<RunPage, String>);

/// What words are found in: `limit` rows at most, the nearest first.
#[must_use]
pub fn find(words: &Words, limit: usize, models: &ModelsView, artifacts: &ArtifactsView, runs: &[FoundRuns]) -> Found {
    let searched = searched(models, artifacts, runs);
    if words.is_empty() {
        return Found { searched, ..Found::default() };
    }
    let mut all: Vec<(Near, FoundRow)> = Vec::new();
    for model in models.models.rows() {
        in_model(words, model, &mut all);
    }
    for repository in artifacts.repositories.rows() {
        let at = FoundAt::Repository(repository.id.clone());
        let of = repository.hosts.first().map(ToString::to_string).unwrap_or_default();
        put(words, &mut all, FoundKind::Repository, &repository.id.name, of, at, (&[], &[]));
    }
    for tag in artifacts.tags.rows() {
        in_tag(words, tag, &mut all);
    }
    for (source, found) in runs {
        in_runs(words, source, found.as_ref().map_or(&[], |found| &found.runs), models, &mut all);
    }
    all.sort_by(|(a, left), (b, right)| {
        (a, left.kind, left.name.len(), &left.name, &left.of).cmp(&(
            b,
            right.kind,
            right.name.len(),
            &right.name,
            &right.of,
        ))
    });
    let more = all.len().saturating_sub(limit) as u64;
    Found { rows: all.into_iter().take(limit).map(|(_, row)| row).collect(), more, searched }
}

/// Takes a thing in, if it fits: by its name, by other texts of its own, and by what it is of.
fn put(
    words: &Words,
    all: &mut Vec<(Near, FoundRow)>,
    kind: FoundKind,
    name: &str,
    of: String,
    at: FoundAt,
    (more, around): (&[&str], &[&str]),
) {
    let mut own = vec![name];
    own.extend(more);
    if let Some(near) = words.near(&own, around) {
        all.push((near, FoundRow { kind, name: name.to_owned(), of, at }));
    }
}

fn in_model(words: &Words, model: &ModelRow, all: &mut Vec<(Near, FoundRow)>) {
    let name = model.id.name.as_str();
    let at = || FoundAt::Model(model.id.clone());
    let version_at = |number| FoundAt::Version(VersionId { model: model.id.clone(), number });
    let description = model.description.as_deref().unwrap_or_default();
    put(words, all, FoundKind::Model, name, of_versions(model), at(), (&[description], &[]));
    for alias in &model.aliases {
        let (shown, of) = (format!("@{}", alias.name), of_version(name, alias.version));
        // As a whole it is looked for only by who writes the sign.
        let whole =
            if words.iter().any(|word| word.contains('@')) { format!("{name}@{}", alias.name) } else { String::new() };
        put(words, all, FoundKind::Alias, &shown, of, version_at(alias.version), (&[&alias.name, &whole], &[name]));
    }
    tags(words, &model.tags, name.to_owned(), &at, name, all);
    for version in &model.versions {
        let number = version.number;
        in_version(words, model, version, all);
        tags(words, &version.tags, of_version(name, number), &|| version_at(number), name, all);
    }
}

fn in_version(words: &Words, model: &ModelRow, version: &VersionRow, all: &mut Vec<(Near, FoundRow)>) {
    let name = model.id.name.as_str();
    let at = FoundAt::Version(VersionId { model: model.id.clone(), number: version.number });
    // A number is meant only as a whole: "1" does not look for 10 and 21.
    let number = version.number.to_string();
    let names = [number.clone(), format!("v{number}"), format!("{name}/{number}").to_lowercase()];
    let of_number = words.iter().find(|word| names.iter().any(|own| own == *word)).unwrap_or_default();
    let texts = [&version.description, &version.message].map(|text| text.as_deref().unwrap_or_default());
    let [source, user] = [&version.source, &version.user].map(|text| text.as_deref().unwrap_or_default());
    let own: Vec<&str> =
        [of_number, texts[0], texts[1], source, user].into_iter().filter(|text| !text.is_empty()).collect();
    if let Some(near) = words.near(&own, &[name]) {
        let row = FoundRow {
            kind: FoundKind::Version,
            name: format!("{name}/{number}"),
            of: version.readiness.word().to_owned(),
            at: at.clone(),
        };
        all.push((near, row));
    }
    if let Some(run) = version.run.as_deref().filter(|run| is_by_digits(words, run)) {
        put(words, all, FoundKind::Run, run, of_version(name, version.number), at, (&[], &[name]));
    }
}

fn tags(
    words: &Words,
    of: &[(SmolStr, SmolStr)],
    whose: String,
    at: &dyn Fn() -> FoundAt,
    model: &str,
    all: &mut Vec<(Near, FoundRow)>,
) {
    for (key, value) in of {
        let shown = format!("{key}={value}");
        put(words, all, FoundKind::ModelTag, &shown, whose.clone(), at(), (&[], &[model]));
    }
}

fn in_tag(words: &Words, tag: &TagRow, all: &mut Vec<(Near, FoundRow)>) {
    let id = &tag.id;
    let at = ArtifactRef { source: id.source.clone(), repository: id.repository.clone(), reference: id.tag.clone() };
    let (name, of) = (at.shown(), format!("{}, {}", tag.kind.words(), short_digest(&tag.digest)));
    let digest = Some(tag.digest.as_str()).filter(|digest| is_by_digits(words, digest));
    let own: Vec<&str> = [Some(id.tag.as_str()), digest].into_iter().flatten().collect();
    // The repository is a row of its own: a tag is found by itself.
    if let Some(near) = words.near(&own, &[&id.repository]) {
        all.push((near, FoundRow { kind: FoundKind::Tag, name, of, at: FoundAt::Artifact(at) }));
    }
}

/// Does a word look for an id or a digest, by enough of its digits?
fn is_by_digits(words: &Words, id: &str) -> bool {
    let is_digits = |word: &str| {
        let digits = word.rsplit(':').next().unwrap_or(word);
        digits.len() >= LEAST_DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) && id.contains(word)
    };
    words.iter().any(is_digits)
}

fn in_runs(
    words: &Words,
    source: &ConnectionId,
    runs: &[RunRow],
    models: &ModelsView,
    all: &mut Vec<(Near, FoundRow)>,
) {
    for run in runs {
        let made = models.models.rows().iter().filter(|model| model.id.source == *source).find_map(|model| {
            let version = model.versions.iter().find(|version| version.run.as_ref() == Some(&run.id))?;
            Some((model, version.number))
        });
        let experiment = run.experiment.1.as_ref().unwrap_or(&run.experiment.0);
        let (of, at) = match made {
            Some((model, number)) => (
                format!("{}, in {experiment}", of_version(&model.id.name, number)),
                FoundAt::Version(VersionId { model: model.id.clone(), number }),
            ),
            None => (
                format!("in {experiment}; no version is registered from it"),
                FoundAt::Run(source.clone(), run.id.clone()),
            ),
        };
        put(words, all, FoundKind::Run, &run.name, of, at, (&[], &[experiment]));
    }
}

fn of_version(model: &str, number: u64) -> String {
    format!("{model}, version {number}")
}

fn of_versions(model: &ModelRow) -> String {
    many(model.versions.len() as u64 + model.more, "version")
}

fn many(n: u64, what: &str) -> String {
    let ending = match (n, what.strip_suffix('y')) {
        (1, _) => return format!("1 {what}"),
        (_, Some(stem)) => format!("{stem}ies"),
        (_, None) => format!("{what}s"),
    };
    format!("{} {ending}", count(n))
}

/// What is looked through of each source, and what is not.
fn searched(models: &ModelsView, artifacts: &ArtifactsView, runs: &[FoundRuns]) -> Vec<Searched> {
    let mut all: BTreeMap<ConnectionId, (Vec<String>, Vec<String>)> = BTreeMap::new();
    let mut held: BTreeMap<&ConnectionId, (u64, u64, u64)> = BTreeMap::new();
    for model in models.models.rows() {
        let of = held.entry(&model.id.source).or_default();
        *of = (of.0 + 1, of.1 + model.versions.len() as u64, of.2 + model.more);
    }
    for (source, (models, versions, more)) in held {
        let (what, not) = all.entry(source.clone()).or_default();
        what.push(format!("{} with {}", many(models, "model"), many(versions, "version")));
        if more > 0 {
            not.push(format!("{} that are older are not followed", many(more, "version")));
        }
    }
    for (source, found) in runs {
        let (what, not) = all.entry(source.clone()).or_default();
        match found {
            Ok(found) => {
                what.push("runs by their names".to_owned());
                if found.more {
                    let read = many(found.runs.len() as u64, "run");
                    not.push(format!("more than the {read} that it told first were not taken in"));
                }
            }
            Err(why) => not.push(format!("runs were not: {}", why.trim_end_matches('.'))),
        }
    }
    for (source, of) in repositories(artifacts) {
        let (what, not) = all.entry(source).or_default();
        what.push(format!("{} with {} that are watched", many(of.repositories, "repository"), many(of.tags, "tag")));
        if let Some(first) = of.partly.first() {
            let names = of.partly.iter().take(MOST_NAMED).map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
            let more = of.partly.len().saturating_sub(MOST_NAMED);
            let more = if more > 0 { format!(" and {} more", count(more as u64)) } else { String::new() };
            let whose = if of.partly.len() == 1 { first.to_string() } else { format!("{names}{more}") };
            not.push(format!("not all tags of {whose} are watched"));
        }
    }
    let row = |(source, (what, not)): (ConnectionId, (Vec<String>, Vec<String>))| Searched {
        source,
        what: if what.is_empty() { "nothing".to_owned() } else { what.join(", and ") },
        not: (!not.is_empty()).then(|| sentence(&not.join("; "))),
    };
    all.into_iter().map(row).collect()
}

/// Of one registry.
#[derive(Default)]
struct Held {
    repositories: u64,
    tags: u64,
    /// Repositories of which not all tags are watched.
    partly: Vec<SmolStr>,
}

fn repositories(artifacts: &ArtifactsView) -> BTreeMap<ConnectionId, Held> {
    let mut all: BTreeMap<ConnectionId, Held> = BTreeMap::new();
    for row in artifacts.repositories.rows() {
        let of = all.entry(row.id.source.clone()).or_default();
        of.repositories += 1;
        of.tags += u64::from(row.watched);
        if row.more {
            of.partly.push(row.id.name.clone());
        }
    }
    all
}

fn sentence(text: &str) -> String {
    let mut signs = text.chars();
    let first = signs.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default();
    format!("{first}{}.", signs.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{
        ModelId, Stamp, TagId,
        artifact::ArtifactKind,
        view::{AliasRow, Readiness, RepositoryId, RepositoryRow},
    };

    fn version(number: u64, run: &str, tag: (&str, &str)) -> VersionRow {
        VersionRow {
            number,
            readiness: Readiness::Ready,
            description: (number == 2).then(|| "Quantised for the edge".to_owned()),
            run: Some(run.into()),
            tags: vec![(tag.0.into(), tag.1.into())],
            ..VersionRow::default()
        }
    }

    fn models() -> ModelsView {
        let chat = ModelRow {
            id: ModelId { source: ConnectionId::slug("main"), name: "chat".into() },
            created: None,
            updated: None,
            description: None,
            tags: vec![("team".into(), "search".into())],
            aliases: vec![AliasRow { name: "champion".into(), version: 10, ..AliasRow::default() }],
            versions: vec![version(10, "ab12cd34", ("tier", "gold")), version(2, "ef", ("tier", "free"))],
            more: 3,
        };
        ModelsView { models: [chat].into_iter().collect() }
    }

    fn artifacts() -> ArtifactsView {
        let source = ConnectionId::slug("oci");
        let repository = |name: &str, watched, more| RepositoryRow {
            id: RepositoryId { source: source.clone(), name: name.into() },
            hosts: vec!["reg.example".into()],
            watched,
            more,
        };
        let tag = |repository: &str, tag: &str, digest: &str| TagRow {
            id: TagId { source: source.clone(), repository: repository.into(), tag: tag.into() },
            digest: digest.into(),
            since: Stamp(0),
            from: None,
            kind: ArtifactKind::ModelPack,
            size: Some(1),
            created: None,
            parts: Vec::new(),
        };
        ArtifactsView {
            repositories: [repository("team/chat", 2, false), repository("team/big", 0, true)].into_iter().collect(),
            tags: [tag("team/chat", "prod", "sha256:77d0aa"), tag("team/chat", "v1", "sha256:12fe")]
                .into_iter()
                .collect(),
        }
    }

    fn runs() -> Vec<FoundRuns> {
        let run = |id: &str, name: &str| RunRow {
            id: id.into(),
            name: name.into(),
            experiment: ("1".into(), Some("tuning".into())),
            ..RunRow::default()
        };
        let runs = vec![run("ab12cd34", "brisk-fox"), run("99", "calm-fox")];
        vec![(ConnectionId::slug("main"), Ok(RunPage { runs, ..RunPage::default() }))]
    }

    #[track_caller]
    fn check(text: &str, want: &[&str]) {
        let found = find(&Words::of(text), 9, &models(), &artifacts(), &runs());
        let line = |row: &FoundRow| format!("{} {} ({}) in {}", row.kind.word(), row.name, row.of, row.at.source());
        assert_eq!(found.rows.iter().map(line).collect::<Vec<_>>(), want, "{text}");
    }

    #[test]
    fn a_word_is_found_in_each_kind_of_thing_with_its_source() {
        check("CHAMP", &["alias @champion (chat, version 10) in main"]);
        check("chat@champion", &["alias @champion (chat, version 10) in main"]);
        check("gold", &["label tier=gold (chat, version 10) in main"]);
        check("search", &["label team=search (chat) in main"]);
        check("edge", &["version chat/2 (ready) in main"]);
        check("prod", &["tag team/chat:prod (ModelPack, sha256:77d0aa) in oci"]);
        check(
            "fox",
            &[
                "run calm-fox (in tuning; no version is registered from it) in main",
                "run brisk-fox (chat, version 10, in tuning) in main",
            ],
        );
    }

    #[test]
    fn the_nearest_comes_first_and_what_only_is_of_a_name_is_not_found_by_it() {
        check("chat", &["model chat (5 versions) in main", "repository team/chat (reg.example) in oci"]);
        check("team/chat v1", &["tag team/chat:v1 (ModelPack, sha256:12fe) in oci"]);
    }

    #[test]
    fn a_number_is_a_whole_one_and_digits_of_an_id_have_to_be_enough() {
        check("chat 10", &["version chat/10 (ready) in main"]);
        check("v2", &["version chat/2 (ready) in main"]);
        check("ab12cd", &["run ab12cd34 (chat, version 10) in main"]);
        check("77d0a", &["tag team/chat:prod (ModelPack, sha256:77d0aa) in oci"]);
        check("77d0", &[]);
    }

    #[test]
    fn what_was_looked_through_is_told_and_what_was_not() {
        let told = |runs: &[FoundRuns]| {
            let found = find(&Words::of("nobody"), 9, &models(), &artifacts(), runs);
            let line =
                |of: &Searched| format!("{}: {} | {}", of.source, of.what, of.not.as_deref().unwrap_or_default());
            found.searched.iter().map(line).collect::<Vec<_>>()
        };
        assert_eq!(
            told(&runs()),
            [
                "main: 1 model with 2 versions, and runs by their names | 3 versions that are older are not followed.",
                "oci: 2 repositories with 2 tags that are watched | Not all tags of team/big are watched.",
            ]
        );
        let mut many = runs();
        many[0].1.as_mut().unwrap().more = true;
        assert!(told(&many)[0].ends_with("; more than the 2 runs that it told first were not taken in."));
        let lost = vec![(ConnectionId::slug("main"), Err("main refused the connection.".to_owned()))];
        let want = "3 versions that are older are not followed; runs were not: main refused the connection.";
        assert!(told(&lost)[0].ends_with(want), "{:?}", told(&lost));
    }

    #[test]
    fn what_is_beyond_the_limit_is_counted() {
        let found = find(&Words::of("fox"), 1, &models(), &artifacts(), &runs());
        assert_eq!((found.rows.len(), found.more), (1, 1));
    }
}
