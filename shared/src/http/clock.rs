//! What time it is elsewhere. A clock that goes wrong on either side breaks log-ins (signed times) and comparisons of change times.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Url;
use reqwest::header::DATE;

use super::{Http, SetupError, kind_of_failure};
use crate::clock::Clock;
use crate::error::ErrorKind;

/// Looks at other servers' clocks. Sends no credentials.
#[derive(Clone)]
pub struct ServerClocks {
    http: Http,
    clock: Clock,
}

impl ServerClocks {
    /// One look takes at most `timeout`.
    pub fn new(timeout: Duration, clock: Clock) -> Result<Self, SetupError> {
        Ok(Self { http: Http::new(timeout)?, clock })
    }

    /// How far the clock of the server at `url` is ahead of ours, by the `Date` of whatever it answers: to a second or so. `None` where
    /// it tells no time.
    pub async fn ahead_by(&self, url: Url) -> Result<Option<TimeDelta>, ErrorKind> {
        let asked_at = self.clock.now();
        let answer = self.http.client.get(url).send().await.map_err(|error| kind_of_failure(&error))?;
        let told = answer.headers().get(DATE).and_then(|date| http_date(date.to_str().ok()?));
        Ok(told.map(|told| self.ahead(told, asked_at)))
    }

    /// The same for a time that was told between `asked_at` and now.
    pub fn ahead(&self, told: DateTime<Utc>, asked_at: DateTime<Utc>) -> TimeDelta {
        told - (asked_at + (self.clock.now() - asked_at) / 2)
    }
}

fn http_date(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc2822(text).ok().map(|time| time.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_header_is_read_and_another_text_is_none() {
        let told = http_date("Thu, 26 Nov 2026 19:26:48 GMT").unwrap();
        assert_eq!(told.to_rfc3339(), "2026-11-26T19:26:48+00:00");
        assert_eq!(http_date("yesterday"), None);
    }
}
