//! Containers of a pod or of a template: image, state, restarts, requests and limits. Never a value of a variable.

use super::fields::{items, mono, pairs, row, scalar, section, text};
use pilothouse_wire::{describe::Section, view::FieldRow};
use serde_json::Value;

/// The containers of a pod's spec, each with its status where there is one.
pub(super) fn sections(spec: &Value, status: &Value) -> Vec<Section> {
    [
        ("Init container", "/initContainers", "/initContainerStatuses"),
        ("Container", "/containers", "/containerStatuses"),
        ("Ephemeral container", "/ephemeralContainers", "/ephemeralContainerStatuses"),
    ]
    .into_iter()
    .flat_map(|(title, containers, statuses)| {
        let statuses = items(status, statuses);
        items(spec, containers).iter().map(move |container| {
            let status = statuses.iter().find(|status| status["name"] == container["name"]);
            one(title, container, status)
        })
    })
    .collect()
}

fn one(title: &str, container: &Value, status: Option<&Value>) -> Section {
    let mut rows = vec![mono("Image", text(container, "/image"))];
    if let Some(status) = status {
        rows.extend(text(status, "/imageID").filter(|id| !id.is_empty()).map(|id| mono("Image id", Some(id))));
        rows.push(row("State", state(&status["state"])));
        rows.extend(state(&status["lastState"]).map(|last| row("Last state", Some(last))));
        rows.push(row("Ready", text(status, "/ready")));
        rows.push(row("Restarts", text(status, "/restartCount")));
    }
    rows.extend(list(container, "/command").map(|text| mono("Command", Some(text))));
    rows.extend(list(container, "/args").map(|text| mono("Arguments", Some(text))));
    rows.push(row("Requests", pairs(container, "/resources/requests")));
    rows.push(row("Limits", pairs(container, "/resources/limits")));
    rows.extend(claims(container));
    rows.extend(ports(container).map(|ports| row("Ports", Some(ports))));
    rows.extend(variables(container).map(|names| row("Variables", Some(names))));
    rows.extend(mounts(container).map(|mounts| row("Mounts", Some(mounts))));
    for (label, pointer) in
        [("Liveness", "/livenessProbe"), ("Readiness", "/readinessProbe"), ("Startup", "/startupProbe")]
    {
        rows.extend(container.pointer(pointer).map(|of| row(label, Some(probe(of)))));
    }
    section(format!("{title} {}", text(container, "/name").unwrap_or_default()), rows)
}

/// A state in one line: "terminated: OOMKilled, exit code 137, 2026-… to 2026-…".
fn state(state: &Value) -> Option<String> {
    let (word, of) = state.as_object()?.iter().find(|(_, of)| of.is_object())?;
    let mut parts: Vec<String> = ["/reason", "/message"].iter().filter_map(|pointer| text(of, pointer)).collect();
    parts.extend(text(of, "/exitCode").map(|code| format!("exit code {code}")));
    parts.extend(text(of, "/signal").map(|signal| format!("signal {signal}")));
    match (text(of, "/startedAt"), text(of, "/finishedAt")) {
        (Some(from), Some(to)) => parts.push(format!("{from} to {to}")),
        (Some(from), None) => parts.push(format!("since {from}")),
        (None, _) => {}
    }
    Some(if parts.is_empty() { word.clone() } else { format!("{word}: {}", parts.join(", ")) })
}

fn list(container: &Value, pointer: &str) -> Option<String> {
    let words: Vec<String> = items(container, pointer).iter().filter_map(scalar).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// Claims of dynamic resource allocation.
fn claims(container: &Value) -> Option<FieldRow> {
    let names: Vec<String> =
        items(container, "/resources/claims").iter().filter_map(|claim| text(claim, "/name")).collect();
    (!names.is_empty()).then(|| row("Claims", Some(names.join(", "))))
}

fn ports(container: &Value) -> Option<String> {
    let port = |port: &Value| {
        let number = text(port, "/containerPort")?;
        let protocol = text(port, "/protocol").unwrap_or_else(|| "TCP".to_owned());
        let name = text(port, "/name").map_or_else(String::new, |name| format!(" ({name})"));
        Some(format!("{number}/{protocol}{name}"))
    };
    let ports: Vec<String> = items(container, "/ports").iter().filter_map(port).collect();
    (!ports.is_empty()).then(|| ports.join(", "))
}

/// Names of variables and where they come from; never what they hold.
fn variables(container: &Value) -> Option<String> {
    let from = |source: &Value| {
        let (kind, of) = source.as_object()?.iter().next()?;
        let kind = kind.trim_end_matches("KeyRef").trim_end_matches("Ref");
        Some(text(of, "/name").map_or_else(|| kind.to_owned(), |name| format!("{kind} {name}")))
    };
    let named = items(container, "/env").iter().filter_map(|one| {
        let name = text(one, "/name")?;
        Some(from(&one["valueFrom"]).map_or_else(|| name.clone(), |from| format!("{name} ({from})")))
    });
    let whole =
        items(container, "/envFrom").iter().filter_map(|source| from(source).map(|from| format!("all of {from}")));
    let all: Vec<String> = named.chain(whole).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

fn mounts(container: &Value) -> Option<String> {
    let mount = |mount: &Value| {
        let only = if mount["readOnly"] == true { " (read only)" } else { "" };
        Some(format!("{} from {}{only}", text(mount, "/mountPath")?, text(mount, "/name")?))
    };
    let mounts: Vec<String> = items(container, "/volumeMounts").iter().filter_map(mount).collect();
    (!mounts.is_empty()).then(|| mounts.join(", "))
}

fn probe(of: &Value) -> String {
    let by = if let Some(get) = of.get("httpGet") {
        let port = text(get, "/port").unwrap_or_default();
        format!("HTTP :{port}{}", text(get, "/path").unwrap_or_default())
    } else if let Some(socket) = of.get("tcpSocket") {
        format!("TCP :{}", text(socket, "/port").unwrap_or_default())
    } else if let Some(grpc) = of.get("grpc") {
        format!("gRPC :{}", text(grpc, "/port").unwrap_or_default())
    } else {
        format!("runs {}", list(of, "/exec/command").unwrap_or_default())
    };
    let every = text(of, "/periodSeconds").map_or_else(String::new, |s| format!(", every {s} s"));
    let fails = text(of, "/failureThreshold").map_or_else(String::new, |n| format!(", fails after {n}"));
    format!("{by}{every}{fails}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn told(container: Value, status: Value) -> String {
        let pod = (json!({ "containers": [container] }), json!({ "containerStatuses": [status] }));
        let sections = sections(&pod.0, &pod.1);
        let rows = sections[0].rows.iter().map(|row| format!("{}: {}", row.label, row.value.as_deref().unwrap_or("—")));
        rows.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_container_tells_why_it_ended_and_never_what_a_variable_holds() {
        let text = told(
            json!({
                "name": "engine", "image": "vllm:0.9", "args": ["--token=…"],
                "resources": { "limits": { "nvidia.com/gpu": "8" } },
                "env": [
                    { "name": "PLAIN", "value": "hunter2" },
                    { "name": "KEY", "valueFrom": { "secretKeyRef": { "name": "keys", "key": "hunter2" } } },
                ],
                "envFrom": [{ "configMapRef": { "name": "settings" } }],
                "volumeMounts": [{ "name": "models", "mountPath": "/models", "readOnly": true }],
                "readinessProbe": { "httpGet": { "path": "/health", "port": 8000 }, "periodSeconds": 5 },
            }),
            json!({
                "name": "engine", "ready": false, "restartCount": 4,
                "state": { "waiting": { "reason": "CrashLoopBackOff" } },
                "lastState": { "terminated": { "reason": "OOMKilled", "exitCode": 137,
                    "startedAt": "2026-11-24T03:00:00Z", "finishedAt": "2026-11-24T03:01:00Z" } },
            }),
        );
        let want = "\
Image: vllm:0.9
State: waiting: CrashLoopBackOff
Last state: terminated: OOMKilled, exit code 137, 2026-11-24T03:00:00Z to 2026-11-24T03:01:00Z
Ready: no
Restarts: 4
Arguments: --token=…
Requests: —
Limits: nvidia.com/gpu=8
Variables: PLAIN, KEY (secret keys), all of configMap settings
Mounts: /models from models (read only)
Readiness: HTTP :8000/health, every 5 s";
        assert_eq!(text, want);
    }

    #[test]
    fn a_container_of_a_template_has_no_state() {
        let sections = sections(&json!({ "initContainers": [{ "name": "load" }] }), &Value::Null);
        assert_eq!(sections[0].title, "Init container load");
        assert!(sections[0].rows.iter().all(|row| row.label != "State"));
    }
}
