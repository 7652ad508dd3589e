//! Complete listings: each object becomes a fact while the rest is still on its way.

use crate::{
    client::{Client, LARGEST, PATIENCE, PROTOBUF, next, whole},
    failure::Failure,
    objects::Objects,
    owned::TeamRule,
    resource::{Resource, Scope, fact},
    slim::ListMeta,
};
use pilothouse_world::Fact;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Objects of a page. A server makes a first page of what it has in memory, but may read the next ones from its disk.
const PAGE: u32 = 10_000;
/// Objects between two words of progress.
const STEP: usize = 500;
/// How often a listing begins again because the server has forgotten where it was.
const MOST_BEGINNINGS: u32 = 3;
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

/// Lists everything in a scope; `progress` is told how many are read, and about how many there are once that is known:
/// a server says it of what is beyond a page, and of nothing else.
///
/// # Errors
/// If a page cannot be had; nothing of the listing is kept then.
pub async fn list<T: Resource>(
    client: &Client,
    scope: &Scope,
    most: usize,
    mut progress: impl FnMut(u64, Option<u64>),
) -> Result<Listed, Failure> {
    let (mut beginnings, mut size) = (0, PAGE);
    let (mut all, mut from, mut total) = (Listed::default(), String::new(), None);
    loop {
        let before = all.facts.len() as u64;
        let page = match page::<T>(client, scope, size, &from, |read| progress(before + read, total)).await {
            Ok(page) => page,
            // The server keeps old versions for minutes only: what was read so far does not fit together with the rest.
            Err(failure) if failure.is_expired() && beginnings < MOST_BEGINNINGS => {
                beginnings += 1;
                (all, from, total) = (Listed::default(), String::new(), None);
                continue;
            }
            Err(Failure::TooLarge) if size > 1 => {
                size = (size / 8).max(1);
                continue;
            }
            Err(failure) => return Err(failure),
        };
        all.dropped += page.dropped;
        all.facts.extend(page.facts);
        let (read, left) = (all.facts.len() as u64, page.meta.left());
        total = Some(read + left);
        progress(read, total);
        from = page.meta.r#continue;
        if from.is_empty() || all.facts.len() >= most {
            all.dropped += if from.is_empty() { 0 } else { left };
            all.version = page.meta.resource_version;
            return Ok(all);
        }
    }
}

/// Lists one object at most: does a listing work?
///
/// # Errors
/// Why it does not.
pub async fn first<T: Resource>(client: &Client, scope: &Scope) -> Result<(), Failure> {
    page::<T>(client, scope, 1, "", |_| ()).await.map(drop)
}

async fn page<T: Resource>(
    client: &Client,
    scope: &Scope,
    size: u32,
    from: &str,
    mut progress: impl FnMut(u64),
) -> Result<Page, Failure> {
    let mut path = format!("{}?limit={size}", scope.path::<T>());
    if !from.is_empty() {
        path += &format!("&continue={}", encoded(from));
    }
    let (content_type, mut body) = client.stream(&scope.call::<T>("list"), &path, PROTOBUF).await?;
    if !is_protobuf(&content_type) {
        return json::<T>(&whole(body, PATIENCE, LARGEST).await?, &client.rule);
    }
    let (mut page, mut objects) = (Page::default(), Objects::default());
    let mut told = 0;
    while let Some(part) = next(&mut body, PATIENCE).await? {
        page.take_all::<T>(&mut objects, &part, &client.rule)?;
        if page.facts.len() >= told + STEP {
            told = page.facts.len();
            progress(told as u64);
        }
    }
    page.meta = objects.end()?;
    Ok(page)
}

fn is_protobuf(content_type: &str) -> bool {
    content_type.starts_with("application/vnd.kubernetes.protobuf")
}

/// A text for a query. Of a token: it is base64 today, but nobody promises that.
pub(crate) fn encoded(token: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    token.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// Reads a page in either encoding.
///
/// # Errors
/// If it is neither. An object in it that cannot be read is counted instead.
pub fn read<T: Resource>(content_type: &str, body: &[u8]) -> Result<Page, Failure> {
    let rule = TeamRule::default();
    if !is_protobuf(content_type) {
        return json::<T>(body, &rule);
    }
    let (mut page, mut objects) = (Page::default(), Objects::default());
    page.take_all::<T>(&mut objects, body, &rule)?;
    page.meta = objects.end()?;
    Ok(page)
}

impl Page {
    fn take<T: Resource>(&mut self, object: Option<T>, rule: &TeamRule) {
        match object.and_then(|object| fact(object, rule)) {
            Some(fact) => self.facts.push(fact),
            None => self.dropped += 1,
        }
    }

    /// Takes the objects that are whole once this part is here: one bad object is one lost object.
    fn take_all<T: Resource>(&mut self, objects: &mut Objects, part: &[u8], rule: &TeamRule) -> Result<(), Failure> {
        objects.push(part);
        while let Some(object) = objects.next_object()? {
            self.take(T::decoded(object), rule);
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct JsonList<'a> {
    #[serde(default)]
    metadata: ListMeta,
    #[serde(borrow)]
    items: Option<Vec<&'a RawValue>>,
}

fn json<T: Resource>(body: &[u8], rule: &TeamRule) -> Result<Page, Failure> {
    let list: JsonList<'_> =
        serde_json::from_slice(body).map_err(|_| Failure::Unreadable("It is no list of objects in JSON".to_owned()))?;
    let mut page = Page { meta: list.metadata, ..Page::default() };
    for item in list.items.unwrap_or_default() {
        page.take(serde_json::from_str::<T>(item.get()).ok(), rule);
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        objects::MAGIC,
        slim::{CoreEvent, Meta, Namespace, Node, Pod},
    };
    use bytes::Bytes;
    use proptest::prelude::*;
    use prost::Message;

    const PROTO: &str = "application/vnd.kubernetes.protobuf";

    fn pod(name: &str) -> Pod {
        Pod { metadata: Some(Meta { name: name.to_owned(), ..Meta::default() }), ..Pod::default() }
    }

    #[derive(prost::Message)]
    struct ProtobufList {
        #[prost(message, optional, tag = "1")]
        metadata: Option<ListMeta>,
        #[prost(bytes = "bytes", repeated, tag = "2")]
        items: Vec<Bytes>,
    }

    /// `runtime.Unknown`: what stands around every object in protobuf.
    #[derive(prost::Message)]
    struct Unknown {
        #[prost(bytes = "bytes", tag = "2")]
        raw: Bytes,
    }

    /// A page as the server sends it, with these items.
    fn page(items: Vec<Bytes>) -> Vec<u8> {
        let meta =
            ListMeta { resource_version: "7".to_owned(), r#continue: "x".to_owned(), remaining_item_count: Some(3) };
        let raw = ProtobufList { metadata: Some(meta), items }.encode_to_vec().into();
        let mut body = MAGIC.to_vec();
        body.extend(Unknown { raw }.encode_to_vec());
        body
    }

    #[test]
    fn a_page_is_read_and_one_bad_object_is_one_lost_object() {
        let good = Bytes::from(pod("a").encode_to_vec());
        let page = read::<Pod>(PROTO, &page(vec![good.clone(), Bytes::from_static(&[0x0a, 0x7f]), Bytes::new(), good]));
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
            let failure = read::<Pod>(kind, body.as_bytes()).unwrap_err();
            assert!(matches!(&failure, Failure::Unreadable(why) if why == want), "{failure:?}");
        }
    }

    proptest! {
        /// Wherever the connection cuts a page into parts, it says the same.
        #[test]
        fn parts_do_not_matter(sizes in proptest::collection::vec(1_usize..40, 1..60)) {
            let items = (0..5).map(|n| pod(&format!("pod-{n}")).encode_to_vec().into()).collect();
            let whole = page(items);
            let (mut pieces, mut objects, mut rest) = (Page::default(), Objects::default(), &whole[..]);
            for size in sizes.iter().cycle() {
                let (part, more) = rest.split_at(rest.len().min(*size));
                pieces.take_all::<Pod>(&mut objects, part, &TeamRule::default()).unwrap();
                rest = more;
                if rest.is_empty() {
                    break;
                }
            }
            pieces.meta = objects.end().unwrap();
            let whole = read::<Pod>(PROTO, &whole).unwrap();
            prop_assert_eq!(pieces.facts.len(), 5);
            prop_assert_eq!(format!("{pieces:?}"), format!("{whole:?}"));
        }

        #[test]
        fn a_page_that_is_cut_off_is_no_page(at in 0_usize..90) {
            let whole = page(vec![pod("a-name-of-some-length").encode_to_vec().into(), pod("b").encode_to_vec().into()]);
            prop_assume!(at < whole.len());
            prop_assert!(read::<Pod>(PROTO, &whole[..at]).is_err());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600), at in 0_usize..120, byte: u8) {
            let _ = read::<Pod>("application/json", &bytes);
            let mut bare = MAGIC.to_vec();
            bare.extend(&bytes);
            let _ = read::<Node>(PROTO, &bare);
            let _ = read::<Namespace>(PROTO, &page(vec![bytes.clone().into()]));
            let _ = read::<CoreEvent>(PROTO, &page(vec![bytes.into()]));
            let mut good = page(vec![pod("some-name").encode_to_vec().into()]);
            if let Some(place) = good.get_mut(at) {
                *place = byte;
            }
            let _ = read::<Pod>(PROTO, &good);
        }
    }
}
