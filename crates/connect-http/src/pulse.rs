//! Signs of life between two questions: that a server is gone is said long before the next one is due, or is given up.

use crate::{failure::Failure, server::End};
use std::{future::Future, time::Duration};

/// How often a sign is asked for. With how long it may take, a server that is gone is found within four seconds: a wall says
/// it within five.
pub const EVERY: Duration = Duration::from_secs(2);
/// How long a sign may take: it is a few bytes that a server has at hand.
pub const LIMIT: Duration = Duration::from_secs(2);

/// Ends once a server that gave signs of life gives none any more. Any answer at all is one, a refusal too: it is
/// asked for what costs it nothing, not for what it must have. One that never gave any is left to those who ask it
/// for more.
pub async fn stops<F: Future<Output = Result<(), Failure>>>(mut ask: impl FnMut() -> F) -> End {
    let mut lived = false;
    loop {
        tokio::time::sleep(EVERY).await;
        let mut sign = sign(ask()).await;
        if matches!(sign, Err(Failure::Transport(_))) {
            // A kept connection may have been closed just now: that is not the server's end.
            sign = self::sign(ask()).await;
        }
        match sign {
            Ok(()) => lived = true,
            Err(failure) if lived => return End::Lost(failure),
            Err(_) => {}
        }
    }
}

async fn sign(answer: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    match tokio::time::timeout(LIMIT, answer).await {
        Err(_) => Err(Failure::TimedOut(LIMIT)),
        Ok(Err(failure)) if is_none(&failure) => Err(failure),
        Ok(_) => Ok(()),
    }
}

/// Did nobody answer, or somebody on the way in the server's place?
fn is_none(failure: &Failure) -> bool {
    matches!(failure, Failure::Transport(_) | Failure::TimedOut(_) | Failure::OnTheWay(..))
        || matches!(failure.status(), Some(502..=504))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Refusal;
    use std::{cell::Cell, io};
    use tokio::time::Instant;

    /// What a server does when it is asked.
    #[derive(Clone, Copy, Debug)]
    enum Does {
        Well,
        Refuses(u16),
        Breaks,
        Hangs,
    }

    async fn does(what: Does) -> Result<(), Failure> {
        match what {
            Does::Well => Ok(()),
            Does::Refuses(status) => Err(Failure::Refusal(Box::new(Refusal { status, ..Refusal::default() }))),
            Does::Breaks => Err(Failure::Transport(Box::new(io::Error::from(io::ErrorKind::ConnectionRefused)))),
            Does::Hangs => std::future::pending().await,
        }
    }

    /// After how many seconds it ends, where each question is answered so, the last one for ever.
    #[track_caller]
    fn check(script: &'static [Does], want: Option<u64>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let took = runtime.block_on(async {
            let (asked, began) = (Cell::new(0), Instant::now());
            let ask = || {
                let at = asked.replace(asked.get() + 1).min(script.len() - 1);
                does(script[at])
            };
            let end = tokio::time::timeout(Duration::from_secs(3_600), stops(ask)).await;
            end.is_ok().then(|| began.elapsed().as_secs())
        });
        assert_eq!(took, want, "{script:?}");
    }

    #[test]
    fn a_server_that_is_gone_is_found_within_four_seconds_however_it_went() {
        use Does::{Breaks, Hangs, Refuses, Well};
        check(&[Well, Breaks], Some(4));
        check(&[Well, Hangs], Some(6));
        check(&[Well, Well, Refuses(503)], Some(6));
        check(&[Refuses(404), Hangs], Some(6));
    }

    #[test]
    fn one_that_answers_anything_lives_and_one_cut_connection_is_no_end() {
        use Does::{Breaks, Hangs, Refuses, Well};
        check(&[Well], None);
        check(&[Refuses(401)], None);
        check(&[Well, Breaks, Well], None);
        // Of one that never answered this, those tell who ask it for more.
        check(&[Hangs], None);
        check(&[Refuses(503)], None);
    }
}
