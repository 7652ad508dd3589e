//! Until when a certificate is valid: the one thing that is read out of it, to say more than "401".

use jiff::civil::DateTime;
use pilothouse_wire::Stamp;
use rustls::pki_types::{CertificateDer, pem::PemObject};

/// When the first certificate of a PEM text ends; `None` if that cannot be read.
pub(super) fn ends(pem: &str) -> Option<Stamp> {
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
    of_der(&der)
}

/// Walks X.509: Certificate { TBSCertificate { [0] version?, serial, algorithm, issuer, Validity { from, until }, … } }.
fn of_der(der: &[u8]) -> Option<Stamp> {
    const SEQUENCE: u8 = 0x30;
    const VERSION: u8 = 0xa0;
    let (certificate, _) = Part::of(der, SEQUENCE)?;
    let (mut rest, _) = Part::of(certificate, SEQUENCE)?;
    if rest.first() == Some(&VERSION) {
        (_, rest) = Part::any(rest)?;
    }
    for _serial_algorithm_issuer in 0..3 {
        (_, rest) = Part::any(rest)?;
    }
    let (validity, _) = Part::of(rest, SEQUENCE)?;
    let (_from, until) = Part::any(validity)?;
    let (&tag, _) = until.split_first()?;
    let (text, _) = Part::any(until)?;
    time(tag, std::str::from_utf8(text).ok()?)
}

/// One element of DER: a tag, a length, the content.
struct Part;

impl Part {
    /// The content of the first element, and what follows it.
    fn any(der: &[u8]) -> Option<(&[u8], &[u8])> {
        let (length, rest) = match der.get(1..)?.split_first()? {
            (&short @ 0..=0x7f, rest) => (usize::from(short), rest),
            (&long @ 0x81..=0x84, rest) => {
                let (bytes, rest) = rest.split_at_checked(usize::from(long - 0x80))?;
                (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        rest.split_at_checked(length)
    }

    /// As [`Part::any`], if it has this tag.
    fn of(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
        if der.first() == Some(&tag) { Self::any(der) } else { None }
    }
}

/// `UTCTime` has two digits for the year, of 1950 to 2049; `GeneralizedTime` has four.
fn time(tag: u8, text: &str) -> Option<Stamp> {
    let (year, rest) = match tag {
        0x17 => {
            let year: i16 = text.get(..2)?.parse().ok()?;
            (if year < 50 { 2_000 + year } else { 1_900 + year }, text.get(2..)?)
        }
        0x18 => (text.get(..4)?.parse().ok()?, text.get(4..)?),
        _ => return None,
    };
    let digits = rest.strip_suffix('Z')?;
    let two = |at: usize| digits.get(at..at + 2)?.parse::<i8>().ok();
    let time = DateTime::new(year, two(0)?, two(2)?, two(4)?, two(6)?, two(8)?, 0).ok()?;
    let zoned = time.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Stamp(zoned.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn certificate(year: i32) -> rcgen::Certificate {
        let mut params = rcgen::CertificateParams::new(vec!["a".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(1990, 1, 1);
        params.not_after = rcgen::date_time_ymd(year, 2, 3);
        params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap()
    }

    #[test]
    fn the_end_is_read_in_both_of_its_forms() {
        for year in [1999, 2021, 2049, 2050, 2120] {
            assert_eq!(ends(&certificate(year).pem()).unwrap().to_string(), format!("{year}-02-03T00:00:00Z"));
        }
        assert_eq!(ends("no certificate"), None);
    }

    proptest! {
        #[test]
        fn a_damaged_certificate_makes_nothing_panic(at in 0_usize..400, byte: u8, cut in 0_usize..400) {
            static GOOD: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| certificate(2021).der().to_vec());
            let mut der = GOOD.clone();
            if let Some(place) = der.get_mut(at) {
                *place = byte;
            }
            der.truncate(cut);
            let _ = of_der(&der);
        }
    }
}
