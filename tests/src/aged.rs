//! Time that goes by for an API server without anybody waiting for it: all times that it keeps become older, in etcd, where
//! it keeps them.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pilothouse_connect::Clock;
use serde_json::{Value, json};

use crate::api::plain;
use crate::control_plane::ControlPlane;
use crate::failure::{Context, Failure, Result};

const ANSWER_LIMIT: Duration = Duration::from_secs(60);
/// What the harness makes is younger than this; what is older is no time of it.
const OLDEST: Duration = Duration::from_secs(4 * 3_600);
/// What the API server writes as protobuf begins so; what is JSON (objects of kinds that were added) stays as it is.
const PROTOBUF: &[u8] = b"k8s\0";
/// Signs of life: who is late with them would be taken for dead.
const LEASES: &[u8] = b"/registry/leases/";

impl ControlPlane {
    /// Makes everything that the API server keeps so much older, as if nobody had touched it since: times of creation, of
    /// writes (`managedFields`), of conditions, of events. It is stopped meanwhile, and starts again with the same data.
    pub async fn age(&mut self, by: Duration) -> Result<()> {
        self.stop_apiserver();
        let etcd = Etcd { http: plain(ANSWER_LIMIT)?, url: format!("http://127.0.0.1:{}", self.layout.etcd_port) };
        let now = u64::try_from(Clock::system().now().0 / 1_000).could_not("read the clock")?;
        for (key, mut value) in etcd.all().await? {
            let is_kept = key.starts_with(LEASES) || !value.starts_with(PROTOBUF);
            if !is_kept && aged(&mut value, now, by.as_secs()) > 0 {
                etcd.put(&key, &value).await?;
            }
        }
        self.start_apiserver().await
    }
}

/// Makes every time in a stored object older, and counts them. A time is `seconds` and `nanos`, each with its tag; of
/// today's seconds the number has five bytes, also of those some hours before.
fn aged(value: &mut [u8], now: u64, by: u64) -> usize {
    const SECONDS: u8 = 0x08;
    const NANOS: u8 = 0x10;
    let mut found = 0;
    for at in 0..value.len().saturating_sub(6) {
        if value[at] != SECONDS || value[at + 6] != NANOS {
            continue;
        }
        let Some(seconds) = number(&value[at + 1..at + 6]) else { continue };
        if (now.saturating_sub(OLDEST.as_secs())..=now + 60).contains(&seconds) {
            write(&mut value[at + 1..at + 6], seconds - by);
            found += 1;
        }
    }
    found
}

/// A number as protobuf has it, seven bits a byte, if it is as long as this.
fn number(bytes: &[u8]) -> Option<u64> {
    let (last, more) = bytes.split_last()?;
    let is_one = *last < 0x80 && more.iter().all(|byte| *byte >= 0x80);
    is_one.then(|| bytes.iter().rev().fold(0, |number, byte| (number << 7) | u64::from(byte & 0x7f)))
}

fn write(bytes: &mut [u8], mut number: u64) {
    let last = bytes.len().saturating_sub(1);
    for (at, byte) in bytes.iter_mut().enumerate() {
        let low = u8::try_from(number & 0x7f).unwrap_or_default();
        *byte = if at < last { low | 0x80 } else { low };
        number >>= 7;
    }
}

/// The store of the API server, by its JSON gateway.
struct Etcd {
    http: reqwest::Client,
    url: String,
}

impl Etcd {
    /// All that is kept: keys and values.
    async fn all(&self) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let range = json!({ "key": STANDARD.encode("/registry/"), "range_end": STANDARD.encode("/registry0") });
        let answer = self.call("/v3/kv/range", &range).await?;
        let rows = answer["kvs"].as_array().ok_or_else(|| Failure::new(format!("etcd has nothing: {answer}")))?;
        let bytes = |row: &Value, name: &str| {
            STANDARD.decode(row[name].as_str().unwrap_or_default()).could_not("read what etcd keeps")
        };
        rows.iter().map(|row| Ok((bytes(row, "key")?, bytes(row, "value")?))).collect()
    }

    /// Writes a value in place of the one that is there, which goes when it would have gone.
    async fn put(&self, key: &[u8], value: &[u8]) -> Result<()> {
        let put = json!({ "key": STANDARD.encode(key), "value": STANDARD.encode(value), "ignore_lease": true });
        self.call("/v3/kv/put", &put).await.map(drop)
    }

    async fn call(&self, path: &str, body: &Value) -> Result<Value> {
        let what = || format!("ask etcd for {path}");
        let request = self.http.post(format!("{}{path}", self.url)).body(body.to_string());
        let response = request.send().await.could_not(what())?;
        let status = response.status();
        let bytes = response.bytes().await.could_not(what())?;
        if !status.is_success() {
            let said = String::from_utf8_lossy(&bytes);
            return Err(Failure::new(format!("could not {}: it said {status}: {said}", what())));
        }
        serde_json::from_slice(&bytes).could_not(what())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_become_older_in_place_and_other_bytes_stay() {
        let now = 1_796_000_000;
        let mut time = [0x08, 0, 0, 0, 0, 0, 0x10, 0x00];
        write(&mut time[1..6], now - 100);
        let old = [0x08, 0x80, 0x80, 0x80, 0x80, 0x01, 0x10, 0x00];
        let mut value = [b"k8s\0\x42\x08".as_slice(), &time, b"text \x08\x10", &old, &time[..6]].concat();
        let before = value.clone();
        assert_eq!(aged(&mut value, now, 1_800), 1, "one is whole, one is of long ago, one is cut");
        assert_eq!(number(&value[7..12]), Some(now - 1_900));
        let same = |of: &[u8]| [&of[..7], &of[12..]].concat();
        assert_eq!(same(&value), same(&before));
    }
}
