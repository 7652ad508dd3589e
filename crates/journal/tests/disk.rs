//! A real disk that is full, and one that may not be written: a small file system in a mount name space of its own.
#![cfg(target_os = "linux")]
#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

mod story;

use pilothouse_journal::{Reader, Recorder};
use pilothouse_wire::{Code, Stamp, record::Missing};
use pilothouse_world::World;
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};
use story::{START, WHOLE, is_right_or_refused, known, step};

/// Names the small disk to the test that runs on it.
const DISK: &str = "PILOTHOUSE_TEST_DISK";
/// Mounts it, and becomes what is behind.
const MOUNT: &str = r#"mount -t tmpfs -o size=3m none "$1" && shift && exec "$@""#;

/// Runs a test of this file on a small disk of its own. A system that gives nobody one has checked nothing, and says so.
fn on_a_small_disk(test: &str) {
    let disk = tempfile::tempdir().unwrap();
    let unshare = |rights: &[&str], then: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(rights).args(["--mount", "sh", "-c", MOUNT, "sh"]).arg(disk.path()).args(then);
        command.env(DISK, disk.path()).output()
    };
    let rights = rights(|rights| unshare(rights, &["true"]).is_ok_and(|output| output.status.success()));
    let own = env::current_exe().unwrap();
    let output = unshare(rights, &[own.to_str().unwrap(), "--exact", test, "--ignored", "--nocapture"]).unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

/// The rights by which a disk may be mounted here: those that this process has, or those of a name space of its own.
fn rights(may: impl Fn(&[&'static str]) -> bool) -> &'static [&'static str] {
    let all: [&[&str]; 2] = [&[], &["--map-root-user"]];
    all.into_iter().find(|rights| may(rights)).unwrap_or_else(|| {
        panic!(
            "This system lets nobody mount a disk of its own, so that no full disk was tried. Next: run it as root, or allow \
             name spaces of users; or leave this out by hand: --skip disk."
        )
    })
}

#[test]
#[should_panic(expected = "no full disk was tried")]
fn where_no_disk_can_be_mounted_nothing_passes() {
    rights(|_| false);
}

fn disk() -> PathBuf {
    env::var_os(DISK).unwrap().into()
}

/// A fleet that is recorded step by step.
struct Story {
    recorder: Recorder,
    world: World,
    then: Vec<(Stamp, World)>,
    number: i64,
}

impl Story {
    fn begin(path: &Path) -> Self {
        let recorder = Recorder::open(path, WHOLE).unwrap();
        recorder.checkpoint(&World::default(), Stamp(START));
        Self { recorder, world: World::default(), then: Vec::new(), number: 0 }
    }

    /// So many steps; a world is kept every five minutes.
    fn tell(&mut self, steps: usize) {
        for _ in 0..steps {
            for batch in step(self.number) {
                let at = batch.seen_at;
                self.recorder.append(&batch);
                self.world.apply(batch);
                known(&mut self.then, at, &self.world);
            }
            self.number += 1;
            if self.number % 30 == 0 {
                self.keep();
            }
        }
        self.recorder.flush();
    }

    fn keep(&self) {
        self.recorder.checkpoint(&self.world, self.then[self.then.len() - 1].0);
        self.recorder.flush();
    }
}

#[test]
fn a_full_disk_is_a_gap_with_its_reason_and_the_record_goes_on_once_there_is_room() {
    on_a_small_disk("on_a_disk_that_is_full");
}

#[test]
#[ignore = "needs a small disk: another test runs it on one"]
fn on_a_disk_that_is_full() {
    let (path, ballast) = (disk().join("journal.db"), disk().join("ballast"));
    fs::write(&ballast, vec![1; 1_500_000]).unwrap();
    let mut story = Story::begin(&path);
    while story.recorder.lost() == 0 {
        story.tell(30);
        assert!(story.number < 50_000, "the disk is never full");
    }
    let whole = story.number;
    // The window is there all the while, and nothing of it is written.
    story.tell(40);
    assert!(story.recorder.wants_checkpoint());
    let (right, _) = is_right_or_refused(&story.recorder.reader(), &story.then);
    assert!(right > 0, "what was written reads while the disk is full");

    fs::remove_file(&ballast).unwrap();
    story.keep();
    let again = story.then.len();
    story.tell(60);
    assert!(!story.recorder.wants_checkpoint());
    let reader = story.recorder.reader();
    is_right_or_refused(&reader, &story.then[..again]);
    for (at, want) in &story.then[again..] {
        assert_eq!(*reader.world_at(*at).unwrap(), *want, "{at}");
    }
    let mut gaps = reader.gaps(Stamp(START), story.then[story.then.len() - 1].0).unwrap();
    gaps.retain(|gap| gap.why != Missing::NotRecorded);
    let [gap] = &gaps[..] else { panic!("{gaps:?}") };
    assert_eq!(gap.why, Missing::NotWritten);
    assert!(gap.detail.contains("full"), "{}", gap.detail);
    let begun = Stamp(START + whole * 10_000);
    assert!(gap.holds(begun), "{gap:?}");
    assert!(reader.verify().unwrap().is_empty());
}

#[test]
fn a_disk_that_may_not_be_written_is_said_and_what_is_on_it_reads() {
    on_a_small_disk("on_a_disk_that_may_not_be_written");
}

#[test]
#[ignore = "needs a small disk: another test runs it on one"]
fn on_a_disk_that_may_not_be_written() {
    let path = disk().join("journal.db");
    let mut story = Story::begin(&path);
    story.tell(100);
    let Story { recorder, then, .. } = story;
    drop(recorder);
    let mounted = Command::new("mount").args(["-o", "remount,ro"]).arg(disk()).status().unwrap();
    assert!(mounted.success());
    let refused = Recorder::open(&path, WHOLE).unwrap_err();
    assert_eq!(refused.code, Code::Internal);
    assert!(refused.why.as_deref().unwrap_or_default().to_lowercase().contains("read-only"), "{refused:?}");
    assert!(refused.next.is_some());
    let reader = Reader::new(&path);
    for (at, want) in &then {
        assert_eq!(*reader.world_at(*at).unwrap(), *want, "{at}");
    }
}
