//! The API server in the place of a server behind it: why it did not let us through.

use super::{
    AGAIN,
    status::{problem, sentence, subject},
};
use crate::{failure::Refusal, place::Place};
use pilothouse_connect::Service;
use pilothouse_wire::{Code, Problem};

/// The refusal of a call to a service, in words.
#[must_use]
pub fn beyond(refusal: &Refusal, service: &Service, place: &Place) -> Problem {
    let Place { name, .. } = place;
    let Refusal { status, message, .. } = refusal;
    let Service { namespace, name: server, port, .. } = service;
    match status {
        403 => Problem::new(Code::Denied, format!("{name} does not let us through to {service}."))
            .why(format!(
                "403 for {}: may not get services/proxy \"{}\" in {namespace}.",
                place.who(),
                service.segment()
            ))
            .next(format!("Ask an administrator of {name} to apply this. It gives reading of this one service only."))
            .remedy(role(place.who(), service)),
        404 | 410 => Problem::new(Code::NotFound, format!("{name} has no service {namespace}/{server}."))
            .why(format!("{status}: {}", sentence(message)))
            .next(format!("{AGAIN} If it has moved, see kubectl get services --all-namespaces.")),
        503 if message.contains("no service port") => {
            Problem::new(Code::NotFound, format!("The service {namespace}/{server} of {name} has no port {port}."))
                .why(format!("503: {}", sentence(message)))
                .next(format!("{AGAIN} Its ports: kubectl -n {namespace} get service {server}"))
        }
        503 if message.contains("no endpoints") => {
            Problem::new(Code::ServerFailed, format!("Nothing runs behind the service {namespace}/{server} of {name}."))
                .why(format!("503: {}", sentence(message)))
                .next(format!(
                    "{AGAIN} See that its pods are ready, and that it has a port {port}: kubectl -n {namespace} get \
                     endpointslices -l kubernetes.io/service-name={server}"
                ))
        }
        500.. => Problem::new(Code::ServerFailed, format!("{name} does not reach {service}."))
            .why(format!("{status}: {}", sentence(message)))
            .next(format!(
                "{AGAIN} See that the port is right, and that the API server may connect to pods: a network policy or \
                 a firewall may keep it out."
            )),
        _ => problem(refusal, place),
    }
}

/// The role and its binding that would let us read one service, as YAML.
///
/// The name in it has the scheme and the port, as the API server compares it: one of the service alone would not match.
fn role(who: &str, service: &Service) -> String {
    let Service { namespace, .. } = service;
    let segment = service.segment();
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{ name: pilothouse-metrics, namespace: \
         {namespace} }}\nrules:\n- {{ apiGroups: [\"\"], resources: [services/proxy], resourceNames: [\"{segment}\"],\n    \
         verbs: [get] }}\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{ name: \
         pilothouse-metrics, namespace: {namespace} }}\nroleRef: {{ apiGroup: rbac.authorization.k8s.io, kind: Role, \
         name: pilothouse-metrics }}\nsubjects:\n{}",
        subject(who)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Call;
    use std::sync::Arc;

    fn place() -> Place {
        let identity = Arc::default();
        let place = Place {
            name: "prod-eu".to_owned(),
            address: "https://10.41.0.10:6443".to_owned(),
            host: "10.41.0.10:6443".to_owned(),
            proxy: None,
            file: "~/.kube/config".to_owned(),
            user: "\"oncall\" (a token)".to_owned(),
            own_authority: true,
            identity,
        };
        let _ = place.identity.set("oncall@example.org".to_owned());
        place
    }

    fn refusal(status: u16, reason: &str, message: &str) -> Refusal {
        let call = Call { namespace: Some("monitoring".to_owned()), ..Call::path("services/proxy") };
        let (reason, message) = (reason.to_owned(), message.to_owned());
        Refusal { call, status, reason, message, retry_after: None, ended: None }
    }

    /// The messages are those of a kube-apiserver 1.36.
    #[test]
    fn who_says_no_and_what_would_help_is_told() {
        let (service, _) = Service::parse("monitoring/https:prometheus-operated:9090").unwrap();
        let mut all = String::new();
        for (status, reason, message) in [
            (401, "Unauthorized", "Unauthorized"),
            (
                403,
                "Forbidden",
                "services \"https:prometheus-operated:9090\" is forbidden: User \"oncall@example.org\" cannot get \
                 resource \"services/proxy\" in API group \"\" in the namespace \"monitoring\"",
            ),
            (404, "NotFound", "services \"prometheus-operated\" not found"),
            (429, "TooManyRequests", "Too many requests, please try again later."),
            (503, "ServiceUnavailable", "no service port 9091 found for service \"prometheus-operated\""),
            (503, "ServiceUnavailable", "no endpoints available for service \"https:prometheus-operated:9090\""),
            (
                503,
                "ServiceUnavailable",
                "error trying to reach service: dial tcp 10.4.1.7:9090: connect: connection refused",
            ),
            (504, "Timeout", ""),
        ] {
            let problem = beyond(&refusal(status, reason, message), &service, &place());
            all += &format!("{:?} {problem}\n{}\n", problem.code, problem.remedy.as_deref().unwrap_or_default());
        }
        insta::assert_snapshot!(all);
    }
}
