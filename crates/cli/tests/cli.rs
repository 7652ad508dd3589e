//! The program as a person runs it: exit code, stdout and stderr together.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by failing")]

#[path = "cli/preflight.rs"]
mod preflight;
#[path = "cli/secrets.rs"]
mod secrets;

use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

/// The program with a home of its own, and nothing of the person who runs the tests.
struct Home(tempfile::TempDir);

struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn command(&self, typed: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pilothouse"));
        command
            .args(typed.split_whitespace())
            .env_clear()
            .env("HOME", self.path())
            .env("PILOTHOUSE_HOME", self.path().join("pilothouse"))
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::null());
        command
    }

    fn run(&self, typed: &str) -> Ran {
        Ran::of(&mut self.command(typed))
    }

    /// A kubeconfig whose server is not there.
    fn with_a_context(&self) {
        let file = self.path().join(".kube/config");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        let text = "apiVersion: v1\nkind: Config\ncurrent-context: gone\n\
            clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\n\
            users: [{name: u, user: {token: secret-token}}]\n\
            contexts: [{name: gone, context: {cluster: c, user: u}}]\n";
        std::fs::write(file, text).unwrap();
    }
}

impl Ran {
    fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    fn all(&self) -> String {
        format!("exit code: {}\n--- stdout\n{}--- stderr\n{}", self.code, self.stdout, self.stderr)
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.all()))
    }
}

#[test]
fn the_help_says_what_there_is_and_what_exit_codes_mean() {
    let home = Home::new();
    for typed in [
        "--help",
        "nodes --help",
        "models --help",
        "runs --help",
        "artifacts --help",
        "preflight --help",
        "connect --help",
        "connect edit --help",
        "serve --help",
        "bench --help",
        "bench run --help",
        "bench compare --help",
        "bench search --help",
    ] {
        insta::assert_snapshot!(typed.replace(' ', "_"), home.run(typed).all());
    }
}

#[test]
fn what_cannot_be_understood_is_told_with_what_can() {
    let home = Home::new();
    for typed in [
        "nodes --columns nope",
        "pods --filter colour=red",
        "pods --filter \"open",
        "fleet --wait long",
        "artifacts --demo",
        "artifacts --with prod",
        "artifacts team/chat:prod --demo",
        "artifacts team/chat:prod --at -5m",
        "connect remove nope --yes",
        "connect edit nope --set novalue",
        "models --compare 1 2",
        "models chat --compare 1",
        "runs --demo --limit 0",
    ] {
        insta::assert_snapshot!(typed.replace(['"', ' '], "_"), home.run(typed).all());
    }
}

#[test]
fn runs_of_the_demo_are_listed_and_where_no_registry_is_connected_none_are_looked_for() {
    let home = Home::new();
    let runs = home.run("runs --demo --experiment chat-70b*");
    assert!(
        runs.code == 0 && runs.stdout.contains("chat-70b-tuning") && !runs.stdout.contains("rerank"),
        "{}",
        runs.all()
    );
    let added = home.run("connect add demo --name lab --set cluster=fra-train");
    assert_eq!(added.code, 0, "{}", added.all());
    insta::assert_snapshot!(home.run("runs").all());
    let absent = home.run("models chat --demo --compare 1 2");
    assert_eq!((absent.code, absent.stderr.contains("no registered model chat")), (1, true), "{}", absent.all());
}

#[test]
fn the_demo_has_a_registry_whose_versions_serve_and_are_found_and_reckoned() {
    let home = Home::new();
    let models = home.run("models --demo --json");
    let names = models.json()["models"].as_array().map_or(0, Vec::len);
    assert_eq!((models.code, names, models.json()["demo"].as_bool()), (0, 10, Some(true)), "{}", models.all());
    let one = home.run("models chat-70b champion --demo");
    assert!(one.code == 0 && one.stdout.starts_with("chat-70b/41 in model-registry"), "{}", one.all());
    assert!(one.stdout.contains("Rollout/chat-70b") && one.stdout.contains("pinned"), "{}", one.all());
    let found = home.run("models --search challenger --demo");
    assert!(found.code == 0 && found.stdout.contains("chat-70b, version 42"), "{}", found.all());
    assert!(found.stderr.contains("Looked through model-registry: 10 models"), "{}", found.all());
    // Runs are looked through as well, and where nothing keeps any nothing is said of them.
    let run = home.run("models --search owl --demo");
    assert!(
        run.code == 0 && run.stdout.contains("-owl") && run.stderr.contains("runs by their names"),
        "{}",
        run.all()
    );
    assert!(!run.stderr.contains("were not"), "{}", run.all());
    // GPU, engine and arguments are those of a service that serves it.
    let fits = home.run("preflight --model chat-70b@champion iad-prod/serving/chat-70b --demo");
    assert_eq!(fits.code, 0, "{}", fits.all());
    assert!(fits.stdout.starts_with("It fits: vLLM on 8 GPUs, NVIDIA-H100-80GB-HBM3."), "{}", fits.all());
    let none = home.run("preflight --model rerank/18 --demo");
    assert_eq!((none.code, none.stderr.contains("rerank/18 has no configuration")), (1, true), "{}", none.all());
}

#[test]
fn nothing_configured_means_the_demo_fleet_and_it_is_said() {
    let home = Home::new();
    let (quiet, told) = (home.run("nodes --demo --json"), home.run("nodes --json"));
    assert_eq!((quiet.code, quiet.stderr.as_str()), (0, ""));
    assert_eq!((told.code, told.stderr.as_str()), (0, "demo fleet: nothing is configured\n"));
    assert_eq!(told.json()["demo"], true);
    insta::assert_snapshot!(
        home.run("nodes --demo --filter name=b200-00* --columns node,cluster,pool,product,gpus").all()
    );
}

#[test]
fn a_code_for_a_screen_stands_for_a_token_and_is_no_token_itself() {
    let home = Home::new();
    let none = home.run("serve code");
    assert_eq!((none.code, none.stderr.contains("There is no token.")), (1, true), "{}", none.all());
    let token = home.run("serve token new lobby");
    assert_eq!((token.code, token.stderr.contains("serve code")), (0, true), "{}", token.all());
    let [first, second] = ["serve code", "serve code 1"].map(|typed| home.run(typed));
    for code in [&first, &second] {
        let word = code.stdout.trim_end();
        assert_eq!((code.code, word.len(), word == token.stdout.trim_end()), (0, 43, false), "{}", code.all());
        assert!(code.stderr.contains("works once") && code.stderr.contains("as token 1 does"), "{}", code.all());
        let kept = std::fs::read_to_string(home.path().join("pilothouse/wall.json")).unwrap();
        assert!(kept.contains("lobby") && !kept.contains(word), "it is kept as a hash");
    }
    assert_ne!(first.stdout, second.stdout);
    let wrong = home.run("serve code 7");
    assert_eq!((wrong.code, wrong.stderr.contains("There is no token 7.")), (1, true), "{}", wrong.all());
}

#[test]
fn a_time_that_is_none_is_no_command_and_without_a_record_there_is_no_past() {
    let home = Home::new();
    let wrong = home.run("diff --demo --from yesterday");
    assert_eq!((wrong.code, wrong.stderr.contains("\"yesterday\" is no time")), (2, true), "{}", wrong.all());
    let nothing = home.run("diff --demo --from -30m --to -10m");
    assert_eq!((nothing.code, nothing.stderr.contains("no record")), (1, true), "{}", nothing.all());
    let same = home.run("diff --demo --from now --to now");
    assert_eq!((same.code, same.stdout.contains("Nothing differs.")), (0, true), "{}", same.all());
}

#[test]
fn the_fleet_as_json_is_one_whole_object() {
    let fleet = Home::new().run("fleet --demo --json").json();
    let length = |key: &str| fleet[key].as_array().unwrap().len();
    assert_eq!(fleet["complete"], true);
    assert_eq!(fleet["summary"]["gpus"], 4_096);
    assert_eq!((length("clusters"), length("nodes"), length("sources")), (3, 512, 4));
    let gpus: usize =
        fleet["nodes"].as_array().unwrap().iter().map(|node| node["gpus"].as_array().unwrap().len()).sum();
    assert_eq!(gpus, 4_096);
    let pods = fleet["pods"].as_array().unwrap();
    assert_eq!(fleet["summary"]["pods"], pods.len());
    assert!(pods.iter().all(|pod| pod["owners"].is_array() && pod["conditions"].is_array()));
}

#[test]
fn lists_are_filtered_and_have_the_columns_that_are_asked_for() {
    let home = Home::new();
    let lost = home.run("gpus --demo --filter state=lost --columns state,node,gpu");
    assert!(lost.stdout.starts_with("STATE  NODE"), "{}", lost.all());
    assert!(lost.stdout.lines().skip(1).all(|line| line.starts_with("Lost")) && lost.stdout.lines().count() > 1);
    let one = home.run("fleet --demo --json --filter name=fra-train");
    let one: serde_json::Value = serde_json::from_str(&one.stdout).unwrap();
    assert_eq!(one["clusters"].as_array().unwrap().len(), 1);
    assert!(one["nodes"].as_array().unwrap().iter().all(|node| node["id"]["cluster"] == "fra-train"));
    let not_ready = home.run("nodes --demo --filter -Ready");
    assert_eq!(not_ready.code, 0, "{}", not_ready.all());
    let none = home.run("pods --demo --filter name=nothing-like-it");
    assert_eq!((none.code, none.stdout.lines().count()), (0, 1), "{}", none.all());
    assert!(none.stderr.starts_with("None of "), "{}", none.all());
}

#[test]
fn what_can_be_drawn_says_in_the_drawing_what_it_is() {
    let home = Home::new();
    for (typed, title, cells) in [
        ("gpus", "GPUs: tensor activity", 4_096),
        ("nodes", "Nodes: share of their GPUs that is held", 512),
        ("workloads", "GPU workloads", 20),
        ("room", "Room for GPUs", 4),
        ("waste", "Waste: GPUs that do nothing", 2),
    ] {
        let drawn = home.run(&format!("{typed} --demo --svg"));
        assert_eq!(drawn.code, 0, "{}", drawn.all());
        let svg = &drawn.stdout;
        assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"), "{typed}: {svg:.200}");
        assert!(svg.contains(title) && svg.contains("DEMO") && svg.contains("As of 20"), "{typed}: {svg:.2000}");
        assert!(svg.matches("<rect").count() >= cells, "{typed} has only {}", svg.matches("<rect").count());
    }
    let one = home.run("gpus --demo --svg --filter name=b200-000");
    assert!(one.stdout.contains("Only what fits: name=b200-000"), "{}", one.all());
    let both = home.run("gpus --demo --svg --watch");
    assert_eq!(both.code, 2, "{}", both.all());
}

#[test]
fn colour_is_written_only_where_it_is_wanted() {
    let home = Home::new();
    assert!(!home.run("nodes --demo").stdout.contains('\u{1b}'));
    assert!(home.run("nodes --demo --color always").stdout.contains("\u{1b}[32mReady\u{1b}[0m"));
    assert!(!home.run("nodes --demo --color always --no-color").stdout.contains('\u{1b}'));
}

#[test]
fn watching_as_json_gives_an_object_a_line() {
    let home = Home::new();
    let mut child = home.command("fleet --demo --watch --json").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut complete = false;
    for _ in 0..50 {
        let frame: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert!(frame["summary"].is_object());
        complete = frame["complete"] == true;
        if complete && frame["summary"]["gpus"] == 4_096 {
            break;
        }
    }
    assert!(complete);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_reader_that_leaves_is_no_problem() {
    let home = Home::new();
    let mut child = home.command("pods --demo --json").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}

#[test]
fn a_source_that_cannot_be_read_makes_the_answer_partial() {
    let home = Home::new();
    home.with_a_context();
    let found = home.run("connect contexts");
    assert!(found.stdout.contains("gone") && found.stdout.contains("token"), "{}", found.all());
    assert!(!found.stdout.contains("secret-token"));
    let fleet = home.run("fleet --json --context gone --wait 10");
    assert_eq!(fleet.code, 3, "{}", fleet.all());
    let json = fleet.json();
    assert_eq!((&json["demo"], &json["complete"]), (&Value::Bool(false), &Value::Bool(false)));
    assert_eq!(json["problems"][0]["source"], "gone");
    assert!(fleet.stderr.contains("gone") && fleet.stderr.contains("Next: "), "{}", fleet.all());
    let unknown = home.run("fleet --context nope");
    assert_eq!(unknown.code, 1, "{}", unknown.all());
}

#[test]
fn where_nothing_fires_it_is_said_where_alerts_come_from() {
    let home = Home::new();
    home.with_a_context();
    home.run("connect add kubernetes --context gone");
    let said = "Alerts come from an Alertmanager: pilothouse connect add alertmanager --url ";
    for (typed, is_said) in [("alerts --wait 5", true), ("alerts --wait 5 --json", false)] {
        let ran = home.run(typed);
        assert_eq!((ran.code, ran.stderr.contains(said)), (3, is_said), "{}", ran.all());
    }
}

/// Whoever looks for a service at night has to hear that its cluster does not answer, and not that there is no such service.
#[test]
fn a_service_of_a_cluster_that_does_not_answer_is_not_said_to_be_missing() {
    let home = Home::new();
    home.with_a_context();
    home.run("connect add kubernetes --context gone");
    for typed in ["rollback chat --check", "rollout get chat", "can", "act abort rollout chat --plan"] {
        let ran = home.run(&format!("{typed} --wait 5"));
        assert!(ran.code == 1 && ran.stderr.contains("gone refused the connection"), "{typed}: {}", ran.all());
    }
}

/// What is made up is not acted on: that is said, and not that something is missing.
#[test]
fn the_demo_is_looked_at_and_not_acted_on() {
    let home = Home::new();
    for typed in [
        "act cordon h100-0001 --plan",
        "act restart deployment chat -n serving --yes --demo",
        "rollback iad-prod/serving/chat-70b --plan --demo",
    ] {
        let ran = home.run(typed);
        let said = ran.stderr.contains("The demo fleet cannot be acted on.") && ran.stderr.contains("connect add");
        assert!(ran.code == 1 && said, "{typed}: {}", ran.all());
    }
}

#[test]
fn a_connection_is_added_changed_and_removed() {
    let home = Home::new();
    home.with_a_context();
    let added = home.run("connect add kubernetes --context gone --name Here");
    assert_eq!((added.code, added.stdout.as_str()), (3, "here is added.\n"), "{}", added.all());
    let again = home.run("connect add kubernetes --context gone --name Here");
    assert_eq!(again.code, 1, "{}", again.all());
    assert_eq!(home.run("connect pause here").stdout, "here is paused.\n");
    let paused = home.run("nodes");
    assert!(paused.stderr.contains("Every connection is paused"), "{}", paused.all());
    assert_eq!(home.run("connect edit here --name There").code, 0);
    let listed: Value = home.run("connect list --json").json();
    assert_eq!((&listed[0]["id"], &listed[0]["name"]), (&"here".into(), &"There".into()));
    assert_eq!(listed[0]["values"]["context"], "gone");
    let unasked = home.run("connect remove here");
    assert_eq!(unasked.code, 1, "{}", unasked.all());
    assert_eq!(home.run("connect remove here --yes").stdout, "here is removed.\n");
    assert_eq!(home.run("connect list --json").stdout, "[]\n");
}

#[test]
fn the_browser_door_tells_its_address_and_closes_when_told() {
    let home = Home::new();
    let mut child =
        home.command("serve --demo --port 0").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut address = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
    assert!(address.starts_with("http://127.0.0.1:") && address.contains("/#code="), "{address}");
    let told = Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(told.success());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let code = address.trim().split_once("#code=").unwrap().1;
    assert!(!stderr.contains(code));
}

#[test]
fn the_browser_door_is_not_opened_to_others_by_mistake() {
    let home = Home::new();
    for typed in [
        "serve --demo --listen 0.0.0.0",
        "serve --demo --listen 0.0.0.0 --wall",
        "serve --demo --listen 0.0.0.0 --wall --plain",
        "serve token revoke 1",
        "serve token list",
    ] {
        insta::assert_snapshot!(typed.replace(' ', "_"), home.run(typed).all());
    }
}

#[test]
fn the_manual_and_the_completions_know_every_command() {
    let home = Home::new();
    let (manual, bash) = (home.run("man").stdout, home.run("completions bash").stdout);
    for verb in ["fleet", "nodes", "gpus", "pods", "connections", "connect", "serve", "doctor"] {
        assert!(manual.contains(&format!(".SS pilothouse {verb}")), "{verb}");
        assert!(bash.contains(verb), "{verb}");
    }
    assert!(manual.contains("EXIT STATUS") && manual.contains("connect add kubernetes"));
}

#[test]
fn the_doctor_says_what_is_missing_and_how_to_get_it() {
    let ran = Home::new().run("doctor");
    assert_eq!(ran.code, 0, "{}", ran.all());
    for what in ["Display", "WebKit", "Browser", "Keyring", "Interface", "Settings", "Journal"] {
        assert!(ran.stdout.contains(what), "{what}\n{}", ran.all());
    }
    assert!(ran.stdout.contains("without it use pilothouse serve"));
}

#[test]
fn the_doctor_opens_the_settings_and_the_journal() {
    let home = Home::new();
    let folder = home.path().join("pilothouse");
    let (settings, journal) = (folder.join("settings.toml"), folder.join("data/journal.db"));
    for file in [&settings, &journal] {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    }
    std::fs::write(&settings, "[[connection]\n").unwrap();
    std::fs::write(&journal, "no database, but long enough to be taken for the head of one").unwrap();
    let ran = home.run("doctor");
    assert_eq!(ran.code, 3, "{}", ran.all());
    let broken: Vec<&str> = ran.stdout.lines().filter(|line| line.starts_with("broken")).collect();
    assert_eq!(broken.len(), 2, "{}", ran.all());
    assert!(broken[0].contains("settings.toml") && broken[1].contains("journal.db"), "{}", ran.all());
}
