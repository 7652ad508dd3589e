//! Aliases and tags from the window, before a real MLflow: each press opens a plan, and nothing is drawn as done before the
//! server says so.

use acceptance::{Context, Mlflow, Page, Result, Terminal, mlflow::Trained};
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

const BECAME: &str = "[data-test='plan-became'][data-state='verified']";

async fn confirmed(page: &Page, change: &str) -> Result<()> {
    page.reads_as("[data-test='plan-changes']", |text| text.contains(change), "says what changes").await?;
    page.press("plan-confirm").await?;
    page.find_by(BECAME).await?;
    page.press("plan-close").await?;
    page.gone("[data-test='plan']").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_sets_moves_and_takes_away_an_alias_and_a_tag() -> Result<()> {
    let server = Mlflow::start().await?;
    let experiment = server.experiment("chat").await?;
    server.model("chat").await?;
    for name in ["first", "second"] {
        let run = server.run(&experiment, Trained { name, ..Trained::default() }).await?;
        server.version("chat", &experiment, &run).await?;
    }
    let terminal = Terminal::new(Path::new(""))?;
    terminal.good(&["connect", "add", "mlflow", "--name", "registry", "--url", &server.url()]).await?;
    let page = Page::window((1440, 900), &terminal.environment()).await?;
    page.press("rail-models").await?;
    page.press_by("[data-test='model'][data-key='registry/chat']").await?;

    // A connection is read alone: the button says so, and it can be changed there.
    page.reads_as("[data-test='alias-set']", |text| text.contains("registry is read alone"), "says why not").await?;
    page.press("deeds-allow").await?;
    page.gone("[data-test='deeds-allow']").await?;

    page.press("alias-set").await?;
    page.fill("alias-name", "@champion").await?;
    page.press("alias-plan").await?;
    confirmed(&page, "/aliases/champion").await?;
    let version = |number: u32| format!("[data-test='version'][data-key='{number}']");
    page.reads_as(&version(2), |text| text.contains("@champion"), "has the alias").await?;
    // A row of a table is pressed in one of its cells.
    page.press_by(&format!("{} td:first-child", version(1))).await?;
    page.press("alias-move").await?;
    page.reads_as("[data-test='plan']", |text| text.contains("from version 2 to 1"), "says from where").await?;
    confirmed(&page, "/aliases/champion").await?;
    page.reads_as(&version(1), |text| text.contains("@champion"), "has the alias now").await?;
    page.press("alias-remove").await?;
    confirmed(&page, "/aliases/champion").await?;
    page.gone("[data-test='alias-remove']").await?;

    page.press("tag-set").await?;
    page.fill("tag-key", "team").await?;
    page.fill("tag-value", "search and chat").await?;
    page.press("tag-plan").await?;
    confirmed(&page, "/versions/1/tags/team").await?;
    page.reads_as("[data-test='tags']", |text| text.contains("team=search and chat"), "has the tag").await?;
    page.press_by("[data-test='tag-remove'][data-key='team']").await?;
    confirmed(&page, "/versions/1/tags/team").await?;
    page.gone("[data-test='tag-remove']").await?;

    // The model itself has tags of its own.
    page.press("model-tag-set").await?;
    page.fill("tag-key", "owner").await?;
    page.fill("tag-value", "ml platform").await?;
    page.press("tag-plan").await?;
    confirmed(&page, "/tags/owner").await?;
    page.reads_as("[data-test='tags']", |text| text.contains("owner=ml platform"), "has the tag of the model").await?;
    let models = terminal.json(&["models", "--json"]).await?.to_string();
    assert!(models.contains("ml platform"), "the server has it: {models}");
    page.press_by("[data-test='tag-remove'][data-key='owner']").await?;
    confirmed(&page, "/tags/owner").await?;
    page.gone("[data-test='tag-remove']").await?;
    page.close().await
}

/// Questions for a run that were begun, and those of them that were let go.
#[derive(Clone, Copy, Debug, Default)]
struct Questions {
    begun: usize,
    left: usize,
}

/// Stands before an MLflow, and answers no question for a run; all else it hands on. No real server hangs when it is told to.
async fn silent_on_runs(server: &Mlflow) -> Result<(String, watch::Receiver<Questions>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await.could_not("listen")?;
    let url = format!("http://{}", listener.local_addr().could_not("find the port")?);
    let behind = server.url().trim_start_matches("http://").trim_end_matches('/').to_owned();
    let questions = watch::Sender::new(Questions::default());
    let asked = questions.subscribe();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (behind, questions) = (behind.clone(), questions.clone());
            tokio::spawn(async move { hand_on(client, &behind, &questions).await });
        }
    });
    Ok((url, asked))
}

/// It ends with the connection, from whichever side.
async fn hand_on(client: TcpStream, behind: &str, questions: &watch::Sender<Questions>) {
    let Ok(server) = TcpStream::connect(behind).await else { return };
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    let answers = tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
    let mut bytes = vec![0; 16 * 1024];
    let mut held = false;
    while let Ok(read @ 1..) = from_client.read(&mut bytes).await {
        if bytes[..read].windows(9).any(|some| some == b"/runs/get") {
            held = true;
            questions.send_modify(|of| of.begun += 1);
        } else if to_server.write_all(&bytes[..read]).await.is_err() {
            break;
        }
    }
    if held {
        questions.send_modify(|of| of.left += 1);
    }
    answers.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_page_asked_is_let_go_when_it_is_loaded_again() -> Result<()> {
    let server = Mlflow::start().await?;
    let experiment = server.experiment("chat").await?;
    server.model("chat").await?;
    let run = server.run(&experiment, Trained { name: "first", ..Trained::default() }).await?;
    server.version("chat", &experiment, &run).await?;
    let (url, mut asked) = silent_on_runs(&server).await?;
    let terminal = Terminal::new(Path::new(""))?;
    terminal.good(&["connect", "add", "mlflow", "--name", "registry", "--url", &url]).await?;
    let page = Page::window((1440, 900), &terminal.environment()).await?;
    page.press("rail-models").await?;
    page.press_by("[data-test='model'][data-key='registry/chat']").await?;
    asked.wait_for(|of| of.begun > 0).await.could_not("hear of the question for its run")?;
    page.reload().await?;
    // Long before the engine itself would give it up.
    let left = tokio::time::timeout(Duration::from_secs(5), asked.wait_for(|of| of.left > 0)).await.is_ok();
    assert!(left, "{:?}", *asked.borrow());
    page.close().await
}
