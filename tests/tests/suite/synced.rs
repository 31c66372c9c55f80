//! A Beteiligter that is in agreement, with a worker at work: where most scenarios start.

use harness::Result;
use harness::world::{Beteiligter, World, mail, row};
use serde_json::{Value, json};
use simulator::{Edit, JournalEntry, NewKommunikation};

pub(crate) const A: &str = "a@example.org";
pub(crate) const B: &str = "b@example.org";
pub(crate) const C: &str = "c@example.org";

/// A world with one Beteiligter that is in agreement, and a worker at work.
pub(crate) struct Synced {
    pub(crate) world: World,
    pub(crate) one: Beteiligter,
    pub(crate) worker: harness::RunningProgram,
}

impl Synced {
    pub(crate) async fn with(mails: Value, phones: Value, rows: Vec<NewKommunikation>) -> Result<Self> {
        let world = World::start().await?;
        let one = world.given(104_860, mails, phones, rows);
        let worker = world.worker().await?;
        world.sync(&[&one.id]).await?;
        world.then_agreed_and_silent(&[&one]).await?;
        Ok(Self { world, one, worker })
    }

    /// A is known to both sides.
    pub(crate) async fn with_a() -> Result<Self> {
        Self::with(json!([mail(A, true)]), json!([]), vec![row(4, A, Some("Büro"))]).await
    }

    pub(crate) fn row_id(&self, index: usize) -> i64 {
        self.world.simulator.advoware().rows(self.one.betnr)[index].id
    }

    pub(crate) fn change(&self, index: usize, tlf: &str) -> Edit {
        let (betnr, komm_id) = (self.one.betnr, self.row_id(index));
        Edit::AdvowareChange { betnr, komm_id, tlf: Some(tlf.to_owned()), bemerkung: None, online: None }
    }

    pub(crate) fn replace(&self, from: &str, to: &str) -> Edit {
        Edit::EspoReplace { id: self.one.id.clone(), from: from.to_owned(), to: to.to_owned() }
    }

    pub(crate) fn add_mail(&self, address: &str) -> Edit {
        Edit::EspoAddMail { id: self.one.id.clone(), address: address.to_owned() }
    }

    pub(crate) fn remove(&self, value: &str) -> Edit {
        Edit::EspoRemove { id: self.one.id.clone(), value: value.to_owned() }
    }

    /// Does the edits, syncs, and checks agreement and silence.
    pub(crate) async fn after(&self, edits: &[Edit]) -> Result<Vec<JournalEntry>> {
        for edit in edits {
            self.world.simulator.edit(edit).expect("the edit is possible");
        }
        let calls = self.world.sync_at_once(&[&self.one.id]).await?;
        self.world.then_agreed_and_silent(&[&self.one]).await?;
        Ok(calls)
    }

    /// As [`Self::after`], where two calls for nothing are not to be had: without versions, a write is preceded by a read.
    pub(crate) async fn after_without_counting(&self, edits: &[Edit]) -> Result<()> {
        for edit in edits {
            self.world.simulator.edit(edit).expect("the edit is possible");
        }
        self.world.sync_at_once(&[&self.one.id]).await?;
        assert_eq!(self.values(), self.world.advo_values(self.one.betnr));
        assert_eq!(self.world.field(&self.one.id, "syncStatus"), json!("clean"));
        Ok(())
    }

    pub(crate) fn values(&self) -> Vec<String> {
        self.world.espo_values(&self.one.id)
    }

    pub(crate) fn remark(&self, index: usize) -> String {
        self.world.simulator.advoware().rows(self.one.betnr)[index].bemerkung.clone().unwrap_or_default()
    }
}
