//! Berlin wall time, in which Advoware thinks, and instants (C8).

use std::ops::RangeInclusive;

use chrono::{DateTime, Datelike, NaiveDateTime, Offset, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Europe::Berlin;

use super::oddity::NotRepresentable;

/// Years that an entry may lie in. Anything else is a typing error or an empty date in disguise, and bounds keep sums
/// of dates from overflowing.
pub const YEARS: RangeInclusive<i32> = 1900..=2999;

/// The instant that a Berlin wall time means: in the repeated hour in October the later one (CET), in the skipped hour
/// in March with the offset before the jump (C8).
pub fn instant_of(wall: NaiveDateTime) -> DateTime<Utc> {
    Berlin.from_local_datetime(&wall).latest().map_or_else(|| after_the_jump(wall), |at| at.to_utc())
}

/// An hour before a skipped wall time the old offset holds. At the ends of what chrono can hold there is no zone, the
/// wall time is taken for UTC.
fn after_the_jump(wall: NaiveDateTime) -> DateTime<Utc> {
    let hour = TimeDelta::hours(1);
    let before = wall.checked_sub_signed(hour).and_then(|before| Berlin.from_local_datetime(&before).latest());
    before.and_then(|before| before.to_utc().checked_add_signed(hour)).unwrap_or_else(|| wall.and_utc())
}

/// What a clock in Berlin shows at an instant. Not every such wall time leads back to its instant: see [`wall_of`].
pub fn berlin(instant: DateTime<Utc>) -> NaiveDateTime {
    let utc = instant.naive_utc();
    utc.checked_add_offset(Berlin.offset_from_utc_datetime(&utc).fix()).unwrap_or(utc)
}

/// The wall time that Advoware holds for an instant, in whole seconds; refused where [`instant_of`] would read another
/// instant from it.
pub fn wall_of(instant: DateTime<Utc>) -> Result<NaiveDateTime, NotRepresentable> {
    let wall = berlin(instant);
    if !YEARS.contains(&wall.year()) {
        Err(NotRepresentable::YearOutOfRange)
    } else if wall.nanosecond() != 0 {
        Err(NotRepresentable::SubSecond)
    } else if instant_of(wall) != instant {
        Err(NotRepresentable::RepeatedHour)
    } else {
        Ok(wall)
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use proptest::prelude::*;

    use super::*;

    fn wall(text: &str) -> NaiveDateTime {
        text.parse().unwrap()
    }

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// Every quarter hour of a day, with the hour it belongs to.
    fn quarter_hours(day: &str) -> impl Iterator<Item = (u32, NaiveDateTime)> {
        let midnight = day.parse::<NaiveDate>().unwrap().and_hms_opt(0, 0, 0).unwrap();
        (0..96).map(move |quarter: u32| (quarter / 4, midnight + TimeDelta::minutes(15 * i64::from(quarter))))
    }

    #[test]
    fn c8_on_the_days_of_the_jump_in_march_the_offset_before_it_holds_to_the_end_of_the_skipped_hour() {
        for day in ["2026-03-29", "2027-03-28"] {
            for (hour, wall) in quarter_hours(day) {
                let offset_hours = if hour < 3 { 1 } else { 2 };
                let instant = instant_of(wall);
                assert_eq!(instant, (wall - TimeDelta::hours(offset_hours)).and_utc(), "{wall}");
                let shown = if hour == 2 { wall + TimeDelta::hours(1) } else { wall };
                assert_eq!(wall_of(instant), Ok(shown), "{wall}");
            }
        }
    }

    #[test]
    fn c8_on_the_days_of_the_jump_in_october_the_repeated_hour_is_the_later_instant() {
        for day in ["2026-10-25", "2027-10-31"] {
            for (hour, wall) in quarter_hours(day) {
                let offset_hours = if hour < 2 { 2 } else { 1 };
                let instant = instant_of(wall);
                assert_eq!(instant, (wall - TimeDelta::hours(offset_hours)).and_utc(), "{wall}");
                assert_eq!(wall_of(instant), Ok(wall), "{wall}");
                if hour == 2 {
                    assert_eq!(wall_of(instant - TimeDelta::hours(1)), Err(NotRepresentable::RepeatedHour), "{wall}");
                }
            }
        }
    }

    #[test]
    fn c8_the_edges_of_the_repeated_hour() {
        assert_eq!(wall_of(utc("2026-10-24T23:59:59Z")), Ok(wall("2026-10-25T01:59:59")));
        assert_eq!(wall_of(utc("2026-10-25T00:00:00Z")), Err(NotRepresentable::RepeatedHour));
        assert_eq!(wall_of(utc("2026-10-25T00:59:59Z")), Err(NotRepresentable::RepeatedHour));
        assert_eq!(wall_of(utc("2026-10-25T01:00:00Z")), Ok(wall("2026-10-25T02:00:00")));
        assert_eq!(instant_of(wall("2026-10-25T02:59:59.999")), utc("2026-10-25T01:59:59.999Z"));
    }

    #[test]
    fn c8_the_seeds_example_of_a_timestamp() {
        assert_eq!(instant_of(wall("2025-10-23T14:18:36.245")), utc("2025-10-23T12:18:36.245Z"));
    }

    #[test]
    fn c8_advoware_holds_whole_seconds() {
        assert_eq!(wall_of(utc("2026-05-04T08:00:00.001Z")), Err(NotRepresentable::SubSecond));
        assert_eq!(wall_of(utc("2026-05-04T08:00:01Z")), Ok(wall("2026-05-04T10:00:01")));
    }

    #[test]
    fn the_ends_of_time_do_not_panic() {
        for instant in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            assert_eq!(wall_of(instant), Err(NotRepresentable::YearOutOfRange));
        }
        for wall in [NaiveDateTime::MIN, NaiveDateTime::MAX] {
            let _ = instant_of(wall);
        }
        assert_eq!(wall_of(utc("1899-12-31T22:59:59Z")), Err(NotRepresentable::YearOutOfRange));
        assert_eq!(wall_of(utc("2999-12-31T23:00:00Z")), Err(NotRepresentable::YearOutOfRange));
    }

    /// Whole seconds from 1900 to 2100, the neighbourhood of both jumps of 2026 among them.
    fn any_seconds() -> impl Strategy<Value = i64> {
        let near = |jump: i64| (jump - 10_000)..(jump + 10_000);
        prop_oneof![-2_208_900_000i64..4_102_444_800, near(1_774_746_000), near(1_792_890_000)]
    }

    proptest! {
        #[test]
        fn c8_every_wall_time_that_is_given_leads_back(seconds in any_seconds()) {
            let instant = DateTime::from_timestamp(seconds, 0).unwrap();
            match wall_of(instant) {
                Ok(wall) => prop_assert_eq!(instant_of(wall), instant),
                Err(reason) => {
                    prop_assert_eq!(reason, NotRepresentable::RepeatedHour);
                    prop_assert_eq!(instant_of(berlin(instant)), instant + TimeDelta::hours(1));
                }
            }
        }

        #[test]
        fn c8_every_wall_time_has_an_instant_that_can_be_written(seconds in any_seconds()) {
            let wall = DateTime::from_timestamp(seconds, 0).unwrap().naive_utc();
            let again = wall_of(instant_of(wall)).unwrap();
            prop_assert!(again == wall || again == wall + TimeDelta::hours(1), "{wall} {again}");
        }
    }
}
