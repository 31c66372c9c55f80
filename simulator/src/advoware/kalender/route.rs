//! Termine are addressed by the query string, not by the path (DOMAIN 3).

use axum::http::{Method, Uri};

use crate::call::query_pairs;
use crate::operation::{ADVOWARE_PREFIX, Operation, Route};

const TERMINE: &str = "api/v1/advonet/Termine";

/// Reads the request line; `None` for what is neither Termine nor Mitarbeiter. Key: the frNr, or a list's Kürzel.
pub(crate) fn kalender_route(method: &Method, uri: &Uri, mitarbeiter_path: &str) -> Option<Route> {
    let rest = uri.path().strip_prefix(ADVOWARE_PREFIX)?;
    if rest == mitarbeiter_path && method == Method::GET {
        return Some(Route { operation: Operation::ListMitarbeiter, keys: Vec::new() });
    }
    if rest != TERMINE {
        return None;
    }
    let pairs = query_pairs(uri);
    let value = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    // Only this spelling filters; `frNr` is ignored.
    let frnr = value("frnr");
    let (operation, key) = match (method.as_str(), frnr) {
        ("GET", None) => (Operation::ListTermine, value("kuerzel")),
        ("GET", frnr) => (Operation::GetTermin, frnr),
        ("POST", _) => (Operation::PostTermin, None),
        ("PUT", frnr) => (Operation::PutTermin, frnr),
        ("DELETE", frnr) => (Operation::DeleteTermin, frnr),
        _ => (Operation::AdvowareUnknown, None),
    };
    Some(Route { operation, keys: key.into_iter().collect() })
}
