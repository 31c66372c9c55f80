//! Lists of CBeteiligte: filters in EspoCRM's notation and paging.

use chrono::{DateTime, Utc};
use domain::beteiligte::SyncStatus;

use super::map::ListedBeteiligte;
use super::wire::{TIME_FORMAT, field};

/// Largest page; EspoCRM answers 403 above it.
const MAX_PAGE_SIZE: u32 = 200;

/// Which records a list holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// All of them.
    All,
    /// `syncStatus` is one of these.
    StatusIn(Vec<SyncStatus>),
    /// `syncNextRetry` is empty or not after this time.
    RetryDue(DateTime<Utc>),
    /// `syncAutoResetAt` is not after this time.
    ResetDue(DateTime<Utc>),
    /// `modifiedAt` is after this time.
    ModifiedAfter(DateTime<Utc>),
    /// All of these.
    And(Vec<Filter>),
    /// Any of these.
    Or(Vec<Filter>),
}

/// Which part of a list to get. Offset paging is no snapshot: records are ordered by when they were created, so new ones
/// come last, but one that leaves the filter meanwhile moves those after it to the front. Walking from the last page to the
/// first ([`Self::last`], [`Self::before`]) meets them all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    offset: u32,
    size: u32,
}

/// One page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListPage {
    /// Its records.
    pub records: Vec<ListedBeteiligte>,
    /// Elements that could not be read.
    pub unreadable: u32,
    /// Records in the whole list; `None` where EspoCRM does not count.
    pub total: Option<u32>,
    /// The page after it, unless this is the last.
    pub next: Option<PageRequest>,
}

impl PageRequest {
    /// The first page; `size` is kept within 1 and what EspoCRM allows.
    pub fn first(size: u32) -> Self {
        Self { offset: 0, size: size.clamp(1, MAX_PAGE_SIZE) }
    }

    /// The last page of a list of `total` records, in pages of this one's size.
    #[must_use]
    pub fn last(self, total: u32) -> Self {
        Self { offset: total.saturating_sub(1) / self.size * self.size, size: self.size }
    }

    /// The page before this one; `None` before the first.
    pub fn before(self) -> Option<Self> {
        let offset = self.offset.checked_sub(self.size)?;
        Some(Self { offset, size: self.size })
    }

    /// The page after this one, which held `count` elements; a short page is the last.
    pub(super) fn after(self, count: usize) -> Option<Self> {
        (count >= self.size as usize).then_some(Self { offset: self.offset + self.size, size: self.size })
    }
}

/// Query parameters of a list.
pub(super) fn query(filter: &Filter, page: PageRequest) -> Vec<(String, String)> {
    let columns = [field::ID, field::SYNC_STATUS, field::SYNC_NEXT_RETRY, field::BETNR, field::MODIFIED_AT];
    let mut pairs = vec![
        ("select".to_owned(), columns.join(",")),
        ("orderBy".to_owned(), field::CREATED_AT.to_owned()),
        ("order".to_owned(), "asc".to_owned()),
        ("offset".to_owned(), page.offset.to_string()),
        ("maxSize".to_owned(), page.size.to_string()),
    ];
    write_filter(&mut pairs, "where[0]", filter);
    pairs
}

/// PHP's array notation: `where[0][type]=...&where[0][attribute]=...&where[0][value]=...`.
fn write_filter(pairs: &mut Vec<(String, String)>, at: &str, filter: &Filter) {
    match filter {
        Filter::All => {}
        Filter::StatusIn(statuses) => {
            write_test(pairs, at, "in", field::SYNC_STATUS);
            for (n, status) in statuses.iter().enumerate() {
                pairs.push((format!("{at}[value][{n}]"), status.name().to_owned()));
            }
        }
        Filter::RetryDue(now) => {
            let group = format!("{at}[value]");
            pairs.push((format!("{at}[type]"), "or".to_owned()));
            write_test(pairs, &format!("{group}[0]"), "isNull", field::SYNC_NEXT_RETRY);
            write_time_test(pairs, &format!("{group}[1]"), "lessThanOrEquals", field::SYNC_NEXT_RETRY, *now);
        }
        Filter::ResetDue(now) => write_time_test(pairs, at, "lessThanOrEquals", field::SYNC_AUTO_RESET_AT, *now),
        Filter::ModifiedAfter(time) => write_time_test(pairs, at, "greaterThan", field::MODIFIED_AT, *time),
        Filter::And(filters) => write_group(pairs, at, "and", filters),
        Filter::Or(filters) => write_group(pairs, at, "or", filters),
    }
}

fn write_group(pairs: &mut Vec<(String, String)>, at: &str, kind: &str, filters: &[Filter]) {
    pairs.push((format!("{at}[type]"), kind.to_owned()));
    for (n, filter) in filters.iter().enumerate() {
        write_filter(pairs, &format!("{at}[value][{n}]"), filter);
    }
}

/// Raw UTC without `dateTime: true`, with which EspoCRM would read it in its own zone.
fn write_time_test(pairs: &mut Vec<(String, String)>, at: &str, kind: &str, attribute: &str, time: DateTime<Utc>) {
    write_test(pairs, at, kind, attribute);
    pairs.push((format!("{at}[value]"), time.format(TIME_FORMAT).to_string()));
}

fn write_test(pairs: &mut Vec<(String, String)>, at: &str, kind: &str, attribute: &str) {
    pairs.push((format!("{at}[type]"), kind.to_owned()));
    pairs.push((format!("{at}[attribute]"), attribute.to_owned()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(filter: &Filter) -> Vec<String> {
        let mut pairs = Vec::new();
        write_filter(&mut pairs, "where[0]", filter);
        pairs.into_iter().map(|(key, value)| format!("{key}={value}")).collect()
    }

    #[test]
    fn filters_are_written_in_espocrms_notation() {
        assert_eq!(
            written(&Filter::StatusIn(vec![SyncStatus::Dirty, SyncStatus::PendingSync])),
            [
                "where[0][type]=in",
                "where[0][attribute]=syncStatus",
                "where[0][value][0]=dirty",
                "where[0][value][1]=pending_sync",
            ]
        );
        let due = Filter::And(vec![
            Filter::StatusIn(vec![SyncStatus::Failed]),
            Filter::RetryDue(DateTime::from_timestamp(1_763_715_600, 0).unwrap()),
        ]);
        assert_eq!(
            written(&due),
            [
                "where[0][type]=and",
                "where[0][value][0][type]=in",
                "where[0][value][0][attribute]=syncStatus",
                "where[0][value][0][value][0]=failed",
                "where[0][value][1][type]=or",
                "where[0][value][1][value][0][type]=isNull",
                "where[0][value][1][value][0][attribute]=syncNextRetry",
                "where[0][value][1][value][1][type]=lessThanOrEquals",
                "where[0][value][1][value][1][attribute]=syncNextRetry",
                "where[0][value][1][value][1][value]=2025-11-21 09:00:00",
            ]
        );
        assert!(written(&Filter::All).is_empty());
    }

    #[test]
    fn a_short_page_is_the_last() {
        let first = PageRequest::first(1000);
        assert_eq!(first, PageRequest { offset: 0, size: 200 });
        assert_eq!(first.after(200), Some(PageRequest { offset: 200, size: 200 }));
        assert_eq!(first.after(199), None);
    }

    #[test]
    fn a_list_can_be_walked_from_its_last_page() {
        let first = PageRequest::first(200);
        for (total, offset) in [(0, 0), (1, 0), (200, 0), (201, 200), (400, 200), (401, 400)] {
            assert_eq!(first.last(total), PageRequest { offset, size: 200 }, "{total}");
        }
        assert_eq!(first.last(401).before(), Some(PageRequest { offset: 200, size: 200 }));
        assert_eq!(first.last(401).before().and_then(PageRequest::before), Some(first));
        assert_eq!(first.before(), None);
    }
}
