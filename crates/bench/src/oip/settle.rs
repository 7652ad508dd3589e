//! Asks a server, before any load, whether it is ready and what its model takes, so that requests can be made.

use super::{
    metadata::{of_grpc, of_rest},
    proto::{self, ModelMetadataRequest, ModelReadyRequest, ModelReadyResponse, ServerReadyRequest},
    status,
    tensor::{Model, Shapes},
};
use crate::{
    client::{self, Way},
    failure::{Failure, Kind},
    plan::{Api, Target},
    prompts::Ready,
    template::{Method, Template},
};
use pilothouse_wire::{Code, Problem};
use prost::Message;
use serde_json::Value;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// All questions take no longer.
const LIMIT: Duration = Duration::from_secs(60);

/// Finds out what the model of a target takes, where its requests follow from that and it is not known yet. Of other targets
/// nothing is asked.
///
/// # Errors
/// If the server is not ready, has no such model, cannot be asked, or its model takes what is not known or not stated.
pub async fn settle(target: &mut Target) -> Result<(), Problem> {
    let template = target.template.clone().unwrap_or_default();
    let is_wanted = match target.api {
        Api::Infer => template.body.is_none() && template.method != Method::Get,
        Api::InferGrpc => true,
        Api::Chat | Api::Completions | Api::Embeddings | Api::Http => false,
    };
    if !is_wanted || template.model.is_some() {
        return Ok(());
    }
    target.check()?;
    let asked = async {
        match target.api {
            Api::InferGrpc => by_grpc(target, &template.shapes).await,
            _ => by_rest(target, &template.shapes).await,
        }
    };
    let silent = |_| cannot(target, &Failure::new(Kind::TimedOut, format!("after {} s", LIMIT.as_secs())));
    let model = timeout(LIMIT, asked).await.map_err(silent)??;
    target.template = Some(Template { model: Some(model), ..template });
    Ok(())
}

async fn by_rest(target: &Target, shapes: &Shapes) -> Result<Model, Problem> {
    let base = target.url.split('?').next().unwrap_or_default();
    let places = base.strip_suffix("/infer").and_then(|model| Some((model, model.split_once("/v2/models/")?.0)));
    let Some((model, server)) = places else {
        return Err(Problem::new(Code::BadInput, "Nobody knows where the metadata of the model is.")
            .why(format!("{} does not end in /v2/models/NAME/infer.", target.url))
            .next("Give the address of the server, or the request by --body."));
    };
    is_ready(target, &format!("{server}/v2/health/ready"), "The server").await?;
    let answer = get(target, model).await.map_err(|failure| without(target, &failure))?;
    is_ready(target, &format!("{model}/ready"), &format!("The model {}", target.model)).await?;
    of_rest(&answer, shapes)
}

/// A server without such a place is asked for no more.
async fn is_ready(target: &Target, url: &str, who: &str) -> Result<(), Problem> {
    let get = client_of(target, url)?.get().await;
    match get {
        // Some say so in words.
        Ok(answer) if says_not(&answer) => Err(not_ready(who, "It says so")),
        Ok(_) => Ok(()),
        Err(failure) => match failure.kind {
            Kind::NotFound => Ok(()),
            Kind::Rejected | Kind::ServerFailed | Kind::TooMany => Err(not_ready(who, &words(&failure))),
            _ => Err(cannot(target, &failure)),
        },
    }
}

fn says_not(answer: &[u8]) -> bool {
    let value: Option<Value> = serde_json::from_slice(answer).ok();
    value.is_some_and(|value| value["ready"] == Value::Bool(false))
}

async fn get(target: &Target, url: &str) -> Result<Vec<u8>, Failure> {
    client_of(target, url).map_err(|problem| Failure::new(Kind::Other, problem.what))?.get().await
}

fn client_of(target: &Target, url: &str) -> Result<client::Client, Problem> {
    let asked = Target { url: url.to_owned(), ..target.clone() };
    Ok(Way::new(&asked, client::key(&target.key)?)?.begin(Instant::now()))
}

async fn by_grpc(target: &Target, shapes: &Shapes) -> Result<Model, Problem> {
    let name = || target.model.clone();
    let ready = call(target, "ServerReady", &ServerReadyRequest {}).await?;
    is_said(target, ready, "The server")?;
    let answer = call(target, "ModelMetadata", &ModelMetadataRequest { name: name() }).await?;
    let answer = answer.map_err(|failure| without(target, &failure))?;
    let ready = call(target, "ModelReady", &ModelReadyRequest { name: name() }).await?;
    is_said(target, ready, &format!("The model {}", target.model))?;
    of_grpc(&answer, shapes)
}

/// Both answers about readiness have one field, the same.
fn is_said(target: &Target, answer: Result<Vec<u8>, Failure>, who: &str) -> Result<(), Problem> {
    match answer {
        Ok(answer) => {
            let read = ModelReadyResponse::decode(&*answer);
            let read = read.map_err(|error| cannot(target, &Failure::new(Kind::Malformed, error.to_string())))?;
            if read.ready { Ok(()) } else { Err(not_ready(who, "It says so")) }
        }
        Err(failure) if status::is_unimplemented(&failure) => Ok(()),
        Err(failure) => Err(cannot(target, &failure)),
    }
}

/// Does a server say by gRPC that it is ready? `client` calls [`proto::READY`].
pub(crate) async fn says_ready(client: &client::Client) -> bool {
    let ready = Ready { body: proto::framed(&ServerReadyRequest {}), wanted_input: 0, wanted_output: None };
    match client.bytes(&ready).await {
        // A server that listens and has loaded nothing yet says no.
        Ok(answer) => ModelReadyResponse::decode(&*answer).is_ok_and(|answer| answer.ready),
        // One without such a question is ready where it answers at all.
        Err(failure) => status::is_unimplemented(&failure),
    }
}

async fn call(target: &Target, method: &str, message: &impl Message) -> Result<Result<Vec<u8>, Failure>, Problem> {
    let base = target.url.rsplit_once('/').map_or("", |(base, _)| base);
    let client = client_of(target, &format!("{base}/{method}"))?;
    let ready = Ready { body: proto::framed(message), wanted_input: 0, wanted_output: None };
    Ok(client.bytes(&ready).await)
}

fn words(failure: &Failure) -> String {
    [failure.kind.words(), failure.detail.as_str()].join(": ").trim_end_matches(": ").to_owned()
}

fn not_ready(who: &str, why: &str) -> Problem {
    Problem::new(Code::ServerFailed, format!("{who} is not ready."))
        .why(format!("{why}."))
        .next("Wait until it has loaded, and look at its words if it does not.")
}

fn without(target: &Target, failure: &Failure) -> Problem {
    match failure.kind {
        Kind::NotFound => Problem::new(Code::BadInput, format!("The server has no model {}.", target.model))
            .why(format!("{}.", words(failure)))
            .next("Give --model as the server calls it."),
        _ => cannot(target, failure),
    }
}

fn cannot(target: &Target, failure: &Failure) -> Problem {
    Problem::new(Code::ServerFailed, format!("{} cannot be asked what its model takes.", target.url))
        .why(format!("{}.", words(failure)))
        .next("Check the address, the port of this interface and the key.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::plan;

    #[tokio::test]
    async fn who_asks_for_nothing_is_asked_nothing() {
        // Nobody listens there.
        for (api, body) in
            [(Api::Chat, None), (Api::Embeddings, None), (Api::Http, Some("{}")), (Api::Infer, Some("{}"))]
        {
            let template = body.map(|body| Template { body: Some(body.to_owned()), ..Template::default() });
            let mut target = Target { api, template, ..plan().target };
            let before = target.clone();
            settle(&mut target).await.unwrap();
            assert_eq!(target, before);
        }
    }

    #[tokio::test]
    async fn where_nobody_can_be_asked_it_is_said() {
        for (api, url, want) in [
            (Api::Infer, "http://127.0.0.1:1/v2/models/m/infer", "nobody listens"),
            (Api::InferGrpc, "http://127.0.0.1:1/inference.GRPCInferenceService/ModelInfer", "nobody listens"),
            (Api::Infer, "http://127.0.0.1:1/predict/infer", "does not end in /v2/models/NAME/infer"),
        ] {
            let mut target = Target { api, url: url.into(), ..plan().target };
            let problem = settle(&mut target).await.unwrap_err();
            assert!(format!("{problem:?}").contains(want), "{problem:?}");
            assert_eq!(target.template, None);
        }
    }

    #[test]
    fn readiness_may_be_said_in_words() {
        for (answer, want) in [("{\"ready\":false}", true), ("{\"ready\":true}", false), ("", false), ("well", false)] {
            assert_eq!(says_not(answer.as_bytes()), want, "{answer}");
        }
    }
}
