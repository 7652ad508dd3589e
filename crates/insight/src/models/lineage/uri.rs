//! Addresses of models as MLflow writes them, and where they are found in what a container is started with.

use pilothouse_wire::SmolStr;

/// An address of a model as MLflow writes it. Source: `mlflow/store/artifact/utils/models.py`, `runs_artifact_repo.py`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelUri {
    /// `models:/chat@champion`.
    Alias(SmolStr, SmolStr),
    /// `models:/chat/3`.
    Version(SmolStr, u64),
    /// `models:/chat/latest`.
    Latest(SmolStr),
    /// `models:/chat/Production`.
    Stage(SmolStr, SmolStr),
    /// `models:/m-1cca…`: a logged model, since MLflow 3.
    Logged(SmolStr),
    /// `runs:/2040…/model`, or `mlflow-artifacts:/1/2040…/artifacts/model`: what a run left.
    Run(SmolStr),
    /// An address of another store. A version may have been registered from it.
    Store(SmolStr),
}

/// An address of a model, and where it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// What it means.
    pub uri: ModelUri,
    /// As it stands there.
    pub text: SmolStr,
    /// Where: `argument --model-uri`, `variable MODEL_URI`.
    pub place: String,
}

/// Addresses of models in the arguments and variables of a container, each once, in their order.
pub fn named<'a>(
    arguments: impl IntoIterator<Item = &'a str>,
    variables: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Vec<Named> {
    let mut all: Vec<Named> = Vec::new();
    let mut add = |text: &str, place: String| {
        if let Some(uri) = ModelUri::parse(text)
            && all.iter().all(|known| known.text != text)
        {
            all.push(Named { uri, text: text.into(), place });
        }
    };
    let mut flag: Option<&str> = None;
    for argument in arguments {
        let before = flag.take();
        let (name, value) = match argument.split_once('=') {
            Some((name, value)) if name.starts_with('-') => (Some(name), value),
            _ if argument.starts_with('-') && !argument.contains(char::is_whitespace) => {
                flag = Some(argument);
                continue;
            }
            _ => (before, argument),
        };
        let place = name.map_or_else(|| "argument".to_owned(), |name| format!("argument {name}"));
        // An argument may be a script of a shell.
        for word in value.split(|c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '=' | ';' | '`' | '(' | ')')) {
            add(word, place.clone());
        }
    }
    for (name, value) in variables {
        add(value.trim(), format!("variable {name}"));
    }
    all
}

impl ModelUri {
    /// Reads an address; `None` if it is none of a model. One of another store is taken only if it looks like a folder in
    /// one: `s3://…`, `gs://…`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix("models:/") {
            return Self::of_registry(rest.trim_start_matches('/'));
        }
        if let Some(rest) = text.strip_prefix("runs:/") {
            let run = rest.trim_start_matches('/').split('/').next()?;
            return (!run.is_empty()).then(|| Self::Run(run.into()));
        }
        if let Some(rest) = text.strip_prefix("mlflow-artifacts:/") {
            return Self::of_artefacts(rest);
        }
        let stores = ["s3://", "gs://", "wasbs://", "abfss://", "hdfs://", "dbfs:/"];
        let is_store = stores.iter().any(|scheme| text.starts_with(scheme) && text.len() > scheme.len());
        is_store.then(|| Self::Store(text.trim_end_matches('/').into()))
    }

    fn of_registry(rest: &str) -> Option<Self> {
        if let Some((name, alias)) = rest.split_once('@') {
            let whole = !name.is_empty() && !alias.is_empty() && !name.contains('/') && !alias.contains('/');
            return whole.then(|| Self::Alias(name.into(), alias.into()));
        }
        let mut parts = rest.trim_end_matches('/').split('/');
        let (name, which) = (parts.next()?, parts.next());
        if name.is_empty() || parts.next().is_some() {
            return None;
        }
        Some(match which {
            None if name.starts_with("m-") => Self::Logged(name.into()),
            None => return None,
            Some(which) if which.eq_ignore_ascii_case("latest") => Self::Latest(name.into()),
            Some(which) => match which.parse() {
                Ok(number) => Self::Version(name.into(), number),
                Err(_) => Self::Stage(name.into(), which.into()),
            },
        })
    }

    /// `1/RUN/artifacts/…`, `1/models/m-…/artifacts/…`, either with a host before it.
    fn of_artefacts(rest: &str) -> Option<Self> {
        let path = match rest.strip_prefix('/') {
            Some(with_host) => with_host.split_once('/')?.1,
            None => rest,
        };
        let parts: Vec<&str> = path.split('/').collect();
        match parts[..] {
            [_, "models", model, ..] if model.starts_with("m-") => Some(Self::Logged(model.into())),
            [_, run, "artifacts", ..] if !run.is_empty() => Some(Self::Run(run.into())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_where_people_write_them() {
        let of = |arguments: &[&str], variables: &[(&str, &str)]| -> Vec<String> {
            let all = named(arguments.iter().copied(), variables.iter().copied());
            all.into_iter().map(|named| format!("{} in {}", named.text, named.place)).collect()
        };
        assert_eq!(
            of(&["--model-uri", "models:/chat/3", "--port", "80"], &[]),
            ["models:/chat/3 in argument --model-uri"]
        );
        assert_eq!(of(&["--model=models:/chat@champion"], &[]), ["models:/chat@champion in argument --model"]);
        assert_eq!(of(&["serve", "runs:/ab/model"], &[]), ["runs:/ab/model in argument"]);
        assert_eq!(
            of(&["-c", "export M='models:/chat/3'; exec serve --uri=models:/chat@b"], &[]),
            ["models:/chat/3 in argument -c", "models:/chat@b in argument -c"]
        );
        assert_eq!(
            of(&["--a", "models:/chat/3"], &[("MODEL_URI", " models:/chat/3 "), ("OTHER", "runs:/r/m")]),
            ["models:/chat/3 in argument --a", "runs:/r/m in variable OTHER"]
        );
        for nothing in [
            "models:/",
            "models:/chat",
            "models:/@a",
            "models:/a@b/c",
            "models:/a/b/c",
            "runs:/",
            "https://x/models:/a",
            "mlflow-artifacts:/1/2",
            "s3://",
        ] {
            assert_eq!(of(&[nothing], &[]), Vec::<String>::new(), "{nothing}");
        }
    }
}
