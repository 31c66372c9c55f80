//! Addresses from texts: each form, and that what is wrong is told without the text.

use super::*;

/// Place, user, password (empty if there is none), database.
fn read(url: &str) -> (String, String, String, Option<i64>) {
    let address = RedisAddress::try_from(url).unwrap_or_else(|expected| panic!("{url}: {expected}"));
    let greeting = address.greeting();
    let text = |given: Option<&str>| given.unwrap_or_default().to_owned();
    (address.to_string(), text(greeting.username()), text(greeting.password()), address.database())
}

fn is(place: &str, user: &str, password: &str, database: Option<i64>) -> (String, String, String, Option<i64>) {
    (place.to_owned(), user.to_owned(), password.to_owned(), database)
}

#[test]
fn a_single_server() {
    assert_eq!(read("redis://localhost"), is("localhost:6379", "", "", None));
    assert_eq!(read("redis://localhost/"), is("localhost:6379", "", "", None));
    assert_eq!(read("redis://:pw@cache.example:6380/3"), is("cache.example:6380", "", "pw", Some(3)));
    assert_eq!(read("redis://queue:p%40ss@h"), is("h:6379", "queue", "p@ss", None));
    assert_eq!(read("redis://queue:p@ss:word@h"), is("h:6379", "queue", "p@ss:word", None));
    assert_eq!(read("redis://:@redis:6379/1"), is("redis:6379", "", "", Some(1)));
    assert_eq!(read("valkey://[::1]:7000"), is("[::1]:7000", "", "", None));
    assert_eq!(read("redis://10.0.0.7"), is("10.0.0.7:6379", "", "", None));
    assert_eq!(read("redis://redis_1"), is("redis_1:6379", "", "", None));
}

#[test]
fn tls_is_in_the_scheme() {
    let is_tls = |url: &str| match RedisAddress::try_from(url).unwrap().place {
        Place::Server(Endpoint::Tcp { tls, .. }) => tls,
        Place::Sentinels(sentinels) => {
            let of_sentinels = |endpoint: &Endpoint| matches!(endpoint, Endpoint::Tcp { tls: true, .. });
            assert_eq!(sentinels.endpoints.iter().all(of_sentinels), sentinels.tls);
            sentinels.tls
        }
        Place::Server(Endpoint::Unix(_)) => panic!("no TLS on sockets"),
    };
    assert!(is_tls("rediss://h") && is_tls("valkeys://h") && is_tls("rediss+sentinel://h,i/service"));
    assert!(!is_tls("redis://h") && !is_tls("redis+sentinel://h,i/service"));
}

#[test]
fn a_unix_socket() {
    assert_eq!(read("unix:///run/redis.sock?db=2"), is("/run/redis.sock", "", "", Some(2)));
    assert_eq!(
        read("redis+unix:///run/my%20redis.sock?user=queue&pass=p%26w"),
        is("/run/my redis.sock", "queue", "p&w", None)
    );
}

#[test]
fn sentinels_and_their_service() {
    assert_eq!(
        read("redis+sentinel://queue:pw@s1,s2:5000,[::1]:5001/jobs/4"),
        is("jobs of s1:26379 s2:5000 [::1]:5001", "queue", "pw", Some(4))
    );
    let address = RedisAddress::try_from("redis+sentinel://:pw@s1/jobs?sentinel_user=su&sentinel_password=sp").unwrap();
    let Place::Sentinels(sentinels) = address.place else { panic!("{address}") };
    assert_eq!(sentinels.greeting().username(), Some("su"));
    assert_eq!(sentinels.greeting().password(), Some("sp"));
}

#[test]
fn e3_a_bad_address_is_told_without_it() {
    for url in [
        "",
        "secret",
        "http://:secret@h",
        "redis://",
        "redis://:secret@",
        "redis://secret@h",
        "redis://secret:@h",
        "redis://user:secret@h:port",
        "redis://user:secret@h:0",
        "redis://user:secret@h:70000",
        "redis://user:secret@h/one",
        "redis://user:secret@h/-1",
        "redis://user:secret@h/1/2",
        "redis://user:secret@h i",
        "redis://user:secret/more@h",
        "redis://user:%FFsecret@h",
        "redis://:secret@h?protocol=resp3",
        "redis://:secret@h1,h2/service",
        "redis://:secret@[::1",
        "redis://:secret@[h]:1",
        "redis://:secret@[::1]1",
        "rediss://:secret@h/#insecure",
        "redis+unix://relative?pass=secret",
        "redis+unix:///run/redis.sock?password=secret",
        "redis+unix:///run/redis.sock?db=secret",
        "redis+unix:///run/redis.sock?secret",
        "redis+sentinel://:secret@h",
        "redis+sentinel://:secret@h/",
        "redis+sentinel://:secret@/service",
        "redis+sentinel://:secret@h,/service",
        "redis+sentinel://:secret@h/service/one",
        "redis+sentinel://h/service?sentinel_pasword=secret",
    ] {
        let expected = RedisAddress::try_from(url).err().unwrap_or_else(|| panic!("taken: {url}")).to_string();
        assert!(expected.starts_with("expected") && !expected.contains("secret"), "{url}: {expected}");
    }
}

#[test]
fn e3_no_password_shows() {
    for url in [
        "redis://:is-secret@h/1",
        "redis+unix:///run/redis.sock?pass=is-secret",
        "rediss+sentinel://u:is-secret@h,i/service?sentinel_password=is-secret",
    ] {
        let address = RedisAddress::try_from(url).unwrap();
        let text = format!("{address} {address:?} {:?}", address.greeting());
        assert!(!text.contains("is-secret"), "{text}");
    }
}
