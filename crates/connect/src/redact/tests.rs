//! What leaves, and what stays.

use super::*;
use proptest::prelude::*;

#[test]
fn an_address_in_a_script_keeps_no_credential_whatever_it_ends_with() {
    for text in [
        "see https://me:s3cret@h/token: x",
        "get https://me:s3cret@h/?a&token='b c'",
        "https://me:s3cret@token/(=`x` y",
    ] {
        let shown = redact_words(text);
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}

#[test]
fn secret_values_leave_and_the_rest_stays() {
    for (arguments, want) in [
        (vec!["serve", "--api-key", "s3cret", "--port", "80"], vec!["serve", "--api-key", "…", "--port", "80"]),
        (vec!["--token=s3cret", "--model=x"], vec!["--token=…", "--model=x"]),
        (vec!["--db=postgres://me:s3cret@db/x"], vec!["--db=postgres://db/x"]),
        (vec!["https://u:s3cret@h/p?token=s3cret&a=1"], vec!["https://h/p?token=…&a=1"]),
        (vec!["--token", "--verbose"], vec!["--token", "--verbose"]),
        (vec!["--token", "-s3cret"], vec!["--token", "…"]),
        (vec!["--key-secret", "-----BEGIN s3cret"], vec!["--key-secret", "…"]),
        (vec!["-H", "Authorization: Bearer s3cret="], vec!["-H", "Authorization: …"]),
        (vec!["--header=X-Api-Key:s3cret"], vec!["--header=X-Api-Key: …"]),
        (vec!["bearer s3cret"], vec!["bearer …"]),
        (vec!["auth-server:8080", "auth://a"], vec!["auth-server:8080", "auth://a"]),
        (vec!["--etcd=https://a,https://u:s3cret@b:1,c"], vec!["--etcd=https://a,https://b:1,c"]),
        (vec!["https://u:s3cret@a,http://u:s3cret@b/c"], vec!["https://a,http://b/c"]),
        (vec!["https://p/x?to=https://u:s3cret@h?token=s3cret&a=1"], vec!["https://p/x?to=https://h?token=…&a=1"]),
        (vec!["https://p/https://u:s3cret@h"], vec!["https://p/https://h"]),
        (vec!["--x=a=b#access_token=s3cret"], vec!["--x=a=b#access_token=…"]),
        (vec!["https://h/p#access_token=s3cret&a=1"], vec!["https://h/p#access_token=…&a=1"]),
        (vec!["https://h/p?a=1#access_token=s3cret"], vec!["https://h/p?a=1#access_token=…"]),
        (vec!["https://h?token=https://s3cret&a=1"], vec!["https://h?token=…&a=1"]),
    ] {
        assert_eq!(redact_arguments(&arguments), want);
    }
}

#[test]
fn addresses_in_addresses_come_to_an_end() {
    let deep = "a://b/".repeat(100_000) + "me:s3cret@h";
    assert!(!redact_url(&deep).contains("s3cret"));
    let wide = "a://".repeat(100_000) + "me:s3cret@h";
    assert!(!redact_url(&wide).contains("s3cret"));
}

proptest! {
    #[test]
    fn a_secret_flag_never_keeps_its_value(flag in "--[a-z]{0,4}(token|password|api-key)", secret in "[A-Z]{12}") {
        let joined = format!("{flag}={secret}");
        let redacted = redact_arguments(&[flag.as_str(), secret.as_str(), joined.as_str()]).join(" ");
        prop_assert!(!redacted.contains(&secret));
    }
}

#[test]
fn a_script_keeps_what_stands_beside_its_secrets() {
    for (script, want) in [
        ("echo token=s3cret; touch /srv/x", "echo token=…; touch /srv/x"),
        ("token=s3cret&touch /srv/x", "token=…&touch /srv/x"),
        ("A=b TOKEN='s3cret s3cret' run", "A=b TOKEN='…' run"),
        ("TOKEN=\"s3cret\"; run | tee y", "TOKEN=\"…\"; run | tee y"),
        ("run --token s3cret --verbose", "run --token … --verbose"),
        ("run --token; touch x", "run --token; touch x"),
        ("curl -H 'Authorization: Bearer s3cret' https://h", "curl -H 'Authorization: …' https://h"),
        ("curl -H Authorization: Bearer s3cret", "curl -H Authorization: Bearer …"),
        ("curl https://me:s3cret;s3cret@h/x?token=s3cret&a=1 -o y", "curl https://h/x?token=…&a=1 -o y"),
        ("echo '{\"token\": \"s3cret\", \"a\": 1}'", "echo '{\"token\": \"…\", \"a\": 1}'"),
        ("echo {\"token\":\"s3cret\"}", "echo {\"token\":\"…\"}"),
        ("password: s3cret\nnext", "password: …\nnext"),
        ("token = s3cret done", "token = … done"),
        (
            "PGPASS=s3cret LDAP_PW=s3cret PWD=/x run --pass s3cret -pw s3cret",
            "PGPASS=… LDAP_PW=… PWD=/x run --pass … -pw …",
        ),
        ("x=$(cat y) token=$(touch z)", "x=$(cat y) token=…(touch z)"),
        ("echo ghp_s3cret, done", "echo …, done"),
    ] {
        assert_eq!(redact_arguments(&["-c", script]), ["-c", want]);
        assert_eq!(redact_arguments(&["-c", want]), ["-c", want]);
    }
    // A value of several words is all of one argument.
    assert_eq!(redact_arguments(&["--password=s3 cret; s3cret"]), ["--password=…"]);
    assert_eq!(redact_arguments(&["--password", "s3 cret; s3cret"]), ["--password", "…"]);
}

#[test]
fn a_sign_in_shows_no_password() {
    for (arguments, want) in [
        (vec!["-p", "s3cret", "x"], vec!["-p", "…", "x"]),
        (vec!["-P", "s3cret"], vec!["-P", "…"]),
        (vec!["-ps3cret", "-port", "-p=s3cret"], vec!["-p…", "-port", "-p=…"]),
        (vec!["-u", "me:s3cret"], vec!["-u", "me:…"]),
        (vec!["-u", "me", "--user=me:s3cret"], vec!["-u", "me", "--user=me:…"]),
        (vec!["-U", "me%s3cret"], vec!["-U", "me%…"]),
        (vec!["get", "ghp_s3cret", "sk-live-s3cret"], vec!["get", "…", "…"]),
        (vec!["--x=glpat-s3cret", "github_pat_s3cret"], vec!["--x=…", "…"]),
        (vec!["xoxb-s3cret", "AKIAS3CRETS3CRET", "eyJhbGciOiJub25lIn0"], vec!["…", "…", "…"]),
        (vec!["4f9d2c1ab38e7765ffeab0011223344556677889"], vec!["…"]),
        (
            vec!["eks", "get-token", "--cluster-name", "iad-prod", "--region", "eu-west-1", "--output", "json"],
            vec!["eks", "get-token", "--cluster-name", "iad-prod", "--region", "eu-west-1", "--output", "json"],
        ),
        (
            vec!["--server-id", "6dae42f8-4368-4678-94ff-3960e28e3630"],
            vec!["--server-id", "6dae42f8-4368-4678-94ff-3960e28e3630"],
        ),
        (vec!["-c", "run -p s3cret -u me:s3cret; ls"], vec!["-c", "run -p … -u me:…; ls"]),
    ] {
        assert_eq!(redact_sign_in(&arguments), want);
        assert_eq!(redact_sign_in(&want), want);
    }
    // Of a container they are ports and numbers of users.
    let plain = ["-p", "8080", "-u", "1000:1000", "-p8080"];
    assert_eq!(redact_arguments(&plain), plain);
}

#[test]
fn values_of_variables_are_shown_of_a_few() {
    for (name, value, want) in [
        ("AWS_PROFILE", "prod", "AWS_PROFILE=prod"),
        ("AWS_PROFILE", "ghp_s3cret", "AWS_PROFILE=…"),
        ("LD_PRELOAD", "/srv/x.so", "LD_PRELOAD=/srv/x.so"),
        ("CLIENT_ID", "s3cret", "CLIENT_ID=…"),
        ("PGPASS", "s3cret", "PGPASS=…"),
        ("aws_profile", "s3cret", "aws_profile=…"),
        ("CREDS", "", "CREDS=…"),
    ] {
        assert_eq!(redact_variable(name, value), want);
    }
}

#[test]
fn what_looks_like_a_secret_is_told_from_what_does_not() {
    for plain in ["sk-learn-model", "sk-learn-server-12345678", "task-live-x", "eyJ", "xoxo", "hf_model"] {
        assert!(!looks_secret(plain), "{plain}");
    }
    for secret in ["sk-4fG81abcdE", "--key:ghp_abcd", "\"glpat-abcd\"", "ASIAIOSFODNN7EXAMPLE"] {
        assert!(looks_secret(secret), "{secret}");
    }
}

proptest! {
    #[test]
    fn a_secret_leaves_a_script_wherever_it_stands(before in "[a-z ;&|(]{0,8}", after in "[a-z ;&|)=:\"']{0,8}", secret in "[A-Z]{12}") {
        for script in [
            format!("{before} token={secret}{after}"),
            format!("{before} --api-key {secret}{after}"),
            format!("{before} password: {secret}{after}"),
            format!("{before} curl -u me:{secret}{after}"),
            format!("{before} PASSWORD='{secret} {secret}'{after}"),
            format!("{before} https://me:{secret}@h/{after}"),
            format!("{before} ghp_{secret}{after}"),
        ] {
            let shown = redact_words(&script);
            prop_assert!(!shown.contains(&secret), "{script} is shown as {shown}");
            let shown = redact_sign_in(&["-c", &script]).join(" ");
            prop_assert!(!shown.contains(&secret), "{script} is shown as {shown}");
        }
    }
}
