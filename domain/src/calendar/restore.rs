//! Where a former content is written back, so that the sync that follows takes it to the other side instead of undoing it (K10).

use super::anonymize::{anonymized, is_blocked, merge_back};
use super::oddity::NotRepresentable;
use super::plan::Policy;
use super::policy::{Source, SyncStrategy};
use super::standard::Standard;
use super::termin;

/// What is to be written, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The Termin is to say this.
    Termin(Standard),
    /// The event is to say this.
    Event(Standard),
}

/// Why it is not written back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotRestorable {
    /// Advoware would have to be written, or would win, and the employee's permission does not let it be (C5).
    NoPermission,
    /// Of a copy that only tells when, nothing else is known; or Google is not to see what it would say (C7).
    Blocked,
    /// Advoware cannot hold it (C8, C9).
    NotRepresentable(NotRepresentable),
}

/// An entry that is there and was made to say something else. The side that wins by the strategy gets it; where that is the one that
/// changed, the side on which it stood. `before`: what the side `on` said; `now`: what the Termin says.
pub fn of_update(
    policy: Policy,
    source: Source,
    on: Source,
    before: &Standard,
    now: &Standard,
) -> Result<Place, NotRestorable> {
    if !policy.write.allowed(source, policy.write_override) {
        return Err(NotRestorable::NoPermission);
    }
    let is_copy = source == Source::Advoware;
    let side = match policy.strategy {
        SyncStrategy::SourceSystemWins => source,
        SyncStrategy::LastChangeWins => on,
    };
    let wanted = match side {
        // Of a blocked copy only the times are known.
        Source::Advoware if is_copy && on == Source::Google && (policy.anonymize || is_blocked(before)) => {
            merge_back(now, before)
        }
        Source::Google if is_copy && policy.anonymize => anonymized(before),
        Source::Google if is_copy && is_blocked(before) => return Err(NotRestorable::Blocked),
        Source::Advoware | Source::Google => before.clone(),
    };
    termin::write(&wanted).map_err(NotRestorable::NotRepresentable)?;
    Ok(match side {
        Source::Advoware => Place::Termin(wanted),
        Source::Google => Place::Event(wanted),
    })
}

/// An entry that is gone on both sides: it becomes a new one where it was born; one of Advoware's, where that must not be written, becomes
/// one of Google's. `source`: of its row, `None` where it had none. `base`: what the Termin said last, for a blocked copy.
pub fn of_deletion(
    policy: Policy,
    source: Option<Source>,
    before: &Standard,
    base: Option<&Standard>,
) -> Result<Place, NotRestorable> {
    let may_write = |source| policy.write.allowed(source, policy.write_override);
    let is_copy = source != Some(Source::Google);
    let was_blocked = is_copy && is_blocked(before);
    let lost = match base {
        Some(base) if was_blocked => merge_back(base, before),
        None if was_blocked => return Err(NotRestorable::Blocked),
        Some(_) | None => before.clone(),
    };
    termin::write(&lost).map_err(NotRestorable::NotRepresentable)?;
    if source == Some(Source::Advoware) && may_write(Source::Advoware) {
        return Ok(Place::Termin(lost));
    }
    match (may_write(Source::Google), is_copy && (was_blocked || policy.anonymize)) {
        (false, _) => Err(NotRestorable::NoPermission),
        (true, true) => Err(NotRestorable::Blocked),
        (true, false) => Ok(Place::Event(lost)),
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::super::guard::DeletionLimit;
    use super::super::policy::AdvowareWrite;
    use super::super::standard::Span;
    use super::*;

    const POLICY: Policy = Policy {
        strategy: SyncStrategy::SourceSystemWins,
        write: AdvowareWrite::GoogleBorn,
        write_override: None,
        anonymize: false,
        limit: DeletionLimit { percent: 20, count: 10 },
        deletions_are_approved: false,
    };
    const BOTH: [Source; 2] = Source::ALL;

    fn entry(text: &str) -> Standard {
        let day = NaiveDate::from_ymd_opt(2026, 5, 4).unwrap();
        let span = Span::AllDay { first: day, last: day };
        Standard { span, text: text.to_owned(), notiz: String::new(), ort: String::new(), series: None }
    }

    #[test]
    fn k10_it_is_written_where_the_next_run_does_not_undo_it() {
        let (before, now) = (entry("before"), entry("now"));
        for on in BOTH {
            let source_wins = of_update(POLICY, Source::Google, on, &before, &now);
            assert_eq!(source_wins, Ok(Place::Event(before.clone())));
            assert_eq!(of_update(POLICY, Source::Advoware, on, &before, &now), Err(NotRestorable::NoPermission));
            let all = Policy { write: AdvowareWrite::All, ..POLICY };
            assert_eq!(of_update(all, Source::Advoware, on, &before, &now), Ok(Place::Termin(before.clone())));
            let off = Policy { write_override: Some(false), ..POLICY };
            assert_eq!(of_update(off, Source::Google, on, &before, &now), Err(NotRestorable::NoPermission));
        }
        let last = Policy { strategy: SyncStrategy::LastChangeWins, ..POLICY };
        let on_advoware = of_update(last, Source::Google, Source::Advoware, &before, &now);
        assert_eq!(on_advoware, Ok(Place::Termin(before.clone())));
    }

    #[test]
    fn c7_what_is_blocked_reaches_advoware_with_its_times_only_and_content_no_google() {
        let all = Policy { write: AdvowareWrite::All, anonymize: true, ..POLICY };
        let blocked = anonymized(&entry("x"));
        let restored = of_update(all, Source::Advoware, Source::Google, &blocked, &entry("now"));
        assert_eq!(restored, Ok(Place::Termin(entry("now"))));
        let last = Policy { strategy: SyncStrategy::LastChangeWins, ..all };
        let restored = of_update(last, Source::Advoware, Source::Google, &entry("full"), &entry("now"));
        assert_eq!(restored, Ok(Place::Event(blocked.clone())));
        let shown = Policy { anonymize: false, ..last };
        let restored = of_update(shown, Source::Advoware, Source::Google, &blocked, &entry("now"));
        assert_eq!(restored, Err(NotRestorable::Blocked));

        let of = |policy, base: Option<&Standard>| of_deletion(policy, Some(Source::Advoware), &blocked, base);
        assert_eq!(of(all, Some(&entry("full"))), Ok(Place::Termin(entry("full"))));
        assert_eq!(of(all, None), Err(NotRestorable::Blocked));
        let google_born = Policy { anonymize: true, ..POLICY };
        assert_eq!(of(google_born, Some(&entry("full"))), Err(NotRestorable::Blocked));
        assert_eq!(of_deletion(google_born, None, &entry("full"), None), Err(NotRestorable::Blocked));
    }

    #[test]
    fn a_deleted_entry_comes_back_where_it_was_born_or_as_one_of_googles() {
        let lost = entry("lost");
        let of = |policy, source| of_deletion(policy, source, &lost, None);
        assert_eq!(of(POLICY, Some(Source::Google)), Ok(Place::Event(lost.clone())));
        assert_eq!(of(POLICY, Some(Source::Advoware)), Ok(Place::Event(lost.clone())));
        assert_eq!(of(POLICY, None), Ok(Place::Event(lost.clone())));
        let all = Policy { write: AdvowareWrite::All, ..POLICY };
        assert_eq!(of(all, Some(Source::Advoware)), Ok(Place::Termin(lost.clone())));
        let off = Policy { write: AdvowareWrite::Off, ..POLICY };
        for source in [Some(Source::Google), Some(Source::Advoware), None] {
            assert_eq!(of(off, source), Err(NotRestorable::NoPermission));
        }
    }
}
