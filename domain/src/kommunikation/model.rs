//! Both sides in memory, as far as Kommunikation goes: applies plans the way the outside systems would. For tests that walk
//! more states than real parts could.

use super::base::Base;
use super::direction::Direction;
use super::equality::PhoneFormat;
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
    /// Both records never agreed before.
    pub first_meeting: bool,
    /// How EspoCRM gets numbers.
    pub phone_format: PhoneFormat,
    /// EspoCRM's version of the record; every write moves it, a user's too.
    pub espo_version: u32,
    writes: u32,
}

/// A point of a run at which something else may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// Anything.
    Open,
    /// A row has been looked at for the last time before it is written: what a user does to it now is overwritten unseen (K8b).
    Closing,
    /// The hub knows what is about to be written to EspoCRM. Ended here, only EspoCRM's values tell whether it was.
    Intended,
    /// A system has been written and the hub does not know it yet.
    Unconfirmed,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Recorded as agreed.
    Agreed,
    /// Overtaken too often.
    GaveUp,
    /// Its process ended.
    CutOff,
}

/// Plans of one run, as in the worker.
const MAX_ROUNDS: u32 = 5;

/// Ids from here on are rows that a plan created.
const FIRST_CREATED_ID: i64 = 1_000;

impl World {
    /// What a run would see.
    pub fn seen(&self) -> Seen<'_> {
        Seen {
            espo: &self.espo,
            advo: &self.advo,
            base: self.base.as_ref(),
            first_meeting: self.first_meeting,
            phone_format: self.phone_format,
        }
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
        // A one-way run may have left rows whose marker is still another record's.
        self.first_meeting &= direction != Direction::Both;
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

    /// A run as the worker makes it: call by call, with what it remembers in between. `pause` is asked at each point in between; it
    /// may change the world, and ends the process by answering `false`.
    pub fn work(&mut self, pause: &mut dyn FnMut(&mut Self, Window) -> bool) -> Ended {
        self.work_until_cut_off(pause).unwrap_or(Ended::CutOff)
    }

    fn work_until_cut_off(&mut self, pause: &mut dyn FnMut(&mut Self, Window) -> bool) -> Option<Ended> {
        let mut go_on = |world: &mut Self, window| pause(world, window).then_some(());
        go_on(self, Window::Open)?;
        let mut seen = self.clone();
        for _ in 0..MAX_ROUNDS {
            let plan = seen.plan(Direction::Both);
            if plan.is_empty() {
                seen.remember();
                go_on(self, Window::Open)?;
                self.base.clone_from(&seen.base);
                go_on(self, Window::Open)?;
                if self.espo_version == seen.espo_version {
                    self.espo_version += 1;
                    return Some(Ended::Agreed);
                }
            } else {
                self.carry_out(&plan, &mut seen, &mut go_on)?;
                go_on(self, Window::Open)?;
            }
            // A new look at both sides; what the run remembers goes on.
            let base = seen.base.take();
            seen = Self { base, ..self.clone() };
        }
        Some(Ended::GaveUp)
    }

    /// Three stages; ends early where the plan was overtaken (K8b).
    fn carry_out(
        &mut self,
        plan: &Plan,
        seen: &mut Self,
        go_on: &mut dyn FnMut(&mut Self, Window) -> Option<()>,
    ) -> Option<()> {
        let writes_rows_first = !plan.advo_first.is_empty() || plan.espo.is_none();
        let before_first = if writes_rows_first { Window::Closing } else { Window::Open };
        go_on(self, before_first)?;
        if self.espo_version != seen.espo_version {
            return Some(());
        }
        self.espo_version += 1;
        seen.espo_version = self.espo_version;
        go_on(self, before_first)?;
        self.write_rows(&plan.advo_first, seen, go_on)?;
        if let Some(write) = &plan.espo {
            let before = seen.base.clone();
            seen.base.get_or_insert_default().intend(plan);
            self.base.clone_from(&seen.base);
            go_on(self, Window::Intended)?;
            let is_stale = !plan.advo_first.is_empty() && !self.is_as_planned(&plan.advo_then);
            if is_stale || self.espo_version != seen.espo_version {
                seen.base = before;
                return Some(());
            }
            self.write_espo(write);
            self.espo_version += 1;
            seen.espo_version = self.espo_version;
            go_on(self, Window::Unconfirmed)?;
            seen.base.get_or_insert_default().confirm();
            self.base.clone_from(&seen.base);
            go_on(self, Window::Open)?;
        }
        let is_first = plan.advo_first.is_empty() && plan.espo.is_none();
        if is_first || self.is_as_planned(&plan.advo_then) {
            self.write_rows(&plan.advo_then, seen, go_on)?;
        }
        Some(())
    }

    fn write_rows(
        &mut self,
        writes: &[AdvoWrite],
        seen: &mut Self,
        go_on: &mut dyn FnMut(&mut Self, Window) -> Option<()>,
    ) -> Option<()> {
        if writes.is_empty() {
            return Some(());
        }
        for write in writes {
            self.write_advo(write);
            let written = match &write.target {
                Target::Row { id, .. } => Some(*id),
                Target::New => self.advo.rows.last().map(|row| row.id),
            };
            if let Some(id) = written {
                seen.base.get_or_insert_default().learn(id, &write.content);
            }
        }
        go_on(self, Window::Unconfirmed)?;
        self.base.clone_from(&seen.base);
        go_on(self, Window::Open)
    }

    fn is_as_planned(&self, writes: &[AdvoWrite]) -> bool {
        writes.iter().all(|write| match &write.target {
            Target::Row { id, row_id, .. } => self.advo.rows.iter().any(|row| row.id == *id && row.row_id == *row_id),
            Target::New => true,
        })
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
