//! The address of every state of the interface, so that "look at this" can be pasted.

use crate::{Area, ConnectionId, ObjectRef, Stamp, When};
use std::{fmt, str::FromStr};

/// How a screen shows what it shows: the colour and the groups of the map, how large it is, the order of the open table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// The word of the map's colour; the first that is measured where none is chosen.
    pub colour: Option<String>,
    /// The word of what the map is grouped by.
    pub group: Option<String>,
    /// How many steps larger than it fits the map is.
    pub zoom: u32,
    /// The column that the open table is sorted by, behind a minus where the greatest comes first.
    pub sort: Option<String>,
}

/// Steps of zoom that an address may ask for: more than any map has.
const MOST_ZOOM: u32 = 20;

/// Where a person is: screen, scope, table, filter, selection, what is to be planned of it, time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// The screen's route: `fleet`, `connections`. An unknown one is kept, and said by the screen.
    pub screen: String,
    /// Clusters in scope; empty for all.
    pub scope: Vec<ConnectionId>,
    /// The table that is open: `nodes`, `gpus`, `pods`.
    pub tab: Option<String>,
    /// The table's filter, as typed.
    pub filter: String,
    /// How it is shown.
    pub look: Look,
    /// GPUs picked out on the map: the tables show what belongs to them. Empty for all.
    pub area: Area,
    /// What is selected.
    pub selected: Option<ObjectRef>,
    /// What is to be planned of what is selected, by the word of the deed. It opens the plan, and nothing in an address confirms one.
    pub plan: Option<String>,
    /// Now, or the past.
    pub when: When,
    /// In the past: changes as they were true then, and not as they were known?
    pub true_then: bool,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for id in &self.scope {
            query.append_pair("scope", id.as_str());
        }
        if let Some(tab) = &self.tab {
            query.append_pair("tab", tab);
        }
        if !self.filter.is_empty() {
            query.append_pair("filter", &self.filter);
        }
        let look = &self.look;
        for (key, word) in [("sort", &look.sort), ("colour", &look.colour), ("group", &look.group)] {
            if let Some(word) = word {
                query.append_pair(key, word);
            }
        }
        if look.zoom > 0 {
            query.append_pair("zoom", &look.zoom.to_string());
        }
        if !self.area.is_empty() {
            query.append_pair("gpus", &self.area.to_string());
        }
        if let Some(object) = &self.selected {
            query.append_pair("sel", &object.to_string());
        }
        if let Some(plan) = &self.plan {
            query.append_pair("plan", plan);
        }
        if let When::At(stamp) = self.when {
            query.append_pair("at", &stamp.to_string());
        }
        if self.true_then {
            query.append_pair("as", "true");
        }
        let query = query.finish();
        write!(f, "/{}{}{query}", self.screen, if query.is_empty() { "" } else { "?" })
    }
}

impl FromStr for Address {
    type Err = std::convert::Infallible;

    /// Reads what it can: a part that cannot be read is left out, since an old link must still open something.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        let mut address = Self { screen: path.trim_matches('/').to_owned(), ..Self::default() };
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*key {
                "scope" => address.scope.push(ConnectionId::slug(&value)),
                "tab" => address.tab = Some(value.into_owned()),
                "filter" => address.filter = value.into_owned(),
                "sort" => address.look.sort = Some(value.into_owned()),
                "colour" => address.look.colour = Some(value.into_owned()),
                "group" => address.look.group = Some(value.into_owned()),
                "zoom" => address.look.zoom = value.parse().unwrap_or(0).min(MOST_ZOOM),
                "gpus" => address.area = value.parse().unwrap_or_default(),
                "sel" => address.selected = value.parse().ok(),
                "plan" => address.plan = Some(value.into_owned()),
                "at" => address.when = value.parse::<Stamp>().map_or(When::Now, When::At),
                "as" => address.true_then = value == "true",
                _ => {}
            }
        }
        Ok(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_back_from_what_it_prints() {
        let text = "/fleet?scope=iad-prod&tab=gpus&filter=status%21%3Dok+%22a+b%22&gpus=iad-prod%3Ah100-%5B110-117%5D%2F0-3&sel=gpu%3Aiad-prod%2Fh100-117%2F5&at=2026-11-24T03%3A12%3A44Z&as=true";
        let Ok(address) = text.parse::<Address>();
        assert_eq!(address.filter, "status!=ok \"a b\"");
        assert_eq!(address.area.to_string(), "iad-prod:h100-[110-117]/0-3");
        assert_eq!(address.to_string(), text);
        assert_eq!("/fleet".parse::<Address>().map(|address| address.to_string()), Ok("/fleet".into()));
        let looked = "/fleet?tab=nodes&sort=-util&colour=temp&group=team&zoom=3";
        assert_eq!(looked.parse::<Address>().map(|address| address.to_string()), Ok(looked.into()));
        let planned = "/fleet?sel=node%3Aiad-prod%2Fh100-117&plan=drain";
        assert_eq!(planned.parse::<Address>().map(|address| address.to_string()), Ok(planned.into()));
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        let Ok(address) = "/fleet?sel=nonsense&gpus=nonsense&at=never&zoom=-1&x=1".parse::<Address>();
        assert_eq!(address, Address { screen: "fleet".into(), ..Address::default() });
    }
}
