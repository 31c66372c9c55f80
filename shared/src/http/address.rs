//! Base addresses from the settings, and paths below them.

use std::fmt;

use reqwest::Url;

/// Base address of an outside system: `http` or `https`, without credentials, query or fragment. A missing slash at its
/// end makes no difference.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl(Url);

impl BaseUrl {
    /// Reads an address; the error says what is expected and does not repeat the text, which may hold a password.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let url = Url::parse(text.trim()).map_err(|_| "expected an address such as https://host/path/")?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err("expected an address that starts with http:// or https://");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("expected an address without user and password");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("expected an address without ? and #");
        }
        Ok(Self(url))
    }

    /// The address below it that consists of `segments`; each is percent-encoded, so an id cannot leave its place.
    pub fn at(&self, segments: &[&str]) -> Url {
        let mut url = self.0.clone();
        // Fails only for addresses that cannot be a base, which `parse` does not let in.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BaseUrl({})", self.0)
    }
}

/// A path below a base address, such as `api/v1/advonet/Mitarbeiter`. Slashes around it make no difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiPath(Vec<String>);

impl ApiPath {
    /// Reads a path; the error says what is expected.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let names_a_place = |segment: &str| {
            let leads_elsewhere = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '?' | '#' | '%' | '\\');
            !segment.contains(leads_elsewhere) && !matches!(segment, "" | "." | "..")
        };
        let segments: Vec<String> = text.trim().trim_matches('/').split('/').map(str::to_owned).collect();
        if segments.iter().all(|segment| names_a_place(segment)) {
            Ok(Self(segments))
        } else {
            Err("expected a path below the API's address such as api/v1/advonet/Mitarbeiter")
        }
    }

    /// Its parts, for [`BaseUrl::at`].
    pub(crate) fn segments(&self) -> Vec<&str> {
        self.0.iter().map(String::as_str).collect()
    }
}

impl fmt::Display for ApiPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_at_the_end_makes_no_difference() {
        for base in ["https://crm.example/api/v1", "https://crm.example/api/v1/"] {
            let url = BaseUrl::parse(base).unwrap().at(&["CBeteiligte", "0a1b"]);
            assert_eq!(url.as_str(), "https://crm.example/api/v1/CBeteiligte/0a1b");
        }
        let bare = BaseUrl::parse("https://www2.advo-net.net:90").unwrap().at(&["api", "v1"]);
        assert_eq!(bare.as_str(), "https://www2.advo-net.net:90/api/v1");
    }

    #[test]
    fn a_segment_cannot_leave_its_place() {
        let url = BaseUrl::parse("http://h/").unwrap().at(&["a/../b?c#d"]);
        assert_eq!(url.as_str(), "http://h/a%2F..%2Fb%3Fc%23d");
    }

    #[test]
    fn anything_but_a_plain_http_address_is_refused() {
        for text in ["", "crm.example", "ftp://h/", "https://u:p@h/", "https://h/?a=b", "https://h/#x", "mailto:a@b"] {
            assert!(BaseUrl::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_path_stays_below_its_base() {
        for text in ["api/v1/advonet/Mitarbeiter", "/api/v1/advonet/Mitarbeiter/", " api/v1/advonet/Mitarbeiter "] {
            let path = ApiPath::parse(text).unwrap();
            let url = BaseUrl::parse("https://h:90/relay/").unwrap().at(&path.segments());
            assert_eq!(url.as_str(), "https://h:90/relay/api/v1/advonet/Mitarbeiter");
        }
        for text in ["", "/", "https://h/x", "a//b", "a/../b", ".", "a?b=c", "a#b", "a%2Fb", "a b", "a\\b"] {
            assert!(ApiPath::parse(text).is_err(), "{text}");
        }
    }
}
