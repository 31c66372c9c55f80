//! What may be changed, and when it was.

use super::*;

#[test]
fn c10_other_peoples_private_entries_are_not_changed() {
    let termin = |privat, anwalt: &str, sb: &str| {
        let (anwalt, sb) = (Some(anwalt.to_owned()), Some(sb.to_owned()));
        TerminFields { privat, sb, anwalt, ..TerminFields::default() }
    };
    assert!(termin(false, "AI", "AI").may_change("SB"));
    assert!(!termin(true, "AI", "SB").may_change("SB"));
    assert!(!termin(true, "ALLE", "SB").may_change("SB"));
    assert!(termin(true, " sb", "AI").may_change("SB"));
    assert!(termin(true, "", "SB").may_change("SB"));
    assert!(!TerminFields { privat: true, ..TerminFields::default() }.may_change(""));
}

#[test]
fn c8_the_time_of_the_last_change_is_berlins() {
    let at = |text| TerminFields { zuletzt_geaendert_am: datum(text), ..TerminFields::default() }.changed_at();
    assert_eq!(at("2025-10-23T14:18:36.245"), Some(utc("2025-10-23T12:18:36.245Z")));
    assert_eq!(at("0001-01-01T00:00:00"), None);
    assert_eq!(at("9999-12-31T00:00:00"), None);
}
