//! The mixed scenario: Beteiligte that are in agreement, and what users then do to them, so that one run on each goes through every
//! case of the rules. Which values stand at the end is known exactly; [`check`] looks for them.

pub mod check;

use serde_json::{Value, json};
use simulator::{Edit, NewKommunikation};

use crate::world::{World, fields, mail, phone, row};
use crate::{Error, Result};

const OFFICE: &str = "+493023125100";
const MOBILE: &str = "+4915228817386";
const HOME: &str = "+493023125103";

/// What one Beteiligter goes through. Few rows each, and every case once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Story {
    /// New in EspoCRM, with a mail, unknown to Advoware (B2b).
    Created,
    /// Stammdaten, Var1 (a new row, and once into a slot), Var2, Var5.
    ChangedInEspocrm,
    /// Stammdaten, Var3, Var4, Var6.
    ChangedInAdvoware,
    /// Different fields on both sides, and a conflict in one Kommunikation.
    ChangedOnBothSides,
    /// One field on both sides, and a new row that waits for the follow-up (K8a).
    Conflict,
}

/// What must be there at the end.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// Kommunikationen of both sides, in comparable form, sorted.
    pub values: Vec<String>,
    /// Rows in Advoware, slots included.
    pub rows: usize,
    /// Stammdaten of both sides that users changed, by standard name.
    pub stammdaten: Vec<(&'static str, String)>,
    /// Values that lost a conflict: in the audit, and people are told.
    pub overwritten: Vec<String>,
}

impl Story {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Created, Self::ChangedInEspocrm, Self::ChangedInAdvoware, Self::ChangedOnBothSides, Self::Conflict];

    /// The EspoCRM record.
    pub fn id(self) -> String {
        format!("{:017x}", self.number())
    }

    fn number(self) -> i64 {
        match self {
            Self::Created => 104_900,
            Self::ChangedInEspocrm => 104_901,
            Self::ChangedInAdvoware => 104_902,
            Self::ChangedOnBothSides => 104_903,
            Self::Conflict => 104_904,
        }
    }

    /// Its number in Advoware; a created one's is Advoware's to give.
    pub fn betnr(self, world: &World) -> Option<i64> {
        match self {
            Self::Created => world.field(&self.id(), "betnr").as_i64(),
            _ => Some(self.number()),
        }
    }

    /// A mail address of this record's own; `letter` tells them apart.
    pub fn mail(self, letter: char) -> String {
        format!("{letter}{}@example.org", self.number())
    }

    /// The pair as it is before it first agrees. `Created` is not there yet.
    fn given(self, world: &World) -> Result<()> {
        let a = self.mail('a');
        let (phones, rows): (Value, Vec<NewKommunikation>) = match self {
            Self::Created => return Ok(()),
            Self::ChangedInEspocrm => (
                json!([phone(OFFICE, "Office")]),
                vec![row(4, &a, Some("Büro")), row(1, "030/23125100", None), row(3, "", Some("[ESPOCRM-SLOT:3]"))],
            ),
            Self::ChangedInAdvoware => (
                json!([phone(OFFICE, "Office"), phone(MOBILE, "Mobile")]),
                vec![row(4, &a, None), row(1, "030/23125100", None), row(3, MOBILE, None)],
            ),
            Self::ChangedOnBothSides | Self::Conflict => (json!([]), vec![row(4, &a, None)]),
        };
        let espo = json!({
            "betnr": self.number(), "lastName": "Beispiel", "firstName": "Kim", "salutationName": "Frau",
            "dateOfBirth": "1970-02-01", "emailAddressData": [mail(&a, true)], "phoneNumberData": phones,
        });
        let advo = json!({
            "name": "Beispiel", "vorname": "Kim", "anrede": "Frau", "geburtsdatum": "1970-02-01T00:00:00",
        });
        world.simulator.espocrm().seed(&self.id(), espo).map_err(|error| Error::new(error.to_string()))?;
        world.simulator.advoware().seed(self.number(), advo, rows);
        Ok(())
    }

    /// What users do before the run.
    fn edits(self, world: &World) -> Vec<Edit> {
        let (id, betnr, a) = (self.id(), self.number(), self.mail('a'));
        let espo_set = |value: Value| Edit::EspoSet { id: id.clone(), fields: fields(value) };
        let advo_set = |value: Value| Edit::AdvowareSet { betnr, fields: fields(value) };
        let replace = || Edit::EspoReplace { id: id.clone(), from: a.clone(), to: self.mail('b') };
        let retype = |index: usize, tlf: &str| self.retype(world, index, tlf);
        let add_phone = |number: &str, phone_type: &str| Edit::EspoAddPhone {
            id: id.clone(),
            number: number.to_owned(),
            phone_type: phone_type.to_owned(),
        };
        match self {
            Self::Created => Vec::new(),
            Self::ChangedInEspocrm => vec![
                replace(),
                Edit::EspoRemove { id: id.clone(), value: OFFICE.to_owned() },
                add_phone(MOBILE, "Mobile"),
                add_phone(HOME, "Home"),
                espo_set(json!({"firstName": "Toni"})),
            ],
            Self::ChangedInAdvoware => vec![
                retype(0, &self.mail('b')),
                retype(2, ""),
                Edit::AdvowareAdd { betnr, row: row(6, "030/23125103", Some("privat")) },
                advo_set(json!({"vorname": "Toni"})),
            ],
            Self::ChangedOnBothSides => vec![
                replace(),
                retype(0, &self.mail('c')),
                espo_set(json!({"firstName": "Toni"})),
                advo_set(json!({"anrede": "Herr"})),
            ],
            Self::Conflict => vec![
                espo_set(json!({"firstName": "Toni"})),
                advo_set(json!({"vorname": "Robin"})),
                Edit::AdvowareAdd { betnr, row: row(4, &self.mail('n'), None) },
            ],
        }
    }

    /// Another value in the row of this index.
    pub fn retype(self, world: &World, index: usize, tlf: &str) -> Edit {
        let betnr = self.betnr(world).unwrap_or_default();
        let komm_id = world.simulator.advoware().rows(betnr).get(index).map_or(0, |row| row.id);
        Edit::AdvowareChange { betnr, komm_id, tlf: Some(tlf.to_owned()), bemerkung: None, online: None }
    }

    /// The end of it, if nothing else happens.
    pub fn expected(self) -> Expected {
        let toni = || vec![("vorname", "Toni".to_owned())];
        let mut expected = match self {
            Self::Created => Expected {
                values: vec![self.mail('a')],
                rows: 1,
                stammdaten: vec![("name", "Neu".to_owned()), ("vorname", "Kim".to_owned())],
                overwritten: vec![],
            },
            Self::ChangedInEspocrm => Expected {
                values: vec![self.mail('b'), MOBILE.to_owned(), HOME.to_owned()],
                rows: 4,
                stammdaten: toni(),
                overwritten: vec![],
            },
            Self::ChangedInAdvoware => Expected {
                values: vec![self.mail('b'), OFFICE.to_owned(), HOME.to_owned()],
                rows: 4,
                stammdaten: toni(),
                overwritten: vec![],
            },
            Self::ChangedOnBothSides => Expected {
                values: vec![self.mail('b')],
                rows: 1,
                stammdaten: vec![("vorname", "Toni".to_owned()), ("anrede", "herr".to_owned())],
                overwritten: vec![self.mail('c')],
            },
            Self::Conflict => Expected {
                values: vec![self.mail('a'), self.mail('n')],
                rows: 2,
                stammdaten: toni(),
                overwritten: vec!["Robin".to_owned()],
            },
        };
        expected.values.sort();
        expected
    }
}

/// The ids of these.
pub fn ids(stories: &[Story]) -> Vec<String> {
    stories.iter().map(|story| story.id()).collect()
}

/// Brings them into agreement (a worker must be at work), then does what users do. The run under test comes next.
pub async fn given(world: &World, stories: &[Story]) -> Result<()> {
    let known: Vec<Story> = stories.iter().copied().filter(|story| *story != Story::Created).collect();
    for story in &known {
        story.given(world)?;
    }
    let known = ids(&known);
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    if !known.is_empty() {
        world.sync_at_once(&known).await?;
    }
    for story in stories {
        for edit in story.edits(world) {
            world.simulator.edit(&edit).map_err(|refused| Error::new(format!("{edit:?}: {refused}")))?;
        }
        if *story == Story::Created {
            let record = json!({
                "lastName": "Neu", "firstName": "Kim", "emailAddressData": [mail(&story.mail('a'), true)],
            });
            world.simulator.espocrm().seed(&story.id(), record).map_err(|error| Error::new(error.to_string()))?;
        }
    }
    Ok(())
}

/// Starts the run under test.
pub async fn begin(world: &World, stories: &[Story]) -> Result<()> {
    let ids = ids(stories);
    world.trigger(&ids.iter().map(String::as_str).collect::<Vec<_>>()).await
}
