//! Metrics of outside calls: `kanzleisync_api_*`. Labels come from closed lists only (E2).

use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};

use crate::error::{OUTCOMES, Operation};

const REQUESTS: &str = "kanzleisync_api_requests_total";
const DURATION: &str = "kanzleisync_api_request_duration_seconds";

/// Makes every series exist, at 0: a rate over a series that appears with its first fault misses that fault.
pub fn register() {
    describe_counter!(REQUESTS, "Calls to outside systems, by what came of them");
    describe_histogram!(DURATION, Unit::Seconds, "Time from sending a call to having read its answer");
    for operation in Operation::ALL {
        let (system, name) = (operation.system().name(), operation.name());
        for outcome in OUTCOMES {
            counter!(REQUESTS, "system" => system, "operation" => name, "outcome" => outcome).increment(0);
        }
        let _registered = histogram!(DURATION, "system" => system, "operation" => name);
    }
}

/// Counts one attempt.
pub(super) fn record(operation: Operation, outcome: &'static str, took: Duration) {
    let (system, name) = (operation.system().name(), operation.name());
    counter!(REQUESTS, "system" => system, "operation" => name, "outcome" => outcome).increment(1);
    histogram!(DURATION, "system" => system, "operation" => name).record(took.as_secs_f64());
}
