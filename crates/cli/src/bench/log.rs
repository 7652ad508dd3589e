//! Logging one on the version of a registered model that was measured: a tag with its figures, planned and confirmed as any
//! action is.

use super::folder;
use crate::{
    act,
    act_args::How,
    exit::{Exit, Failed},
    models,
    out::Style,
    start::Session,
};
use pilothouse_bench::{
    report::{TAG, logged},
    store,
};
use pilothouse_wire::{
    ObjectRef, SmolStr,
    plan::{Deed, Intent},
};

/// Does what was asked for.
pub async fn run(run: &str, to: &str, how: &How, out: Style, err: Style) -> Result<Exit, Failed> {
    let (model, version) = version(to)?;
    let (_, kept) = store::find(&folder()?, run)?;
    let deed = Deed::SetTag { version: Some(version), key: SmolStr::new_static(TAG), value: logged(&kept).into() };
    let session = Session::start(&how.source, false).await?;
    let done = async {
        let model = models::the_model(&session, model, how.source.wait).await?;
        let intent = Intent { object: ObjectRef::Model(Box::new(model.id)), deed };
        act::do_it(&session, intent, how, None, (out, err)).await
    };
    let exit = done.await;
    session.end().await;
    exit
}

/// A version as it is written: `chat/3`.
fn version(text: &str) -> Result<(&str, u64), Failed> {
    let parts = text.rsplit_once('/').and_then(|(model, number)| Some((model, number.parse().ok()?)));
    let parts = parts.filter(|(model, _)| !model.is_empty());
    parts.ok_or_else(|| {
        Failed::Usage(format!("\"{text}\" is no version of a model: write MODEL/NUMBER, such as chat/3."))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_a_model_and_a_number() {
        assert_eq!(version("chat/3").ok(), Some(("chat", 3)));
        assert_eq!(version("team/chat/12").ok(), Some(("team/chat", 12)));
        for text in ["chat", "chat/", "/3", "chat/new", "chat/-1"] {
            assert!(matches!(version(text), Err(Failed::Usage(_))), "{text}");
        }
    }
}
