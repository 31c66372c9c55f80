//! Both sides in memory, as far as Kommunikation goes: applies plans the way the outside systems would. For tests that walk
//! more states than real parts could.

use super::base::Base;
use super::direction::Direction;
use super::plan::{AdvoWrite, EspoWrite, Plan, Seen, Target, plan};
use super::record::agreement;
use super::view::{AdvoRow, AdvoView, EspoView};
use crate::ids::{KommId, RowId};

/// One Beteiligte in both systems and in the hub.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct World {
    /// EspoCRM's side.
    pub espo: EspoView,
    /// Advoware's side.
    pub advo: AdvoView,
    /// What the hub remembers.
    pub base: Option<Base>,
    writes: u32,
}

/// Ids from here on are rows that a plan created.
const FIRST_CREATED_ID: i64 = 1_000;

impl World {
    /// What a run would see.
    pub fn seen(&self) -> Seen<'_> {
        Seen { espo: &self.espo, advo: &self.advo, base: self.base.as_ref(), first_meeting: false }
    }

    /// The plan of the next run.
    pub fn plan(&self, direction: Direction) -> Plan {
        plan(self.seen(), direction, false)
    }

    /// A whole run: plan, apply, remember.
    pub fn run(&mut self, direction: Direction) -> Plan {
        let plan = self.plan(direction);
        plan.advo_first.iter().for_each(|write| self.write_advo(write));
        plan.espo.iter().for_each(|write| self.write_espo(write));
        plan.advo_then.iter().for_each(|write| self.write_advo(write));
        self.remember();
        plan
    }

    /// The hub records what is agreed now.
    pub fn remember(&mut self) {
        self.base = Some(agreement(self.seen()).base);
    }

    /// Advoware carries out one write: a changed row gets a new change token, `kommKz` of an existing row stays.
    pub fn write_advo(&mut self, write: &AdvoWrite) {
        self.writes += 1;
        let row_id = RowId(format!("W{}", self.writes));
        let content = &write.content;
        match &write.target {
            Target::Row { id, .. } => {
                for row in self.advo.rows.iter_mut().filter(|row| row.id == *id) {
                    row.row_id = row_id.clone();
                    row.tlf.clone_from(&content.tlf);
                    row.bemerkung = Some(content.bemerkung.clone());
                    row.online = content.online;
                }
            }
            Target::New => self.advo.rows.push(AdvoRow {
                id: KommId(FIRST_CREATED_ID + i64::from(self.writes)),
                row_id,
                komm_kz: 0,
                tlf: content.tlf.clone(),
                bemerkung: Some(content.bemerkung.clone()),
                online: content.online,
            }),
        }
    }

    /// EspoCRM carries out the write: arrays are replaced, and somebody is always primary (DOMAIN 5).
    pub fn write_espo(&mut self, write: &EspoWrite) {
        if let Some(mails) = &write.mails {
            self.espo.mails.clone_from(mails);
            if self.espo.mails.iter().all(|mail| !mail.primary) {
                self.espo.mails.iter_mut().take(1).for_each(|mail| mail.primary = true);
            }
        }
        if let Some(phones) = &write.phones {
            self.espo.phones.clone_from(phones);
            if self.espo.phones.iter().all(|phone| !phone.primary) {
                self.espo.phones.iter_mut().take(1).for_each(|phone| phone.primary = true);
            }
        }
    }

    /// The state without what may differ between two ways to the same end: change tokens, ids of created rows, order.
    pub fn outcome(&self) -> Outcome {
        let mut outcome = Outcome {
            mails: self.espo.mails.iter().map(|mail| (mail.address.clone(), mail.primary)).collect(),
            phones: self.espo.phones.iter().map(|phone| (phone.number.clone(), phone.phone_type.clone())).collect(),
            rows: self
                .advo
                .rows
                .iter()
                .map(|row| {
                    let id = if row.id.0 < FIRST_CREATED_ID { row.id.0 } else { FIRST_CREATED_ID };
                    (id, row.tlf.clone(), row.bemerkung.clone().unwrap_or_default(), row.online)
                })
                .collect(),
        };
        outcome.mails.sort();
        outcome.phones.sort();
        outcome.rows.sort();
        outcome
    }
}

/// See [`World::outcome`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Address and primary.
    pub mails: Vec<(String, bool)>,
    /// Number and type.
    pub phones: Vec<(String, Option<String>)>,
    /// Id (one for all created rows), value, remark, online.
    pub rows: Vec<(i64, String, String, bool)>,
}
