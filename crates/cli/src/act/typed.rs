//! The line by which something is taken back, read again by the program as a shell hands it over.

use crate::{
    act_args::{Meant, Named},
    args::{Arguments, Verb},
};
use clap::Parser;
use pilothouse_wire::{
    AlertId, ConnectionId, ModelId, ObjectRef, SmolStr,
    plan::{Deed, Intent},
    shell,
};
use std::time::Duration;

fn command(intent: &Intent) -> String {
    intent.command()
}

/// What the program reads of the line that takes something back, as a shell hands it over.
fn read_again(intent: &Intent) -> Meant {
    let line = format!("pilothouse act {}", intent.command());
    let Verb::Act(act) = Arguments::try_parse_from(shell::split(&line).unwrap()).expect(&line).verb else {
        panic!("{line} is another command")
    };
    act.verb.meant()
}

fn chat(deed: Deed) -> Intent {
    Intent { object: "workload:iad/serving/Deployment/chat".parse().unwrap(), deed }
}

fn model(name: &str, deed: Deed) -> Intent {
    Intent {
        object: ObjectRef::Model(Box::new(ModelId { source: ConnectionId::slug("mlflow"), name: name.into() })),
        deed,
    }
}

#[test]
fn what_takes_something_back_stays_as_it_is_typed_where_nothing_needs_quotes() {
    let image = Deed::SetImage { container: "engine".into(), image: "ghcr.io/team/chat:v1".into() };
    let weights = Deed::SetWeights { rule: Some(0), mark: None, weights: vec![("a".into(), 90), ("b".into(), 10)] };
    for (deed, want) in [
        (Deed::Scale(6), "scale deployment chat -n serving --to 6 --context iad"),
        (Deed::PromoteFully, "promote deployment chat -n serving --context iad --full"),
        (image, "set-image deployment chat -n serving --container engine --image ghcr.io/team/chat:v1 --context iad"),
        (weights, "weight deployment chat -n serving --to a=90 --to b=10 --rule 1 --context iad"),
        (Deed::Delete, "delete chat -n serving --context iad"),
        (Deed::EndWorkers, "end-workers chat -n serving --context iad"),
    ] {
        assert_eq!(command(&chat(deed)), want);
    }
}

#[test]
fn what_a_server_calls_its_things_does_nothing_in_a_shell() {
    let bad = "$(touch x) `id` ; rm 'a' \"b\" \\ $HOME";
    let tag = Deed::SetTag { version: Some(3), key: bad.into(), value: bad.into() };
    assert_eq!(
        command(&model("chat", Deed::RemoveAlias("$(id)".into()))),
        "remove-alias chat '$(id)' --context mlflow"
    );
    let uri = Deed::SetModel("s3://models/$(id)".into());
    assert_eq!(command(&chat(uri)), "set-model deployment chat -n serving --uri 's3://models/$(id)' --context iad");
    let Meant { named: Named::Model(name), deed, .. } = read_again(&model(bad, tag.clone())) else { panic!() };
    assert_eq!((name.as_str(), deed), (bad, tag));
    // What cannot be shown would be another value once it is pasted.
    let shown = command(&model("chat", Deed::RemoveAlias("a\nb".into())));
    assert!(shown.ends_with("(not to be pasted: a sign in it cannot be shown)"), "{shown}");
}

#[test]
fn any_text_comes_back_as_it_was() {
    for text in
        ["$(id)", "`id`", "-v", "--", "--value=x", "a b", "it's", "\"", "\\", "$HOME", "~", "a;b", "#", "*", "=", "-="]
    {
        let text: SmolStr = text.into();
        let tag = Deed::SetTag { version: None, key: text.clone(), value: text.clone() };
        for deed in [tag, Deed::SetAlias { alias: text.clone(), version: 7 }] {
            let Meant { named: Named::Model(name), deed: read, .. } = read_again(&model(&text, deed.clone())) else {
                panic!("{text}")
            };
            assert_eq!((name, read), (text.to_string(), deed));
        }
        let id = AlertId { source: ConnectionId::slug("alerts"), name: text.clone(), fingerprint: "6b".into() };
        let alert = ObjectRef::Alert(Box::new(id));
        let deed = Deed::Silence { long: Duration::from_secs(1_800), comment: Some(text.clone()) };
        let Meant { named: Named::Alert(name), deed: read, .. } =
            read_again(&Intent { object: alert, deed: deed.clone() })
        else {
            panic!("{text}")
        };
        assert_eq!((name, read), (text.to_string(), deed));
        let image = Deed::SetImage { container: text.clone(), image: text.clone() };
        let marked =
            |mark: &str| Deed::SetWeights { rule: Some(1), mark: Some(mark.into()), weights: vec![("a".into(), 9)] };
        for deed in [image, Deed::SetModel(text.clone()), marked("0a1b2c3d4e5f")] {
            let iad = ConnectionId::slug("iad");
            let object = ObjectRef::Workload(iad, text.clone(), "Deployment".into(), text.clone());
            let intent = Intent { object, deed: deed.clone() };
            let Meant { named: Named::Object(of), deed: read, .. } = read_again(&intent) else { panic!("{text}") };
            assert_eq!((of.name, of.namespace, read), (text.to_string(), Some(text.to_string()), deed));
        }
    }
}
