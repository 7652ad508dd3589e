//! What is started to be measured, for as long as that takes: commands that serve, and models out of files, one an arm. Doors
//! say in their own words what is waited for.

use crate::{
    beside::{Given, Gpus, Watched},
    compare,
    kept::Kept,
    local::{self, Free, Model, Needs, Options, Serving},
    plan::{Api, Target},
    result,
    search::{self, ServerEnded},
    server::{self, GRACE, Server, Wanted},
    store::{self, Place},
};
use pilothouse_wire::{Code, Problem};
use std::{path::PathBuf, time::Duration};

/// Servers that were started; where none was wanted there are none. Killed where this is dropped.
#[derive(Default)]
pub struct Served {
    servers: Vec<(String, Server)>,
    /// Memory that models out of files take at least, in bytes.
    taken: u64,
}

/// A server that ended by itself while it was measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The arm that it is of; empty where there is one target.
    pub arm: String,
    /// How, with its last words.
    pub how: String,
}

impl Ended {
    /// As a sentence.
    #[must_use]
    pub fn words(&self) -> String {
        let of = if self.arm.is_empty() { String::new() } else { format!(" of {}", self.arm) };
        format!("The server{of} ended while it was measured, {}", self.how)
    }
}

/// What tells of servers that were started for it.
pub trait Tells {
    /// Puts in that these ended by themselves while it was measured; answers whether that says anything of it.
    fn tell(&mut self, ended: &[Ended]) -> bool;
}

impl Tells for result::Document {
    fn tell(&mut self, ended: &[Ended]) -> bool {
        let (Some(server), [one, ..]) = (&mut self.server, ended) else { return false };
        server.ended = Some(one.how.clone());
        true
    }
}

impl Tells for compare::Document {
    fn tell(&mut self, ended: &[Ended]) -> bool {
        let mut any = false;
        for arm in &mut self.arms {
            let own = ended.iter().find(|one| one.arm == arm.name.as_str());
            if let (Some(server), Some(own)) = (&mut arm.server, own) {
                server.ended = Some(own.how.clone());
                any = true;
            }
        }
        any
    }
}

impl Tells for search::Document {
    fn tell(&mut self, ended: &[Ended]) -> bool {
        // Targets of a sweep are called by their places, from 1.
        let arm = |of: &Ended| of.arm.parse::<usize>().ok().and_then(|place| place.checked_sub(1));
        self.servers_ended = ended.iter().map(|of| ServerEnded { arm: arm(of), how: of.how.clone() }).collect();
        !ended.is_empty()
    }
}

impl Tells for Kept {
    fn tell(&mut self, ended: &[Ended]) -> bool {
        match self {
            Self::Run(document) => document.tell(ended),
            Self::Comparison(document) => document.tell(ended),
            Self::Search(document) => document.tell(ended),
            Self::Imported(_) => false,
        }
    }
}

/// Says of what is kept that servers ended while it was measured, also to who reads it later.
///
/// # Errors
/// If it cannot be read or written.
pub fn note(place: &Place, ended: &[Ended]) -> Result<(), Problem> {
    if ended.is_empty() || !place.document.exists() {
        return Ok(());
    }
    let mut kept = store::read(&place.document)?;
    if kept.tell(ended) { place.write(&kept) } else { Ok(()) }
}

/// What a command needs to be started for an arm of this name: nothing is started yet.
///
/// # Errors
/// If the target is not asked at this machine, or something is kept at the place already.
pub fn wanted(
    arm: &str,
    command: Vec<String>,
    ready_url: Option<String>,
    limit: Duration,
    target: &Target,
    place: &Place,
) -> Result<Wanted, Problem> {
    if let Some(through) = &target.through {
        return Err(Problem::new(Code::BadInput, "What --serve starts is on this machine.")
            .why(format!("What is asked is {}.", through.place()))
            .next("Leave out --serve, or give an address of this machine."));
    }
    // Before minutes are spent on it.
    place.is_free()?;
    let ready_url = ready_url.unwrap_or_else(|| server::usual_ready_url(target));
    Ok(Wanted { command, ready_url, limit, grace: GRACE, log: log(arm, place) })
}

impl Served {
    /// Starts a command for the arm of this name, and waits until it is ready; `over` ends the waiting.
    ///
    /// # Errors
    /// If it does not serve, or is not waited for any more.
    pub async fn start(
        &mut self,
        arm: &str,
        wanted: &Wanted,
        target: &Target,
        over: impl Future<Output = ()>,
    ) -> Result<(), Problem> {
        let server = server::start(wanted, target, over).await?;
        self.servers.push((arm.to_owned(), server));
        Ok(())
    }

    /// Is one started for the arm of this name?
    #[must_use]
    pub fn has(&self, arm: &str) -> bool {
        self.servers.iter().any(|(of, _)| of == arm)
    }

    /// What memory a model out of a file takes, in words, before it is loaded.
    ///
    /// # Errors
    /// If this machine has not so much beside what was loaded before.
    pub fn room(&mut self, model: &Model, options: &Options) -> Result<String, Problem> {
        let gpus = (options.gpu_layers.unwrap_or(0) > 0).then(local::free_on_gpus);
        self.room_in(model, options, Free { memory: local::available(), gpus })
    }

    fn room_in(&mut self, model: &Model, options: &Options, free: Free) -> Result<String, Problem> {
        let needs = Needs::of(model, options);
        let words = needs.check(model, Free { memory: free.memory.saturating_sub(self.taken), ..free })?;
        self.taken = self.taken.saturating_add(needs.low());
        Ok(words)
    }

    /// Loads a model out of a file for the arm of this name, serves it, and makes its target the place where it is. What it is
    /// comes back.
    ///
    /// # Errors
    /// If it is not loaded, or is not waited for any more.
    pub async fn load(
        &mut self,
        arm: &str,
        wanted: &local::Wanted,
        target: &mut Target,
        over: impl Future<Output = ()>,
    ) -> Result<Serving, Problem> {
        let (server, serving) = local::start(wanted, over).await?;
        self.servers.push((arm.to_owned(), server));
        target.url = target.api.address(&serving.serving, &target.model);
        if target.api == Api::Infer && target.template.as_ref().is_none_or(|template| template.body.is_none()) {
            target.template.get_or_insert_default().body = Some(serving.body()?);
        }
        Ok(serving)
    }

    /// What a run on the target of the arm of this name is given: what was started, and what is read beside it.
    #[must_use]
    pub fn given(&self, arm: &str, target: &Target) -> Given {
        let Some((_, server)) = self.servers.iter().find(|(of, _)| of == arm) else { return Given::default() };
        let watched = Watched {
            process: Some(server.id()),
            metrics: server::usual_metrics_url(target),
            gpus: Gpus::Usual,
            ..Watched::default()
        };
        Given { server: Some(server.started().clone()), watched }
    }

    /// Stops them with all that they have started. Those that ended by themselves come back.
    pub async fn stop(self) -> Vec<Ended> {
        let mut ended = Vec::new();
        for (arm, mut server) in self.servers {
            if let Some(status) = server.ended() {
                ended.push(Ended { arm, how: format!("{status}. {}", server.last_words()) });
            }
            server.stop().await;
        }
        ended
    }
}

/// The file that the words of the arm of this name go to, beside what is kept.
#[must_use]
pub fn log(arm: &str, place: &Place) -> PathBuf {
    let dotted = if arm.is_empty() { String::new() } else { format!(".{arm}") };
    place.document.with_file_name(format!("{}{dotted}.server.log", place.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{plan::tests::plan, shown};
    use pilothouse_wire::Stamp;

    fn started() -> server::Started {
        server::Started {
            command: vec!["vllm".into()],
            ready_url: "http://h:1/health".into(),
            ready_after_s: 1.5,
            log: "a.server.log".into(),
            ended: None,
            model: None,
        }
    }

    #[test]
    fn that_a_server_ended_is_kept_with_the_run_and_said_by_its_page() {
        let home = tempfile::tempdir().unwrap();
        let place = Place::new(home.path(), Stamp(0), "chat");
        let ended = |arm: &str| Ended { arm: arm.into(), how: "exit status: 9. Its last words: out of memory".into() };
        // Of what is not kept there is nothing to say.
        note(&place, &[ended("")]).unwrap();
        let mut run = shown::tests::run();
        run.server = Some(started());
        place.write(&run).unwrap();
        note(&place, &[]).unwrap();
        assert!(matches!(store::read(&place.document).unwrap(), Kept::Run(kept) if *kept == run));
        note(&place, &[ended("")]).unwrap();
        let page = store::read(&place.document).unwrap().page();
        let said: Vec<&str> = page.lines.iter().map(|line| line.text.as_str()).collect();
        assert!(
            said.contains(&"it ended while it was measured, exit status: 9. Its last words: out of memory"),
            "{said:?}"
        );

        let both = Place::new(home.path(), Stamp(1_000), "both");
        let mut document = compare::tests::document(6, |_, _| 100.0);
        document.arms.iter_mut().for_each(|arm| arm.server = Some(started()));
        let name = document.arms[1].name.to_string();
        both.write(&document).unwrap();
        note(&both, &[ended(&name)]).unwrap();
        let Kept::Comparison(document) = store::read(&both.document).unwrap() else { panic!("a comparison") };
        let told: Vec<bool> =
            document.arms.iter().map(|arm| arm.server.as_ref().is_some_and(|of| of.ended.is_some())).collect();
        assert_eq!(told, [false, true]);
        assert!(format!("{:?}", compare::page(&document)).contains("out of memory"));
        assert_eq!(
            ended(&name).words(),
            format!("The server of {name} ended while it was measured, {}", ended("").how)
        );
    }

    #[test]
    fn that_a_server_ended_is_kept_with_the_search_and_said_by_its_page_and_its_cards() {
        let home = tempfile::tempdir().unwrap();
        let place = Place::new(home.path(), Stamp(0), "search chat");
        let how = "exit status: 9. Its last words: out of memory";
        let ended = |arm: &str| Ended { arm: arm.into(), how: how.into() };
        let mut document = search::Document::begun("s".into(), plan(), search::Scale::Rate, (1.0, 8.0), Stamp(1_000));
        let before = serde_json::to_value(&document).unwrap();
        assert_eq!(before.get("servers_ended"), None, "nothing is said where none ended");
        place.write(&document).unwrap();
        note(&place, &[ended("")]).unwrap();
        let kept = store::read(&place.document).unwrap();
        let Kept::Search(read) = &kept else { panic!("a search") };
        assert_eq!(read.servers_ended, [ServerEnded { arm: None, how: how.into() }]);
        let said = format!("{:?}", kept.page());
        assert!(said.contains(&format!("The server ended while it was measured, {how}")), "{said}");
        let cards = shown::tests::said(&shown::page(&kept, &place.document).cards);
        assert!(cards.contains("out of memory"), "{cards}");
        // Of several targets it is said whose it was.
        document.arms = vec!["chat on cpu".into(), "chat-q4 on cpu".into()];
        assert!(document.tell(&[ended("2")]));
        let said = format!("{:?}", search::page(&document));
        assert!(said.contains(&format!("The server of chat-q4 on cpu ended while it was measured, {how}")), "{said}");
    }

    #[test]
    fn a_model_that_does_not_fit_is_refused_with_layers_on_gpus_as_without() {
        let model = Model { file: "a.onnx".into(), format: local::Format::Onnx, bytes: 3_000, header: None };
        let options = Options { gpu_layers: Some(99), ..Options::default() };
        let mut served = Served::default();
        let room = |served: &mut Served, memory: u64, gpus: Option<u64>| {
            served.room_in(&model, &options, Free { memory, gpus }).map_err(|problem| problem.what)
        };
        assert!(room(&mut served, 1_000, Some(1_000)).unwrap_err().contains("too big"));
        assert!(room(&mut served, 1_000, Some(2_000)).is_ok());
        // What the one before takes is not there twice.
        assert!(room(&mut served, 3_000, None).unwrap_err().contains("too big"));
    }

    #[test]
    fn what_is_not_on_this_machine_is_not_started() {
        let home = tempfile::tempdir().unwrap();
        let place = Place::new(home.path(), Stamp(0), "chat");
        let target = plan().target;
        let wanted = |ready: Option<&str>, target: &Target| {
            let command = vec!["vllm".to_owned()];
            super::wanted("b", command, ready.map(str::to_owned), Duration::from_secs(1), target, &place)
        };
        let usual = wanted(None, &target).unwrap();
        assert_eq!(usual.ready_url, "http://127.0.0.1:1/health");
        assert!(usual.log.to_string_lossy().ends_with(".b.server.log"), "{}", usual.log.display());
        assert_eq!(wanted(Some("http://h:2/x"), &target).unwrap().ready_url, "http://h:2/x");
        let (url, through) = crate::plan::Through::or_address("service:a/b:1@c").unwrap();
        let inside = wanted(None, &Target { url, through, ..target }).unwrap_err();
        assert_eq!(inside.what, "What --serve starts is on this machine.");
    }
}
