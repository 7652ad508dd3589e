//! By what a plan is named: a digest that only this session can make.

use hmac::{Hmac, Mac};
use pilothouse_wire::plan::{Digest, Plan};
use sha2::Sha256;
use std::fmt;

/// What the digests of one session are made with: random, kept nowhere, shown to nobody.
///
/// A plan may have a secret in what it sends, and its digest stands in the audit book for years. Without this, whoever reads
/// the book could try secrets until one gives that digest.
#[derive(Clone)]
pub struct Seal([u8; 32]);

impl Seal {
    /// Of these random bits.
    #[must_use]
    pub fn new(bits: [u8; 32]) -> Self {
        Self(bits)
    }

    /// The digest of a plan: over all that was shown, and all that is sent. In one session the same plan has the same.
    #[must_use]
    pub fn digest(&self, plan: &Plan) -> Digest {
        // A plan always encodes: it is made of texts and numbers.
        let bytes = postcard::to_stdvec(plan).unwrap_or_default();
        // A key of any length is taken.
        let mac = Hmac::<Sha256>::new_from_slice(&self.0).map(|mac| mac.chain_update(bytes).finalize());
        Digest(mac.map(|mac| mac.into_bytes().into()).unwrap_or_default())
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal(…)")
    }
}
