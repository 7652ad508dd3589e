//! Complete listings: page by page, each dropped once it has become facts.

use crate::{
    client::{Client, PATIENCE, PROTOBUF},
    failure::Failure,
    resource::{Resource, Scope},
    slim::{ListMeta, Unknown},
};
use bytes::Bytes;
use pilothouse_world::Fact;
use prost::Message;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Objects of a page: few round trips, and no page that makes memory rise.
const PAGE: u32 = 500;
/// How often a listing begins again because the server has forgotten where it was.
const MOST_BEGINNINGS: u32 = 3;
/// What stands before every object in protobuf.
const MAGIC: &[u8] = b"k8s\0";

/// A complete listing.
#[derive(Debug, Default)]
pub struct Listed {
    /// What it says.
    pub facts: Vec<Fact>,
    /// Objects that could not be used.
    pub dropped: u64,
    /// The version from which a watch goes on.
    pub version: String,
}

/// A page as facts.
#[derive(Debug, Default)]
pub struct Page {
    /// What it says.
    pub facts: Vec<Fact>,
    /// Objects that could not be used.
    pub dropped: u64,
    meta: ListMeta,
}

/// Lists everything in a scope; `progress` is told how many are read and about how many there are.
///
/// # Errors
/// If a page cannot be had; nothing of the listing is kept then.
pub async fn list<T: Resource>(
    client: &Client,
    scope: &Scope,
    most: usize,
    mut progress: impl FnMut(u64, u64),
) -> Result<Listed, Failure> {
    let (mut beginnings, mut size) = (0, PAGE);
    let (mut all, mut from) = (Listed::default(), String::new());
    loop {
        let page = match page::<T>(client, scope, size, &from).await {
            Ok(page) => page,
            // The server keeps old versions for minutes only: what was read so far does not fit together with the rest.
            Err(failure) if failure.is_expired() && beginnings < MOST_BEGINNINGS => {
                beginnings += 1;
                (all, from) = (Listed::default(), String::new());
                continue;
            }
            Err(Failure::TooLarge) if size > 1 => {
                size /= 8;
                size = size.max(1);
                continue;
            }
            Err(failure) => return Err(failure),
        };
        all.dropped += page.dropped;
        all.facts.extend(page.facts);
        let left = u64::try_from(page.meta.remaining_item_count.unwrap_or(0)).unwrap_or(0);
        let read = all.facts.len() as u64;
        progress(read, read + left);
        from = page.meta.r#continue;
        if from.is_empty() {
            all.version = page.meta.resource_version;
            return Ok(all);
        }
        if all.facts.len() >= most {
            all.dropped += left;
            all.version = page.meta.resource_version;
            return Ok(all);
        }
    }
}

/// Reads the beginning of a listing, to see that it can be read.
///
/// # Errors
/// If it cannot.
pub async fn first<T: Resource>(client: &Client, scope: &Scope) -> Result<(), Failure> {
    page::<T>(client, scope, 1, "").await.map(drop)
}

async fn page<T: Resource>(client: &Client, scope: &Scope, size: u32, from: &str) -> Result<Page, Failure> {
    let mut path = format!("{}?limit={size}", scope.path::<T>());
    if !from.is_empty() {
        path += &format!("&continue={}", encoded(from));
    }
    let answer = client.get(&scope.call::<T>("list"), &path, PROTOBUF, PATIENCE).await?;
    read::<T>(&answer.content_type, answer.body)
}

/// A token for a query: it is base64 today, but nobody promises that.
fn encoded(token: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    token.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// Reads a page in either encoding.
///
/// # Errors
/// If it is neither. An object in it that cannot be read is counted instead.
pub fn read<T: Resource>(content_type: &str, body: Bytes) -> Result<Page, Failure> {
    if content_type.starts_with("application/vnd.kubernetes.protobuf") { protobuf::<T>(body) } else { json::<T>(&body) }
}

impl Page {
    fn take<T: Resource>(&mut self, object: Option<T>) {
        match object.and_then(T::fact) {
            Some(fact) => self.facts.push(fact),
            None => self.dropped += 1,
        }
    }
}

/// A list whose objects are decoded one by one, so that one bad object is one lost object.
#[derive(prost::Message)]
struct ProtobufList {
    #[prost(message, optional, tag = "1")]
    metadata: Option<ListMeta>,
    #[prost(bytes = "bytes", repeated, tag = "2")]
    items: Vec<Bytes>,
}

fn protobuf<T: Resource>(mut body: Bytes) -> Result<Page, Failure> {
    let unreadable = |why: &str| Failure::Unreadable(why.to_owned());
    if !body.starts_with(MAGIC) {
        return Err(unreadable("It says that it is protobuf, and is not"));
    }
    // The parts share the page's memory: nothing is copied until it becomes a field.
    let envelope =
        Unknown::decode(body.split_off(MAGIC.len())).map_err(|_| unreadable("Its protobuf envelope is broken"))?;
    let list = ProtobufList::decode(envelope.raw).map_err(|_| unreadable("Its protobuf list is broken"))?;
    let mut page = Page { meta: list.metadata.unwrap_or_default(), ..Page::default() };
    page.facts.reserve(list.items.len());
    for item in list.items {
        page.take(T::decode(item).ok());
    }
    Ok(page)
}

#[derive(Deserialize)]
struct JsonList<'a> {
    #[serde(default)]
    metadata: ListMeta,
    #[serde(borrow)]
    items: Option<Vec<&'a RawValue>>,
}

fn json<T: Resource>(body: &[u8]) -> Result<Page, Failure> {
    let list: JsonList<'_> =
        serde_json::from_slice(body).map_err(|_| Failure::Unreadable("It is no list of objects in JSON".to_owned()))?;
    let mut page = Page { meta: list.metadata, ..Page::default() };
    for item in list.items.unwrap_or_default() {
        page.take(serde_json::from_str::<T>(item.get()).ok());
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slim::{CoreEvent, Meta, Namespace, Node, Pod};
    use proptest::prelude::*;

    const PROTO: &str = "application/vnd.kubernetes.protobuf";

    fn pod(name: &str) -> Pod {
        Pod { metadata: Some(Meta { name: name.to_owned(), ..Meta::default() }), ..Pod::default() }
    }

    /// A page as the server sends it, with these items.
    fn page(items: Vec<Bytes>) -> Vec<u8> {
        let meta =
            ListMeta { resource_version: "7".to_owned(), r#continue: "x".to_owned(), remaining_item_count: Some(3) };
        let raw = ProtobufList { metadata: Some(meta), items }.encode_to_vec().into();
        let mut body = MAGIC.to_vec();
        body.extend(Unknown { type_meta: None, raw }.encode_to_vec());
        body
    }

    #[test]
    fn a_page_is_read_and_one_bad_object_is_one_lost_object() {
        let good = Bytes::from(pod("a").encode_to_vec());
        let page =
            read::<Pod>(PROTO, page(vec![good.clone(), Bytes::from_static(&[0x0a, 0x7f]), Bytes::new(), good]).into());
        let page = page.unwrap();
        assert_eq!((page.facts.len(), page.dropped), (2, 2));
        assert_eq!((page.meta.resource_version.as_str(), page.meta.remaining_item_count), ("7", Some(3)));
    }

    #[test]
    fn what_is_no_list_is_said() {
        for (kind, body, want) in [
            (PROTO, "", "It says that it is protobuf, and is not"),
            (PROTO, "k8s\0\x0a\x7f", "Its protobuf envelope is broken"),
            (PROTO, "k8s\0\x12\x02\x0a\x7f", "Its protobuf list is broken"),
            ("application/json", "<html>", "It is no list of objects in JSON"),
            ("text/html", "[]", "It is no list of objects in JSON"),
        ] {
            let failure = read::<Pod>(kind, Bytes::copy_from_slice(body.as_bytes())).unwrap_err();
            assert!(matches!(&failure, Failure::Unreadable(why) if why == want), "{failure:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600), at in 0_usize..120, byte: u8) {
            let _ = read::<Pod>("application/json", bytes.clone().into());
            let mut bare = MAGIC.to_vec();
            bare.extend(&bytes);
            let _ = read::<Node>(PROTO, bare.into());
            let _ = read::<Namespace>(PROTO, page(vec![bytes.clone().into()]).into());
            let _ = read::<CoreEvent>(PROTO, page(vec![bytes.into()]).into());
            let mut good = page(vec![pod("some-name").encode_to_vec().into()]);
            if let Some(place) = good.get_mut(at) {
                *place = byte;
            }
            let _ = read::<Pod>(PROTO, good.into());
        }
    }
}
