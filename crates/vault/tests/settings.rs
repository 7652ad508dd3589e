//! The settings file: it keeps what people wrote, loses no change, and says what is wrong with it.
#![allow(clippy::unwrap_used, reason = "what is not there fails the test")]

use pilothouse_vault::{ConnectionSettings, Paths, Settings};
use pilothouse_wire::{
    Code, ConnectionId,
    notice::{NoticeKind, QuietHours, Wishes},
    view::connections::PluginNotice,
};
use std::{collections::BTreeMap, env, fs, process::Command, thread};
use tempfile::TempDir;

fn home() -> (TempDir, Paths) {
    let home = tempfile::tempdir().unwrap();
    let paths = Paths::under(home.path());
    (home, paths)
}

fn connection(name: &str) -> ConnectionSettings {
    let values = BTreeMap::from([("context".to_owned(), "prod \"eu\"".to_owned())]);
    ConnectionSettings::new(ConnectionId::slug(name), "kubernetes", name, values)
}

fn full(name: &str) -> ConnectionSettings {
    let plugin = PluginNotice {
        command: "/usr/bin/aws".into(),
        arguments: vec!["eks".into(), "get-token".into(), "--token=…".into()],
        digest: Some("77d0".into()),
        fingerprint: Some("e01b".into()),
    };
    let bare = PluginNotice { command: "kubelogin".into(), arguments: Vec::new(), digest: None, fingerprint: None };
    ConnectionSettings {
        secrets: vec!["token".into(), "client key".into()],
        paused: true,
        trusted_plugins: vec![plugin, bare],
        ..connection(name)
    }
}

#[test]
fn settings_read_back_from_their_file() {
    let (_home, paths) = home();
    assert_eq!(Settings::load(&paths), Ok(Settings::default()));
    assert!(!paths.settings().exists());
    let written = Settings::edit(&paths, |settings| {
        settings.connections = vec![full("iad-prod"), connection("ord-prod")];
    })
    .unwrap();
    assert_eq!(Settings::load(&paths).as_ref(), Ok(&written));
    assert_eq!(written.connection(&ConnectionId::slug("ord-prod")), Some(&connection("ord-prod")));
    insta::assert_snapshot!(fs::read_to_string(paths.settings()).unwrap(), @r#"
    # Settings of Pilothouse. Secrets are not here: they are in the keyring, or in secrets.age.
    version = 1

    [[connections]]
    id = "iad-prod"
    kind = "kubernetes"
    name = "iad-prod"
    paused = true
    secrets = ["token", "client key"]

    [connections.values]
    context = 'prod "eu"'

    [[connections.trusted_plugins]]
    command = "/usr/bin/aws"
    arguments = ["eks", "get-token", "--token=…"]
    digest = "77d0"
    fingerprint = "e01b"

    [[connections.trusted_plugins]]
    command = "kubelogin"

    [[connections]]
    id = "ord-prod"
    kind = "kubernetes"
    name = "ord-prod"

    [connections.values]
    context = 'prod "eu"'
    "#);
    Settings::edit(&paths, |settings| settings.connections.clear()).unwrap();
    assert_eq!(Settings::load(&paths), Ok(Settings::default()));
}

#[test]
fn comments_order_and_unknown_fields_stay() {
    let (_home, paths) = home();
    fs::write(
        paths.settings(),
        r#"# my clusters
version = 1
theme = "dark"   # not known to this build

# the big one
[[connections]]
id = "iad-prod"
kind = "kubernetes"
name = "iad-prod"
owner = "on-call"  # unknown too
[connections.values]
context = "iad" # as in my kubeconfig
new_field = "kept"

[[connections]]
id = "gone"
kind = "demo"

[window]
width = 1440
"#,
    )
    .unwrap();
    Settings::edit(&paths, |settings| {
        settings.connections.retain(|connection| connection.id.as_str() != "gone");
        let first = settings.connection_mut(&ConnectionId::slug("iad-prod")).unwrap();
        first.paused = true;
        first.values.insert("namespace".into(), "serving".into());
        first.secrets.push("token".into());
        settings.connections.push(connection("new"));
    })
    .unwrap();
    insta::assert_snapshot!(fs::read_to_string(paths.settings()).unwrap(), @r#"
    # my clusters
    version = 1
    theme = "dark"   # not known to this build

    # the big one
    [[connections]]
    id = "iad-prod"
    kind = "kubernetes"
    name = "iad-prod"
    owner = "on-call"  # unknown too
    paused = true
    secrets = ["token"]
    [connections.values]
    context = "iad" # as in my kubeconfig
    new_field = "kept"
    namespace = "serving"

    [[connections]]
    id = "new"
    kind = "kubernetes"
    name = "new"

    [connections.values]
    context = 'prod "eu"'

    [window]
    width = 1440
    "#);
    assert_eq!(Settings::load(&paths).unwrap().connections.len(), 2);
}

#[test]
fn inline_tables_are_read_and_written_too() {
    let (_home, paths) = home();
    let text = r#"connections = [{ id = "a", kind = "demo", values = { seed = "1" } }, { id = "b", kind = "demo" }]"#;
    fs::write(paths.settings(), text).unwrap();
    let edited = Settings::edit(&paths, |settings| {
        settings.connections[0].values.insert("seed".into(), "2".into());
        settings.connections[1].paused = true;
    })
    .unwrap();
    assert_eq!(Settings::load(&paths), Ok(edited));
}

#[test]
fn an_edit_that_changes_nothing_writes_nothing() {
    let (_home, paths) = home();
    fs::write(paths.settings(), "connections=[  ]#odd").unwrap();
    Settings::edit(&paths, |_| ()).unwrap();
    assert_eq!(fs::read_to_string(paths.settings()).unwrap(), "connections=[  ]#odd");
}

/// Writes a file that cannot be used and returns what is said of it, by reading and by writing.
#[track_caller]
fn told(text: &[u8]) -> String {
    let (home, paths) = home();
    fs::write(paths.settings(), text).unwrap();
    let problem = Settings::load(&paths).unwrap_err();
    assert_eq!(problem.code, Code::BadInput);
    let edited = Settings::edit(&paths, |settings| settings.connections.clear());
    assert_eq!(edited.as_ref(), Err(&problem));
    assert_eq!(fs::read(paths.settings()).unwrap(), text, "a file that cannot be read is left as it is");
    let told = [Some(problem.what), problem.why, problem.next].into_iter().flatten();
    told.collect::<Vec<_>>().join("\n").replace(home.path().to_str().unwrap(), "~")
}

#[test]
fn what_cannot_be_used_is_named_with_its_line_and_field() {
    let files: &[&[u8]] = &[
        b"connections = [",
        b"version = 1\n\nname == 3\n",
        b"\xff\xfe",
        b"version = \"1\"",
        b"version = 2",
        b"connections = 3",
        b"connections = [3]",
        b"[connections.iad-prod]\nkind = \"demo\"",
        b"[[connections]]\nkind = \"demo\"",
        b"[[connections]]\nid = \"a\"\nkind = \"\"",
        b"[[connections]]\nid = \"A b\"\nkind = \"demo\"",
        b"[[connections]]\nid = \"a\"\nkind = \"demo\"\n\n[[connections]]\nid = \"a\"\nkind = \"demo\"",
        b"[[connections]]\nid = \"a\"\nkind = \"demo\"\npaused = \"yes\"",
        b"[[connections]]\nid = \"a\"\nkind = \"demo\"\nsecrets = [\"token\", 3]",
        b"[[connections]]\nid = \"a\"\nkind = \"demo\"\n[connections.values]\nseed = 7",
        b"[[connections]]\nid = \"a\"\nkind = \"demo\"\nvalues = \"x\"",
        b"[[connections]]\nid = \"a\"\nkind = \"demo\"\n[connections.trusted_plugins]\ncommand = \"aws\"",
        b"[[connections]]\nid = \"a\"\nkind = \"demo\"\n[[connections.trusted_plugins]]\ncommand = \"aws\"\narguments = \"x\"",
    ];
    let told: Vec<String> =
        files.iter().map(|file| format!("> {}\n{}\n", String::from_utf8_lossy(file), told(file))).collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    > connections = [
    ~/settings.toml line 1 is not TOML.
    The reader says: unclosed array, expected `]`.
    Correct the line, or move the file away to start without it. It is left as it is.

    > version = 1

    name == 3

    ~/settings.toml line 3 is not TOML.
    The reader says: extra `=`, expected nothing.
    Correct the line, or move the file away to start without it. It is left as it is.

    > ��
    ~/settings.toml cannot be read.
    The system says: stream did not contain valid UTF-8.
    Make it readable, or move it away. It is left as it is.

    > version = "1"
    ~/settings.toml line 1: the field version cannot be used.
    It is to be the number 1.
    Correct it. The file is left as it is.

    > version = 2
    ~/settings.toml is of version 2.
    A newer Pilothouse wrote it; this one reads version 1.
    Use the newer Pilothouse, or move the file away. It is left as it is.

    > connections = 3
    ~/settings.toml line 1: the field connections cannot be used.
    It is to be a list: write [[connections]] above each.
    Correct it. The file is left as it is.

    > connections = [3]
    ~/settings.toml line 1: the field connections cannot be used.
    It is to be a table.
    Correct it. The file is left as it is.

    > [connections.iad-prod]
    kind = "demo"
    ~/settings.toml line 1: the field connections cannot be used.
    It is to be a list: write [[connections]] above each.
    Correct it. The file is left as it is.

    > [[connections]]
    kind = "demo"
    ~/settings.toml line 1: the field connections[0].id cannot be used.
    It is missing, or empty.
    Correct it. The file is left as it is.

    > [[connections]]
    id = "a"
    kind = ""
    ~/settings.toml line 1: the field connections[0].kind cannot be used.
    It is missing, or empty.
    Correct it. The file is left as it is.

    > [[connections]]
    id = "A b"
    kind = "demo"
    ~/settings.toml line 2: the field connections[0].id cannot be used.
    An id is made of a-z, 0-9, dots and dashes: a-b, say.
    Correct it. The file is left as it is.

    > [[connections]]
    id = "a"
    kind = "demo"

    [[connections]]
    id = "a"
    kind = "demo"
    ~/settings.toml line 6: the field connections[1].id cannot be used.
    Another connection above has the id a too.
    Correct it. The file is left as it is.

    > [[connections]]
    id = "a"
    kind = "demo"
    paused = "yes"
    ~/settings.toml line 4: the field connections[0].paused cannot be used.
    It is to be true or false.
    Correct it. The file is left as it is.

    > [[connections]]
    id = "a"
    kind = "demo"
    secrets = ["token", 3]
    ~/settings.toml line 4: the field connections[0].secrets cannot be used.
    It is to be a text in quotes.
    Correct it. The file is left as it is.

    > [[connections]]
    id = "a"
    kind = "demo"
    [connections.values]
    seed = 7
    ~/settings.toml line 5: the field connections[0].values.seed cannot be used.
    It is to be a text in quotes.
    Correct it. The file is left as it is.

    > [[connections]]
    id = "a"
    kind = "demo"
    values = "x"
    ~/settings.toml line 4: the field connections[0].values cannot be used.
    It is to be a table of texts.
    Correct it. The file is left as it is.

    > [[connections]]
    id = "a"
    kind = "demo"
    [connections.trusted_plugins]
    command = "aws"
    ~/settings.toml line 4: the field connections[0].trusted_plugins cannot be used.
    It is to be a list: write [[connections.trusted_plugins]] above each.
    Correct it. The file is left as it is.

    > [[connections]]
    id = "a"
    kind = "demo"
    [[connections.trusted_plugins]]
    command = "aws"
    arguments = "x"
    ~/settings.toml line 6: the field connections[0].trusted_plugins[0].arguments cannot be used.
    It is to be a list of texts.
    Correct it. The file is left as it is.
    "#);
}

#[test]
fn a_folder_in_its_place_is_a_problem_and_no_panic() {
    let (_home, paths) = home();
    fs::create_dir(paths.settings()).unwrap();
    assert_eq!(Settings::load(&paths).map_err(|problem| problem.code), Err(Code::BadInput));
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let (_home, paths) = home();
    fs::write(paths.settings(), "").unwrap();
    fs::set_permissions(paths.settings(), fs::Permissions::from_mode(0o644)).unwrap();
    Settings::edit(&paths, |settings| settings.connections.push(connection("a"))).unwrap();
    assert_eq!(fs::metadata(paths.settings()).unwrap().permissions().mode() & 0o777, 0o600);
}

/// Names the folder to a second process that this test starts.
const INSIDE: &str = "PILOTHOUSE_TEST_HOME";

#[test]
fn edits_at_the_same_time_lose_nothing() {
    const EACH: usize = 10;
    let add = |paths: &Paths, who: &str| {
        for n in 0..EACH {
            Settings::edit(paths, |settings| settings.connections.push(connection(&format!("{who}-{n}")))).unwrap();
        }
    };
    if let Some(home) = env::var_os(INSIDE) {
        return add(&Paths::under(home.as_ref()), &format!("process-{}", std::process::id()));
    }
    let (home, paths) = home();
    let mut processes: Vec<_> = (0..2)
        .map(|_| {
            let mut process = Command::new(env::current_exe().unwrap());
            process.args(["--exact", "edits_at_the_same_time_lose_nothing"]).env(INSIDE, home.path()).spawn().unwrap()
        })
        .collect();
    thread::scope(|scope| {
        for at in 0..4 {
            let paths = &paths;
            scope.spawn(move || add(paths, &format!("thread-{at}")));
        }
    });
    for process in &mut processes {
        assert!(process.wait().unwrap().success());
    }
    assert_eq!(Settings::load(&paths).unwrap().connections.len(), 6 * EACH);
    let beside: Vec<_> = fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(beside.len(), 2, "the file and its lock, but no half-written file: {beside:?}");
}

#[test]
fn connections_are_written_in_the_order_that_they_are_given() {
    let (_home, paths) = home();
    fs::write(paths.settings(), "[window]\nwidth = 1\n").unwrap();
    let orders = [vec!["a", "b", "c"], vec!["c", "a", "b"], vec!["new", "b", "c", "a"], vec!["c", "later", "new"]];
    for order in orders {
        let want: Vec<ConnectionSettings> = order.iter().map(|name| full(name)).collect();
        Settings::edit(&paths, |settings| settings.connections.clone_from(&want)).unwrap();
        assert_eq!(Settings::load(&paths).map(|settings| settings.connections), Ok(want));
    }
    let reversed = |settings: &mut Settings| settings.connections[0].trusted_plugins.reverse();
    let want = Settings::edit(&paths, reversed).unwrap();
    assert_eq!(Settings::load(&paths), Ok(want));
}

#[test]
fn what_is_new_takes_nothing_from_the_connection_before_it() {
    let (_home, paths) = home();
    let text = "[[connections]]\nid = \"a\"\nkind = \"demo\"\n[[connections.trusted_plugins]]\ncommand = \"c\"\n\
                [connections.values]\nx = \"1\"\n[[connections.unknown]]\ny = 2\n[window]\nwidth = 1\n";
    fs::write(paths.settings(), text).unwrap();
    let want = Settings::edit(&paths, |settings| settings.connections.push(connection("new"))).unwrap();
    assert_eq!(Settings::load(&paths), Ok(want));
}

fn quiet(from: &str, to: &str) -> Option<QuietHours> {
    QuietHours::new(from.parse().unwrap(), to.parse().unwrap())
}

#[test]
fn what_a_person_asked_to_hear_of_reads_back_and_is_written_where_it_differs_from_the_defaults() {
    let (_home, paths) = home();
    Settings::edit(&paths, |settings| settings.connections = vec![connection("iad-prod")]).unwrap();
    assert!(!fs::read_to_string(paths.settings()).unwrap().contains("notices"));
    let wishes =
        Wishes { kinds: [NoticeKind::Gpu, NoticeKind::Alert].into(), warnings: true, quiet: quiet("22:00", "07:00") };
    for (wishes, want) in [
        (wishes.clone(), "of = [\"gpu\", \"alert\"]\nwarnings = true\nquiet = { from = \"22:00\", to = \"07:00\" }\n"),
        (Wishes { kinds: [].into(), quiet: None, ..wishes }, "of = []\nwarnings = true\n"),
        (Wishes::default(), "of = [\"gpu\", \"finding\", \"connection\", \"alert\"]\nwarnings = false\n"),
    ] {
        let written = Settings::edit(&paths, |settings| settings.notices = wishes.clone()).unwrap();
        assert_eq!((&written.notices, Settings::load(&paths).as_ref()), (&wishes, Ok(&written)));
        let text = fs::read_to_string(paths.settings()).unwrap();
        assert_eq!(text.split_once("[notices]\n").map(|(_, rest)| rest), Some(want), "{text}");
    }
}

#[test]
fn what_stands_among_the_notices_stays() {
    let (_home, paths) = home();
    let text = "notices.of = ['alert', 'gpu'] # the on-call's\nnotices.sound = 'bell'\n\n[notices.quiet] # asleep\nto = '7:00'\nfrom = '22:00'\nfor = 'me'\n";
    fs::write(paths.settings(), text).unwrap();
    let read = Settings::load(&paths).unwrap();
    assert_eq!(read.notices.quiet, quiet("22:00", "07:00"));
    Settings::edit(&paths, |settings| settings.notices.quiet = quiet("23:00", "07:00")).unwrap();
    let new = fs::read_to_string(paths.settings()).unwrap();
    assert_eq!(new.replace("version = 1\n", ""), text.replace("'22:00'", "\"23:00\""));
}

#[test]
fn a_wish_that_cannot_be_read_is_named() {
    for (text, field, why) in [
        ("notices = 3", "notices", "[notices]"),
        ("[notices]\nof = ['gpus']", "notices.of", "There is no \"gpus\""),
        ("[notices]\nwarnings = 'yes'", "notices.warnings", "true or false"),
        ("[notices]\nquiet = true", "notices.quiet", "from and to"),
        ("[notices]\nquiet = { from = '22:00' }", "notices.quiet.to", "time of day"),
        ("[notices]\nquiet = { from = '25:00', to = '07:00' }", "notices.quiet.from", "time of day"),
        ("[notices]\nquiet = { from = '07:00', to = '7:00' }", "notices.quiet", "another time"),
    ] {
        let told = told(text.as_bytes());
        assert!(told.contains(field) && told.contains(why), "{text}: {told}");
    }
}
