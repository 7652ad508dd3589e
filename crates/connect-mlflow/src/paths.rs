//! Paths of the API with their queries, and of files that the server hands out.

use reqwest::Url;

/// What stands before the calls of the API. Source: the protocol files of mlflow/mlflow.
const API: &str = "/api/2.0/mlflow/";
/// What stands before files that the server hands out for the store behind it.
const FILES: &str = "/api/2.0/mlflow-artifacts/artifacts/";
/// The scheme of files that the server hands out.
const PROXIED: &str = "mlflow-artifacts:";

/// A path of the API with its query; what is empty is left out.
pub(crate) fn api(call: &str, query: &[(&str, &str)]) -> String {
    let mut text = form_urlencoded::Serializer::new(String::new());
    text.extend_pairs(query.iter().filter(|(_, value)| !value.is_empty()));
    let text = text.finish();
    let join = if text.is_empty() { "" } else { "?" };
    format!("{API}{call}{join}{text}")
}

/// The path of a file in a folder that the server hands out; `None` if the folder is in a store of its own, or no folder.
pub(crate) fn file(folder: &str, name: &str) -> Option<String> {
    within(folder, &[name])
}

/// The path by which the files in a folder of such a folder are listed.
pub(crate) fn listing(folder: &str, inner: &[&str]) -> Option<String> {
    let parts = proxied(folder)?.split('/').filter(|part| !matches!(*part, "" | "." | ".."));
    let path = parts.chain(inner.iter().copied()).collect::<Vec<_>>().join("/");
    let mut text = form_urlencoded::Serializer::new(String::new());
    text.append_pair("path", &path);
    Some(format!("{}?{}", FILES.trim_end_matches('/'), text.finish()))
}

fn proxied(folder: &str) -> Option<&str> {
    let rest = folder.strip_prefix(PROXIED)?;
    match rest.strip_prefix("//") {
        // The host is the server's own, by the name that it has elsewhere.
        Some(with_host) => Some(with_host.split_once('/')?.1),
        None => rest.strip_prefix('/'),
    }
}

/// [`file`], by its folders and its name.
pub(crate) fn within(folder: &str, inner: &[&str]) -> Option<String> {
    let path = proxied(folder)?;
    let mut url = Url::parse("http://any").ok()?;
    let parts = path.split('/').filter(|part| !part.is_empty()).chain(inner.iter().copied());
    // What would lead out of the folder is taken for no part of it.
    url.path_segments_mut().ok()?.clear().extend(parts);
    Some(format!("{FILES}{}", url.path().trim_start_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_a_query_and_what_is_empty_is_left_out() {
        assert_eq!(api("runs/get", &[]), "/api/2.0/mlflow/runs/get");
        assert_eq!(
            api("model-versions/search", &[("filter", "name='a&b=c #'"), ("page_token", "")]),
            "/api/2.0/mlflow/model-versions/search?filter=name%3D%27a%26b%3Dc+%23%27"
        );
    }

    #[test]
    fn files_of_the_server_have_a_path_and_others_have_none() {
        for (folder, want) in [
            ("mlflow-artifacts:/1/ab/artifacts/model", Some("1/ab/artifacts/model/MLmodel")),
            ("mlflow-artifacts://mlflow.svc:5000/1/ab/artifacts", Some("1/ab/artifacts/MLmodel")),
            ("mlflow-artifacts:/1/../../etc", Some("1/etc/MLmodel")),
            ("mlflow-artifacts:/a b?c#d", Some("a%20b%3Fc%23d/MLmodel")),
            ("mlflow-artifacts:nothing", None),
            ("s3://bucket/1/ab", None),
            ("/local/folder", None),
            ("", None),
        ] {
            let found = file(folder, "MLmodel");
            assert_eq!(found.as_deref(), want.map(|path| format!("{FILES}{path}")).as_deref(), "{folder}");
        }
        let root = "mlflow-artifacts:/1/a b/../artifacts";
        assert_eq!(
            within(root, &["model", "config.json"]),
            Some(format!("{FILES}1/a%20b/artifacts/model/config.json"))
        );
        let listed = "/api/2.0/mlflow-artifacts/artifacts?path=1%2Fa+b%2Fartifacts%2Fmodel";
        assert_eq!(listing(root, &["model"]).as_deref(), Some(listed));
        assert_eq!(listing("s3://bucket/1", &[]), None);
    }
}
