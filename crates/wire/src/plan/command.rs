//! What is wanted, as it is typed into a terminal.

use super::{Deed, Intent};

impl Intent {
    /// What is typed behind `pilothouse act`.
    #[must_use]
    pub fn command(&self) -> String {
        let object = &self.object;
        let name = object.name();
        let place = object.namespace().map(|namespace| format!(" -n {namespace}")).unwrap_or_default();
        let of = |verb: &str| format!("{verb} {} {name}{place}", object.kind_word().to_lowercase());
        let end = format!(" --context {}", object.connection());
        let words = match &self.deed {
            Deed::Scale(to) => format!("{} --to {to}", of("scale")),
            Deed::Undo(Some(to)) => format!("{} --to {to}", of("undo")),
            Deed::SetImage { container, image } => {
                format!("{} --container {container} --image {image}", of("set-image"))
            }
            Deed::Cordon | Deed::Uncordon | Deed::Drain | Deed::Delete | Deed::Unsilence => {
                format!("{} {name}{place}", self.deed.word())
            }
            Deed::PromoteFully => format!("{} --full", of("promote")),
            Deed::SetAlias { alias, version } => format!("set-alias {name} {alias} --version {version}"),
            Deed::RemoveAlias(alias) => format!("remove-alias {name} {alias}"),
            Deed::SetTag { version, key, value } => {
                format!("set-tag {name} {key} --value {value:?}{}", of_version(*version))
            }
            Deed::RemoveTag { version, key } => format!("remove-tag {name} {key}{}", of_version(*version)),
            Deed::SetWeights { rule, weights } => {
                let to: String = weights.iter().map(|(name, weight)| format!(" --to {name}={weight}")).collect();
                let rule = rule.map(|rule| format!(" --rule {}", u64::from(rule) + 1)).unwrap_or_default();
                format!("{}{to}{rule}", of("weight"))
            }
            Deed::Silence(long) => format!("silence {name} --for {}s", long.as_secs()),
            Deed::Canary(to) => format!("{} --to {to}", of("canary")),
            Deed::MemberWeight(to) => format!("{} --to {to}", of("member-weight")),
            Deed::SetModel(uri) => format!("{} --uri {uri}", of("set-model")),
            other => of(other.word()),
        };
        words + &end
    }
}

fn of_version(version: Option<u64>) -> String {
    version.map(|version| format!(" --version {version}")).unwrap_or_default()
}
