//! Which calls something applies to: shared by faults and scheduled edits.

use serde::{Deserialize, Serialize};

use crate::operation::{Operation, Route, System};

/// Selects calls: those that match every given part, from the `nth` (1-based, counted from arming) on, `times` of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Calls {
    /// Only calls to this system.
    pub system: Option<System>,
    /// Only calls of this kind.
    pub operation: Option<Operation>,
    /// Only calls whose path or query names this betnr, komm id, frNr, Kürzel or EspoCRM id.
    pub key: Option<String>,
    /// The first matching call that counts, 1-based.
    pub nth: u32,
    /// How many matching calls from there on.
    pub times: u32,
}

impl Default for Calls {
    fn default() -> Self {
        Self { system: None, operation: None, key: None, nth: 1, times: 1 }
    }
}

impl Calls {
    /// The next call, whatever it is.
    pub fn any() -> Self {
        Self::default()
    }

    /// The next call of this kind.
    pub fn to(operation: Operation) -> Self {
        Self { operation: Some(operation), ..Self::default() }
    }

    /// The next call to this system.
    pub fn of(system: System) -> Self {
        Self { system: Some(system), ..Self::default() }
    }

    /// Narrows to one record.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "numbers and texts alike, without a borrow at every call")]
    pub fn with_key(mut self, key: impl ToString) -> Self {
        self.key = Some(key.to_string());
        self
    }

    /// Starts at the nth matching call (1-based).
    #[must_use]
    pub fn nth(mut self, nth: u32) -> Self {
        self.nth = nth.max(1);
        self
    }

    /// Covers so many matching calls.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    /// Covers every matching call until cleared.
    #[must_use]
    pub fn always(self) -> Self {
        self.times(u32::MAX)
    }

    fn matches(&self, route: &Route) -> bool {
        self.system.is_none_or(|system| system == route.operation.system())
            && self.operation.is_none_or(|operation| operation == route.operation)
            && self.key.as_ref().is_none_or(|key| route.keys.contains(key))
    }
}

/// A selection with its count of what it has seen.
#[derive(Debug, Clone)]
pub(crate) struct Counter {
    pub(crate) calls: Calls,
    seen: u32,
}

impl Counter {
    pub(crate) fn new(calls: Calls) -> Self {
        Self { calls, seen: 0 }
    }

    /// Counts the call; true when it is one of the selected.
    pub(crate) fn hit(&mut self, route: &Route) -> bool {
        if !self.calls.matches(route) {
            return false;
        }
        self.seen = self.seen.saturating_add(1);
        self.seen >= self.calls.nth && !self.beyond()
    }

    fn beyond(&self) -> bool {
        self.seen >= self.calls.nth.saturating_add(self.calls.times)
    }

    /// True when no later call can be selected.
    pub(crate) fn exhausted(&self) -> bool {
        self.seen.saturating_add(1) >= self.calls.nth.saturating_add(self.calls.times)
    }
}
