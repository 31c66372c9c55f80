//! What installations and sources tell differently about Termine (DOMAIN 3).

use serde::{Deserialize, Serialize};

/// Spelling of the number in the answer to `POST Termine`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum FrnrSpelling {
    /// `frnr`, unlike everywhere else.
    #[default]
    #[serde(rename = "frnr")]
    Frnr,
    /// `frNr`
    #[serde(rename = "frNr")]
    FrNr,
}

/// Shape of `datum` and `datumBis` in answers; either shape is taken on write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TerminDateShape {
    /// As it was written or seeded.
    #[default]
    AsStored,
    /// `YYYY-MM-DD`
    Date,
    /// `YYYY-MM-DDT00:00:00`, whatever the time of day.
    DateTime,
    /// By dice: a date, midnight, or the entry's own time; an empty date is null or the year one. The same entry may look
    /// different in a list and by its number, but never from one reading to the next.
    Mixed,
}

/// How `zuletztGeaendertAm` is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeTime {
    /// With so many fraction digits, 0 to 7.
    Digits(u8),
    /// By dice: 0 to 7 fraction digits, or not at all.
    Mixed,
    /// The field is not in the answer.
    Missing,
}

impl Default for ChangeTime {
    fn default() -> Self {
        Self::Digits(3)
    }
}

/// Advoware's behaviour with Termine and Mitarbeiter.
#[expect(clippy::struct_excessive_bools, reason = "independent switches of one installation")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TerminSwitches {
    /// `?frnr=N` answers an array of one.
    pub array_of_one: bool,
    /// `?frnr=N` answers an empty array for an unknown number, instead of 404.
    pub unknown_is_empty_array: bool,
    /// DELETE answers the entry as JSON, instead of an empty body.
    pub delete_answers_json: bool,
    /// How the POST answer spells the number.
    pub frnr_spelling: FrnrSpelling,
    /// How often the number in the POST answer is null although the entry was created.
    pub null_frnr_percent: u8,
    /// How dates are answered.
    pub date_shape: TerminDateShape,
    /// How the change time is answered.
    pub change_time: ChangeTime,
    /// Empty fields are missing from an answer, instead of null.
    pub empty_fields_left_out: bool,
    /// A `vorbereitungsDauer` makes a computed entry with the negative number.
    pub preparation_shown: bool,
    /// Path of the employees below the API base, as in `ADVOWARE_EMPLOYEES_PATH`.
    pub mitarbeiter_path: String,
}

impl Default for TerminSwitches {
    fn default() -> Self {
        Self {
            array_of_one: false,
            unknown_is_empty_array: false,
            delete_answers_json: false,
            frnr_spelling: FrnrSpelling::default(),
            null_frnr_percent: 0,
            date_shape: TerminDateShape::default(),
            change_time: ChangeTime::default(),
            empty_fields_left_out: false,
            preparation_shown: true,
            mitarbeiter_path: "api/v1/advonet/Mitarbeiter".to_owned(),
        }
    }
}
