//! The one list of questions and the one list of acts. Doors forward them unread.
//!
//! `Ask` reads. `Act` changes: settings of Pilothouse itself for now. A door that may only read is given a type that
//! cannot carry an `Act`.

use crate::{
    ConnectionId, Frame, ObjectRef, PodId, Problem, SmolStr, Stamp, ViewSpec, When,
    artifact::{Artifact, ArtifactDifference, ArtifactRef, TagPage, TagsQuery},
    back::WayBack,
    bench,
    describe::Description,
    find::{FindQuery, Found},
    form::{Draft, SecretInput},
    kinds::{Listing, ObjectTable, Offered},
    notice::Wishes,
    plan::{Confirmation, Intent, Planned},
    preflight::{Preflight, PreflightQuery},
    record::RecordInfo,
    rights::{Rights, RightsQuery},
    runs::{Comparison, RunAnswer, RunAsk, RunId, RunsCompared, VersionId},
    view::{Difference, Lane, Past, connections::PluginNotice, ribbon::MarkKey},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A question. Answers never change anything.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Ask {
    /// Which build is this, and what may this door do?
    About,
    /// One full frame of a view.
    Frame {
        /// The view.
        spec: ViewSpec,
        /// Now or a time in the past.
        when: When,
    },
    /// Objects whose names match, best first.
    Search {
        /// What was typed.
        text: String,
        /// How many at most.
        limit: u16,
        /// Now or a time in the past.
        when: When,
    },
    /// What was measured of an object's GPUs, from the record of this machine.
    History {
        /// A node, a GPU, a pod or a workload.
        object: ObjectRef,
        /// How far back.
        span: Duration,
        /// Up to now or a time in the past.
        when: When,
    },
    /// The same from before the record of this machine begins, as the server that measures keeps it.
    Older {
        /// A node, a GPU, a pod or a workload.
        object: ObjectRef,
        /// How far back.
        span: Duration,
        /// Up to now or a time in the past.
        when: When,
        /// When the record begins; `None` where nothing is recorded.
        before: Option<Stamp>,
    },
    /// An object as YAML, read from its server now; values of secrets left out.
    Yaml(ObjectRef),
    /// The last lines that a container printed, read from its server now.
    Logs(LogQuery),
    /// The last lines that the pods of a workload printed, together in the order of their times, read now.
    WorkloadLogs(WorkloadLogQuery),
    /// The kinds of objects that clusters offer, read from their servers now.
    Kinds {
        /// Of these connections; of all, if empty.
        scope: Vec<ConnectionId>,
    },
    /// The objects of a kind as the server's own table, read now.
    Objects(Listing),
    /// An object in words with its events, read from its server now; values of secrets left out.
    Describe(ObjectRef),
    /// What differs between two times.
    Compare {
        /// Of these clusters; of all, if empty.
        scope: Vec<ConnectionId>,
        /// The first time.
        from: When,
        /// The second time.
        to: When,
    },
    /// From when to when there is a record.
    Recorded,
    /// The lanes of the ribbon from before this run heard of them, as the servers that measure keep them.
    Lanes {
        /// How long the ribbon is.
        span: Duration,
        /// Where it ends.
        end: When,
    },
    /// What the record is: how far it reaches, what it takes, what it does not tell of.
    Record,
    /// What would be done. It reads, and asks the server to try; nothing is changed.
    Plan(Intent),
    /// The same though the check of the way back says that it is not possible: who asks was told, and wants it all the same.
    PlanAnyway(Intent),
    /// The containers of what makes pods, each with its image, read from its server now.
    Containers(ObjectRef),
    /// What we may do through a connection, by the word of its server.
    Rights(RightsQuery),
    /// Can a service go back to this revision, or to the one before? Read from its server and its registries now.
    WayBack(ObjectRef, Option<u64>),
    /// Runs, read from the server that keeps them now.
    Runs(ConnectionId, RunAsk),
    /// Two versions of registered models side by side, with what their servers say of them now.
    CompareVersions(VersionId, VersionId),
    /// Runs side by side, of whichever experiments and servers, read from there now; of more than
    /// [`runs::MOST_COMPARED`](crate::runs::MOST_COMPARED) the first.
    CompareRuns(Vec<RunId>),
    /// A page of a repository's tags, read from its registry now.
    Tags(TagsQuery),
    /// An artefact in full, without its layers, read from its registry now.
    Artifact(ArtifactRef),
    /// Two artefacts side by side, read now.
    CompareArtifacts(ArtifactRef, ArtifactRef),
    /// What words are found in, over all registries: of what is known of them, and of runs by asking their servers now.
    Find(FindQuery),
    /// Would a model of a registry fit the GPUs? Its configuration is read from there now, its weights are not.
    Preflight(Box<PreflightQuery>),
    /// A benchmark that is kept, by its name.
    Bench(String),
    /// What a benchmark of this form would send, and when. Nothing is sent.
    BenchPreview(Draft),
    /// A benchmark that is kept, as a file for people who have no Pilothouse.
    BenchReport(String, bench::Form),
}

/// Which lines of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogQuery {
    /// The pod.
    pub pod: PodId,
    /// One of its containers; its first where none is named.
    pub container: Option<SmolStr>,
    /// Of the container before the last restart?
    pub previous: bool,
    /// The most lines, from the end.
    pub lines: u32,
    /// Only what was printed behind this line, as it was read: all of it, however many lines.
    pub after: Option<String>,
}

/// Lines of a log, the newest last. Text of the program: never kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logs {
    /// The containers that the pod has.
    pub containers: Vec<SmolStr>,
    /// The one that printed this.
    pub container: SmolStr,
    /// The lines, each begun by the time at which the node read it.
    pub lines: Vec<String>,
    /// May there be older lines?
    pub more: bool,
    /// Of lines behind another one: are some missing between the two?
    pub gap: bool,
    /// Of lines behind another one: was so much printed that not all of it was read yet?
    pub newer: bool,
}

/// Which lines of the logs of a workload's pods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkloadLogQuery {
    /// The connection.
    pub cluster: ConnectionId,
    /// Namespace of the workload.
    pub namespace: SmolStr,
    /// Its kind, such as `Deployment`.
    pub kind: SmolStr,
    /// Its name.
    pub name: SmolStr,
    /// A container that its pods have; the first of each pod where none is named.
    pub container: Option<SmolStr>,
    /// Of the containers before their last restart?
    pub previous: bool,
    /// The most lines of all pods together, from the end.
    pub lines: u32,
    /// Only what these pods, by their names, printed behind these lines, as they were read; of other pods the last lines.
    pub after: Vec<(SmolStr, String)>,
}

/// Lines of several pods, the newest last. Text of programs: never kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkloadLogs {
    /// The pods that were read, or could not be: those that are not well first, then by name.
    pub pods: Vec<PodLog>,
    /// How many pods the workload has.
    pub all: u32,
    /// The containers that its pods have, in the order of the first.
    pub containers: Vec<SmolStr>,
    /// The lines.
    pub lines: Vec<PodLine>,
    /// May there be older lines?
    pub more: bool,
    /// Of lines behind others: are some missing between?
    pub gap: bool,
    /// Of lines behind others: was so much printed that not all of it was read yet?
    pub newer: bool,
}

/// One of the pods whose logs were asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodLog {
    /// The pod.
    pub pod: PodId,
    /// Why its log could not be read.
    pub problem: Option<Problem>,
}

/// A line and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodLine {
    /// Place of the pod among [`WorkloadLogs::pods`].
    pub pod: u16,
    /// The line, begun by the time at which the node read it.
    pub text: String,
}

/// The answer to an [`Ask`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// To [`Ask::About`].
    About(About),
    /// To [`Ask::Frame`].
    Frame(Box<Frame>),
    /// To [`Ask::Search`].
    Hits(Vec<Hit>),
    /// To [`Ask::History`] and [`Ask::Older`].
    History(Past),
    /// To [`Ask::Yaml`].
    Yaml(String),
    /// To [`Ask::Logs`].
    Logs(Logs),
    /// To [`Ask::WorkloadLogs`].
    WorkloadLogs(WorkloadLogs),
    /// To [`Ask::Rights`].
    Rights(Box<Rights>),
    /// To [`Ask::Kinds`]: one for each connection that has kinds of objects.
    Kinds(Vec<Offered>),
    /// To [`Ask::Objects`].
    Objects(ObjectTable),
    /// To [`Ask::Describe`].
    Description(Box<Description>),
    /// To [`Ask::Compare`].
    Difference(Box<Difference>),
    /// To [`Ask::Recorded`]: its ends; `None` where nothing is recorded.
    Recorded(Option<(Stamp, Stamp)>),
    /// To [`Ask::Lanes`].
    Lanes {
        /// The lanes that are kept.
        lanes: Vec<Lane>,
        /// Why those of a server are missing.
        problems: Vec<Problem>,
    },
    /// To [`Ask::Record`]; `None` where nothing is recorded.
    Record(Option<Box<RecordInfo>>),
    /// To [`Ask::Plan`] and [`Ask::PlanAnyway`].
    Plan(Box<Planned>),
    /// To [`Ask::Containers`]: names and images, in the order of the template.
    Containers(Vec<(SmolStr, SmolStr)>),
    /// To [`Ask::WayBack`].
    WayBack(Box<WayBack>),
    /// To [`Ask::Runs`].
    Runs(Box<RunAnswer>),
    /// To [`Ask::CompareVersions`].
    Versions(Box<Comparison>),
    /// To [`Ask::CompareRuns`].
    RunsCompared(Box<RunsCompared>),
    /// To [`Ask::Tags`].
    Tags(TagPage),
    /// To [`Ask::Artifact`].
    Artifact(Box<Artifact>),
    /// To [`Ask::CompareArtifacts`].
    ArtifactDifference(Box<ArtifactDifference>),
    /// To [`Ask::Find`].
    Found(Box<Found>),
    /// To [`Ask::Preflight`].
    Preflight(Box<Preflight>),
    /// To [`Ask::Bench`] and [`Ask::BenchPreview`].
    Bench(Box<bench::Page>),
    /// To [`Ask::BenchReport`]: the text of the file.
    BenchReport(String),
}

/// What a door is connected to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The build's version.
    pub version: String,
    /// May this door act?
    pub may_act: bool,
    /// Does it show the demo fleet?
    pub demo: bool,
    /// Does this door show the wall, and nothing else?
    pub wall: bool,
    /// The record that it shows instead of anything live: its end stands for now, and nothing can be done.
    pub record: Option<RecordShown>,
}

/// A record that somebody opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordShown {
    /// The name of its file, or of where it came from.
    pub name: String,
    /// From when it tells.
    pub since: Stamp,
    /// Until when.
    pub until: Stamp,
}

/// An object that a search found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// The object.
    pub object: ObjectRef,
    /// Where it is, for people: "iad-prod / serving".
    pub place: SmolStr,
    /// Characters of the name that matched, by position.
    pub matched: Vec<u16>,
}

/// A change that a person wants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Act {
    /// Adds a connection and starts it. Secrets go to the vault.
    AddConnection {
        /// The connection.
        draft: Draft,
        /// Secret fields by key.
        secrets: Vec<(String, SecretInput)>,
    },
    /// Makes the calls that the connection would make, keeps nothing.
    TestConnection {
        /// The connection that it would change: what is kept of it, and not given anew, is used, its secrets among it.
        of: Option<ConnectionId>,
        /// The connection.
        draft: Draft,
        /// Secret fields by key.
        secrets: Vec<(String, SecretInput)>,
    },
    /// Replaces a connection's settings, keeping secrets that are not given anew.
    EditConnection {
        /// The connection.
        id: ConnectionId,
        /// Its new settings.
        draft: Draft,
        /// Secret fields by key.
        secrets: Vec<(String, SecretInput)>,
    },
    /// Stops or restarts a connection, keeping its settings.
    PauseConnection {
        /// The connection.
        id: ConnectionId,
        /// Stop it, or go on?
        paused: bool,
    },
    /// Removes a connection, its facts and its secrets.
    RemoveConnection(ConnectionId),
    /// Tries a connection at once instead of waiting.
    RetryConnection(ConnectionId),
    /// Confirms that a credential plug-in, as shown, may be run for a connection.
    TrustPlugin {
        /// The connection.
        id: ConnectionId,
        /// What was shown.
        plugin: PluginNotice,
    },
    /// Opens the encrypted file of secrets, or makes it.
    UnlockVault(SecretInput),
    /// Puts a note on the ribbon, and into the record.
    Note {
        /// Where on the ribbon.
        at: Stamp,
        /// What it is about, if about one thing.
        object: Option<ObjectRef>,
        /// What a person writes.
        text: String,
    },
    /// Takes a note away again.
    RemoveNote(MarkKey),
    /// This door shows notices: from now on they are told. Without one that does, nothing counts as told.
    ShowNotices,
    /// Tells something at once, so that a person sees whether this desktop shows it.
    TryNotice,
    /// Changes what is told, and when.
    Wish(Wishes),
    /// A person has seen the notices up to this number.
    SawNotices(u32),
    /// The desktop took this notice, or did not.
    DeliveredNotice(u32, Result<(), Problem>),
    /// Says what may be done through a connection.
    Operate {
        /// The connection.
        id: ConnectionId,
        /// May anything be done?
        operate: bool,
        /// Is it what users depend on? Without, that stays as it is set by now, whoever set it.
        production: Option<bool>,
    },
    /// Does what was planned and shown.
    Confirm(Confirmation),
    /// Sends no further step of an action that is under way.
    Halt(u64),
    /// Keeps anything from being done in this session from now on, or no longer.
    Hold(bool),
    /// Takes away an action that was cut: a person looked what became of it.
    CloseCut(u64),
    /// Begins a benchmark: load is sent to the targets of this form, from this machine.
    BeginBench(Draft),
    /// Ends the benchmark that this Pilothouse runs; what was measured is kept.
    EndBench,
}

/// What came of an [`Act`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Acted {
    /// It is done, for this connection.
    Done(ConnectionId),
    /// It is done.
    Ok,
    /// What a test found.
    Tested(Tested),
    /// It needs the person's consent first: show this, then confirm with [`Act::TrustPlugin`].
    NeedsConsent {
        /// The connection.
        id: ConnectionId,
        /// What would be run.
        plugin: PluginNotice,
    },
    /// It has begun, by this number of the audit book: [`crate::ViewSpec::Actions`] says what becomes of it.
    Begun(u64),
    /// It has begun, and is kept by this name: [`crate::ViewSpec::Bench`] says how far it is.
    Measuring(String),
    /// It waits until a person has planned and confirmed this, which it needs first: [`crate::ViewSpec::Bench`] says so.
    Needs(Box<Intent>),
}

/// What the test of a connection found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tested {
    /// The server's version.
    pub version: Option<String>,
    /// Who we are there.
    pub identity: Option<String>,
    /// What it may do.
    pub may: Vec<String>,
    /// What it may not do or see, and what would give it.
    pub problem: Option<Problem>,
}
