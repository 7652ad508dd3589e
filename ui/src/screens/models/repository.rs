//! A repository: its tags, page by page, those that are watched with the digest at which each stands; and where its artefacts
//! serve.

use super::{Here, Known, holds::Holds, page::Card, place::Spot};
use crate::{
    link::use_link,
    parts::{age::Age, button::Button, empty::Empty, problem::ProblemRows, show::Show},
    state::use_state,
    once::{CollectAny, effect},
};
use leptos::prelude::*;
use pilothouse_wire::{
    Answer, Ask, Problem, SmolStr, TagId,
    artifact::{ArtifactRef, TagPage, TagsQuery, short_digest},
    units::{ABSENT, bytes, count, visible},
    view::{RepositoryId, RepositoryRow, TagRow},
};
use std::collections::BTreeSet;

/// Tags of a page: what a person looks through at once.
const PAGE: u16 = 100;

/// Pages of tags, as far as they were asked for.
#[derive(Clone, Debug, Default, PartialEq)]
struct Pages {
    tags: Vec<SmolStr>,
    /// Where the next page begins; none at the end, and before the first came.
    next: Option<SmolStr>,
    /// Is all read?
    whole: bool,
    /// Is one on its way?
    asked: bool,
    /// Why the last one did not come.
    problem: Option<Problem>,
}

impl Pages {
    fn take(&mut self, page: Result<TagPage, Problem>) {
        self.asked = false;
        match page {
            Ok(TagPage { tags, next }) => {
                // A page of no tag that leads on would never come to an end.
                self.whole = next.is_none() || tags.is_empty();
                self.next = next.filter(|_| !self.whole);
                self.tags.extend(tags);
                self.problem = None;
            }
            Err(problem) => self.problem = Some(problem),
        }
    }
}

/// Draws a repository.
#[component]
pub fn RepositoryPage(known: Known, id: RepositoryId) -> impl IntoView {
    let row = {
        let id = id.clone();
        Memo::new(move |_| known.artifacts.artifacts(|view| view.repositories.get(&id).cloned()).flatten())
    };
    let watched = {
        let id = id.clone();
        Memo::new(move |_| {
            let is_its = |tag: &&TagRow| tag.id.source == id.source && tag.id.repository == id.name;
            known.artifacts.artifacts(|view| view.tags.rows().iter().filter(is_its).cloned().collect::<Vec<_>>())
        })
    };
    let is_there = Memo::new(move |_| row.with(Option::is_some));
    let head = move || row.get().map(|row| view! { <p class="soft" dir="auto">{visible(&said(&row))}</p> });
    let (source, title, of_tags, of_holds) = (id.source.clone(), id.name.to_string(), id.clone(), id);
    view! {
        <Card known=known source=source title=title label="Repository">
            <Show
                when=move || is_there.get()
                fallback=|| view! { <Empty title="This repository is not there" what="Its registry does not have it, or it is not watched." /> }
            >
                <div class="section" data-test="repository-page">{move || head()}</div>
                <Tags id=of_tags.clone() watched=watched />
                <Holds id=of_holds.clone() of=None />
            </Show>
        </Card>
    }
}

/// By which names images say it, and how much of it is watched.
fn said(row: &RepositoryRow) -> String {
    let host = row.hosts.first().map(|host| format!("{host}/{}", row.id.name)).unwrap_or_default();
    let tags = if row.watched == 1 { "1 tag of it is".to_owned() } else { format!("{} tags of it are", count(row.watched.into())) };
    let more = if row.more { "there are more" } else { "these are all" };
    format!("{host}: {tags} watched; {more}.")
}

/// The tags: those that are watched at once, the others page by page as the registry gives them.
#[component]
fn Tags(id: RepositoryId, watched: Memo<Option<Vec<TagRow>>>) -> impl IntoView {
    let (link, state) = (use_link(), use_state());
    let pages = RwSignal::new(Pages::default());
    let wanted = RwSignal::new(0_u32);
    // How many pages came: a link that opens again, or a look into the past, asks for none that nobody wanted.
    let came = StoredValue::new(0_u32);
    let asked_for = StoredValue::new(id.clone());
    // The first page is asked for at once; leaving ends the question.
    effect(move || {
        let page = wanted.get();
        if !link.is_open() || state.is_past() || came.get_value() > page {
            return;
        }
        let RepositoryId { source, name } = asked_for.get_value();
        let after = untrack(|| pages.with(|pages| pages.next.clone()));
        pages.update(|pages| pages.asked = true);
        let query = TagsQuery { source, repository: name, after, limit: PAGE };
        link.ask_then(Ask::Tags(query), move |answer| {
            let answer = answer.and_then(|answer| match answer {
                Answer::Tags(page) => Ok(page),
                _ => Err(Problem::other_answer()),
            });
            if answer.is_ok() {
                came.set_value(page + 1);
            }
            pages.update(|pages| pages.take(answer));
        });
    });
    let rows = Memo::new(move |_| {
        let watched = watched.get().unwrap_or_default();
        pages.with(|pages| merged(&watched, &pages.tags))
    });
    let id = StoredValue::new(id);
    let lines = move || rows.get().into_iter().map(|(tag, row)| view! { <Tag id=id.get_value() tag=tag row=row /> }).collect_any();
    let told = move || {
        if state.is_past() {
            return "Tags that are not watched are read from their registry, and so are of now.".to_owned();
        }
        let shown = rows.with(Vec::len) as u64;
        pages.with(|pages| match (pages.whole, pages.asked) {
            (true, _) => format!("{} tags: these are all.", count(shown)),
            (false, true) => format!("{} tags; more are being read.", count(shown)),
            (false, false) => format!("The first {} tags.", count(shown)),
        })
    };
    let has_more = Memo::new(move |_| {
        !state.is_past() && pages.with(|pages| !pages.asked && !pages.whole && (pages.next.is_some() || pages.problem.is_some()))
    });
    let label = move || {
        let again = pages.with(|pages| pages.problem.is_some());
        if again { "Try again".to_owned() } else { format!("Read the next {PAGE}") }
    };
    view! {
        <div class="section" aria-busy=move || pages.with(|pages| pages.asked).to_string()>
            <h3>"Tags"<span role="status" data-test="tags-told">{move || told()}</span></h3>
            <div class="models-versions repository-tags">
                <table class="plain-table">
                    <thead>
                        <tr>
                            <th>"Tag"</th><th>"Stands at"</th><th>"Kind"</th><th class="number">"Size"</th>
                            <th class="number">"Made"</th><th class="number">"There for"</th>
                        </tr>
                    </thead>
                    <tbody>{move || lines()}</tbody>
                </table>
            </div>
            {move || pages.with(|pages| pages.problem.clone()).map(|problem| view! { <ProblemRows problem=problem /> })}
            <Show when=move || has_more.get()>
                <div class="buttons">
                    <Button label=Signal::derive(label) on_press=move || wanted.update(|n| *n += 1) test="tags-more" />
                </div>
            </Show>
        </div>
    }
}

/// Tags of the registry in its order, each with what is watched of it; before them those that are watched and not read yet.
fn merged(watched: &[TagRow], read: &[SmolStr]) -> Vec<(SmolStr, Option<TagRow>)> {
    let find = |tag: &SmolStr| watched.iter().find(|row| row.id.tag == *tag).cloned();
    let names: BTreeSet<&SmolStr> = read.iter().collect();
    let before = watched.iter().filter(|row| !names.contains(&row.id.tag)).map(|row| (row.id.tag.clone(), Some(row.clone())));
    before.chain(read.iter().map(|tag| (tag.clone(), find(tag)))).collect()
}

#[component]
fn Tag(id: RepositoryId, tag: SmolStr, row: Option<TagRow>) -> impl IntoView {
    let here: Here = expect_context();
    let name = visible(&tag);
    let key = tag.to_string();
    let spot = Spot::Artifact(ArtifactRef { source: id.source, repository: id.name, reference: tag });
    let cells = match row {
        None => view! { <td class="faint" colspan="5">"not watched"</td> }.into_any(),
        Some(TagRow { id: TagId { .. }, digest, since, from, kind, size, created, .. }) => {
            let moved = from.map(|from| {
                let title = format!("It stood at {} before.", visible(short_digest(&from)));
                view! { <span class="tag warn" title=title>"moved"</span> }
            });
            view! {
                <td class="mono" title=visible(&digest)>{visible(short_digest(&digest))}" "{moved}</td>
                <td class="soft">{kind.words()}</td>
                <td class="number">{size.map_or_else(|| ABSENT.to_owned(), bytes)}</td>
                <td class="number faint"><Age of=Signal::stored(created) /></td>
                <td class="number faint"><Age of=Signal::stored(Some(since)) /></td>
            }
            .into_any()
        }
    };
    view! {
        <tr data-test="tag" data-key=key on:click=move |_| here.go(&spot)>
            <td><button type="button" class="name" dir="auto">{name}</button></td>
            {cells}
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{Code, ConnectionId, Stamp, artifact::ArtifactKind};

    fn watched(tag: &str) -> TagRow {
        TagRow {
            id: TagId { source: ConnectionId::slug("r"), repository: "a".into(), tag: tag.into() },
            digest: "sha256:1".into(),
            since: Stamp(0),
            from: None,
            kind: ArtifactKind::Image,
            size: None,
            created: None,
            parts: Vec::new(),
        }
    }

    #[test]
    fn tags_that_are_watched_stand_before_those_that_are_read_until_their_page_comes() {
        let line = |rows: Vec<(SmolStr, Option<TagRow>)>| {
            let line = |(tag, row): (SmolStr, Option<TagRow>)| format!("{tag}{}", if row.is_some() { "*" } else { "" });
            rows.into_iter().map(line).collect::<Vec<_>>().join(" ")
        };
        let known = [watched("prod"), watched("v2")];
        assert_eq!(line(merged(&known, &[])), "prod* v2*");
        assert_eq!(line(merged(&known, &["a".into(), "v2".into()])), "prod* a v2*");
        assert_eq!(line(merged(&[], &["a".into()])), "a");
    }

    #[test]
    fn pages_follow_one_another_and_one_that_leads_nowhere_is_the_last() {
        let page = |tags: &[&str], next: Option<&str>| TagPage {
            tags: tags.iter().map(|tag| (*tag).into()).collect(),
            next: next.map(Into::into),
        };
        let mut pages = Pages { asked: true, ..Pages::default() };
        pages.take(Ok(page(&["a"], Some("n=1&last=a"))));
        assert_eq!((pages.next.as_deref(), pages.whole, pages.asked), (Some("n=1&last=a"), false, false));
        pages.take(Err(Problem::new(Code::Cut, "r refused the connection.")));
        assert_eq!((pages.next.as_deref(), pages.problem.is_some()), (Some("n=1&last=a"), true));
        pages.take(Ok(page(&[], Some("n=1&last=a"))));
        assert_eq!((pages.tags.len(), pages.whole, pages.problem.is_some()), (1, true, false));
    }
}
