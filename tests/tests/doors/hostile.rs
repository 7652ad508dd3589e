//! Hostile names and texts, in a real cluster and in the settings: each door shows them as text, and they do nothing.

use crate::hostile_cluster::{MARKUP, Odd, SEEN, connection, context, hostile, seen, with_nul};
use acceptance::{Context, Failure, Page, Result, Terminal};
use pilothouse_wire::ConnectionId;
use serde_json::Value;
use thirtyfour::Key;

/// Characters that must reach nobody: control marks (but for the line breaks of our own layout), marks of direction,
/// and what takes no room. Written down anew, and not taken from the product.
fn acting(c: &char) -> bool {
    *c != '\n' && c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Asks a page for everything in it that a hostile text could have become. `data-` attributes are read by tests alone.
const FAULTS: &str = r"
const acting = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/;
const faults = [];
const fault = (what, text) => faults.push(what + ': ' + escape(text).slice(0, 300));
if ('pwned' in window) fault('a text was run', '');
for (const made of document.querySelectorAll('img, iframe, object, embed, [onerror], [onclick]')) {
    fault('a text became an element', made.outerHTML);
}
for (const made of [...document.scripts, ...document.querySelectorAll('b, i')]) {
    if (/^(window\.pwned=1|bold|i)$/.test(made.textContent)) fault('a text became an element', made.outerHTML);
}
if (acting.test(document.title)) fault('the title acts', document.title);
const shown = NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT;
for (const walk = document.createTreeWalker(document.body, shown); walk.nextNode();) {
    const node = walk.currentNode;
    if (node.nodeType === Node.TEXT_NODE) {
        if (acting.test(node.data)) fault('a text acts', node.data);
        const home = node.parentElement, style = getComputedStyle(home);
        // A text of a picture, and the only text of a block, have nothing beside them to turn.
        const alone = home instanceof SVGElement || style.display !== 'inline'
            && [...home.childNodes].every(other => other === node || !other.textContent);
        if (/[\u05d0-\u05ea]/.test(node.data) && !alone && !/isolate|plaintext/.test(style.unicodeBidi)) {
            fault('a text may turn what is beside it, in ' + home.outerHTML.slice(0, 60), node.data);
        }
    } else {
        for (const { name, value } of node.attributes) {
            if (!name.startsWith('data-') && acting.test(value)) fault('an attribute acts, ' + name, value);
        }
    }
}
for (const box of document.querySelectorAll('html, .inspector-body, .card, .dialog, .dialog-body, .toast')) {
    if (box.scrollWidth > box.clientWidth + 2) fault('a text leaves its place', box.className + ' ' + box.textContent);
}
return faults;
";

#[tokio::test(flavor = "multi_thread")]
async fn hostile_texts_are_shown_as_text_in_all_three_doors() -> Result<()> {
    let odd = Odd::start().await?;
    in_the_terminal(&odd).await?;
    let window = Page::window((1440, 900), &odd.terminal.environment()).await?;
    in_a_page(&window, &odd).await?;
    in_dialogs_and_toasts(&window).await?;
    window.close().await?;

    let (door, address) = odd.terminal.serve(&[]).await?;
    let browser = Page::browser((1440, 900), &address).await?;
    in_a_page(&browser, &odd).await?;
    browser.close().await?;
    harmless("the door's log", &door.last_lines(1_000));
    Ok(())
}

/// The connection's id.
fn id() -> String {
    ConnectionId::slug(&connection()).to_string()
}

#[track_caller]
fn harmless(what: &str, text: &str) {
    let found = text.chars().find(acting);
    assert_eq!(found, None, "{what} has {:?} in {text:?}", found.map(|c| c.escape_unicode().to_string()));
}

async fn in_the_terminal(odd: &Odd) -> Result<()> {
    let (terminal, context, name) = (&odd.terminal, context(), connection());
    let contexts = says(terminal, &["connect", "contexts"], SEEN).await?;
    assert!(contexts.contains(MARKUP), "{contexts}");
    says(terminal, &["connect", "add", "kubernetes", "--context", &context, "--name", &name], "").await?;
    for (arguments, text) in [
        (&["nodes", "--columns", "all"][..], seen("condition")),
        (&["pods", "--columns", "all"], seen("waiting")),
        (&["pods", "--filter", "pod-1"], seen("reason")),
        (&["pods", "--filter", &hostile("nothing")], String::new()),
        (&["gpus", "--columns", "all"], seen("owner")),
        (&["get", "nodes"], "odd-0000".to_owned()),
        (&["describe", "node", "odd-0000"], seen("condition-reason")),
        (&["describe", "pod", "pod-0"], seen("event-message")),
        (&["describe", &hostile("kind"), "x"], String::new()),
        (&["fleet"], String::new()),
        (&["connections", "--columns", "all"], "user <i onclick=x>".to_owned()),
        (&["connect", "list"], hostile_as_seen("context")),
        (&["connect", "test", &id()], "user <i onclick=x>".to_owned()),
        (&["doctor"], hostile_as_seen("context")),
        (&["nodes", "--context", &hostile("nowhere")], String::new()),
    ] {
        says(terminal, arguments, &text).await?;
    }
    // As JSON the texts are exact, so that a program can go on with them, and still do nothing where they are printed.
    for (arguments, text) in [
        (&["nodes", "--json"][..], with_nul("condition")),
        (&["pods", "--json"], with_nul("waiting")),
        (&["describe", "node", "odd-0000", "--json"], with_nul("condition-reason")),
        (&["fleet", "--json"], with_nul("owner")),
        (&["connections", "--json"], name.clone()),
        (&["connect", "list", "--json"], context.clone()),
        (&["connect", "contexts", "--json"], context.clone()),
    ] {
        let said = says(terminal, arguments, "").await?;
        let value: Value = serde_json::from_str(&said).could_not(format!("read the JSON of {arguments:?}"))?;
        assert!(holds(&value, &text), "{text:?} is not among {said}");
    }
    Ok(())
}

/// What is to be seen of [`hostile`].
fn hostile_as_seen(word: &str) -> String {
    seen(word).replace('␀', "")
}

/// Calls the program: what it prints has no power, and holds a text. What it refuses, it refuses harmlessly.
async fn says(terminal: &Terminal, arguments: &[&str], wanted: &str) -> Result<String> {
    let said = terminal.call(arguments).await?;
    let what = format!("pilothouse {arguments:?}");
    harmless(&what, &said.out);
    harmless(&what, &said.err);
    if said.out.contains(wanted) {
        Ok(said.out)
    } else {
        Err(Failure::new(format!("{what} has no {wanted}: {said:?}")))
    }
}

/// Is a text one of the texts of a JSON value?
fn holds(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => text == wanted,
        Value::Array(values) => values.iter().any(|value| holds(value, wanted)),
        Value::Object(fields) => fields.values().any(|value| holds(value, wanted)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// What either page shows, screen by screen.
async fn in_a_page(page: &Page, odd: &Odd) -> Result<()> {
    let (id, namespace) = (id(), &odd.namespace);
    page.press("rail-fleet").await?;
    page.find_by(&format!("[data-test='chip-{id}'][data-state='live']")).await?;
    shows(page, &format!("[data-test='chip-{id}']"), &hostile_as_seen("connection")).await?;

    page.press("tab-nodes").await?;
    let node = format!("[data-test='row'][data-key='node:{id}/odd-0000']");
    shows(page, &node, &seen("condition")).await?;
    page.press_by(&node).await?;
    for text in ["condition-reason", "kubelet", "event-reason", "event-message"] {
        shows(page, "[data-test='inspector']", &seen(text)).await?;
    }
    page.press("tab-gpus").await?;
    unharmed(page).await?;

    page.press("tab-pods").await?;
    shows(page, &format!("[data-test='row'][data-key='pod:{id}/{namespace}/pod-1']"), &seen("reason")).await?;
    let pod = format!("[data-test='row'][data-key='pod:{id}/{namespace}/pod-0']");
    shows(page, &pod, &seen("waiting")).await?;
    page.press_by(&pod).await?;
    for text in ["owner", "image", "waiting", "event-reason", "event-message"] {
        shows(page, "[data-test='inspector']", &seen(text)).await?;
    }
    page.press("inspector-yaml").await?;
    for text in ["waiting-message", "message"] {
        shows(page, "[data-test='inspector-yaml-text']", text).await?;
    }
    page.key(Key::Escape).await?;
    page.gone("[data-test='inspector-yaml-text']").await?;

    page.press("inspector-describe").await?;
    for text in ["owner", "image", "waiting", "event-reason", "event-message"] {
        shows(page, "[data-test='describe-text']", &seen(text)).await?;
    }
    page.key(Key::Escape).await?;
    page.gone("[data-test='describe-text']").await?;

    // The owner's name is the name of what is selected then, and so the title of the page.
    page.press_by("[data-test='inspector'] button.link[title^='owner-kind']").await?;
    page.reads_as("[data-test='inspector'] h2", |text| text == seen("owner"), "is the owner's name").await?;
    unharmed(page).await?;
    let title = page.driver().title().await.could_not("read the title")?;
    assert!(title.contains(&seen("owner")), "{title}");

    page.press("search").await?;
    page.fill("palette-input", "owner").await?;
    shows(page, "[data-test='palette-row']", &seen("owner")).await?;
    page.fill("palette-input", "no such <b>bold</b>").await?;
    page.reads_as("#palette-list", |text| text.contains("<b>bold</b>"), "says what is not found").await?;
    unharmed(page).await?;
    page.key(Key::Escape).await?;
    page.gone("[data-test='palette']").await?;

    page.press("rail-connections").await?;
    let row = format!("[data-test='connection-row-{id}']");
    shows(page, &row, &hostile_as_seen("connection")).await?;
    page.press_by(&format!("{row} .row-name")).await?;
    shows(page, "[data-test='inspector']", "user <i onclick=x>").await
}

/// The dialogs that name a connection, and the toast that says what came of one. The window alone has them.
async fn in_dialogs_and_toasts(page: &Page) -> Result<()> {
    let name = hostile_as_seen("connection");
    page.press("connection-remove").await?;
    shows(page, "[data-test='remove-dialog']", &name).await?;
    page.key(Key::Escape).await?;
    page.gone("[data-test='remove-dialog']").await?;
    page.press("connection-edit").await?;
    shows(page, "[data-test='connection-form']", &name).await?;
    page.press("form-submit").await?;
    // A field of one line has no carriage return to give back.
    shows(page, "[data-test='toast']", MARKUP).await
}

/// Waits until a place reads a text, then looks for harm in the whole page.
async fn shows(page: &Page, place: &str, text: &str) -> Result<()> {
    page.reads_as(place, |read| read.contains(text), &format!("shows {text:?}")).await?;
    unharmed(page).await
}

async fn unharmed(page: &Page) -> Result<()> {
    let answer = page.driver().execute(FAULTS, Vec::new()).await.could_not("look for harm")?;
    let faults: Vec<String> = answer.convert().could_not("read what was found")?;
    if faults.is_empty() { Ok(()) } else { Err(Failure::new(faults.join("\n"))) }
}
