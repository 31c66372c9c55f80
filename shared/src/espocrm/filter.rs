//! Lists of CBeteiligte: filters in EspoCRM's notation and paging.

use chrono::{DateTime, Utc};
use domain::beteiligte::SyncStatus;
use domain::ids::EspoId;

use super::map::ListedBeteiligte;
use super::wire::{TIME_FORMAT, field};

/// Largest page; EspoCRM answers 403 above it.
const MAX_PAGE_SIZE: u32 = 200;

/// Which records a list holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// All of them.
    All,
    /// These records, as many of them as there are.
    IdIn(Vec<EspoId>),
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

/// Which part of a list to get: so many records after that id, in the order of their ids. Whatever enters or leaves the list meanwhile, no
/// record that stays in it is passed over or met twice, which an offset could not promise (DOMAIN 5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    after: Option<EspoId>,
    size: u32,
}

/// One page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListPage {
    /// Its records.
    pub records: Vec<ListedBeteiligte>,
    /// Elements that could not be read.
    pub unreadable: u32,
    /// The page after it, unless this is the last.
    pub next: Option<PageRequest>,
}

impl PageRequest {
    /// The first page; `size` is kept within 1 and what EspoCRM allows.
    pub fn first(size: u32) -> Self {
        Self::after(None, size)
    }

    /// The page after this record.
    pub fn after(id: Option<EspoId>, size: u32) -> Self {
        Self { after: id, size: size.clamp(1, MAX_PAGE_SIZE) }
    }

    /// The page after this one, which held `count` elements and ended with `last`; a short page is the last.
    pub(super) fn next(&self, count: usize, last: Option<EspoId>) -> Option<Self> {
        (count >= self.size as usize).then_some(())?;
        // Without a readable id at the end there is no place to go on from; nothing is lost, the next scan begins anew.
        Some(Self { after: Some(last?), size: self.size })
    }
}

/// Query parameters of a list.
pub(super) fn query(filter: &Filter, page: &PageRequest) -> Vec<(String, String)> {
    let columns = [
        field::ID,
        field::SYNC_STATUS,
        field::SYNC_RETRY_COUNT,
        field::SYNC_NEXT_RETRY,
        field::SYNC_AUTO_RESET_AT,
        field::BETNR,
        field::MODIFIED_AT,
        field::VERSION_NUMBER,
    ];
    let mut pairs = vec![
        ("select".to_owned(), columns.join(",")),
        ("orderBy".to_owned(), field::ID.to_owned()),
        ("order".to_owned(), "asc".to_owned()),
        ("maxSize".to_owned(), page.size.to_string()),
    ];
    // Items beside each other are all to hold; they count from 0.
    if let Some(id) = &page.after {
        write_test(&mut pairs, "where[0]", "greaterThan", field::ID);
        pairs.push(("where[0][value]".to_owned(), id.to_string()));
    }
    write_filter(&mut pairs, if page.after.is_some() { "where[1]" } else { "where[0]" }, filter);
    pairs
}

/// Query parameters that count the records of a list and get none of them.
pub(super) fn count_query(filter: &Filter) -> Vec<(String, String)> {
    let mut pairs = vec![("select".to_owned(), field::ID.to_owned()), ("maxSize".to_owned(), "1".to_owned())];
    write_filter(&mut pairs, "where[0]", filter);
    pairs
}

/// PHP's array notation: `where[0][type]=...&where[0][attribute]=...&where[0][value]=...`.
fn write_filter(pairs: &mut Vec<(String, String)>, at: &str, filter: &Filter) {
    match filter {
        Filter::All => {}
        Filter::IdIn(ids) => write_choice(pairs, at, field::ID, ids.iter().map(EspoId::as_str)),
        Filter::StatusIn(statuses) => {
            write_choice(pairs, at, field::SYNC_STATUS, statuses.iter().map(|status| status.name()));
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

fn write_choice<'a>(
    pairs: &mut Vec<(String, String)>,
    at: &str,
    attribute: &str,
    choice: impl Iterator<Item = &'a str>,
) {
    write_test(pairs, at, "in", attribute);
    pairs.extend(choice.enumerate().map(|(n, one)| (format!("{at}[value][{n}]"), one.to_owned())));
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
        assert_eq!(
            written(&Filter::IdIn(vec![EspoId::parse("a").unwrap()])),
            ["where[0][type]=in", "where[0][attribute]=id", "where[0][value][0]=a"]
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
    fn pages_go_on_after_the_last_id_and_a_short_one_is_the_last() {
        let first = PageRequest::first(1000);
        assert_eq!(first, PageRequest { after: None, size: 200 });
        let id = EspoId::parse("65f1a2b3c4d5e6f70").unwrap();
        let second = first.next(200, Some(id.clone()));
        assert_eq!(second, Some(PageRequest { after: Some(id.clone()), size: 200 }));
        assert_eq!((first.next(199, Some(id)), first.next(200, None)), (None, None));
        let pairs = query(&Filter::All, &second.unwrap());
        let after: Vec<_> = pairs.into_iter().filter(|(key, _)| key.starts_with("where[0]")).collect();
        let expected = [("type", "greaterThan"), ("attribute", "id"), ("value", "65f1a2b3c4d5e6f70")];
        assert_eq!(after, expected.map(|(key, value)| (format!("where[0][{key}]"), value.to_owned())));
    }
}
