//! Listings that begin before it is known whether they are allowed: most people may read everything, and asking the
//! server what we may takes as long as half of a listing.

use crate::{
    client::Client,
    failure::Failure,
    list::{Listed, list},
    resource::{Resource, Scope},
    slim::{Namespace, Node, Pod},
};
use std::sync::Arc;
use tokio::{sync::watch, task::JoinSet};

/// All that is listed early.
#[derive(Debug, Default)]
pub struct Early {
    /// Nodes.
    pub nodes: Option<Listing>,
    /// Namespaces.
    pub namespaces: Option<Listing>,
    /// Pods.
    pub pods: Option<Listing>,
}

impl Early {
    /// Begins to list everything; who reads some namespaces only does not ask for that.
    #[must_use]
    pub fn begin(client: &Arc<Client>, limited_to: &[String]) -> Self {
        if !limited_to.is_empty() {
            return Self::default();
        }
        Self {
            nodes: Some(Listing::begin::<Node>(client)),
            namespaces: Some(Listing::begin::<Namespace>(client)),
            pods: Some(Listing::begin::<Pod>(client)),
        }
    }
}

/// A listing of everything of one kind, under way. It ends when this is dropped.
#[derive(Debug)]
pub struct Listing {
    listing: JoinSet<Result<Listed, Failure>>,
    progress: watch::Receiver<(u64, Option<u64>)>,
}

impl Listing {
    /// Begins a listing.
    #[must_use]
    pub fn begin<T: Resource>(client: &Arc<Client>) -> Self {
        let (tell, progress) = watch::channel((0, None));
        let client = Arc::clone(client);
        let mut listing = JoinSet::new();
        listing.spawn(async move {
            let everywhere = Scope { namespace: None };
            list::<T>(&client, &everywhere, usize::MAX, |read, all| {
                tell.send_replace((read, all));
            })
            .await
        });
        Self { listing, progress }
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// As [`list`].
    pub async fn end(mut self, mut progress: impl FnMut(u64, Option<u64>)) -> Result<Listed, Failure> {
        while self.progress.changed().await.is_ok() {
            let (read, all) = *self.progress.borrow_and_update();
            progress(read, all);
        }
        let listed = self.listing.join_next().await.and_then(Result::ok);
        listed.unwrap_or_else(|| Err(Failure::Unreadable("Its first listing ended early".to_owned())))
    }
}
