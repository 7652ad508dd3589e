//! The address of a wall screen: which panels it turns through, and of which clusters: `/wall?show=fleet,changes`.

use crate::ConnectionId;
use std::{fmt, str::FromStr};

/// What a wall shows while nothing is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Panel {
    /// The map and the funnel.
    Fleet,
    /// What works and what does not.
    Health,
    /// What changed last.
    Changes,
}

impl Panel {
    /// All of them, in the order in which a wall turns.
    pub const ALL: [Self; 3] = [Self::Fleet, Self::Health, Self::Changes];

    /// Its name on the screen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fleet => "Fleet",
            Self::Health => "Health",
            Self::Changes => "Changes",
        }
    }

    /// Its word in an address.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Fleet => "fleet",
            Self::Health => "health",
            Self::Changes => "changes",
        }
    }
}

/// What an address pins of a wall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WallAddress {
    /// The panels, in their order; never none.
    pub show: Vec<Panel>,
    /// Clusters in scope; empty for all.
    pub scope: Vec<ConnectionId>,
}

impl Default for WallAddress {
    fn default() -> Self {
        Self { show: Panel::ALL.to_vec(), scope: Vec::new() }
    }
}

impl fmt::Display for WallAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut query = Vec::new();
        if self.show != Panel::ALL {
            let words: Vec<_> = self.show.iter().map(|panel| panel.word()).collect();
            query.push(format!("show={}", words.join(",")));
        }
        if !self.scope.is_empty() {
            let ids: Vec<_> = self.scope.iter().map(ConnectionId::as_str).collect();
            query.push(format!("scope={}", ids.join(",")));
        }
        write!(f, "/wall{}{}", if query.is_empty() { "" } else { "?" }, query.join("&"))
    }
}

impl FromStr for WallAddress {
    type Err = std::convert::Infallible;

    /// Reads an address or its query. What cannot be read is left out: a screen that nobody stands before shows what it
    /// can.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let query = text.split_once('?').map_or("", |(_, query)| query);
        let (mut show, mut scope) = (Vec::new(), Vec::new());
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            let words = value.split(',').map(str::trim).filter(|word| !word.is_empty());
            match &*key {
                "show" => {
                    show.extend(words.filter_map(|word| Panel::ALL.into_iter().find(|panel| panel.word() == word)))
                }
                "scope" => scope.extend(words.map(ConnectionId::slug)),
                _ => {}
            }
        }
        if show.is_empty() {
            show = Panel::ALL.to_vec();
        }
        Ok(Self { show, scope })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, show: &[Panel], scope: &[&str], printed: &str) {
        let Ok(read) = text.parse::<WallAddress>();
        let ids: Vec<_> = read.scope.iter().map(ConnectionId::as_str).collect();
        assert_eq!((read.show.as_slice(), ids.as_slice()), (show, scope), "{text}");
        assert_eq!(read.to_string(), printed);
        assert_eq!(printed.parse(), Ok(read));
    }

    #[test]
    fn an_address_pins_panels_and_clusters() {
        let all = Panel::ALL;
        check("/wall", &all, &[], "/wall");
        check("/wall?show=changes", &[Panel::Changes], &[], "/wall?show=changes");
        check(
            "/wall?show=changes,fleet&scope=iad-prod&scope=ord-prod",
            &[Panel::Changes, Panel::Fleet],
            &["iad-prod", "ord-prod"],
            "/wall?show=changes,fleet&scope=iad-prod,ord-prod",
        );
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        check("/wall?show=cost,,fleet&x=1&scope=,", &[Panel::Fleet], &[], "/wall?show=fleet");
        check("/wall?show=nothing", &Panel::ALL, &[], "/wall");
    }
}
