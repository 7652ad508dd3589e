//! What we show of a Rollout beside what Argo's own plugin for kubectl shows of it, at each station of a script: a canary and
//! a blue-green one, each on its way, promoted, stopped, tried again and gone back from; and what lies between the states that
//! rest (`walk`): pods that are not ready yet or come nowhere, an analysis under way, pauses by a person and by the clock, a time
//! that is over.

use std::time::Duration;

use acceptance::{
    Context, ControlPlane, Failure, GpuNodes, Options, Result, Rollouts,
    api::items,
    parity,
    rollouts::rollout,
    until,
    walk::{self, Station as Walked},
};
use pilothouse_engine::Reader;
use pilothouse_wire::{
    Answer, Ask, Body, ConnectionId, ObjectRef, View, ViewSpec, When,
    view::{DeliveryRow, FleetSpec},
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::engine;
use crate::report::{Figure, Report, say};

const LIMIT: Duration = Duration::from_secs(60);
/// What is said of both is one state by then; what is not the same counts.
const SETTLES: Duration = Duration::from_secs(15);
const CONTEXT: &str = "admin";
const NAMESPACE: &str = "default";

/// What is done to a Rollout, and the phase that the plugin says of it then.
type Station = (&'static [&'static str], &'static str);

const CANARY: &[Station] = &[
    (&[], "Healthy"),
    (&["2.0.0"], "Paused"),
    (&["promote", "chat"], "Healthy"),
    (&["3.0.0"], "Paused"),
    (&["abort", "chat"], "Degraded"),
    (&["retry", "rollout", "chat"], "Paused"),
    (&["abort", "chat"], "Degraded"),
    (&["undo", "chat"], "Healthy"),
    (&["4.0.0"], "Paused"),
    (&["promote", "chat", "--full"], "Healthy"),
    (&["restart", "chat"], "Healthy"),
];

const BLUE_GREEN: &[Station] = &[
    (&[], "Healthy"),
    (&["2.0.0"], "Paused"),
    (&["promote", "embed"], "Healthy"),
    (&["3.0.0"], "Paused"),
    (&["abort", "embed"], "Degraded"),
    (&["retry", "rollout", "embed"], "Paused"),
    (&["promote", "embed"], "Healthy"),
    // The pods of before are there still: it goes back at once.
    (&["undo", "embed"], "Healthy"),
    (&["4.0.0"], "Paused"),
];

/// Measures it.
pub async fn measure(report: &mut Report) -> Result<()> {
    say("parity: a canary and a blue-green Rollout of the real controller, beside its plugin.");
    let plane = ControlPlane::start(Options::default()).await?;
    plane.add_gpu_nodes(&GpuNodes::new("parity", 8, 8), LIMIT).await?;
    let rollouts = Rollouts::start(&plane).await?;
    let services = ["active", "preview"].map(|name| {
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": { "name": name, "namespace": NAMESPACE },
            "spec": { "selector": { "app": "embed" }, "ports": [{ "port": 80 }] },
        })
    });
    let steps = json!([{ "setWeight": 20 }, { "pause": {} }, { "setWeight": 60 }, { "pause": { "duration": "2s" } }]);
    let turn = json!({
        "activeService": "active", "previewService": "preview", "autoPromotionEnabled": false, "scaleDownDelaySeconds": 600,
    });
    let canary = rollout(NAMESPACE, "chat", &json!({ "canary": { "steps": steps } }));
    let blue_green = rollout(NAMESPACE, "embed", &json!({ "blueGreen": turn }));
    let walking = walk::canary(NAMESPACE, "walk");
    for object in services.iter().chain([&canary, &blue_green]).chain(&walking) {
        plane.apply(&object.to_string()).await?;
    }
    let running = engine::watching(&plane.kubeconfig(), CONTEXT).await?;
    let reader = running.operator.reader();
    let (mut differences, mut compared) = (0, 0);
    for (name, stations) in [("chat", CANARY), ("embed", BLUE_GREEN)] {
        for (words, phase) in stations {
            match words {
                [] => {}
                ["undo", "embed"] => {
                    go_at_a_time(&plane).await?;
                    let embed = &format!("/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/rollouts/embed");
                    drop(rollouts.plugin(&[words, &["--namespace", NAMESPACE][..]].concat()).await?);
                    // The phase of before is the same word.
                    until("its controller has seen it", LIMIT, async || {
                        let object = plane.api()?.get(embed).await?;
                        let of = object["metadata"]["generation"].to_string();
                        Ok((object["status"]["observedGeneration"].as_str() == Some(of.as_str())).then_some(()))
                    })
                    .await?;
                }
                [tag] => rollouts.set_image(NAMESPACE, name, tag).await?,
                words => drop(rollouts.plugin(&[words, &["--namespace", NAMESPACE][..]].concat()).await?),
            }
            rollouts.until(NAMESPACE, name, "Status", phase).await?;
            let (_, differs) = differing(&rollouts, &reader, name).await?;
            told(name, &format!("{words:?}"), &differs);
            differences += differs.len();
            compared += parity::COMPARED.len();
        }
    }
    for (name, stations) in [("walk", walk::of_canary()), ("embed", walk::of_blue_green())] {
        for station in stations {
            station.reach(&plane, &rollouts, (NAMESPACE, name)).await?;
            differences += between(&rollouts, &reader, name, &station).await?;
            compared += parity::COMPARED.len();
        }
    }
    running.operator.shutdown().await;
    report.add(Figure::new("parity.differences", differences as f64, "").at_most(0.0).beside(
        "values compared",
        compared as f64,
        "",
    ));
    Ok(())
}

fn told(name: &str, at: &str, differs: &[parity::Differs]) {
    for parity::Differs { what, ours, theirs } in differs {
        say(&format!("  {name}, {at}: {what} is \"{ours}\" here and \"{theirs}\" there"));
    }
}

/// How many values are not the same at a station on the way. One that was left before it could be compared counts for nothing,
/// and ends the measure.
async fn between(rollouts: &Rollouts<'_>, reader: &Reader, name: &str, station: &Walked) -> Result<usize> {
    let (row, differs) = differing(rollouts, reader, name).await?;
    told(name, &station.words(), &differs);
    let step = row.step.as_ref().map(|step| format!("{}/{}", step.done, step.of)).unwrap_or_default();
    if differs.is_empty() && !station.is(row.phase.word(), &step) {
        return Err(Failure::new(format!("{name} left {} before it was compared", station.words())));
    }
    Ok(differs.len())
}

/// Waits until the pods of `2.0.0` have a time at which they go: until then the controller pauses on the way back, too.
async fn go_at_a_time(plane: &ControlPlane) -> Result<()> {
    let api = plane.api()?;
    until("the pods of before have a time", LIMIT, async || {
        let sets = api.get(&format!("/apis/apps/v1/namespaces/{NAMESPACE}/replicasets")).await?;
        let is_it = |set: &Value| {
            let image = set["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap_or_default();
            let annotations = &set["metadata"]["annotations"];
            set["spec"]["selector"]["matchLabels"]["app"] == "embed"
                && image.ends_with(":2.0.0")
                && annotations["scale-down-deadline"].is_string()
        };
        Ok(items(&sets).iter().any(is_it).then_some(()))
    })
    .await
}

/// What is not the same once both had time to tell of the same state.
async fn differing(
    rollouts: &Rollouts<'_>,
    reader: &Reader,
    name: &str,
) -> Result<(DeliveryRow, Vec<parity::Differs>)> {
    let began = Instant::now();
    loop {
        let compared = parity::compare(rollouts, (NAMESPACE, name), async || row(reader, name).await).await?;
        let late = began.elapsed() > SETTLES;
        match compared {
            Some((row, differs)) if differs.is_empty() || late => return Ok((row, differs)),
            None if late => return Err(Failure::new(format!("the plugin's word on {name} never rests"))),
            _ => sleep(Duration::from_millis(100)).await,
        }
    }
}

/// The row of a Rollout, as a door is shown it.
async fn row(reader: &Reader, name: &str) -> Result<Option<DeliveryRow>> {
    let ask = Ask::Frame { spec: ViewSpec::Delivery(FleetSpec::default()), when: When::Now };
    let Answer::Frame(frame) = reader.ask(ask).await.could_not("ask for the services")? else {
        return Err(Failure::new("the engine answered with something else than a frame"));
    };
    let Body::Full(View::Delivery(view)) = frame.body else {
        return Err(Failure::new("the engine answered with another view"));
    };
    let id = ConnectionId::slug(CONTEXT);
    Ok(view.rows.get(&ObjectRef::Workload(id, NAMESPACE.into(), "Rollout".into(), name.into())).cloned())
}
