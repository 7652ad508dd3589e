//! Worlds as earlier builds encoded them: what they had no field for reads as nothing.
//!
//! The encoding does not describe itself, so that who reads says whose it is. A field that is added to what a world holds reads
//! by [`since`], with the version of facts that brings it; one that is taken out stays in the type and reads by [`until`].

use crate::fact::FACT_VERSION;
use serde::{Deserialize, Deserializer};
use std::cell::Cell;

/// The first version of facts whose worlds are read.
pub const FIRST_WORLDS: u16 = 12;

thread_local! {
    /// Whose worlds this thread reads.
    static WHOSE: Cell<u16> = const { Cell::new(FACT_VERSION) };
}

/// Reads what a build with this version of facts encoded.
pub fn of_facts<T>(version: u16, read: impl FnOnce() -> T) -> T {
    struct Back(u16);

    impl Drop for Back {
        fn drop(&mut self) {
            WHOSE.set(self.0);
        }
    }

    let _back = Back(WHOSE.replace(version));
    read()
}

/// Reads a field that there is since a version of facts.
pub(crate) fn since<'de, D, T, const VERSION: u16>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    if WHOSE.get() < VERSION { Ok(T::default()) } else { T::deserialize(from) }
}

/// Reads a field that there is no more since a version of facts.
pub(crate) fn until<'de, D, T, const VERSION: u16>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    if WHOSE.get() < VERSION { T::deserialize(from) } else { Ok(T::default()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Serialize;

    #[derive(Serialize)]
    struct Then {
        first: u8,
        last: String,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Now {
        first: u8,
        #[serde(deserialize_with = "since::<_, _, 14>")]
        came: Vec<u8>,
        last: String,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Since {
        first: u8,
        #[serde(skip_serializing, deserialize_with = "until::<_, _, 14>")]
        went: Vec<u8>,
        last: String,
    }

    #[test]
    fn a_field_that_went_reads_where_it_still_was() {
        let then = postcard::to_stdvec(&Now { first: 1, came: vec![7, 8], last: "a".into() }).unwrap();
        let want = Since { first: 1, went: vec![7, 8], last: "a".into() };
        assert_eq!(of_facts(13, || postcard::from_bytes::<Since>(&then)).unwrap(), want);
        let now = postcard::to_stdvec(&want).unwrap();
        let want = Since { went: vec![], ..want };
        assert_eq!(postcard::from_bytes::<Since>(&now).unwrap(), want);
        assert!(now.len() < then.len());
    }

    #[test]
    fn a_field_that_came_later_reads_as_nothing_where_it_was_not_yet() {
        let then = postcard::to_stdvec(&[Then { first: 1, last: "a".into() }, Then { first: 2, last: "b".into() }]);
        let then = then.unwrap();
        let want = [Now { first: 1, came: vec![], last: "a".into() }, Now { first: 2, came: vec![], last: "b".into() }];
        let read = of_facts(13, || postcard::from_bytes::<[Now; 2]>(&then));
        assert_eq!(read.unwrap(), want);
        // What is read behind it is of now again.
        let now = Now { first: 1, came: vec![7], last: "a".into() };
        let bytes = postcard::to_stdvec(&now).unwrap();
        assert_eq!(postcard::from_bytes::<Now>(&bytes).unwrap(), now);
        assert_eq!(of_facts(14, || postcard::from_bytes::<Now>(&bytes)).unwrap(), now);
    }
}
