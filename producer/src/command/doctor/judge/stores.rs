//! Redis, PostgreSQL, and the workers that speak through Redis.

use shared::queue::{Counts, QueueName, RedisSetUp};

use super::super::facts::{PostgresFacts, RedisFacts};
use super::super::finding::{Area, Finding};

/// The queue's scripts need it.
const OLDEST_REDIS: u32 = 7;

pub(super) fn redis(facts: &RedisFacts) -> Vec<Finding> {
    let area = Area::Redis;
    let Some(set_up) = &facts.server.set_up else {
        return vec![area.warning(
            "it answers, but does not tell this account how it is set up",
            "allow INFO (`+info`), or look by hand: `appendonly yes`, `maxmemory-policy noeviction`",
        )];
    };
    let RedisSetUp { version, has_append_only_file, append_only_file_is_written, eviction, is_master } = set_up;
    let mut found = Vec::new();
    if !has_append_only_file {
        found.push(area.problem(
            "no append-only file: what waits is lost when Redis restarts",
            "set `appendonly yes` in redis.conf, or `CONFIG SET appendonly yes` and `CONFIG REWRITE`",
        ));
    } else if !append_only_file_is_written {
        found.push(area.problem("the append-only file could not be written", "look at Redis' log and its disk"));
    }
    if eviction != "noeviction" {
        found.push(area.problem(
            format!("maxmemory-policy is {eviction}: jobs are thrown away when memory is short"),
            "set `maxmemory-policy noeviction`, and give kanzleisync a Redis of its own",
        ));
    }
    if !is_master {
        found.push(area.problem(
            "it is a replica, which takes no writes",
            "name the master, or the Sentinels (`redis+sentinel://`), in REDIS_URL",
        ));
    }
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < OLDEST_REDIS) {
        found.push(area.problem(format!("version {version}"), "kanzleisync needs Redis 7 or Valkey"));
    }
    if found.is_empty() {
        found.push(area.ok(format!("version {version}, append-only file, noeviction")));
    }
    found
}

pub(super) fn postgres(facts: &PostgresFacts) -> Vec<Finding> {
    let (area, server) = (Area::Postgresql, &facts.server);
    let mut found = Vec::new();
    match server.applied_version {
        None => {
            found.push(area.problem("the database has no tables of kanzleisync", "run `kanzleisync-producer migrate`"));
        }
        Some(applied) if applied < server.known_version => found.push(area.problem(
            format!("its tables have version {applied}, this program needs {}", server.known_version),
            "run `kanzleisync-producer migrate`",
        )),
        Some(applied) if applied > server.known_version => found.push(area.warning(
            format!("its tables have version {applied}, newer than this program's {}", server.known_version),
            "upgrade this program: old and new at the same time are not tested",
        )),
        Some(_) => {}
    }
    if !server.missing_rights.is_empty() {
        found.push(area.problem(
            format!("our account lacks rights: {}", server.missing_rights.join(", ")),
            "as the database's superuser run scripts/postgres-roles.sql, after every migrate",
        ));
    }
    if found.is_empty() {
        found.push(area.ok(format!("tables of version {}, all rights", server.known_version)));
    }
    found
}

pub(super) fn workers(queues: &[(QueueName, Counts)], has_calendars: bool) -> Vec<Finding> {
    let area = Area::Workers;
    let of =
        |wanted: QueueName| queues.iter().find(|(name, _)| *name == wanted).map_or(0, |(_, counts)| counts.workers);
    let (beteiligte, calendar) = (of(QueueName::Beteiligte), of(QueueName::Calendar));
    let mut found = Vec::new();
    match (beteiligte.max(calendar), has_calendars && calendar == 0) {
        (0, _) => found
            .push(area.problem("no worker is alive: jobs wait", "start kanzleisync-worker; its log says why it ends")),
        (_, true) => found.push(area.problem(
            "no worker takes calendars",
            "set GOOGLE_CALENDAR_SERVICE_ACCOUNT_PATH for the workers, too, and restart them",
        )),
        (alive, false) => found.push(area.ok(format!("alive: {alive}"))),
    }
    let paused = queues.iter().filter(|(_, counts)| counts.is_paused);
    found.extend(paused.map(|(name, _)| {
        let name = name.as_str();
        area.warning(format!("the queue {name} is paused: nothing is started"), format!("`jobs resume --queue {name}`"))
    }));
    found
}
