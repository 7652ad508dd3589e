//! The rights panel asks in a namespace: a person who may act in one alone is told so.

use acceptance::{ControlPlane, Options, Page, Result, Rule, Subject, Terminal, User};

const NAMESPACE: &str = "serving";
const PERSON: &str = "rights-token-1";

/// How a right is held, which stands before the line that names what it needs.
fn held<'a>(told: &'a str, needs: &str) -> Option<&'a str> {
    let lines: Vec<&str> = told.lines().map(str::trim).collect();
    let at = lines.iter().position(|line| line.ends_with(needs))?;
    lines.get(at.checked_sub(1)?).copied()
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_are_asked_for_where_the_connection_reads_and_where_a_person_says() -> Result<()> {
    let users = vec![User::new("person", PERSON)];
    let plane = ControlPlane::start(Options { users, ..Options::default() }).await?;
    plane.kubectl(&["create", "namespace", NAMESPACE]).await?;
    let person = Subject::User("person".to_owned());
    let rules = [
        Rule::new("", &["pods", "events"], &["get", "list", "watch"]),
        Rule::new("apps", &["deployments"], &["get", "list", "watch", "patch"]),
    ];
    plane.grant(&person, Some(NAMESPACE), &rules).await?;
    let file = plane.kubeconfig_for(PERSON)?;
    let context = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let terminal = Terminal::new(&file)?;
    let own = format!("namespaces={NAMESPACE}");
    // Nodes are not for this person: it is connected all the same.
    let added = ["connect", "add", "kubernetes", "--context", &context, "--name", "own", "--set", &own];
    let said = terminal.call(&added).await?;
    assert!(matches!(said.code, 0 | 3), "{said:?}");
    let page = Page::window((1440, 900), &terminal.environment()).await?;
    page.press("rail-connections").await?;
    page.press("connection-rights").await?;
    let body = "[data-test='rights-body']";
    let here = |text: &str| text.contains("In namespace serving, as person") && text.contains("patch deployments.apps");
    let told = page.reads_as(body, here, "says where it was asked").await?;
    assert_eq!(held(&told, "patch deployments.apps"), Some("yes"), "{told}");

    // Everywhere it may not, and is told so.
    page.fill("rights-namespace", "").await?;
    page.press("rights-ask").await?;
    let everywhere = |text: &str| text.contains("Everywhere in the cluster, as person");
    let told = page.reads_as(body, everywhere, "says that it is everywhere").await?;
    assert_eq!(held(&told, "patch deployments.apps"), Some("no"), "{told}");

    // And in another namespace, which the role that would give it is for.
    page.fill("rights-namespace", "default").await?;
    page.press("rights-ask").await?;
    let told = page.reads_as(body, |text| text.contains("In namespace default, as person"), "says where").await?;
    assert_eq!(held(&told, "patch deployments.apps"), Some("no"), "{told}");
    assert!(told.contains("namespace: default"), "{told}");
    page.close().await
}
