//! Clocks that differ break log-ins, whose times are signed, and make the wrong side the newer one.

use chrono::TimeDelta;

use super::super::facts::{Facts, Looked};
use super::super::finding::{Area, Finding};

/// Up to here nobody minds; HTTP tells whole seconds.
const TOLERATED: TimeDelta = TimeDelta::seconds(5);

/// Beyond it log-ins are refused: Google and Advoware's gateway take signed times of some minutes at most.
const HARMFUL: TimeDelta = TimeDelta::seconds(60);

pub(super) fn clocks(facts: &Facts) -> Vec<Finding> {
    let mut clocks: Vec<(String, Option<TimeDelta>)> = Vec::new();
    if let Looked::Seen(redis) = &facts.redis {
        clocks.push(("Redis".to_owned(), Some(redis.ahead)));
    }
    if let Looked::Seen(postgres) = &facts.postgres {
        clocks.push(("PostgreSQL".to_owned(), Some(postgres.ahead)));
    }
    for clock in &facts.clocks {
        // One that does not answer is told by its own line.
        if let Looked::Seen(ahead) = &clock.ahead {
            clocks.push((format!("{}, {}", clock.system.title(), clock.server), *ahead));
        }
    }
    let mut found: Vec<Finding> = clocks.iter().filter_map(|(name, ahead)| wrong(name, (*ahead)?)).collect();
    // All the others are off by the same: ours is the one that goes wrong.
    if found.len() > 1 && found.len() == clocks.len() {
        found.push(
            Area::Clocks.problem("every other clock differs from this machine's", "set this machine's clock by NTP"),
        );
    } else if found.is_empty() && !clocks.is_empty() {
        let told = clocks.iter().filter(|(_, ahead)| ahead.is_some()).count();
        found.push(Area::Clocks.ok(format!("{told} agree within {} s", TOLERATED.num_seconds())));
    }
    found
}

fn wrong(name: &str, ahead: TimeDelta) -> Option<Finding> {
    let seconds = ahead.abs().num_seconds();
    let found =
        format!("{name}: {seconds} s {} this machine's", if ahead < TimeDelta::zero() { "behind" } else { "ahead of" });
    let advice = "set both clocks by NTP (chrony, systemd-timesyncd)";
    match ahead.abs() {
        difference if difference <= TOLERATED => None,
        difference if difference <= HARMFUL => Some(Area::Clocks.warning(found, advice)),
        _ => Some(Area::Clocks.problem(found, advice)),
    }
}
