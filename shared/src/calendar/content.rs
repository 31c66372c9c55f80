//! Standard forms as the clients write them.

use domain::calendar::event::{TIME_ZONE, project};
use domain::calendar::{NotRepresentable, Standard, termin};
use domain::ids::{FrNr, Kuerzel};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::Sha256;

use crate::advoware::TerminRecord;
use crate::google::EventBody;

/// Name of the private property by which a lost hub knows our events again (C10a).
pub(super) const PROPERTY: &str = "kanzleisync";

/// Tells which Termin of which employee an event copies, to nobody but us: a keyed hash (C7, C10a).
#[derive(Clone)]
pub struct Identity {
    key: SecretSlice<u8>,
}

impl Identity {
    /// With a secret that all programs share and that lives as long as the calendars: `ADVOWARE_API_KEY`.
    pub fn new(key: SecretSlice<u8>) -> Self {
        Self { key }
    }

    /// The property's name.
    pub fn property(&self) -> &'static str {
        PROPERTY
    }

    /// The property's value.
    pub fn of(&self, kuerzel: &Kuerzel, frnr: FrNr) -> String {
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.key.expose_secret()) else { return String::new() };
        mac.update(format!("kanzleisync termin {kuerzel} {frnr}").as_bytes());
        let hash = mac.finalize().into_bytes();
        hash.iter().take(16).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    }
}

/// The event that says this.
pub fn event_body(form: &Standard) -> EventBody {
    let content = project(form);
    EventBody::new()
        .times(content.start, content.end, TIME_ZONE)
        .summary(&content.summary)
        .description(&content.description)
        .location(&content.location)
        .recurrence(&content.recurrence)
}

/// The Termin that says this, of that employee; refused where Advoware would read it as another.
pub fn new_termin(form: &Standard, kuerzel: &Kuerzel) -> Result<TerminRecord, NotRepresentable> {
    let content = termin::write(form)?;
    let times = content.times;
    Ok(TerminRecord::new()
        .datum(times.datum)
        .datum_bis(Some(times.datum_bis))
        .uhrzeit_von(Some(times.uhrzeit_von))
        .uhrzeit_bis(Some(times.uhrzeit_bis))
        .dauertermin(times.dauertermin)
        .turnus(times.turnus, times.turnus_art)
        .text(Some(&content.text))
        .notiz(Some(&content.notiz))
        .ort(Some(&content.ort))
        .sb(Some(kuerzel.as_str()))
        .anwalt(Some(kuerzel.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c7_the_property_says_nothing_without_the_key_and_differs_by_employee_and_termin() {
        let [one, other] = [b"a".to_vec(), b"b".to_vec()].map(|key| Identity::new(key.into()));
        let [ab, abc] = ["AB", "ABC"].map(|text| Kuerzel::parse(text).unwrap());
        let value = one.of(&ab, FrNr(12));
        assert_eq!(value.len(), 32);
        assert_eq!(value, one.of(&ab, FrNr(12)));
        for differs in [other.of(&ab, FrNr(12)), one.of(&abc, FrNr(12)), one.of(&ab, FrNr(123))] {
            assert_ne!(value, differs);
        }
    }
}
