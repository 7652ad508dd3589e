//! The requests of workers, a line of JSON each, on their way to who asks. A worker packs those that it has written down, so many
//! that a log surely holds them, and says of how many they are; who asks puts all together into one file beside the run, in the
//! order of their numbers, with times from the common begin.

use crate::sample::Sample;
use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Write},
    path::Path,
};

/// So many bytes of a log are for them at most: an API server hands out four MiB of it, and the document stands behind them.
const MOST: usize = 2_400_000;
/// Unpacked they are no larger: no more is packed, however well it packs, and no more is read, whatever stands in a log.
const LARGEST: u64 = 64 << 20;
/// Digits pack well at once; more effort would keep a worker from handing over.
const LEVEL: i32 = 6;

/// How many lines a worker hands over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handed {
    /// Lines that it hands over, the first ones.
    pub lines: u64,
    /// Of so many that it has written down.
    pub of: u64,
}

/// Lines as they go onto the way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packed {
    /// They, packed, as letters that a log holds.
    pub text: String,
    /// How many they are.
    pub handed: Handed,
}

/// Packs the lines of a file, as many as have room. Blocks.
///
/// # Errors
/// If it cannot be read.
pub fn pack(file: &Path) -> io::Result<Packed> {
    pack_within(BufReader::new(File::open(file)?), MOST, LARGEST)
}

fn pack_within(mut lines: impl BufRead, most: usize, largest: u64) -> io::Result<Packed> {
    let mut packer = zstd::stream::Encoder::new(Vec::new(), LEVEL)?;
    let (mut handed, mut line, mut is_full, mut unpacked) = (Handed::default(), Vec::new(), false, 0_u64);
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        // One that was cut as its writer was killed is none.
        if line.last() != Some(&b'\n') {
            continue;
        }
        handed.of += 1;
        // What is packed grows by blocks: the room that is asked for leaves some for the last of them.
        unpacked = unpacked.saturating_add(line.len() as u64);
        is_full = is_full || (packer.get_ref().len() + line.len()) / 3 * 4 > most || unpacked > largest;
        if !is_full {
            packer.write_all(&line)?;
            handed.lines += 1;
        }
    }
    Ok(Packed { text: BASE64_STANDARD.encode(packer.finish()?), handed })
}

/// The requests that were packed.
///
/// # Errors
/// Why they cannot be read.
pub fn unpack(packed: &Packed) -> Result<Vec<Sample>, String> {
    let bytes = BASE64_STANDARD.decode(&packed.text).map_err(|error| error.to_string())?;
    let mut text = String::new();
    let unpacked = zstd::stream::Decoder::new(&*bytes).and_then(|from| from.take(LARGEST).read_to_string(&mut text));
    unpacked.map_err(|error| error.to_string())?;
    let samples: Result<Vec<Sample>, _> = text.lines().map(serde_json::from_str).collect();
    let samples = samples.map_err(|error| error.to_string())?;
    match samples.len() as u64 == packed.handed.lines {
        true => Ok(samples),
        false => Err(format!("{} lines came of {}", samples.len(), packed.handed.lines)),
    }
}

/// Requests of one worker.
pub struct Own {
    /// Which worker.
    pub worker: u32,
    /// By how much later than the common begin its run began, in microseconds.
    pub later_us: u64,
    /// They.
    pub samples: Vec<Sample>,
}

/// Writes the requests of all workers, a line each, in the order of their numbers: each says whose it is, and its times are from
/// the common begin.
///
/// # Errors
/// If they cannot be written.
pub fn write(all: Vec<Own>, out: &mut impl Write) -> io::Result<()> {
    #[derive(Serialize)]
    struct Line<'a> {
        worker: u32,
        #[serde(flatten)]
        sample: &'a Sample,
    }
    let moved = |own: Own| {
        own.samples.into_iter().map(move |sample| {
            let (intended_us, end_us) =
                (sample.intended_us.saturating_add(own.later_us), sample.end_us.saturating_add(own.later_us));
            (own.worker, Sample { intended_us, end_us, ..sample })
        })
    };
    let mut lines: Vec<(u32, Sample)> = all.into_iter().flat_map(moved).collect();
    lines.sort_by_key(|(worker, sample)| (sample.n, *worker));
    for (worker, sample) in &lines {
        serde_json::to_writer(&mut *out, &Line { worker: *worker, sample })?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{
        failure::{Failure, Kind},
        sample::{End, Heard},
    };

    /// A request of this number.
    pub fn sample(n: u64) -> Sample {
        // No two alike, as of a real server.
        let next = |of: &u64| Some(of.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
        let drawn = std::iter::successors(Some(n + 1), next).skip(3);
        let gaps_us: Vec<u32> = drawn.take(63).map(|of| u32::try_from((of >> 33) % 9_973).unwrap()).collect();
        let heard = Heard { ttft_us: 100 + n, e2e_us: 9_000, pieces: 64, gaps_us, ..Heard::default() };
        let end = if n % 9 == 8 {
            End::Failed(Failure::new(Kind::Cut, "in the middle of \"it\""))
        } else {
            End::Answered(heard)
        };
        Sample {
            n,
            intended_us: n * 1_000,
            lag_us: 3,
            end_us: n * 1_000 + 9_000,
            wanted_input: 8,
            wanted_output: None,
            end,
        }
    }

    fn text(samples: &[Sample]) -> String {
        samples.iter().map(|sample| serde_json::to_string(sample).unwrap() + "\n").collect()
    }

    #[test]
    fn lines_come_out_as_they_went_in_and_what_has_no_room_is_counted() {
        let samples: Vec<Sample> = (0..600).map(sample).collect();
        // Its writer was killed in the last one.
        let text = text(&samples) + "{\"n\":600,\"inte";
        let whole = pack_within(text.as_bytes(), MOST, LARGEST).unwrap();
        assert_eq!((whole.handed, unpack(&whole).unwrap()), (Handed { lines: 600, of: 600 }, samples.clone()));
        assert!(whole.text.len() < text.len(), "{} of {}", whole.text.len(), text.len());

        let many: Vec<Sample> = (0..6_000).map(sample).collect();
        let part = pack_within(self::text(&many).as_bytes(), 300_000, LARGEST).unwrap();
        assert!(part.handed.lines < 6_000 && part.handed.lines > 600, "{:?}", part.handed);
        assert_eq!(part.handed.of, 6_000);
        // A block of what is packed may come on top.
        assert!(part.text.len() < 300_000 + 180_000, "{}", part.text.len());
        assert_eq!(unpack(&part).unwrap().len() as u64, part.handed.lines);
        assert_eq!(pack_within(&b""[..], MOST, LARGEST).unwrap().handed, Handed::default());
    }

    /// Failures are all alike, and pack to almost nothing: what is handed over can be read all the same.
    #[test]
    fn no_more_is_packed_than_is_read_however_well_it_packs() {
        let failed = |n: u64| Sample { end: End::Failed(Failure::new(Kind::Cut, "nobody listens")), ..sample(n) };
        let text = text(&(0..900).map(failed).collect::<Vec<_>>());
        let largest = text.len() as u64 / 3;
        let packed = pack_within(text.as_bytes(), MOST, largest).unwrap();
        let unpacked = unpack(&packed).unwrap();
        assert!(
            packed.handed.lines > 250 && packed.handed.lines < 350 && packed.handed.of == 900,
            "{:?}",
            packed.handed
        );
        assert_eq!(unpacked.len() as u64, packed.handed.lines);
    }

    #[test]
    fn what_is_no_such_text_is_refused() {
        let packed = pack_within(text(&[sample(1)]).as_bytes(), MOST, LARGEST).unwrap();
        let other = BASE64_STANDARD.encode(zstd::encode_all(&b"{}\n"[..], 1).unwrap());
        for text in ["%%", "AAAA", other.as_str(), &packed.text[..packed.text.len() - 8]] {
            assert!(unpack(&Packed { text: text.to_owned(), ..packed.clone() }).is_err(), "{text}");
        }
        assert!(unpack(&Packed { handed: Handed { lines: 2, of: 2 }, ..packed }).is_err());
    }

    #[test]
    fn requests_of_all_stand_in_the_order_of_their_numbers_from_the_common_begin() {
        let own = |worker: u32, later_us: u64, numbers: &[u64]| Own {
            worker,
            later_us,
            samples: numbers.iter().map(|n| sample(*n)).collect(),
        };
        let mut out = Vec::new();
        write(vec![own(1, 200, &[1, 3]), own(0, 0, &[0, 2])], &mut out).unwrap();
        let lines: Vec<serde_json::Value> =
            String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let told: Vec<(u64, u64, u64)> = lines
            .iter()
            .map(|line| ["n", "worker", "intended_us"].map(|field| line[field].as_u64().unwrap()).into())
            .collect();
        assert_eq!(told, [(0, 0, 0), (1, 1, 1_200), (2, 0, 2_000), (3, 1, 3_200)]);
        // Whose it is is one field more: all else reads as any request does.
        let read: Sample = serde_json::from_value(lines[2].clone()).unwrap();
        assert_eq!(read, sample(2));
    }
}
