//! Lines of kubectl for what Pilothouse does not do itself: a shell in a container, a port on this machine.

use super::{
    About,
    fields::{items, text},
    workload,
};
use pilothouse_wire::describe::Command;
use serde_json::Value;

/// Lines of one sort at most.
const MOST: usize = 6;

/// How kubectl reaches the cluster as this connection does.
pub(crate) struct Access<'a> {
    /// The context of the kubeconfig.
    pub(crate) context: Option<&'a str>,
    /// The file, where a connection names one of its own.
    pub(crate) kubeconfig: Option<&'a str>,
}

/// The lines for what has containers: a pod, or a controller whose pods kubectl finds by itself.
pub(super) fn of(about: &About<'_>, access: &Access<'_>) -> Vec<Command> {
    let kind = &about.spot.kind;
    let (target, spec) = match (kind.group.as_str(), kind.plural.as_str()) {
        ("", "pods") => (about.spot.name.to_string(), Some(&about.object["spec"])),
        ("apps", _) | ("batch", "jobs") => {
            (format!("{}.{}/{}", kind.plural, kind.group, about.spot.name), workload::template(about.object))
        }
        _ => return Vec::new(),
    };
    let Some(spec) = spec else { return Vec::new() };
    let mut begin = "kubectl".to_owned();
    for (flag, value) in
        [("--kubeconfig", access.kubeconfig), ("--context", access.context), ("-n", about.spot.namespace.as_deref())]
    {
        if let Some(value) = value {
            begin += &format!(" {flag} {}", quoted(value));
        }
    }
    let mut lines = shells(&begin, &target, spec);
    let forward = if target.contains('/') { target } else { format!("pod/{target}") };
    lines.extend(forwards(&begin, &forward, spec));
    lines
}

fn shells(begin: &str, target: &str, spec: &Value) -> Vec<Command> {
    let containers = items(spec, "/containers");
    let one = |container: &Value| {
        let name = text(container, "/name")?;
        let which = if containers.len() > 1 { format!(" -c {}", quoted(&name)) } else { String::new() };
        let line = format!("{begin} exec -it {}{which} -- sh", quoted(target));
        Some(Command { label: format!("A shell in {name}"), line })
    };
    containers.iter().filter_map(one).take(MOST).collect()
}

fn forwards(begin: &str, target: &str, spec: &Value) -> Vec<Command> {
    let ports = items(spec, "/containers").iter().flat_map(|container| items(container, "/ports"));
    let tcp = ports.filter(|port| text(port, "/protocol").is_none_or(|protocol| protocol == "TCP"));
    let one = |port: &Value| {
        let port = port["containerPort"].as_u64()?;
        let line = format!("{begin} port-forward {} {port}:{port}", quoted(target));
        Some(Command { label: format!("Port {port} on this machine"), line })
    };
    tcp.filter_map(one).take(MOST).collect()
}

/// A word as a shell takes it for one word, whatever is in it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':' | '@' | '%' | '+' | '=');
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::Spot;
    use pilothouse_wire::{ConnectionId, KindId};
    use serde_json::json;

    #[track_caller]
    fn lines(group: &str, plural: &str, object: Value, context: &str) -> Vec<String> {
        let kind = KindId { group: group.into(), version: "v1".into(), plural: plural.into(), kind: "K".into() };
        let spot = Spot { kind, namespace: Some("serving".into()), name: "chat".into() };
        let cluster = ConnectionId::slug("iad");
        let about = About { cluster: &cluster, spot: &spot, object: &object };
        let access = Access { context: Some(context), kubeconfig: None };
        of(&about, &access).into_iter().map(|command| command.line).collect()
    }

    #[test]
    fn a_pod_has_a_shell_a_container_and_its_ports() {
        let spec = json!({ "containers": [
            { "name": "engine", "ports": [{ "containerPort": 8000 }, { "containerPort": 53, "protocol": "UDP" }] },
            { "name": "side" },
        ] });
        assert_eq!(
            lines("", "pods", json!({ "spec": spec }), "arn:aws:eks:eu:1:cluster/prod"),
            [
                "kubectl --context arn:aws:eks:eu:1:cluster/prod -n serving exec -it chat -c engine -- sh",
                "kubectl --context arn:aws:eks:eu:1:cluster/prod -n serving exec -it chat -c side -- sh",
                "kubectl --context arn:aws:eks:eu:1:cluster/prod -n serving port-forward pod/chat 8000:8000",
            ]
        );
        let template = json!({ "spec": { "template": { "spec": { "containers": [{ "name": "engine" }] } } } });
        assert_eq!(
            lines("apps", "deployments", template.clone(), "a"),
            ["kubectl --context a -n serving exec -it deployments.apps/chat -- sh"]
        );
        assert!(lines("serving.kserve.io", "inferenceservices", template, "a").is_empty());
    }

    #[test]
    fn a_hostile_name_stays_one_word() {
        let pod = json!({ "spec": { "containers": [{ "name": "c" }] } });
        assert_eq!(
            lines("", "pods", pod, "x'; rm -rf ~; '"),
            [r"kubectl --context 'x'\''; rm -rf ~; '\''' -n serving exec -it chat -- sh"]
        );
    }
}
