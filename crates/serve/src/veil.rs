//! What a wall is not sent of the views that it shows. What persons wrote down for each other: notes on the ribbon, who did what,
//! and with which images, addresses, aliases and tags, the descriptions, runbooks and labels of alerts, whose names and summaries
//! are what they are sent round for, and the labels that say where they are about. What servers and controllers
//! write in sentences of their own: messages, notes of events, what a repository is at; a change is told by what it is, in our
//! words, by figures and by names, or by a word of a machine. Names of Secrets, ConfigMaps, claims and variables, of which it is told
//! that they are others. What this machine said of a gap of the record, whose reason is enough, and of a source, which is well or is not.

use pilothouse_wire::{
    Body, Frame, ObjectRef, Patch, View,
    record::Gap,
    view::{AlertRow, Mark, MarkKind, alert::is_summary},
};
use std::{borrow::Cow, sync::Arc};

/// A frame as a wall may be sent it.
pub(crate) fn for_walls(frame: &Frame) -> Cow<'_, Frame> {
    if !has_private(frame) {
        return Cow::Borrowed(frame);
    }
    let mut frame = frame.clone();
    frame.sources.iter_mut().for_each(|source| source.note = None);
    match &mut frame.body {
        Body::Full(View::Ribbon(ribbon)) => {
            ribbon.marks = ribbon.marks.rows().iter().cloned().filter_map(told).collect();
            ribbon.gaps.iter_mut().for_each(|gap| gap.detail.clear());
        }
        Body::Full(View::Fleet(fleet)) => {
            let alerts = fleet.alerts.rows().iter().cloned().map(bare).collect();
            Arc::make_mut(fleet).alerts = alerts;
        }
        Body::Patch { patch: Patch::Ribbon(patch), .. } => {
            patch.marks.set = std::mem::take(&mut patch.marks.set).into_iter().filter_map(told).collect();
            patch.gaps.iter_mut().flatten().for_each(|gap| gap.detail.clear());
        }
        Body::Patch { patch: Patch::Fleet(patch), .. } => {
            if let Some(alerts) = &mut patch.alerts {
                alerts.set = std::mem::take(&mut alerts.set).into_iter().map(bare).collect();
            }
        }
        Body::Full(_) | Body::Patch { .. } | Body::Same { .. } => {}
    }
    Cow::Owned(frame)
}

fn has_private(frame: &Frame) -> bool {
    let of_body = match &frame.body {
        Body::Full(View::Ribbon(ribbon)) => !ribbon.marks.is_empty() || has_detail(&ribbon.gaps),
        Body::Full(View::Fleet(fleet)) => !fleet.alerts.is_empty(),
        Body::Patch { patch: Patch::Ribbon(patch), .. } => {
            !patch.marks.set.is_empty() || patch.gaps.as_deref().is_some_and(has_detail)
        }
        Body::Patch { patch: Patch::Fleet(patch), .. } => patch.alerts.is_some(),
        Body::Full(_) | Body::Patch { .. } | Body::Same { .. } => false,
    };
    of_body || frame.sources.iter().any(|source| source.note.is_some())
}

fn has_detail(gaps: &[Gap]) -> bool {
    gaps.iter().any(|gap| !gap.detail.is_empty())
}

/// A change as it is told to whoever passes by; nothing of a note.
fn told(mark: Mark) -> Option<Mark> {
    if mark.key.kind == MarkKind::Bookmark {
        return None;
    }
    let hide = |text: &str| match mark.key.kind {
        MarkKind::Deploy | MarkKind::Config => nameless(text),
        _ => text.to_owned(),
    };
    let detail = mark.detail.as_deref().and_then(|detail| detail_of(&mark, detail)).map(|detail| hide(&detail));
    let title = match mark.key.kind {
        MarkKind::Acted => act(&mark.title, &mark.key.object),
        _ => hide(&mark.title),
    };
    Some(Mark { by: None, title, detail, ..mark })
}

/// What of the words behind a change is ours, figures and names, or a word of a machine. A new kind does not compile until that
/// is decided.
fn detail_of(mark: &Mark, detail: &str) -> Option<String> {
    let all = || Some(detail.to_owned());
    match mark.key.kind {
        MarkKind::Alert | MarkKind::AlertOver => is_summary(detail).then(|| detail.to_owned()),
        MarkKind::Slowdown
        | MarkKind::Scale
        | MarkKind::NodeCame
        | MarkKind::NodeWent
        | MarkKind::PodPlaced
        | MarkKind::PodGone
        | MarkKind::JobBegan
        | MarkKind::JobEnded
        | MarkKind::ModelAlias
        | MarkKind::ModelStage
        | MarkKind::TagMoved
        | MarkKind::Weight
        | MarkKind::Step => all(),
        // Of an application, a stage or a model it is where they are kept, or what their controller says.
        MarkKind::Deploy | MarkKind::Config => match mark.key.object {
            ObjectRef::Workload(..) | ObjectRef::Pod(_) | ObjectRef::Node(_) => all(),
            _ => None,
        },
        // Of a GPU it is how it was found out; of a node or a pod the reason, or what an event says.
        MarkKind::Fault if matches!(mark.key.object, ObjectRef::Gpu(..)) => all(),
        MarkKind::Fault | MarkKind::Condition => reason(detail),
        // The title of an event is a name and its reason, and ours of a taint is none.
        MarkKind::Cordon => {
            if mark.title.contains(": ") {
                reason(detail)
            } else {
                all()
            }
        }
        // A figure against its limit, if that is what it is; else what a measurement came to, in words of who measures.
        MarkKind::Analysis => detail
            .split(". ")
            .next()
            .filter(|first| !first.contains(": "))
            .map(|first| first.trim_end_matches('.').into()),
        // How it ended, without why.
        MarkKind::Acted => detail.split([':', ',']).next().map(ToOwned::to_owned),
        MarkKind::Bookmark
        | MarkKind::ConnectionLost
        | MarkKind::ConnectionFound
        | MarkKind::Phase
        | MarkKind::ModelVersion => None,
    }
}

/// A word of a machine, as conditions have it: `KubeletHasInsufficientMemory`.
fn reason(detail: &str) -> Option<String> {
    let is_word = detail.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    is_word.then(|| detail.to_owned())
}

/// The words that the title of an act begins with where all that stands behind them is names of objects and figures.
const BARE: [&str; 24] = [
    "Abort",
    "Cordon",
    "Delete",
    "Drain",
    "End",
    "Give",
    "Let",
    "Move",
    "Pause",
    "Promote",
    "Restart",
    "Resume",
    "Retry",
    "Roll",
    "Scale",
    "Set",
    "Silence",
    "Start",
    "Stop",
    "Take",
    "Terminate",
    "Uncordon",
    "Undo",
    "Weigh",
];

/// What a person did, and to what: without the image or the address that it was done with.
fn act(title: &str, object: &ObjectRef) -> String {
    let mut words = title.split(' ');
    let about = || format!("{} {}", object.kind_word(), object.name());
    match (words.next().unwrap_or_default(), words.nth(1)) {
        _ if title.contains("://") && !title.starts_with("Serve ") => format!("Something was done to {}", about()),
        ("Run", Some("workers")) => title.to_owned(),
        ("Run", _) => format!("Run another image in {}", about()),
        ("Serve", _) => format!("Serve another model by {}", about()),
        (verb, _) if BARE.contains(&verb) => title.to_owned(),
        _ => format!("Something was done to {}", about()),
    }
}

/// The labels of an alert by which a wall finds out where to look for what changed before it.
const WHERE: [&str; 7] =
    ["cluster", "namespace", "exported_namespace", "deployment", "statefulset", "daemonset", "job_name"];

/// The words behind which the names of others stand in what changed (`world::template`), each with what is told instead.
const NAMED: [(&str, &str); 4] =
    [("Secret", "a Secret"), ("ConfigMap", "a ConfigMap"), ("claim", "a claim"), ("variable", "a variable")];

/// `chat Secret a → b, revision 2 → 3` without the names: `chat a Secret → another, revision 2 → 3`.
fn nameless(text: &str) -> String {
    let mut words = text.split(' ').peekable();
    let mut told: Vec<&str> = Vec::new();
    while let Some(word) = words.next() {
        let Some((_, instead)) = NAMED.iter().find(|(named, _)| *named == word) else {
            told.push(word);
            continue;
        };
        told.push(instead);
        // The name, and behind an arrow the one that took its place. A comma belongs to the line.
        let mut last = words.next().unwrap_or_default();
        if !last.ends_with(',') && words.next_if_eq(&"→").is_some() {
            told.push("→ another");
            last = words.next().unwrap_or_default();
        }
        if last.ends_with(',') {
            told.push(",");
        }
    }
    told.join(" ").replace(" ,", ",")
}

fn bare(alert: AlertRow) -> AlertRow {
    let AlertRow { summary, mut labels, .. } = alert;
    labels.retain(|(name, _)| WHERE.contains(&name.as_str()));
    AlertRow { summary: summary.filter(|text| is_summary(text)), labels, runbook: None, ..alert }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{
        AlertId, ConnectionId, Freshness, ObjectRef, Rev, Stamp, When,
        frame::SourceState,
        record::Missing,
        view::{AlertState, FleetView, RibbonView, Status, ribbon::MarkKey},
    };

    fn frame(body: Body) -> Frame {
        Frame { rev: Rev(2), as_of: Stamp(5), when: When::Now, sources: Vec::new(), dropped: 0, gap: None, body }
    }

    fn mark(kind: MarkKind) -> Mark {
        let object = ObjectRef::Connection(ConnectionId::slug("iad"));
        Mark { title: "canary".into(), ..Mark::of(MarkKey { at: Stamp(1), object, kind }) }
    }

    fn of_workload(kind: MarkKind) -> Mark {
        about(kind, "workload:iad/serving/Deployment/chat")
    }

    fn about(kind: MarkKind, object: &str) -> Mark {
        let object = object.parse().unwrap();
        Mark { by: Some("canary@example.com".into()), ..Mark::of(MarkKey { at: Stamp(1), object, kind }) }
    }

    fn alert() -> AlertRow {
        AlertRow {
            id: AlertId { source: ConnectionId::slug("am"), name: "Slow".into(), fingerprint: "f".into() },
            severity: None,
            status: Status::Bad,
            state: AlertState::Firing,
            since: Stamp(1),
            summary: Some("It is slow.".into()),
            about: None,
            labels: vec![("namespace".into(), "serving".into()), ("team".into(), "canary".into())],
            runbook: Some("https://canary".into()),
        }
    }

    #[test]
    fn a_wall_is_sent_no_note_label_or_runbook_whole_or_in_a_patch() {
        let detail = "canary: the disk is full".into();
        let ribbon = RibbonView {
            marks: [mark(MarkKind::Bookmark), mark(MarkKind::Fault)].into_iter().collect(),
            gaps: vec![Gap { since: None, until: None, why: Missing::NotWritten, detail }],
            ..RibbonView::default()
        };
        let fleet = FleetView { alerts: [alert()].into_iter().collect(), ..FleetView::default() };
        let patches =
            [Patch::Ribbon(RibbonView::default().diff(&ribbon)), Patch::Fleet(FleetView::default().diff(&fleet))];
        let whole = [View::Ribbon(ribbon), View::Fleet(Arc::new(fleet))].map(Body::Full);
        let patched = patches.map(|patch| Body::Patch { base: Rev(1), patch });
        for body in whole.into_iter().chain(patched) {
            let frame = frame(body);
            let text = format!("{:?}", for_walls(&frame).body);
            // The fault has the same words: of the two marks it alone is there.
            assert!(
                text.matches("canary").count() <= 1 && !text.contains("Bookmark") && !text.contains("https"),
                "{text}"
            );
            assert!(text.contains("Fault") || text.contains("It is slow."), "{text}");
        }
    }

    #[test]
    fn of_a_secret_or_a_config_map_a_wall_is_told_that_it_is_another_one_and_not_its_name() {
        let of = |title: &str, detail: &str| Mark {
            title: title.into(),
            detail: Some(detail.into()),
            ..of_workload(MarkKind::Config)
        };
        let told = [
            (of("chat Secret canary-a → canary-b", "revision 2 → 3"), "chat a Secret → another", "revision 2 → 3"),
            (
                of("chat + Secret canary", "− Secret canary, revision 2 → 3"),
                "chat + a Secret",
                "− a Secret, revision 2 → 3",
            ),
            (
                of("chat v2", "x:1 → x:2, Secret canary → canary2, ConfigMap canary → canary3, revision 1 → 2"),
                "chat v2",
                "x:1 → x:2, a Secret → another, a ConfigMap → another, revision 1 → 2",
            ),
            (
                of(
                    "chat ConfigMap canary-a → canary-b",
                    "+ ConfigMap canary, variable CANARY changed, − variable CANARY",
                ),
                "chat a ConfigMap → another",
                "+ a ConfigMap, a variable changed, − a variable",
            ),
        ];
        for (mark, title, detail) in told {
            let ribbon = RibbonView { marks: [mark].into_iter().collect(), ..RibbonView::default() };
            let patch = Patch::Ribbon(RibbonView::default().diff(&ribbon));
            for body in [Body::Full(View::Ribbon(ribbon)), Body::Patch { base: Rev(1), patch }] {
                let text = format!("{:?}", for_walls(&frame(body)).body);
                assert!(!text.contains("canary"), "{text}");
                assert!(text.contains(&format!("{title:?}")) && text.contains(&format!("{detail:?}")), "{text}");
            }
        }
        let claim = of("chat claim canary-a → canary-b", "+ claim canary");
        let claim = super::told(claim).unwrap();
        assert_eq!((claim.title.as_str(), claim.detail.as_deref()), ("chat a claim → another", Some("+ a claim")));
        // Of anything else such words are whatever they are: the rule of an alert is called so by who is alarmed.
        let alert = Mark { title: "ConfigMap reload failed".into(), ..of_workload(MarkKind::Alert) };
        assert_eq!(super::told(alert).unwrap().title, "ConfigMap reload failed");
        // What people call so is no Secret.
        assert_eq!(nameless("Secretary came, of secret-a"), "Secretary came, of secret-a");
    }

    #[test]
    fn sentences_of_controllers_and_persons_stay_out_and_the_change_is_told() {
        const NOTE: &str = "canary: no such file /etc/canary";
        let (node, pod, gpu) = ("node:iad/h-1", "pod:iad/serving/chat-0", "gpu:iad/h-1/3");
        let application = "object:iad/applications.v1alpha1.argoproj.io/Application/argocd/chat";
        for (kind, object, title, detail, want) in [
            (MarkKind::Phase, pod, "chat Degraded", NOTE, None),
            (MarkKind::Deploy, application, "chat synced to v2", "v1 → v2, https://canary/repository", None),
            (MarkKind::Condition, pod, "chat-0: BackOff", NOTE, None),
            (
                MarkKind::Condition,
                node,
                "h-1: MemoryPressure",
                "KubeletHasInsufficientMemory",
                Some("KubeletHasInsufficientMemory"),
            ),
            (MarkKind::Fault, node, "h-1: Rebooted", NOTE, None),
            (
                MarkKind::Fault,
                gpu,
                "h-1 / 3: XID 79",
                "first seen there at this time",
                Some("first seen there at this time"),
            ),
            (MarkKind::Cordon, node, "h-1: NodeNotSchedulable", NOTE, None),
            (MarkKind::Cordon, node, "h-1 cordoned", "tainted: a=b:NoSchedule", Some("tainted: a=b:NoSchedule")),
            (
                MarkKind::Analysis,
                pod,
                "chat analysis: failed",
                "p99 is 0.62, ≤ 0.5. The controller says: canary",
                Some("p99 is 0.62, ≤ 0.5"),
            ),
            (MarkKind::Analysis, pod, "chat analysis: error", "p99: canary is no query", None),
            (MarkKind::Acted, pod, "Undo chat", "refused: canary may not", Some("refused")),
            (MarkKind::Acted, pod, "Undo chat", "unverified, canary was seen", Some("unverified")),
            (MarkKind::ModelVersion, pod, "chat version 3", NOTE, None),
            (MarkKind::ConnectionLost, pod, "iad lost", NOTE, None),
        ] {
            let mark = Mark { title: title.into(), detail: Some(detail.into()), ..about(kind, object) };
            let told = told(mark).unwrap();
            assert_eq!((told.title.as_str(), told.detail.as_deref(), told.by), (title, want, None), "{kind:?}");
        }
    }

    #[test]
    fn of_an_act_a_wall_is_told_what_it_was_and_not_what_it_was_done_with() {
        let object = "workload:iad/serving/Deployment/chat".parse().unwrap();
        for (title, want) in [
            (
                "Run canary.example:5000/team/chat:2 in server of Deployment chat",
                "Run another image in Deployment chat",
            ),
            ("Serve s3://canary/models by Deployment chat", "Serve another model by Deployment chat"),
            ("Serve hf://canary by Deployment chat", "Serve another model by Deployment chat"),
            ("Dance with canary", "Something was done to Deployment chat"),
            ("Set tag of s3://canary of chat", "Something was done to Deployment chat"),
            ("", "Something was done to Deployment chat"),
        ] {
            assert_eq!(act(title, &object), want);
        }
        for title in [
            "Scale Deployment chat from 3 to 5 pods",
            "Take Deployment chat back to revision 41",
            "Run 4 workers of benchmark night",
            "Let people be told of Slow again",
            "Move alias champion of chat from version 3 to 4",
            "Drain node h-1: 3 pods leave it",
        ] {
            assert_eq!(act(title, &object), title);
        }
    }

    #[test]
    fn of_an_alert_a_wall_is_told_its_summary_and_no_description() {
        let of = |summary: &str| AlertRow { summary: Some(summary.into()), ..alert() };
        assert_eq!(bare(of("It is slow.")).summary.as_deref(), Some("It is slow."));
        for said in ["description: canary", "message: canary"] {
            assert_eq!(bare(of(said)).summary, None);
            for kind in [MarkKind::Alert, MarkKind::AlertOver] {
                let mark = Mark { title: "Slow".into(), detail: Some(said.into()), ..of_workload(kind) };
                let told = told(mark).unwrap();
                assert_eq!((told.title.as_str(), told.detail), ("Slow", None));
            }
        }
        // Where it is about is known: what changed before it is looked for there.
        assert_eq!(bare(alert()).labels, [("namespace".into(), "serving".into())]);
    }

    #[test]
    fn what_is_said_of_a_source_stays_here() {
        let note = Some("https://canary refused the connection".into());
        let source = SourceState {
            id: ConnectionId::slug("iad"),
            name: "iad".into(),
            demo: false,
            freshness: Freshness::Lost,
            heard: None,
            note,
        };
        let frame = Frame { sources: vec![source], ..frame(Body::Same { base: Rev(1) }) };
        assert!(!format!("{:?}", for_walls(&frame)).contains("canary"));
    }

    #[test]
    fn what_has_nothing_of_it_is_not_copied() {
        let frame = frame(Body::Same { base: Rev(1) });
        assert!(matches!(for_walls(&frame), Cow::Borrowed(_)));
    }
}
