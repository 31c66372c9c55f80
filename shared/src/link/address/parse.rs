//! Reading the URL. By hand, because no URL parser takes a list of hosts.

use std::net::Ipv6Addr;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use rustls::pki_types::ServerName;
use secrecy::SecretString;

use super::{AddressError, Endpoint, Login, Place, RedisAddress, Sentinels};

const SCHEME: AddressError = AddressError(
    "expected an address that begins with redis://, rediss://, redis+unix://, redis+sentinel:// or rediss+sentinel://",
);
const SERVER: AddressError = AddressError("expected redis://[user:password@]host[:port][/database], rediss:// for TLS");
const SOCKET: AddressError = AddressError("expected redis+unix:///path[?db=number&user=name&pass=password]");
const SENTINELS: AddressError = AddressError(
    "expected redis+sentinel://[user:password@]host[:26379],host,.../service[/database]\
     [?sentinel_user=name&sentinel_password=password], rediss+sentinel:// for TLS",
);
const LOGIN: AddressError =
    AddressError("expected user:password@ or :password@ before the host, special characters as %40 and the like");
const FRAGMENT: AddressError =
    AddressError("expected no #: TLS is always verified; in a password it is written as %23");

const REDIS_PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

type Parsed<T> = Result<T, AddressError>;

pub(super) fn url(url: &str) -> Parsed<RedisAddress> {
    let (scheme, rest) = url.split_once("://").ok_or(SCHEME)?;
    if rest.contains('#') {
        return Err(FRAGMENT);
    }
    match scheme {
        "redis" | "valkey" => server(rest, false),
        "rediss" | "valkeys" => server(rest, true),
        "unix" | "redis+unix" | "valkey+unix" => socket(rest),
        "redis+sentinel" | "valkey+sentinel" => sentinels(rest, false),
        "rediss+sentinel" | "valkeys+sentinel" => sentinels(rest, true),
        _ => Err(SCHEME),
    }
}

fn server(rest: &str, tls: bool) -> Parsed<RedisAddress> {
    if rest.contains('?') {
        return Err(SERVER);
    }
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (login, host) = split_login(authority)?;
    let place = Place::Server(endpoint(host, REDIS_PORT, tls).ok_or(SERVER)?);
    Ok(RedisAddress { place, login, database: database(path, SERVER)? })
}

fn sentinels(rest: &str, tls: bool) -> Parsed<RedisAddress> {
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = rest.split_once('/').ok_or(SENTINELS)?;
    let (service, path) = path.split_once('/').unwrap_or((path, ""));
    let service = decoded(service).filter(|service| !service.is_empty()).ok_or(SENTINELS)?;
    let (login, hosts) = split_login(authority)?;
    let endpoints = hosts.split(',').map(|host| endpoint(host, SENTINEL_PORT, tls)).collect::<Option<_>>();
    let mut own = Login::default();
    for (name, value) in pairs(query, SENTINELS)? {
        match name {
            "sentinel_user" => own.user = Some(value),
            "sentinel_password" => own.password = Some(value.into()),
            _ => return Err(SENTINELS),
        }
    }
    let sentinels = Sentinels { endpoints: endpoints.ok_or(SENTINELS)?, service, tls, login: own };
    Ok(RedisAddress { place: Place::Sentinels(sentinels), login, database: database(path, SENTINELS)? })
}

fn socket(rest: &str) -> Parsed<RedisAddress> {
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let path = decoded(path).filter(|path| path.starts_with('/')).ok_or(SOCKET)?;
    let mut address = RedisAddress {
        place: Place::Server(Endpoint::Unix(PathBuf::from(path))),
        login: Login::default(),
        database: None,
    };
    for (name, value) in pairs(query, SOCKET)? {
        match name {
            "db" => address.database = database(&value, SOCKET)?,
            "user" => address.login.user = Some(value),
            "pass" => address.login.password = Some(value.into()),
            _ => return Err(SOCKET),
        }
    }
    Ok(address)
}

/// `user:password@` in front of the hosts. The last `@` counts, so that one in the password does no harm.
fn split_login(authority: &str) -> Parsed<(Login, &str)> {
    let Some((login, hosts)) = authority.rsplit_once('@') else { return Ok((Login::default(), authority)) };
    let (user, password) = login.split_once(':').ok_or(LOGIN)?;
    let user = decoded(user).ok_or(LOGIN)?;
    let password = decoded(password).ok_or(LOGIN)?;
    if password.is_empty() && !user.is_empty() {
        return Err(LOGIN);
    }
    let given = |text: String| Some(text).filter(|text| !text.is_empty());
    Ok((Login { user: given(user), password: given(password).map(SecretString::from) }, hosts))
}

/// `host`, `host:port`, `[::1]` or `[::1]:port`.
fn endpoint(text: &str, default_port: u16, tls: bool) -> Option<Endpoint> {
    let (host, port) = match text.strip_prefix('[') {
        Some(bracketed) => {
            let (host, after) = bracketed.split_once(']')?;
            host.parse::<Ipv6Addr>().ok()?;
            (host, if after.is_empty() { None } else { Some(after.strip_prefix(':')?) })
        }
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    // Also without TLS: it holds every name and address that a server can have.
    ServerName::try_from(host).ok()?;
    let port = port.map_or(Some(default_port), |port| port.parse().ok().filter(|port| *port > 0))?;
    Some(Endpoint::Tcp { host: host.to_owned(), port, tls })
}

/// The database, if the text names one.
fn database(text: &str, expected: AddressError) -> Parsed<Option<i64>> {
    let text = text.strip_suffix('/').unwrap_or(text);
    if text.is_empty() {
        return Ok(None);
    }
    text.parse::<u16>().map(|number| Some(number.into())).map_err(|_| expected)
}

fn pairs(query: &str, expected: AddressError) -> Parsed<Vec<(&str, String)>> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=')?;
        Some((name, decoded(value)?))
    });
    pairs.collect::<Option<_>>().ok_or(expected)
}

/// Without its percent signs; `None` if that is not UTF-8.
fn decoded(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}
