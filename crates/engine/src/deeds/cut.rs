//! Actions that were cut: told of at the next start, and looked at once their connection is open.

use super::{
    AGAIN, Bench,
    book::{self, Ledger},
};
use crate::{asks, input::Input};
use pilothouse_actions::What;
use pilothouse_connect::{Connector, Seen};
use pilothouse_journal::audit::Noted;
use pilothouse_wire::{
    Acted, Code, ConnectionId, Problem,
    plan::{CutAction, Plan},
};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// A server that cannot be asked just now is asked again for so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Is it of this connection?
pub(crate) fn is_of(noted: &Noted, id: &ConnectionId) -> bool {
    matches!(&noted.entry.what, What::Confirmed { connection, .. } if connection == id.as_str())
}

/// What a person is told of an action that was cut, and of what was seen since.
pub(crate) fn told(noted: &Noted, seen: Option<&What>) -> Option<CutAction> {
    let What::Confirmed { title, object, plan, .. } = &noted.entry.what else { return None };
    let (who, at) = (&noted.entry.who, noted.entry.at);
    let seen = match seen {
        Some(What::Seen { verified: true, words }) => format!(" Seen since: verified, {words}."),
        Some(What::Seen { verified: false, words }) => format!(" Seen since: unverified, {words}."),
        _ => String::new(),
    };
    let undo = plan.as_ref().and_then(|plan| plan.undo.clone());
    let back = undo.as_ref().map(|undo| format!("To take it back: pilothouse act {}. ", undo.command()));
    let problem = Problem::new(Code::Cut, format!("\"{title}\" was cut in the middle."))
        .why(format!("{who} confirmed it at {at}, and Pilothouse ended before it was over.{seen}"))
        .next(format!(
            "Nobody knows whether it was sent, and it is not sent again by itself. Look at {object}, and plan what is \
             wanted. {}pilothouse audit close {} takes this away.",
            back.unwrap_or_default(),
            noted.seq
        ));
    Some(CutAction { id: noted.seq, problem, object: plan.as_ref().map(|plan| plan.intent.object.clone()), undo })
}

impl Bench {
    /// Takes away an action that was cut, since a person looked what became of it.
    ///
    /// # Errors
    /// If there is no such action, or the book cannot be written.
    pub(crate) async fn close_cut(self, id: u64) -> Result<Acted, Problem> {
        let (paths, clock) = (self.paths.clone(), self.clock.clone());
        let closed = tokio::task::spawn_blocking(move || book::close(&paths, id, &clock)).await;
        closed.map_err(|error| {
            Problem::new(Code::Internal, "The audit book could not be written.").why(error.to_string())
        })??;
        self.signing.start(Ledger::of(&self.paths, self.clock.clone()), Arc::clone(&self.vault));
        let _ = self.inputs.send(Input::ClosedCut(id)).await;
        Ok(Acted::Ok)
    }

    /// Looks how it is, writes that down, and tells of it.
    pub(crate) async fn look_back(self, connector: Arc<dyn Connector>, noted: Noted) {
        let What::Confirmed { plan: Some(plan), hidden, .. } = &noted.entry.what else { return };
        let seen = if *hidden {
            let words = "its value is a secret, which the book does not keep".to_owned();
            What::Seen { verified: false, words }
        } else {
            seen(connector.as_ref(), plan).await
        };
        let ledger = Ledger::of(&self.paths, self.clock.clone());
        // It may have been closed meanwhile, or begun by another process that runs.
        let paths = self.paths.clone();
        let cut = tokio::task::spawn_blocking(move || book::cut(&paths)).await;
        if !cut.is_ok_and(|cut| cut.is_ok_and(|cut| cut.iter().any(|one| one.seq == noted.seq))) {
            return;
        }
        // Where it cannot be written it is told all the same.
        if ledger.once(Some(noted.seq), seen.clone()).await == Ok(true) {
            self.signing.start(ledger, Arc::clone(&self.vault));
        }
        if let Some(now) = told(&noted, Some(&seen)) {
            let _ = self.inputs.send(Input::SeenSince(Box::new(now))).await;
        }
    }
}

async fn seen(connector: &dyn Connector, plan: &Plan) -> What {
    let id = plan.intent.object.connection();
    let until = Instant::now() + PATIENCE;
    loop {
        let looked = asks::within(id, "what became of an action", connector.look(plan)).await;
        let (verified, words) = match looked {
            Ok(Seen::Met(words)) => (true, words),
            Ok(Seen::NotYet(words) | Seen::Never(words)) => (false, words),
            Err(_) if Instant::now() < until => {
                tokio::time::sleep(AGAIN).await;
                continue;
            }
            Err(problem) => (false, format!("it cannot be looked at: {}", problem.what)),
        };
        return What::Seen { verified, words };
    }
}
