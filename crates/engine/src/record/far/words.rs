//! Why a record of another machine does not come, in words.

use super::Trust;
use pilothouse_connect::{Cause, Insecure};
use pilothouse_wire::{
    Code, Problem,
    units::{bytes, span, visible},
};
use std::time::Duration;

/// What helps where the way is at fault.
const WAY: &str = "Check the address, the VPN and the firewall, and whether the recorder runs there with --listen.";

pub(super) fn in_the_clear(host: &str) -> Problem {
    Problem::new(Code::NotOffered, format!("The token is not sent to {host} in the clear."))
        .why("The address begins with http://: whoever listens on the way would have the token, and the record.")
        .next("Use https://, and --ca for an authority of your own. In a network that only you can listen to, add --plain.")
}

pub(super) fn silent(host: &str, limit: Duration) -> Problem {
    Problem::new(Code::TimedOut, format!("Nothing came from {host} for {}.", span(limit)))
        .why("The recorder is overloaded or hangs, or the line is down.")
        .next("Ask for a shorter time with --from, or try again later.")
}

pub(super) fn no_recorder(host: &str) -> Problem {
    Problem::new(Code::BadInput, format!("{host} answers, and is no recorder of Pilothouse."))
        .why("Its answer is not what the door of a record says: something else listens there, or a gateway stands before it.")
        .next("Check the address: `pilothouse record --listen` prints it.")
}

pub(super) fn too_large(host: &str, all: u64, most: u64) -> Problem {
    Problem::new(Code::BadInput, format!("What {host} would send is too large."))
        .why(format!("It has {}; {} are the most that is taken.", bytes(all), bytes(most)))
        .next("Ask for a shorter time with --from.")
}

pub(super) fn cut(host: &str, there: u64, all: u64, error: &reqwest::Error) -> Problem {
    let why = match Cause::of(error) {
        Cause::Cut => "The connection was cut, or the token was revoked meanwhile".to_owned(),
        Cause::Other(text) => text,
        other => format!("{other:?}"),
    };
    Problem::new(Code::Cut, format!("The record of {host} was cut off after {} of {}.", bytes(there), bytes(all)))
        .why(format!("{}.", visible(&why)))
        .next("Nothing of it is kept. Try again, or ask for a shorter time with --from.")
}

/// What the other side says, or what its answer means if it says nothing that can be read.
pub(super) fn refused(host: &str, status: u16, body: &[u8]) -> Problem {
    if let Ok(problem) = serde_json::from_slice::<Problem>(body) {
        return problem;
    }
    match status {
        300..=399 => Problem::new(Code::BadInput, format!("{host} sends us elsewhere."))
            .why("We do not follow: the token is for this address alone.")
            .next("Give the address of the recorder itself."),
        503 => Problem::new(Code::TooMany, format!("{host} has too many connections."))
            .why("It takes no more than it can serve.")
            .next("Try again in some seconds."),
        _ => no_recorder(host),
    }
}

/// Why there was no answer.
pub(super) fn no_answer(host: &str, trust: &Trust, error: &reqwest::Error) -> Problem {
    match Cause::of(error) {
        Cause::NameNotFound => Problem::new(Code::NameNotFound, format!("{host} is not found."))
            .why("The resolver of this machine does not know the name.")
            .next("Check the name and the VPN."),
        Cause::Refused => Problem::new(Code::Refused, format!("{host} refused the connection."))
            .why("The host answers, and nothing listens on that port.")
            .next("Start the recorder there with --listen, or check the port."),
        Cause::TimedOut | Cause::NoWay => Problem::new(Code::TimedOut, format!("{host} does not answer."))
            .why("The host is off, a firewall drops it, or there is no way to it.")
            .next(WAY),
        Cause::Cut => Problem::new(Code::Cut, format!("{host} cut the connection before it answered."))
            .why("It speaks something else, perhaps TLS where the address begins with http://, or is ending.")
            .next(WAY),
        Cause::Proxy(text) => {
            Problem::new(Code::Refused, format!("The proxy on the way to {host} did not let us through."))
                .why(format!("{}.", visible(&text)))
                .next("Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY.")
        }
        Cause::Tls(tls) => insecure(host, trust, tls),
        Cause::Other(text) => {
            Problem::new(Code::Cut, format!("{host} cannot be asked.")).why(format!("{}.", visible(&text))).next(WAY)
        }
    }
}

fn insecure(host: &str, trust: &Trust, tls: Insecure) -> Problem {
    match tls {
        Insecure::Untrusted => {
            let why = match &trust.authorities {
                Some(file) => format!("It is signed by none of the authorities in {}.", file.display()),
                None => "It is signed by nobody that this machine trusts.".to_owned(),
            };
            Problem::new(Code::TlsUntrusted, format!("The certificate of {host} is not trusted."))
                .why(why)
                .next("Name the file of its authority with --ca. If nothing was changed there, somebody else answers.")
        }
        Insecure::Ended(_) | Insecure::NotYet(_) => {
            Problem::new(Code::TlsExpired, format!("The certificate of {host} is not valid today."))
                .why("It has ended, or has not begun; or the clock of this machine is wrong.")
                .next("Have it renewed, and start the recorder with it.")
        }
        Insecure::OtherName { names, .. } => {
            Problem::new(Code::TlsWrongName, format!("The certificate of {host} is for another name."))
                .why(format!("It is for {}.", visible(&names.join(", "))))
                .next("Use an address that it names.")
        }
        Insecure::NoTls => Problem::new(Code::BadInput, format!("{host} does not speak TLS."))
            .why("The recorder was started with --plain, or something else listens there.")
            .next("Start it with --cert and --key. An address that begins with http:// is asked in the clear."),
        Insecure::OursRefused(text) | Insecure::Alert(text) | Insecure::Other(text) => {
            Problem::new(Code::TlsUntrusted, format!("No secure connection to {host} came about."))
                .why(format!("{}.", visible(&text)))
                .next(WAY)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_door_says_is_handed_on_and_what_is_no_door_is_named() {
        let told = Problem::new(Code::Denied, "This token is for the wall.").next("Make one.");
        let body = serde_json::to_vec(&told).unwrap();
        assert_eq!(refused("a:1", 403, &body), told);
        for (status, code) in [(302, Code::BadInput), (503, Code::TooMany), (404, Code::BadInput)] {
            let problem = refused("a:1", status, b"<html>hello</html>");
            assert!(problem.code == code && problem.what.contains("a:1") && problem.next.is_some(), "{problem}");
        }
    }
}
