//! An object of any other kind: nobody watches it, so it is read from its server when it is looked at.

use super::{Announce, Head, describe, logs, yaml};
use crate::{
    keys::{Command, on_command},
    parts::{button::Button, show::Show},
    state::use_state,
};
use leptos::prelude::*;
use pilothouse_wire::ObjectRef;

/// Kinds that pods are rolled up to: the fleet knows their pods, and so their logs.
const KEEPS_PODS: &[(&str, &str)] =
    &[("apps", "deployments"), ("apps", "statefulsets"), ("apps", "daemonsets"), ("batch", "jobs")];

/// The workload that the fleet knows an object as.
fn workload(object: &ObjectRef) -> Option<ObjectRef> {
    let ObjectRef::Other(other) = object else { return None };
    let keeps = KEEPS_PODS.contains(&(other.kind.group.as_str(), other.kind.plural.as_str()));
    let namespace = other.namespace.clone().filter(|_| keeps)?;
    Some(ObjectRef::Workload(other.cluster.clone(), namespace, other.kind.kind.clone(), other.name.clone()))
}

/// Draws it in words, with its YAML and the logs of its pods at hand.
#[component]
pub fn Other(object: ObjectRef) -> impl IntoView {
    let state = use_state();
    let read = describe::read(&object);
    let (yaml, log) = (RwSignal::new(false), RwSignal::new(false));
    on_command(Command::Yaml, move || {
        yaml.set(true);
        true
    });
    let of_pods = workload(&object);
    let has_logs = of_pods.is_some();
    on_command(Command::Logs, move || {
        if has_logs {
            log.set(true);
        }
        has_logs
    });
    let for_yaml = object.clone();
    view! {
        <div class="inspected" data-test="inspector" data-key=object.to_string()>
            <Head object=object.clone() />
            <div class="inspector-body described" tabindex="-1">
                <describe::Described read=read />
                <div class="section buttons">
                    <Show when=move || has_logs>
                        <Button label="Logs" on_press=move || log.set(true) command=Command::Logs test="inspector-logs" />
                    </Show>
                    <Button label="YAML" on_press=move || yaml.set(true) command=Command::Yaml test="inspector-yaml" />
                    <describe::CopyDescription read=read />
                </div>
            </div>
            <Show when=move || yaml.get()>
                <yaml::YamlDialog object=for_yaml.clone() on_close=Callback::new(move |()| yaml.set(false)) />
            </Show>
            <Show when=move || log.get()>
                {of_pods.clone().map(|of| view! { <logs::LogsDialog of=of on_close=Callback::new(move |()| log.set(false)) /> })}
            </Show>
            <Announce state=state />
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keeps_pods_has_their_logs() {
        for (object, want) in [
            ("object:iad/deployments.v1.apps/Deployment/serving/chat", Some("workload:iad/serving/Deployment/chat")),
            ("object:iad/inferenceservices.v1beta1.serving.kserve.io/InferenceService/serving/chat", None),
            ("object:iad/deployments.v1.example.com/Deployment/serving/chat", None),
            ("pod:iad/serving/chat", None),
        ] {
            let workload = workload(&object.parse().unwrap()).map(|workload| workload.to_string());
            assert_eq!(workload.as_deref(), want, "{object}");
        }
    }
}
