//! Facts of services, routes and analyses, likewise.

use super::said::canary;
use pilothouse_wire::view::{
    AnalysisPhase, Guard, MeasurementRow, Step,
    delivery::{Keeper, Wait},
};
use pilothouse_world::fact::{
    AnalysisFact, ControllerFact, DeliveryFact, FailureFact, LoadFact, MetricFact, OwnerFact, ParentFact, RolloutFact,
    RouteFact, RuleFact, ServedFact, ShareFact, StatedFact, StrategyFact, TargetFact,
};

pub(super) fn service() -> ControllerFact {
    ControllerFact {
        kind: "Rollout".into(),
        namespace: canary("namespace"),
        name: canary("rollout"),
        ..ControllerFact::default()
    }
}

pub(super) fn delivery() -> DeliveryFact {
    let steps = vec![
        Step::Analysis(vec![canary("template")]),
        Step::Scale("canary pods".into()),
        Step::Route(canary("route")),
        Step::Plugin(canary("plugin")),
        Step::Pause(Wait::Unread(canary("pause"))),
    ];
    let rollout = RolloutFact {
        phase: Some("Paused".into()),
        message: Some("canary waits".into()),
        pauses: vec![("BlueGreenPause".into(), None)],
        active: Some(canary("hash")),
        template_of: Some(OwnerFact { kind: "Deployment".into(), name: canary("deployment") }),
        ..RolloutFact::default()
    };
    DeliveryFact {
        strategy: StrategyFact::Canary { steps, router: Some("istio".into()), whole: 100 },
        current: Some(canary("hash")),
        stable: Some(canary("hash")),
        conditions: vec![StatedFact { kind: canary("Kind"), message: Some("canary".into()), ..StatedFact::default() }],
        images: vec![(canary("container"), canary("image"))],
        guard: Some(Guard { by: Keeper::ArgoCd, name: canary("application") }),
        rollout: Some(Box::new(rollout)),
        ..DeliveryFact::default()
    }
}

pub(super) fn served() -> ServedFact {
    ServedFact {
        model: Some("s3://canary/canary".into()),
        format: Some("huggingface".into()),
        runtime: Some(canary("runtime")),
        url: Some("http://canary.canary.example.com".into()),
        created: Some(canary("revision")),
        ready: Some(canary("revision")),
        rolled_out: Some(canary("revision")),
        before: Some(canary("revision")),
        traffic: vec![TargetFact { revision: canary("revision"), percent: 10 }],
        load: LoadFact {
            transition: Some("UpToDate".into()),
            failure: Some(FailureFact {
                reason: Some(canary("Reason")),
                message: Some("canary failed".into()),
                location: Some(canary("pod")),
                ..FailureFact::default()
            }),
            ..LoadFact::default()
        },
        ..ServedFact::default()
    }
}

pub(super) fn routed() -> DeliveryFact {
    let of = OwnerFact { kind: "Gateway".into(), name: canary("gateway") };
    let to = OwnerFact { kind: "Service".into(), name: canary("backend") };
    let route = RouteFact {
        hosts: vec![canary("host")],
        parents: vec![ParentFact {
            of,
            namespace: Some(canary("namespace")),
            by: Some(canary("controller")),
            conditions: vec![StatedFact {
                kind: canary("Kind"),
                message: Some("canary".into()),
                ..StatedFact::default()
            }],
        }],
        rules: vec![RuleFact {
            name: Some(canary("rule")),
            matches: vec!["PathPrefix /canary".into()],
            backends: vec![ShareFact { to, namespace: Some(canary("namespace")), port: Some(80), weight: 1 }],
        }],
    };
    DeliveryFact { strategy: StrategyFact::Routed(Box::new(route)), ..DeliveryFact::default() }
}

pub(super) fn analysis() -> AnalysisFact {
    let metric = MetricFact {
        name: canary("metric"),
        query: Some("sum(canary)".into()),
        success: Some("result.canary".into()),
        failure: Some("canary".into()),
        message: Some("canary".into()),
        phase: AnalysisPhase::Failed,
        measurements: vec![MeasurementRow {
            value: Some("canary".into()),
            message: Some("canary".into()),
            ..MeasurementRow::default()
        }],
        ..MetricFact::default()
    };
    AnalysisFact {
        namespace: canary("namespace"),
        name: canary("analysis"),
        owner: Some(OwnerFact { kind: "Rollout".into(), name: canary("rollout") }),
        hash: Some(canary("hash")),
        phase: AnalysisPhase::Failed,
        message: Some("canary".into()),
        metrics: vec![metric],
        ..AnalysisFact::default()
    }
}
