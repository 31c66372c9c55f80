//! What jobs leave behind in Redis. Looks at whatever is there, without knowing how the queue lays out its keys.

use std::collections::HashSet;

use redis::aio::MultiplexedConnection;

use crate::{PrivateRedis, Result};

/// Every key of the queue begins so; the braces are its hash tag.
const KEYS: &str = "{kanzleisync:beteiligte}*";

/// Names of the queue's keys; those that tell which workers live come and go with them and are left out.
pub(super) async fn keys(redis: &PrivateRedis) -> Result<Vec<String>> {
    let mut connection = redis.connection().await?;
    let mut keys: Vec<String> = redis::cmd("KEYS").arg(KEYS).query_async(&mut connection).await?;
    keys.retain(|key| !key.contains("worker"));
    keys.sort();
    Ok(keys)
}

/// Every text below the queue's keys, names of keys included, that names one of `entities`.
pub(super) async fn of(redis: &PrivateRedis, entities: &[String]) -> Result<Vec<String>> {
    let entities: HashSet<&str> = entities.iter().map(String::as_str).collect();
    let mut connection = redis.connection().await?;
    let mut found = Vec::new();
    for key in keys(redis).await? {
        let texts = texts(&mut connection, &key).await?;
        let named = texts.iter().chain([&key]).filter(|text| names_one(text, &entities));
        found.extend(named.map(|text| format!("{key}: {text}")));
    }
    Ok(found)
}

/// An entity's name consists of letters, digits and `-`, so whatever else stands around it ends it.
fn names_one(text: &str, entities: &HashSet<&str>) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').any(|word| entities.contains(word))
}

async fn texts(connection: &mut MultiplexedConnection, key: &str) -> Result<Vec<String>> {
    let kind: String = redis::cmd("TYPE").arg(key).query_async(connection).await?;
    let read = match kind.as_str() {
        "string" => redis::cmd("MGET").arg(key).to_owned(),
        "hash" => redis::cmd("HGETALL").arg(key).to_owned(),
        "set" => redis::cmd("SMEMBERS").arg(key).to_owned(),
        "zset" => redis::cmd("ZRANGE").arg(key).arg(0).arg(-1).to_owned(),
        "list" => redis::cmd("LRANGE").arg(key).arg(0).arg(-1).to_owned(),
        // It is gone by now, or a kind that the queue does not use; its name is looked at all the same.
        _ => return Ok(Vec::new()),
    };
    let texts: Vec<Vec<u8>> = read.query_async(connection).await?;
    Ok(texts.iter().map(|text| String::from_utf8_lossy(text).into_owned()).collect())
}
