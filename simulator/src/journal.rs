//! Everything that was asked of the outside systems.

use std::collections::VecDeque;
use std::sync::Mutex;

use serde::Serialize;
use serde_json::Value;
use tokio::time::Instant;

use crate::call::Call;
use crate::operation::{Operation, Route, System};
use crate::stage::locked;

/// Older entries make room, so that a long benchmark does not grow without end.
const LIMIT_ENTRIES: usize = 500_000;

/// One request.
#[derive(Debug, Clone, Serialize)]
pub struct JournalEntry {
    /// Order of arrival over all systems, from 1; never reset.
    pub sequence: u64,
    /// Who was asked.
    pub system: System,
    /// What was asked.
    pub operation: Operation,
    /// HTTP method.
    pub method: String,
    /// Path with query, as sent.
    pub path: String,
    /// POST, PUT, PATCH or DELETE; a token call is none, as it changes no record.
    pub mutating: bool,
    /// True when a mutating call took effect, whatever was answered.
    pub applied: bool,
    /// Answered status; `None` while running, and for good where no answer was given.
    pub status: Option<u16>,
    /// Ids in the path or query: betnr and komm id, the frNr, the Kürzel of a list, the EspoCRM id, or calendar and
    /// event.
    pub keys: Vec<String>,
    /// Name of the fault that hit it.
    pub fault: Option<&'static str>,
    /// Header `X-Version-Number`.
    pub version_number: Option<u64>,
    /// Header `If-Match`.
    pub if_match: Option<String>,
    /// Query parameter `sendUpdates`: whom Google is to tell.
    pub send_updates: Option<String>,
    /// JSON body of a mutating call.
    pub request: Option<Value>,
    /// Arrival, in milliseconds since the simulator's start (real time).
    pub started_milliseconds: u64,
    /// Answer, in milliseconds since the simulator's start (real time).
    pub finished_milliseconds: Option<u64>,
}

/// The requests so far, oldest first.
#[derive(Debug)]
pub struct Journal {
    started: Instant,
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    entries: VecDeque<JournalEntry>,
    last_sequence: u64,
}

impl Default for Journal {
    fn default() -> Self {
        Self { started: Instant::now(), book: Mutex::default() }
    }
}

impl Journal {
    /// All entries since the last `clear`.
    pub fn entries(&self) -> Vec<JournalEntry> {
        self.since(0)
    }

    /// The entries after this sequence number.
    pub fn since(&self, sequence: u64) -> Vec<JournalEntry> {
        let book = locked(&self.book);
        let from = book.entries.partition_point(|entry| entry.sequence <= sequence);
        book.entries.range(from..).cloned().collect()
    }

    /// The number of the last call so far; 0 before the first.
    pub fn last_sequence(&self) -> u64 {
        locked(&self.book).last_sequence
    }

    /// How many calls of this kind are in the journal.
    pub fn count(&self, operation: Operation) -> usize {
        locked(&self.book).entries.iter().filter(|entry| entry.operation == operation).count()
    }

    /// The mutating calls in the journal.
    pub fn mutating(&self) -> Vec<JournalEntry> {
        locked(&self.book).entries.iter().filter(|entry| entry.mutating).cloned().collect()
    }

    /// Forgets the entries; sequence numbers go on.
    pub fn clear(&self) {
        locked(&self.book).entries.clear();
    }

    fn elapsed_milliseconds(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub(crate) fn begin(&self, call: &Call, route: &Route, fault: Option<&'static str>) -> u64 {
        let token_call = matches!(route.operation, Operation::AdvowareToken | Operation::GoogleToken);
        let mutating = !matches!(call.method.as_str(), "GET" | "HEAD") && !token_call;
        let started_milliseconds = self.elapsed_milliseconds();
        let mut book = locked(&self.book);
        book.last_sequence += 1;
        let sequence = book.last_sequence;
        if book.entries.len() >= LIMIT_ENTRIES {
            book.entries.pop_front();
        }
        book.entries.push_back(JournalEntry {
            sequence,
            system: route.operation.system(),
            operation: route.operation,
            method: call.method.to_string(),
            path: call.uri.path_and_query().map_or_else(String::new, ToString::to_string),
            mutating,
            applied: false,
            status: None,
            keys: route.keys.clone(),
            fault,
            version_number: call.header("x-version-number").and_then(|text| text.parse().ok()),
            if_match: call.header("if-match").map(str::to_owned),
            send_updates: call.query_value("sendUpdates"),
            request: if mutating { call.json() } else { None },
            started_milliseconds,
            finished_milliseconds: None,
        });
        sequence
    }

    /// Notes that a call took effect, before anything can go wrong with its answer.
    pub(crate) fn applied(&self, sequence: u64) {
        self.change(sequence, |entry| entry.applied = entry.mutating);
    }

    pub(crate) fn finish(&self, sequence: u64, status: Option<u16>) {
        let finished = self.elapsed_milliseconds();
        self.change(sequence, |entry| {
            entry.status = status;
            entry.finished_milliseconds = Some(finished);
        });
    }

    fn change(&self, sequence: u64, change: impl FnOnce(&mut JournalEntry)) {
        let mut book = locked(&self.book);
        if let Ok(index) = book.entries.binary_search_by_key(&sequence, |entry| entry.sequence)
            && let Some(entry) = book.entries.get_mut(index)
        {
            change(entry);
        }
    }
}
