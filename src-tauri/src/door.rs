//! The two commands of the page. They pass messages on unread.

use crate::{engine::Starting, page::Pages, saved, wall::Wall};
use pilothouse_wire::{
    Problem,
    codec::{self, ToDesktop, ToEngine, ToPage},
};
use tauri::{
    AppHandle, State,
    ipc::{Channel, InvokeBody, Request, Response},
};

/// Takes one message, and answers it if it is a question or an act.
#[tauri::command]
pub async fn call(
    app: AppHandle,
    request: Request<'_>,
    engine: State<'_, Starting>,
    pages: State<'_, Pages>,
    wall: State<'_, Wall>,
) -> Result<Response, String> {
    let message =
        bytes(request.body()).and_then(|bytes| codec::decode(&bytes)).map_err(|problem| problem.to_string())?;
    let answer = match message {
        ToDesktop::Act(id, act) => {
            let acted = match engine.operator().await {
                Ok(operator) => operator.act(act).await,
                Err(problem) => Err(problem),
            };
            Some(ToPage::Acted(id, acted))
        }
        ToDesktop::Door(id, act) => {
            let door = match engine.operator().await {
                Ok(operator) => wall.act(act, operator.reader()).await,
                Err(problem) => Err(problem),
            };
            Some(ToPage::Door(id, door))
        }
        ToDesktop::Save(id, name, text) => Some(ToPage::Saved(id, saved::save(&app, name, text).await)),
        ToDesktop::Read(ToEngine::Ask(id, ask)) => {
            // Also while the engine starts the page may leave, or be gone.
            let answer = async { engine.operator().await?.reader().ask(ask).await };
            Some(ToPage::Answer(id, pages.asked(id, answer).await))
        }
        ToDesktop::Read(ToEngine::Watch(number, spec, when)) => {
            let frames = match engine.operator().await {
                Ok(operator) => operator.reader().watch(spec, when).await,
                Err(problem) => Err(problem),
            };
            pages.watch(number, frames).await;
            None
        }
        ToDesktop::Read(ToEngine::Unwatch(number)) => {
            pages.unwatch(number).await;
            None
        }
        ToDesktop::Read(ToEngine::Leave(id)) => {
            pages.leave(id).await;
            None
        }
        ToDesktop::Read(ToEngine::Hello(_)) => None,
    };
    Ok(Response::new(answer.map(|answer| codec::encode(&answer)).unwrap_or_default()))
}

/// Takes the channel over which a page that was just loaded hears frames.
#[tauri::command]
pub async fn subscribe(channel: Channel<Response>, pages: State<'_, Pages>) -> Result<(), String> {
    pages.replace(channel).await;
    Ok(())
}

/// Where the webview cannot send raw bytes they arrive as an array of numbers.
fn bytes(body: &InvokeBody) -> Result<Vec<u8>, Problem> {
    match body {
        InvokeBody::Raw(bytes) => Ok(bytes.clone()),
        InvokeBody::Json(numbers) => serde_json::from_value(numbers.clone()).map_err(|error| {
            Problem::new(pilothouse_wire::Code::BadInput, "The message is not made of bytes.").why(format!("{error}."))
        }),
    }
}
