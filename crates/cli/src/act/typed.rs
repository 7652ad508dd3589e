//! What is to be done, as the line that a person types or pastes for it.

use pilothouse_wire::{
    plan::{Deed, Intent},
    shell,
    units::visible,
};

/// An intent as it is typed: a line of which a POSIX shell makes what was meant, whatever a server calls its things. What
/// cannot be shown is shown as another sign, and the line then says that it is not to be pasted.
pub(super) fn typed(intent: &Intent) -> String {
    let line = line(intent);
    let shown = visible(&line);
    if shown == line { line } else { format!("{shown} (not to be pasted: a sign in it cannot be shown)") }
}

fn line(intent: &Intent) -> String {
    words(intent).iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    // For a sign of equality within a word alone there need be no quotes.
    let bare = word.replace('=', "-");
    let needs_none = !word.starts_with('=') && shell::join([bare.as_str()]) == bare;
    if needs_none { word.to_owned() } else { shell::join([word]) }
}

/// The words behind `pilothouse act`.
fn words(intent: &Intent) -> Vec<String> {
    let object = &intent.object;
    let (kind, name) = (object.kind_word().to_lowercase(), object.name());
    let of_kind = || vec![kind.as_str(), name.as_str()];
    let of_version =
        |version: &Option<u64>| version.map(|version| ("--version", version.to_string())).into_iter().collect();
    let to = |to: &dyn std::fmt::Display| vec![("--to", to.to_string())];
    let (named, options): (Vec<&str>, Vec<(&str, String)>) = match &intent.deed {
        Deed::Scale(pods) => (of_kind(), to(pods)),
        Deed::Canary(share) | Deed::MemberWeight(share) => (of_kind(), to(share)),
        Deed::Undo(Some(revision)) => (of_kind(), to(revision)),
        Deed::SetImage { container, image } => {
            (of_kind(), vec![("--container", container.to_string()), ("--image", image.to_string())])
        }
        Deed::SetModel(uri) => (of_kind(), vec![("--uri", uri.to_string())]),
        Deed::SetWeights { rule, weights } => {
            let weights = weights.iter().map(|(backend, weight)| ("--to", format!("{backend}={weight}")));
            (of_kind(), weights.chain(rule.map(|rule| ("--rule", (u64::from(rule) + 1).to_string()))).collect())
        }
        Deed::Cordon | Deed::Uncordon | Deed::Drain | Deed::Delete | Deed::Unsilence => (vec![&name], Vec::new()),
        Deed::Silence(long) => (vec![&name], vec![("--for", format!("{}s", long.as_secs()))]),
        Deed::SetAlias { alias, version } => (vec![&name, alias], of_version(&Some(*version))),
        Deed::RemoveAlias(alias) => (vec![&name, alias], Vec::new()),
        Deed::SetTag { version, key, value } => {
            let value = ("--value", value.to_string());
            (vec![&name, key], [vec![value], of_version(version)].concat())
        }
        Deed::RemoveTag { version, key } => (vec![&name, key], of_version(version)),
        _ => (of_kind(), Vec::new()),
    };
    let full = intent.deed == Deed::PromoteFully;
    let verb = if full { "promote".to_owned() } else { intent.deed.word().replace(' ', "-") };
    let place = object.namespace().map(|namespace| ("-n", namespace.to_string()));
    let context = ("--context", object.connection().to_string());
    let options = place.into_iter().chain(options).chain([context]).flat_map(|(flag, value)| {
        // One that begins as a flag does would be read as a flag.
        if value.starts_with('-') { vec![format!("{flag}={value}")] } else { vec![flag.to_owned(), value] }
    });
    let options = options.chain(full.then(|| "--full".to_owned()));
    let named = named.into_iter().map(str::to_owned);
    if named.clone().any(|name| name.starts_with('-')) {
        [verb].into_iter().chain(options).chain(["--".to_owned()]).chain(named).collect()
    } else {
        [verb].into_iter().chain(named).chain(options).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        act_args::{Meant, Named},
        args::{Arguments, Verb},
    };
    use clap::Parser;
    use pilothouse_wire::{ConnectionId, ModelId, ObjectRef, SmolStr};

    /// What the program reads of the line that takes something back, as a shell hands it over.
    fn read_again(intent: &Intent) -> Meant {
        let line = format!("pilothouse act {}", line(intent));
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
        let weights = Deed::SetWeights { rule: Some(0), weights: vec![("a".into(), 90), ("b".into(), 10)] };
        for (deed, want) in [
            (Deed::Scale(6), "scale deployment chat -n serving --to 6 --context iad"),
            (Deed::PromoteFully, "promote deployment chat -n serving --context iad --full"),
            (
                image,
                "set-image deployment chat -n serving --container engine --image ghcr.io/team/chat:v1 --context iad",
            ),
            (weights, "weight deployment chat -n serving --to a=90 --to b=10 --rule 1 --context iad"),
            (Deed::Delete, "delete chat -n serving --context iad"),
        ] {
            assert_eq!(typed(&chat(deed)), want);
        }
    }

    #[test]
    fn what_a_server_calls_its_things_does_nothing_in_a_shell() {
        let bad = "$(touch /tmp/x) `id` ; rm 'a' \"b\" \\ $HOME";
        let tag = Deed::SetTag { version: Some(3), key: bad.into(), value: bad.into() };
        assert_eq!(
            typed(&model("chat", Deed::RemoveAlias("$(id)".into()))),
            "remove-alias chat '$(id)' --context mlflow"
        );
        let uri = Deed::SetModel("s3://models/$(id)".into());
        assert_eq!(typed(&chat(uri)), "set-model deployment chat -n serving --uri 's3://models/$(id)' --context iad");
        let Meant { named: Named::Model(name), deed, .. } = read_again(&model(bad, tag.clone())) else { panic!() };
        assert_eq!((name.as_str(), deed), (bad, tag));
        // What cannot be shown would be another value once it is pasted.
        let shown = typed(&model("chat", Deed::RemoveAlias("a\nb".into())));
        assert!(shown.ends_with("(not to be pasted: a sign in it cannot be shown)"), "{shown}");
    }

    #[test]
    fn any_text_comes_back_as_it_was() {
        for text in [
            "$(id)",
            "`id`",
            "-v",
            "--",
            "--value=x",
            "a b",
            "it's",
            "\"",
            "\\",
            "$HOME",
            "~",
            "a;b",
            "#",
            "*",
            "=",
            "-=",
        ] {
            let text: SmolStr = text.into();
            let tag = Deed::SetTag { version: None, key: text.clone(), value: text.clone() };
            for deed in [tag, Deed::SetAlias { alias: text.clone(), version: 7 }] {
                let Meant { named: Named::Model(name), deed: read, .. } = read_again(&model(&text, deed.clone()))
                else {
                    panic!("{text}")
                };
                assert_eq!((name, read), (text.to_string(), deed));
            }
            let image = Deed::SetImage { container: text.clone(), image: text.clone() };
            for deed in [image, Deed::SetModel(text.clone())] {
                let iad = ConnectionId::slug("iad");
                let object = ObjectRef::Workload(iad, text.clone(), "Deployment".into(), text.clone());
                let intent = Intent { object, deed: deed.clone() };
                let Meant { named: Named::Object(of), deed: read, .. } = read_again(&intent) else { panic!("{text}") };
                assert_eq!((of.name, of.namespace, read), (text.to_string(), Some(text.to_string()), deed));
            }
        }
    }
}
