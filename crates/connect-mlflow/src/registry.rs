//! The registry as it was last told, and how the next look at it is made: all models each time, since MLflow writes down
//! neither that an alias moved nor that a tag was set; versions by when they were last written, and now and then all.

use crate::{
    answer::{self, Page},
    paths::api,
    problems,
};
use pilothouse_connect_http::{client::Client, failure::Failure};
use pilothouse_wire::{Problem, SmolStr, Stamp, runs::VersionId};
use pilothouse_world::{
    Fact,
    fact::{ModelFact, VersionFact},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// How long an answer may take to begin.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// The same of one version, for which somebody waits.
const SOON: Duration = Duration::from_secs(12);
/// Models that are followed: with more of them something else is wrong.
pub(crate) const MOST_MODELS: usize = 2_000;
/// Versions that are kept of one model: the newest, and those that an alias leads to.
pub(crate) const MOST_VERSIONS: usize = 200;
/// Versions that are read in one look.
const MOST_READ: usize = 50_000;
/// Entries of a page: the most that servers of every age give.
const PAGE: &str = "1000";
/// Models that are looked at one by one. With more that changed, all versions are read at once.
const MOST_ALONE: usize = 8;
/// After so many looks all versions are read anew: a tag of a version may have been set, which is written down nowhere.
const WHOLE_EVERY: u32 = 20;

/// Versions by the name of their model and by their number.
type Versions = BTreeMap<SmolStr, BTreeMap<u64, VersionFact>>;

/// What the registry held when it was last looked at.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    models: BTreeMap<SmolStr, ModelFact>,
    versions: Versions,
    /// When the newest version was written.
    newest: Option<Stamp>,
    looks: u32,
}

/// What another look found.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct News {
    /// Models that came, changed or went.
    pub facts: Vec<Fact>,
    /// Models and versions that could not be read.
    pub dropped: u64,
    /// Is there more than is followed?
    pub too_much: bool,
}

/// Lists, and what of them was left out.
struct Read<T> {
    list: Vec<T>,
    dropped: u64,
    too_much: bool,
}

impl Registry {
    /// Looks again.
    ///
    /// # Errors
    /// If a part of it cannot be read: nothing is then known anew.
    pub async fn look(&mut self, client: &Client) -> Result<News, Failure> {
        let heads = models(client).await?;
        let whole = self.looks.is_multiple_of(WHOLE_EVERY);
        let written: Vec<&SmolStr> = heads
            .list
            .iter()
            .filter(|head| self.models.get(&head.name).is_none_or(|known| known.updated != head.updated))
            .map(|head| &head.name)
            .collect();
        let mut news = News { facts: Vec::new(), dropped: heads.dropped, too_much: heads.too_much };
        let mut versions = std::mem::take(&mut self.versions);
        let read = if whole || written.len() > MOST_ALONE {
            let all = all_versions(client, "", None).await;
            all.inspect(|_| versions.clear())
        } else {
            self.fresh(client, &written, &mut versions).await
        };
        let read = match read {
            Ok(read) => read,
            Err(failure) => {
                // What was known stays known: the next look begins from it.
                self.versions = versions;
                return Err(failure);
            }
        };
        news.dropped += read.dropped;
        news.too_much |= read.too_much;
        for (model, version) in read.list {
            self.newest = self.newest.max(version.updated);
            versions.entry(model).or_default().insert(version.number, version);
        }
        versions.retain(|name, _| heads.list.iter().any(|head| head.name == *name));
        self.versions = versions;
        self.looks = self.looks.wrapping_add(1);
        self.take(heads.list, &mut news.facts);
        Ok(news)
    }

    /// Reads all versions at the next look.
    pub fn read_all_anew(&mut self) {
        self.looks = 0;
    }

    /// What was written since the last look, and all versions of models that were written: one may be gone.
    async fn fresh(
        &self,
        client: &Client,
        written: &[&SmolStr],
        versions: &mut Versions,
    ) -> Result<Read<(SmolStr, VersionFact)>, Failure> {
        let mut read = all_versions(client, "", self.newest).await?;
        for name in written {
            let Some(filter) = named(name) else { continue };
            let of_one = all_versions(client, &filter, None).await?;
            versions.remove(*name);
            read.dropped += of_one.dropped;
            read.too_much |= of_one.too_much;
            read.list.extend(of_one.list);
        }
        Ok(read)
    }

    /// Holds what was found against what was known.
    fn take(&mut self, heads: Vec<ModelFact>, facts: &mut Vec<Fact>) {
        let names: BTreeSet<SmolStr> = heads.iter().map(|head| head.name.clone()).collect();
        for head in heads {
            let versions = self.versions.get(&head.name);
            let model = with_versions(head, versions.into_iter().flat_map(BTreeMap::values));
            if self.models.get(&model.name) != Some(&model) {
                facts.push(Fact::Model(Box::new(model.clone())));
                self.models.insert(model.name.clone(), model);
            }
        }
        let gone: Vec<SmolStr> = self.models.keys().filter(|name| !names.contains(*name)).cloned().collect();
        for name in gone {
            self.models.remove(&name);
            facts.push(Fact::ModelGone(name));
        }
    }
}

/// A model with its versions, the newest first: as many as are kept.
fn with_versions<'a>(head: ModelFact, versions: impl DoubleEndedIterator<Item = &'a VersionFact>) -> ModelFact {
    let led_to = |version: &VersionFact| head.aliases.iter().any(|(_, number)| *number == version.number);
    let (mut kept, mut more) = (Vec::new(), 0);
    for version in versions.rev() {
        if kept.len() < MOST_VERSIONS || led_to(version) { kept.push(version.clone()) } else { more += 1 }
    }
    ModelFact { versions: kept, more, ..head }
}

/// Does it have this version? Of a model with many only some are kept here, so that it is asked for by its number.
///
/// # Errors
/// Why nobody can say.
pub(crate) async fn has_version(client: &Client, of: &VersionId) -> Result<bool, Problem> {
    let number = of.number.to_string();
    let path = api("model-versions/get", &[("name", of.model.name.as_str()), ("version", number.as_str())]);
    let read = async {
        match answer::numbered(&client.get(&path, SOON).await?.body)? {
            number if number == of.number => Ok(true),
            number => Err(Failure::Unreadable(format!("it is about version {number}"))),
        }
    };
    match read.await {
        Err(failure) if is_no_version(&failure) => Ok(false),
        other => other.map_err(|failure| problems::unsaid(&failure, &client.place, of)),
    }
}

/// Does it say that there is no such version, and nothing else? Source: `_get_sql_model_version` and its like in the stores of MLflow.
fn is_no_version(failure: &Failure) -> bool {
    let Failure::Refusal(refusal) = failure else { return false };
    refusal.status == 404 && refusal.message.starts_with("Model Version (")
}

/// A filter for the versions of one model; `None` for a name that cannot be put into one.
fn named(name: &str) -> Option<String> {
    let quote = ['\'', '"'].into_iter().find(|quote| !name.contains(*quote))?;
    Some(format!("name={quote}{name}{quote}"))
}

async fn models(client: &Client) -> Result<Read<ModelFact>, Failure> {
    let query = [("max_results", PAGE), ("order_by", "last_updated_timestamp DESC")];
    pages(client, "registered-models/search", &query, answer::models, MOST_MODELS, |_| true).await
}

/// Versions that fit, those written last first; only those written since a time, if one is given.
async fn all_versions(
    client: &Client,
    filter: &str,
    since: Option<Stamp>,
) -> Result<Read<(SmolStr, VersionFact)>, Failure> {
    let query = [("filter", filter), ("max_results", PAGE), ("order_by", "last_updated_timestamp DESC")];
    let is_wanted = |(_, version): &(SmolStr, VersionFact)| since.is_none_or(|since| version.updated >= Some(since));
    pages(client, "model-versions/search", &query, answer::versions, MOST_READ, is_wanted).await
}

/// Reads page by page, until one holds something that is not wanted: what follows is older.
async fn pages<T>(
    client: &Client,
    call: &str,
    query: &[(&str, &str)],
    read: fn(&[u8]) -> Result<Page<T>, Failure>,
    most: usize,
    is_wanted: impl Fn(&T) -> bool,
) -> Result<Read<T>, Failure> {
    let mut all = Read { list: Vec::new(), dropped: 0, too_much: false };
    let mut token = String::new();
    loop {
        let path = api(call, &[query, &[("page_token", token.as_str())]].concat());
        let page = read(&client.get(&path, PATIENCE).await?.body)?;
        let (came, before) = (page.list.len(), all.list.len());
        all.dropped += page.dropped;
        all.list.extend(page.list.into_iter().filter(&is_wanted));
        let is_last = came == 0 || all.list.len() - before < came;
        all.too_much = all.list.len() > most || (all.list.len() == most && page.next.is_some());
        all.list.truncate(most);
        match page.next {
            // A server that turns in a circle is left.
            Some(next) if !is_last && !all.too_much && next != token => token = next,
            _ => return Ok(all),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(number: u64) -> VersionFact {
        VersionFact { number, ..VersionFact::default() }
    }

    fn head(name: &str, aliases: &[(&str, u64)]) -> ModelFact {
        let aliases = aliases.iter().map(|(alias, version)| ((*alias).into(), *version)).collect();
        ModelFact { name: name.into(), aliases, ..ModelFact::default() }
    }

    #[test]
    fn the_newest_versions_are_kept_and_those_that_an_alias_leads_to() {
        let versions: Vec<VersionFact> = (1..=300).map(version).collect();
        let model = with_versions(head("a", &[("champion", 7)]), versions.iter());
        let numbers: Vec<u64> = model.versions.iter().map(|version| version.number).collect();
        assert_eq!((numbers[0], numbers[199], numbers[200], numbers.len(), model.more), (300, 101, 7, 201, 99));
    }

    #[test]
    fn a_name_is_quoted_or_not_asked_for() {
        assert_eq!(named("chat").as_deref(), Some("name='chat'"));
        assert_eq!(named("it's").as_deref(), Some("name=\"it's\""));
        assert_eq!(named("'\""), None);
    }

    #[test]
    fn only_what_changed_is_told() {
        let mut registry = Registry::default();
        registry.versions.entry("a".into()).or_default().insert(1, version(1));
        let told = |registry: &mut Registry, heads: Vec<ModelFact>| {
            let mut facts = Vec::new();
            registry.take(heads, &mut facts);
            facts
        };
        assert_eq!(told(&mut registry, vec![head("a", &[]), head("b", &[])]).len(), 2);
        assert_eq!(told(&mut registry, vec![head("a", &[]), head("b", &[])]), []);
        let moved = told(&mut registry, vec![head("a", &[("x", 1)])]);
        let [Fact::Model(model), Fact::ModelGone(gone)] = &moved[..] else { panic!("{moved:?}") };
        assert_eq!((model.aliases.len(), model.versions.len(), gone.as_str()), (1, 1, "b"));
    }
}
