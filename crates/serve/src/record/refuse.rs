//! Why the door of the record gives nothing: as a status, and in words that the other side shows to a person.

use crate::book::NoEntry;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use pilothouse_wire::{Code, Problem};
use std::time::Duration;

/// A new token is made there.
const MAKE: &str = "Have one made on the recorder's machine: pilothouse record token new.";

/// A refusal.
#[derive(Debug)]
pub(super) struct Refused {
    problem: Problem,
    wait: Option<Duration>,
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self { problem, wait: None }
    }
}

impl Refused {
    pub fn no_token() -> Self {
        Problem::new(Code::Unauthenticated, "The record is given to nobody without a token.")
            .why("The request has no token that could be read.")
            .next(MAKE)
            .into()
    }

    pub fn token(why: NoEntry) -> Self {
        match why {
            NoEntry::Unknown => Problem::new(Code::Unauthenticated, "The recorder does not know this token.")
                .why("It was not made there, was not copied whole, or ended long ago.")
                .next(MAKE),
            NoEntry::OtherPurpose => Problem::new(Code::Denied, "This token is for the wall, not for the record.")
                .why("A token opens the door that it was made for, and no other.")
                .next(MAKE),
            NoEntry::Revoked(at) => {
                Problem::new(Code::Unauthenticated, "This token was revoked.").why(format!("At {at}.")).next(MAKE)
            }
            NoEntry::Expired(at) => Problem::new(Code::Unauthenticated, "The time of this token is over.")
                .why(format!("It ended at {at}."))
                .next(MAKE),
        }
        .into()
    }

    pub fn time(why: &str) -> Self {
        Problem::new(Code::BadInput, "It cannot be told which part of the record is wanted.")
            .why(format!("{why}."))
            .next("Give from, and to if not its end: 2h for two hours before its end, or 2026-11-24T03:00:00Z.")
            .into()
    }

    pub fn other_name() -> Self {
        Problem::new(Code::Denied, "The recorder is not called by this name.")
            .why("It answers to addresses, and to names that it was given: any other may be a page that misleads a browser.")
            .next("Start it with --name and this name.")
            .into()
    }

    pub fn too_many(why: &str, wait: Duration) -> Self {
        let seconds = wait.as_secs().max(1);
        let problem = Problem::new(Code::TooMany, why).next(format!("Try again in {seconds} s."));
        Self { problem, wait: Some(wait) }
    }

    fn status(&self) -> StatusCode {
        match self.problem.code {
            Code::Unauthenticated => StatusCode::UNAUTHORIZED,
            Code::Denied => StatusCode::FORBIDDEN,
            Code::NotFound => StatusCode::NOT_FOUND,
            Code::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Code::BadInput => StatusCode::BAD_REQUEST,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let body = serde_json::to_string_pretty(&self.problem).unwrap_or_default();
        let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        let mut response = (self.status(), kind, body + "\n").into_response();
        if self.status() == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(wait) = self.wait {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        response
    }
}
