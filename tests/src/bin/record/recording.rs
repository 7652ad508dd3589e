//! The file of a recording: a header with the version of facts, then batches, packed as one stream.
//!
//! The header is `PHFACTS\n` and the version as two bytes, the low one first. In the stream a batch is its length as
//! four bytes, the low one first, and itself in postcard. Its end is a length of 0: without it the file was cut.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

use acceptance::{Context, Failure, Result};
use pilothouse_world::{Batch, FACT_VERSION};

const MAGIC: &[u8; 8] = b"PHFACTS\n";
/// How hard it is packed: recordings are made seldom and kept in the repository.
const LEVEL: i32 = 12;
/// No batch is larger: a length beyond is damage.
const LARGEST: u32 = 256 << 20;

/// A recording that is being written.
pub struct Recording {
    stream: zstd::Encoder<'static, BufWriter<File>>,
    count: u64,
}

impl Recording {
    /// Begins a file.
    pub fn create(path: &Path) -> Result<Self> {
        let mut file = BufWriter::new(File::create(path).could_not(format!("make {}", path.display()))?);
        file.write_all(MAGIC).could_not("write the recording")?;
        file.write_all(&FACT_VERSION.to_le_bytes()).could_not("write the recording")?;
        let stream = zstd::Encoder::new(file, LEVEL).could_not("write the recording")?;
        Ok(Self { stream, count: 0 })
    }

    /// Appends a batch.
    pub fn append(&mut self, batch: &Batch) -> Result<()> {
        let bytes = postcard::to_stdvec(batch).could_not("write a batch")?;
        let length = u32::try_from(bytes.len()).could_not("write a batch")?;
        self.stream.write_all(&length.to_le_bytes()).could_not("write the recording")?;
        self.stream.write_all(&bytes).could_not("write the recording")?;
        self.count += 1;
        Ok(())
    }

    /// Ends the file; gives how many batches are in it.
    pub fn finish(mut self) -> Result<u64> {
        self.stream.write_all(&0_u32.to_le_bytes()).could_not("write the recording")?;
        let mut file = self.stream.finish().could_not("write the recording")?;
        file.flush().could_not("write the recording")?;
        Ok(self.count)
    }
}

/// Hands out every batch of a recording.
pub fn read(path: &Path, mut take: impl FnMut(Batch)) -> Result<()> {
    let what = || format!("read {}", path.display());
    let mut file = BufReader::new(File::open(path).could_not(what())?);
    let (mut magic, mut version) = ([0; 8], [0; 2]);
    file.read_exact(&mut magic).could_not(what())?;
    file.read_exact(&mut version).could_not(what())?;
    if &magic != MAGIC {
        return Err(Failure::new(format!("{} is no recording", path.display())));
    }
    let version = u16::from_le_bytes(version);
    if version != FACT_VERSION {
        let text = format!("{} has facts of version {version}; this build reads {FACT_VERSION}", path.display());
        return Err(Failure::new(text));
    }
    let mut stream = zstd::Decoder::with_buffer(file).could_not(what())?;
    loop {
        let mut length = [0; 4];
        stream.read_exact(&mut length).could_not(what())?;
        match u32::from_le_bytes(length) {
            0 => return Ok(()),
            length if length > LARGEST => return Err(Failure::new(format!("{} is damaged", path.display()))),
            length => {
                let mut bytes = vec![0; length as usize];
                stream.read_exact(&mut bytes).could_not(what())?;
                take(postcard::from_bytes(&bytes).could_not(what())?);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{ConnectionId, Stamp};
    use pilothouse_world::{Extent, Fact, fact::SourceFact};

    fn batch(at: i64) -> Batch {
        let facts = vec![Fact::Source(SourceFact::Heard)];
        Batch { source: ConnectionId::slug("iad"), seen_at: Stamp(at), extent: Extent::Delta, facts }
    }

    #[test]
    fn what_was_recorded_is_read_and_a_cut_file_is_refused() -> Result<()> {
        let folder = tempfile::tempdir().could_not("make a folder")?;
        let path = folder.path().join("one.facts");
        let mut recording = Recording::create(&path)?;
        let batches: Vec<Batch> = (0..100).map(batch).collect();
        batches.iter().try_for_each(|batch| recording.append(batch))?;
        assert_eq!(recording.finish()?, 100);
        let mut read_back = Vec::new();
        read(&path, |batch| read_back.push(batch))?;
        assert_eq!(read_back, batches);

        let whole = std::fs::read(&path).could_not("read")?;
        std::fs::write(&path, &whole[..whole.len() - 9]).could_not("write")?;
        assert!(read(&path, drop).is_err());
        std::fs::write(&path, [MAGIC.as_slice(), &[0xff, 0xff]].concat()).could_not("write")?;
        assert!(read(&path, drop).is_err_and(|failure| failure.to_string().contains("version 65535")));
        Ok(())
    }
}
