//! A target inside of a cluster, reached through the API server of a connection: how it is typed, and what is kept of that.

use pilothouse_connect::{Behind, Entrance, Service};
use pilothouse_wire::{Code, Problem};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How it is typed.
const FORM: &str = "service:NAMESPACE/NAME:PORT@CONNECTION, or pod:NAMESPACE/NAME:PORT@CONNECTION";

/// By which way a target is reached that is not asked at its own address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Through {
    /// The connection to its cluster, by its id or name, or a context of the kubeconfig.
    pub connection: String,
    /// What names it there.
    pub behind: Behind,
    /// Its namespace, name and port: `serving/chat:8000`.
    pub server: String,
    /// The way, once it is open. Nobody keeps it: it signs in.
    #[serde(skip)]
    pub way: Way,
}

/// A way that is open, or is not yet.
#[derive(Clone, Debug, Default)]
pub struct Way(Option<Arc<Entrance>>);

impl Way {
    /// One that is open.
    #[must_use]
    pub fn open(entrance: Entrance) -> Self {
        Self(Some(Arc::new(entrance)))
    }

    /// What leads there.
    ///
    /// # Errors
    /// If nobody has opened it.
    pub fn entrance(&self) -> Result<Arc<Entrance>, Problem> {
        self.0.clone().ok_or_else(|| Problem::new(Code::Internal, "The way into the cluster was not opened."))
    }
}

/// What is asked is the same whether the way is open yet or not.
impl PartialEq for Way {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Way {}

impl Through {
    /// Reads what a person types: `service:NAMESPACE/NAME:PORT@CONNECTION`, with a path behind the port where its interface has a
    /// prefix. The address that it has inside of the cluster comes with it. None if it is the address of something else.
    ///
    /// # Errors
    /// If it begins so, and is none.
    pub fn read(typed: &str) -> Option<Result<(String, Self), Problem>> {
        let (behind, rest) = match typed.split_once(':')? {
            ("service", rest) => (Behind::Service, rest),
            ("pod", rest) => (Behind::Pod, rest),
            _ => return None,
        };
        Some(Self::of(behind, rest).map_err(|why| {
            Problem::new(Code::BadInput, format!("address cannot be {typed}.")).why(why).next(format!("Give {FORM}."))
        }))
    }

    /// What a person types as an address: with the way, where it is inside of a cluster.
    ///
    /// # Errors
    /// As [`Through::read`].
    pub fn or_address(typed: &str) -> Result<(String, Option<Self>), Problem> {
        match Self::read(typed) {
            Some(inside) => inside.map(|(url, through)| (url, Some(through))),
            None => Ok((typed.to_owned(), None)),
        }
    }

    fn of(behind: Behind, rest: &str) -> Result<(String, Self), String> {
        // No part before it has this sign, and a context may have it again.
        let (place, connection) = rest.split_once('@').ok_or("It names no connection behind an @.")?;
        if connection.trim().is_empty() {
            return Err("It names no connection behind the @.".into());
        }
        let (service, path) = Service::parse(place)?;
        let server = service.to_string();
        let Service { namespace, name, port, tls } = service;
        let scheme = if tls { "https" } else { "http" };
        // A port by its name is the API server's to look up.
        let port = if port.bytes().all(|byte| byte.is_ascii_digit()) { format!(":{port}") } else { String::new() };
        let inside = match behind {
            Behind::Service => "svc",
            Behind::Pod => "pod",
        };
        let url = format!("{scheme}://{name}.{namespace}.{inside}{port}{path}");
        Ok((url, Self { connection: connection.into(), behind, server, way: Way::default() }))
    }

    /// The server's place in its cluster.
    ///
    /// # Errors
    /// If what was kept was changed, and is none any more.
    pub fn service(&self) -> Result<Service, Problem> {
        let none = |why: &str| Problem::new(Code::BadInput, format!("{} is no server.", self.server)).why(why);
        match Service::parse(&self.server) {
            Ok((service, path)) if path.is_empty() => Ok(service),
            Ok(_) => Err(none("There is a path behind its port.")),
            Err(why) => Err(none(why)),
        }
    }

    /// By what it is named in its cluster: "service serving/chat:8000 of prod".
    #[must_use]
    pub fn place(&self) -> String {
        format!("{} {} of {}", self.behind.word(), self.server, self.connection)
    }

    /// What that means for each time, as a sentence goes on.
    #[must_use]
    pub fn meaning(&self) -> String {
        format!(
            "reached through the API server of {}: its proxy and the network to it and from it are part of every time",
            self.connection
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_server_inside_is_read_with_its_connection() {
        for (typed, url, server, connection) in [
            ("service:a/chat:8000@prod", "http://chat.a.svc:8000", "a/chat:8000", "prod"),
            ("service:a/chat:http@prod", "http://chat.a.svc", "a/chat:http", "prod"),
            (
                "service:a/https:chat:443/openai/@me@prod",
                "https://chat.a.svc:443/openai",
                "a/https:chat:443",
                "me@prod",
            ),
            (
                "pod:a/chat-0:8000@arn:aws:eks:x:1:cluster/p",
                "http://chat-0.a.pod:8000",
                "a/chat-0:8000",
                "arn:aws:eks:x:1:cluster/p",
            ),
        ] {
            let (found, through) = Through::read(typed).unwrap().unwrap();
            assert_eq!((found.as_str(), through.server.as_str()), (url, server), "{typed}");
            assert_eq!(through.connection, connection, "{typed}");
            assert_eq!(through.service().unwrap().to_string(), server);
        }
        for other in ["http://h:8000", "h:8000", "https://service:1/x", ""] {
            assert!(Through::read(other).is_none(), "{other}");
        }
        for (typed, why) in [
            ("service:a/chat:8000", "no connection"),
            ("service:a/chat:8000@ ", "no connection"),
            ("service:a/chat@prod", "no port"),
            ("pod:chat:8000@prod", "no /"),
            ("service:a/chat:8000/../x@prod", "path"),
        ] {
            let problem = Through::read(typed).unwrap().unwrap_err();
            assert!(problem.why.as_deref().is_some_and(|said| said.contains(why)), "{typed}: {problem}");
        }
    }

    proptest! {
        /// It becomes part of a call that signs in to the cluster: it must not lead out of its place.
        #[test]
        fn what_is_taken_stays_in_its_place(typed in "(service|pod):[a-z0-9-]{1,4}/[a-z0-9:/.%?#-]{0,16}@[a-z/@]{1,4}") {
            if let Some(Ok((url, through))) = Through::read(&typed) {
                let uri: http::Uri = url.parse().unwrap();
                let path = uri.path();
                prop_assert!(!path.contains('%') && !path.split('/').any(|part| part == ".."), "{}", url);
                prop_assert!(uri.query().is_none() && through.service().is_ok());
            }
        }
    }
}
