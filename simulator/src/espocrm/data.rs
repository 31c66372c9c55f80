//! `emailAddressData` and `phoneNumberData`: sets that are replaced as a whole, over address and number rows that all
//! records share (reference E8, E9).

use std::collections::HashMap;

use phonenumber::Mode;
use serde_json::{Value, json};

use crate::dice::Dice;

/// `emailAddressMaxCount`, `phoneNumberMaxCount`.
const MOST_ITEMS: usize = 10;
const MAIL_LONGEST: usize = 255;
const PHONE_LONGEST: usize = 36;
const PHONE_TYPES: [&str; 5] = ["Mobile", "Office", "Home", "Fax", "Other"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Channel {
    Mail,
    Phone,
}

impl Channel {
    pub(crate) const BOTH: [Self; 2] = [Self::Mail, Self::Phone];

    pub(crate) fn data_field(self) -> &'static str {
        match self {
            Self::Mail => "emailAddressData",
            Self::Phone => "phoneNumberData",
        }
    }

    /// The field that shows the primary value, and the key of an item's value.
    pub(crate) fn value_field(self) -> &'static str {
        match self {
            Self::Mail => "emailAddress",
            Self::Phone => "phoneNumber",
        }
    }

    /// The identity of a value: the lower-cased address, the exact number.
    pub(crate) fn key(self, value: &str) -> String {
        match self {
            Self::Mail => value.to_ascii_lowercase(),
            Self::Phone => value.to_owned(),
        }
    }
}

/// One submitted item, already sanitised.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    value: String,
    phone_type: String,
    primary: bool,
    opt_out: bool,
    invalid: bool,
}

impl Item {
    pub(crate) fn value(&self) -> &str {
        &self.value
    }
}

/// A record's tie to a shared row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) key: String,
    pub(crate) primary: bool,
}

#[derive(Debug, Clone)]
struct SharedRow {
    value: String,
    phone_type: String,
    opt_out: bool,
    invalid: bool,
}

/// All rows of one channel in the whole system.
#[derive(Debug)]
pub(crate) struct Rows {
    channel: Channel,
    rows: HashMap<String, SharedRow>,
}

impl Rows {
    pub(crate) fn new(channel: Channel) -> Self {
        Self { channel, rows: HashMap::new() }
    }

    /// Reads a written array; `Err` is the validation type.
    pub(crate) fn parse(&self, value: &Value, international: bool) -> Result<Vec<Item>, &'static str> {
        let items = value.as_array().ok_or("valid")?;
        if items.len() > MOST_ITEMS {
            return Err("maxCount");
        }
        let mut parsed = Vec::with_capacity(items.len());
        for item in items {
            let text = item.get(self.channel.value_field()).and_then(Value::as_str).unwrap_or_default();
            let flag = |name: &str| item.get(name).and_then(Value::as_bool).unwrap_or(false);
            let phone_type = item.get("type").and_then(Value::as_str).unwrap_or("Mobile");
            let value = match self.channel {
                // An empty address is skipped, an empty number refused.
                Channel::Mail if text.is_empty() => continue,
                Channel::Mail => mail(text)?,
                Channel::Phone if !PHONE_TYPES.contains(&phone_type) => return Err("valid"),
                Channel::Phone => phone(text, international)?,
            };
            parsed.push(Item {
                value,
                phone_type: phone_type.to_owned(),
                primary: flag("primary"),
                opt_out: flag("optOut"),
                invalid: flag("invalid"),
            });
        }
        Ok(parsed)
    }

    /// Reads a lone `emailAddress` or `phoneNumber`.
    pub(crate) fn parse_value(&self, text: &str, international: bool) -> Result<Item, &'static str> {
        let value = match self.channel {
            Channel::Mail => mail(text.trim())?,
            Channel::Phone => phone(text, international)?,
        };
        let known = self.rows.get(&self.channel.key(&value));
        Ok(Item {
            phone_type: known.map_or_else(|| "Mobile".to_owned(), |row| row.phone_type.clone()),
            opt_out: known.is_some_and(|row| row.opt_out),
            invalid: known.is_some_and(|row| row.invalid),
            primary: true,
            value,
        })
    }

    /// Stores the items in the shared rows and ties them to a record, by EspoCRM's primary rules: none marked makes the
    /// first primary, of several the last wins, and an address given twice keeps its last flags - maybe no primary at all.
    pub(crate) fn link(&mut self, items: &[Item]) -> Vec<Link> {
        let none_marked = !items.iter().any(|item| item.primary);
        let mut links: Vec<Link> = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            let key = self.channel.key(&item.value);
            let primary = item.primary || (none_marked && at == 0);
            self.store(&key, item);
            match links.iter_mut().find(|link| link.key == key) {
                Some(link) => link.primary = primary,
                None => links.push(Link { key, primary }),
            }
        }
        let last = links.iter().rposition(|link| link.primary);
        for (at, link) in links.iter_mut().enumerate() {
            link.primary = Some(at) == last;
        }
        links
    }

    /// Puts one item in the place of the old primary, which is untied.
    pub(crate) fn link_primary(&mut self, links: &[Link], item: &Item) -> Vec<Link> {
        let key = self.channel.key(&item.value);
        self.store(&key, item);
        let kept = links.iter().filter(|link| !link.primary && link.key != key).cloned();
        std::iter::once(Link { key: key.clone(), primary: true }).chain(kept).collect()
    }

    fn store(&mut self, key: &str, item: &Item) {
        let row = SharedRow {
            value: item.value.clone(),
            phone_type: item.phone_type.clone(),
            opt_out: item.opt_out,
            invalid: item.invalid,
        };
        self.rows.insert(key.to_owned(), row);
    }

    /// The read form: the primary first, the rest in no order a client could rely on.
    pub(crate) fn read(&self, links: &[Link]) -> Value {
        let mut ordered: Vec<&Link> = links.iter().collect();
        ordered.sort_by_key(|link| (!link.primary, scatter(&link.key)));
        let items = ordered.into_iter().filter_map(|link| {
            let row = self.rows.get(&link.key)?;
            let mut item = json!({
                self.channel.value_field(): row.value,
                "primary": link.primary,
                "optOut": row.opt_out,
                "invalid": row.invalid,
            });
            match self.channel {
                Channel::Mail => item["lower"] = json!(link.key),
                Channel::Phone => item["type"] = json!(row.phone_type),
            }
            Some(item)
        });
        Value::Array(items.collect())
    }

    /// The primary value, null where there is none.
    pub(crate) fn primary(&self, links: &[Link]) -> Value {
        let primary = links.iter().find(|link| link.primary).and_then(|link| self.rows.get(&link.key));
        primary.map_or(Value::Null, |row| json!(row.value))
    }
}

fn scatter(key: &str) -> u64 {
    let folded = key.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    Dice::new(folded).next()
}

/// PHP's e-mail filter, as far as it matters: ASCII, one `@`, a dotted domain. Blanks are not trimmed.
fn mail(text: &str) -> Result<String, &'static str> {
    if text.len() > MAIL_LONGEST {
        return Err("maxLength");
    }
    let (local, domain) = text.rsplit_once('@').ok_or("valid")?;
    let local_ok = !local.is_empty()
        && local.len() <= 64
        && local.split('.').all(|part| !part.is_empty())
        && local.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-.".contains(&byte));
    let label_ok = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if local_ok && domain.contains('.') && domain.split('.').all(label_ok) { Ok(text.to_owned()) } else { Err("valid") }
}

/// With `phoneNumberInternational`: E.164, no default country, the extension dropped. Without: verbatim, by a loose pattern.
fn phone(text: &str, international: bool) -> Result<String, &'static str> {
    let text = text.trim();
    if text.is_empty() {
        return Err("valid");
    }
    if !international {
        let loose = text.chars().all(|letter| letter.is_ascii_alphanumeric() || "_@:#+()-. ".contains(letter));
        return if !loose {
            Err("valid")
        } else if text.chars().count() > PHONE_LONGEST {
            Err("maxLength")
        } else {
            Ok(text.to_owned())
        };
    }
    if !text.starts_with('+') {
        return Err("valid");
    }
    let number = phonenumber::parse(None, text).map_err(|_| "valid")?;
    let plain = number.format().mode(Mode::E164).to_string();
    let digits: String = plain.chars().take_while(|letter| *letter == '+' || letter.is_ascii_digit()).collect();
    // A `+`, a country code and at least four digits, at most 15 in all (E.164).
    if number.country().id().is_some() && (7..=16).contains(&digits.len()) { Ok(digits) } else { Err("valid") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mails(items: &Value) -> (Rows, Vec<Link>) {
        let mut rows = Rows::new(Channel::Mail);
        let items = rows.parse(items, true).unwrap();
        let links = rows.link(&items);
        (rows, links)
    }

    #[test]
    fn the_first_becomes_primary_when_none_is_marked() {
        let (rows, links) = mails(&json!([{"emailAddress": "A@quast.example"}, {"emailAddress": "b@quast.example"}]));
        assert_eq!(rows.primary(&links), json!("A@quast.example"));
    }

    #[test]
    fn one_address_twice_may_leave_no_primary() {
        let (rows, links) =
            mails(&json!([{"emailAddress": "a@quast.example", "primary": true}, {"emailAddress": "A@quast.example"}]));
        assert_eq!(links.len(), 1);
        assert_eq!(rows.primary(&links), Value::Null);
    }

    #[test]
    fn the_last_marked_wins() {
        let (rows, links) = mails(&json!([
            {"emailAddress": "a@quast.example", "primary": true}, {"emailAddress": "b@quast.example", "primary": true}
        ]));
        assert_eq!(rows.primary(&links), json!("b@quast.example"));
    }

    #[test]
    fn numbers_become_e164_or_are_refused() {
        assert_eq!(phone("+49 (0)30/23125 12-3", true).as_deref(), Ok("+493023125123"));
        assert_eq!(phone("+49 30 23125123", true).as_deref(), Ok("+493023125123"));
        assert_eq!(phone("030 23125123", true), Err("valid"));
        assert_eq!(phone("+1", true), Err("valid"));
        assert_eq!(phone("+999 12345678", true), Err("valid"));
        assert_eq!(phone("030 23125123", false).as_deref(), Ok("030 23125123"));
        assert_eq!(phone("030/23125123", false), Err("valid"));
    }

    #[test]
    fn mails_are_not_trimmed() {
        assert_eq!(mail(" a@quast.example"), Err("valid"));
        assert_eq!(mail("ä@quast.example"), Err("valid"));
        assert_eq!(mail("a.b+c@quast.example").as_deref(), Ok("a.b+c@quast.example"));
    }
}
