//! Leaving a long list of tags: of thousands in a real registry only those pages are read that somebody waits for. What
//! counts them stands in between.

use std::path::Path;
use std::time::Duration;

use acceptance::acting;
use acceptance::registry::{Pages, tag};
use acceptance::{Context, Failure, Registry, Result, Terminal, until};
use pilothouse_engine::Reader;
use pilothouse_wire::artifact::{TagPage, TagsQuery};
use pilothouse_wire::{Answer, Ask, ConnectionId, SmolStr};

const LIMIT: Duration = Duration::from_secs(60);
const MANY: usize = 5_000;
const REPOSITORY: &str = "team/many";
/// As many as a person looks through at once.
const PAGE: u16 = 100;

async fn page(reader: Reader, after: Option<SmolStr>) -> Result<TagPage> {
    let query = TagsQuery { source: ConnectionId::slug("models"), repository: REPOSITORY.into(), after, limit: PAGE };
    match reader.ask(Ask::Tags(query)).await.could_not("read a page of tags")? {
        Answer::Tags(page) => Ok(page),
        other => Err(Failure::new(format!("another answer: {other:?}"))),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_a_long_list_of_tags_has_no_further_page_read() -> Result<()> {
    let registry = Registry::start().await?;
    registry.push_tags(REPOSITORY, MANY).await?;
    let pages = Pages::start(&registry).await?;
    let terminal = Terminal::new(Path::new("/nonexistent"))?;
    let watch = format!("watch={REPOSITORY}:{}", tag(0));
    terminal.good(&["connect", "add", "oci", "--name", "models", "--url", &pages.url(), "--set", &watch]).await?;

    // A person looks through three pages, and leaves while the fourth is on its way.
    let operator = acting::engine(&terminal).await?;
    let mut after = None;
    for number in 0..3 {
        let TagPage { tags, next } = page(operator.reader(), after).await?;
        assert_eq!((tags.len(), tags[0].as_str()), (usize::from(PAGE), tag(number * usize::from(PAGE)).as_str()));
        after = next;
    }
    assert_eq!((pages.asked(), pages.left()), (3, 0), "one request a page");
    pages.hold_behind(0);
    let waiting = tokio::spawn(page(operator.reader(), after));
    until("the fourth page is asked for", LIMIT, async || Ok((pages.asked() == 4).then_some(()))).await?;
    waiting.abort();
    until("its request is taken back", LIMIT, async || Ok((pages.left() == 1).then_some(()))).await?;
    pages.go_on();
    // Whoever comes next has a page of their own, and nothing of the 46 others was asked for meanwhile.
    assert_eq!(page(operator.reader(), None).await?.tags.len(), usize::from(PAGE));
    assert_eq!((pages.asked(), pages.left()), (5, 1));
    operator.shutdown().await;
    Ok(())
}
