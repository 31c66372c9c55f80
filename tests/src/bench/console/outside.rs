//! Whether a page loads anything from outside, or leads there: to a record in EspoCRM only, by a link that somebody follows.

/// Attributes whose values are addresses.
const ADDRESSES: [&str; 14] = [
    "src",
    "href",
    "action",
    "formaction",
    "srcset",
    "poster",
    "data",
    "cite",
    "ping",
    "background",
    "manifest",
    "longdesc",
    "usemap",
    "http-equiv",
];
/// How EspoCRM's pages name a record.
const RECORD_IN_ESPOCRM: &str = "/#CBeteiligte/view/";
/// In style sheets.
const LOADED: [&str; 2] = ["url(", "@import"];
/// In scripts: what could name another host.
const NAMED: [&str; 6] = ["http:", "https:", "ws:", "wss:", "importScripts", "\"//"];

/// Every place where `page` names something that is not its own host's.
pub(super) fn of_page(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    for name in &ADDRESSES {
        let begin = format!(" {name}=\"");
        for (at, _) in page.match_indices(&begin) {
            let (before, rest) = page.split_at(at);
            let value = rest[begin.len()..].split('"').next().unwrap_or_default();
            let is_link_to_record = *name == "href" && before.ends_with("<a") && value.contains(RECORD_IN_ESPOCRM);
            if !is_own(value) && !is_link_to_record {
                found.push(format!("{name}={value}"));
            }
        }
    }
    found.extend(of_style(page));
    found
}

/// The same of a style sheet.
pub(super) fn of_style(style: &str) -> Vec<String> {
    LOADED.iter().filter(|loaded| style.contains(**loaded)).map(|loaded| (*loaded).to_owned()).collect()
}

/// The same of a script.
pub(super) fn of_script(script: &str) -> Vec<String> {
    NAMED.iter().filter(|named| script.contains(**named)).map(|named| (*named).to_owned()).collect()
}

/// The same of a content security policy: it names no host, and lets nothing load that it does not name.
pub(super) fn of_policy(policy: &str) -> Vec<String> {
    let words = policy.split([' ', ';']).filter(|word| word.contains([':', '.', '*'])).map(str::to_owned);
    let is_closed = policy.split(';').any(|part| part.trim() == "default-src 'none'");
    words.chain((!is_closed).then(|| "no default-src 'none'".to_owned())).collect()
}

/// Relative to the host: a path, or a place on the page.
fn is_own(address: &str) -> bool {
    address.starts_with('#') || address.starts_with('/') && !address.starts_with("//") && !address.starts_with("/\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_host_itself_are_not_outside() {
        let page = "<a href=\"/console\">http://elsewhere.example</a><a href=\"#content\"></a><form action=\"/\">";
        assert_eq!(of_page(page), Vec::<String>::new());
        let record = "<a href=\"https://crm.example/#CBeteiligte/view/abc\">";
        assert_eq!(of_page(record), Vec::<String>::new());
        assert_eq!(of_policy("default-src 'none'; img-src 'self'"), Vec::<String>::new());
        assert_eq!(of_script("fetch(address); // that of the page"), Vec::<String>::new());
    }

    #[test]
    fn every_way_outside_is_seen() {
        for page in [
            "<img src=\"https://cdn.example/a.png\">",
            "<a href=\"//cdn.example\">",
            "<form action=\"http://elsewhere.example\">",
            "<a href=\"data:text/html,x\">",
            "<a href=\"/\\elsewhere.example\">",
            "<link href=\"https://crm.example/#CBeteiligte/view/abc\">",
            "<p style=\"background: url(/x)\">",
            "<style>@import 'x'</style>",
        ] {
            assert_eq!(of_page(page).len(), 1, "{page}");
        }
        assert_eq!(of_policy("default-src 'none'; script-src https://cdn.example"), ["https://cdn.example"]);
        assert_eq!(of_policy("script-src 'self'"), ["no default-src 'none'"]);
        assert_eq!(of_script("fetch(\"https://elsewhere.example\")"), ["https:"]);
    }
}
