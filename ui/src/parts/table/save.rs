//! What an export is called.

/// The name of an export: what it is of, and when.
#[must_use]
pub fn file_name(what: &str, at: pilothouse_wire::Stamp, demo: bool, suffix: &str) -> String {
    // An export of the demo must not be taken for a real one.
    let demo = if demo { "DEMO-" } else { "" };
    let at = at.to_string().replace(':', "").split('.').next().unwrap_or_default().trim_end_matches('Z').to_owned();
    format!("{demo}pilothouse-{what}-{at}Z.{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_says_what_it_is_of_and_when() {
        let at = "2026-11-24T03:12:44.512Z".parse().unwrap();
        assert_eq!(file_name("pods", at, false, "csv"), "pilothouse-pods-2026-11-24T031244Z.csv");
        assert_eq!(file_name("pods", at, true, "json"), "DEMO-pilothouse-pods-2026-11-24T031244Z.json");
    }
}
