//! The last lines that a container printed, read from the server now. Nothing of it is kept.

use crate::{
    client::{Client, PATIENCE},
    failure::Call,
    yaml::is_segment,
};
use jiff::Timestamp;
use pilothouse_wire::{Code, Problem, ask::LogQuery};

/// The most lines that are asked for at once.
const MOST_LINES: u32 = 5_000;
/// The most bytes: a line may be long.
const MOST_BYTES: u32 = 4 * 1024 * 1024;

/// Reads lines of a log. Source: `GET …/pods/NAME/log` of the Kubernetes API.
///
/// # Errors
/// If there is no such pod or container, or it cannot be read.
pub(crate) async fn logs(client: &Client, query: &LogQuery) -> Result<Vec<String>, Problem> {
    let (namespace, name) = (query.pod.namespace.as_str(), query.pod.name.as_str());
    let container = query.container.as_deref().unwrap_or_default();
    if ![namespace, name].into_iter().all(is_segment) || !(container.is_empty() || is_segment(container)) {
        return Err(Problem::new(Code::NotFound, format!("\"{name}\" names nothing in Kubernetes.")));
    }
    // The server reads on from there, the oldest first: what does not fit into an answer comes with the next one. Of a time
    // it takes the whole second.
    let since = query.after.as_ref().and_then(|line| line.split(' ').next()?.parse::<Timestamp>().ok());
    let which = match since {
        Some(since) => format!("sinceTime={since:.0}"),
        None => format!("tailLines={}", query.lines.clamp(1, MOST_LINES)),
    };
    let mut path =
        format!("/api/v1/namespaces/{namespace}/pods/{name}/log?timestamps=true&{which}&limitBytes={MOST_BYTES}");
    if !container.is_empty() {
        path.push_str(&format!("&container={container}"));
    }
    if query.previous {
        path.push_str("&previous=true");
    }
    let call =
        Call { verb: "get", group: "".into(), resource: "pods/log".to_owned(), namespace: Some(namespace.to_owned()) };
    let answer = client.get(&call, &path, "*/*", PATIENCE).await.map_err(|failure| match failure.status() {
        Some(404) => Problem::new(Code::NotFound, format!("{} has no pod {name}.", client.place.name))
            .why("It was deleted, or another of its name has taken its place."),
        Some(400) if query.previous => {
            Problem::new(Code::NotFound, format!("{name} has no earlier run of this container."))
                .why("It did not restart, or its node keeps the log no more.")
        }
        _ => failure.problem(&client.place),
    })?;
    let text = String::from_utf8_lossy(&answer.body);
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    // Half a line is none: it comes whole with what is behind it.
    if answer.body.len() >= MOST_BYTES as usize && !text.ends_with('\n') {
        lines.pop();
    }
    Ok(lines)
}
