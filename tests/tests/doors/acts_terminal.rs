//! What only a person at the terminal meets: the name that production wants, an interrupt, a pause that holds others up. Parts of
//! the tests of `acts`, on their cluster.

use crate::acts::{LIMIT, Site};
use acceptance::{Context, Failure, Result, acting, until};
use tokio::io::AsyncWriteExt;

/// While a Deployment is paused another image reaches no pod; resumed, it does. Three pods run.
pub async fn paused_and_resumed(site: &Site) -> Result<()> {
    let done = site.chat("pause", &["--yes"]).await?;
    assert!(done.code == 0 && done.err.contains("verified: it is paused"), "{done:?}");
    assert!(done.err.contains("To take it back: pilothouse act resume deployment chat"), "{done:?}");
    // What would reach no pod is not begun from here; somebody else does it.
    let image = "registry.invalid/models/server:3.0.0";
    let refused = site.chat("set-image", &["--container", "server", "--image", image, "--yes"]).await?;
    assert!(refused.code == 1 && refused.err.contains("Resume it first"), "{refused:?}");
    let set = format!("server={image}");
    site.plane.kubectl(&["set", "image", "deployment/chat", &set, "-n", &site.namespace]).await?;
    until("its controller has seen it", LIMIT, async || {
        let seen = site.read(".status.observedGeneration").await?;
        Ok((seen == site.read(".metadata.generation").await?).then_some(()))
    })
    .await?;
    let images = async || {
        let path = "jsonpath={.items[*].spec.containers[0].image}";
        site.plane.kubectl(&["get", "pods", "-n", &site.namespace, "-o", path]).await
    };
    assert!(!images().await?.contains(":3.0.0"));
    let done = site.chat("resume", &["--yes"]).await?;
    assert!(done.code == 0 && done.err.contains("verified: it is not paused"), "{done:?}");
    until("all its pods have it", LIMIT, async || {
        let images = images().await?;
        Ok((images.split(' ').all(|one| one == image) && images.split(' ').count() == 3).then_some(()))
    })
    .await?;
    let again = site.chat("resume", &["--yes"]).await?;
    assert!(again.code == 1 && again.err.contains("not paused already"), "{again:?}");
    Ok(())
}

/// In production the terminal wants the name as well: said before, or when it asks. One pod runs.
pub async fn named(site: &Site) -> Result<()> {
    for more in [&["--yes"][..], &["--yes", "--typed", "chta"]] {
        let said = site.chat("scale", &[&["--to", "2"], more].concat()).await?;
        assert!(said.code == 1 && said.err.contains("type \"chat\""), "{more:?}: {said:?}");
    }
    assert_eq!(site.read(".spec.replicas").await?, "1");
    let said = site.chat("scale", &["--to", "2", "--yes", "--typed", "chat"]).await?;
    assert!(said.code == 0 && said.err.contains("verified: 2 of 2 pods are ready"), "{said:?}");

    // A person is asked, and what they type is held against it.
    let asked = async |answer: &str| {
        let program = acceptance::program("pilothouse")?;
        let line = format!("{} act scale deployment chat -n {} --to 3", program.display(), site.namespace);
        let mut command = tokio::process::Command::new("script");
        command.args(["--quiet", "--return", "--command", &line, "/dev/null"]).envs(site.terminal.environment());
        command.env("HOME", site.terminal.home()).env("PILOTHOUSE_KEYRING", "off").env_remove("DISPLAY");
        let piped = std::process::Stdio::piped;
        let mut child =
            command.stdin(piped()).stdout(piped()).kill_on_drop(true).spawn().could_not("start a terminal")?;
        let mut typed = child.stdin.take().ok_or_else(|| Failure::new("there is no terminal"))?;
        typed.write_all(format!("{answer}\n").as_bytes()).await.could_not("type")?;
        let ended = tokio::time::timeout(LIMIT, child.wait_with_output()).await.could_not("wait for its end")?;
        let ended = ended.could_not("wait for its end")?;
        drop(typed);
        Ok::<_, Failure>((ended.status.code(), String::from_utf8_lossy(&ended.stdout).into_owned()))
    };
    let (code, said) = asked("chta").await?;
    assert!(code == Some(1) && said.contains("This is production. Type chat to do it"), "{said}");
    assert_eq!(site.read(".spec.replicas").await?, "2");
    let (code, said) = asked("chat").await?;
    assert!(code == Some(0) && said.contains("verified: 3 of 3 pods are ready"), "{said}");
    assert_eq!(site.read(".spec.replicas").await?, "3");
    Ok(())
}

/// A drain that a budget holds is left by an interrupt: nothing further is sent, and what was done stays.
pub async fn drain_is_left(site: &Site) -> Result<()> {
    let sent = async || Ok::<_, Failure>(site.terminal.good(&["audit", "list"]).await?.matches("sent step 1").count());
    let before = sent().await?;
    let left = acting::interrupted(&site.terminal, &["act", "drain", "acts-0001", "--yes"], async || {
        until("its first step is sent", LIMIT, async || Ok((sent().await? > before).then_some(()))).await
    })
    .await?;
    assert!(left.code == 1 && left.err.contains("A person stopped it after 1 of 3 steps"), "{left:?}");
    assert!(left.err.contains("No further step is sent. What was done stays."), "{left:?}");
    let closed = ["get", "node", "acts-0001", "-o", "jsonpath={.spec.unschedulable}"];
    assert_eq!(site.plane.kubectl(&closed).await?, "true");
    Ok(())
}
