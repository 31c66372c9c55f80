//! What a run did, in the seed's counters.

use super::komm_kz::Kind;
use super::plan::{AdvoWrite, EspoWrite, Variant};

/// Counters of one run. They count what was reached, not what was planned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Mails that entered, left or changed in EspoCRM.
    pub emails_synced: u32,
    /// Phones that entered, left or changed in EspoCRM.
    pub phones_synced: u32,
    /// Rows in Advoware that got a new marker while their value stayed.
    pub markers_updated: u32,
    /// EspoCRM values that got a row in Advoware (Var1).
    pub created: u32,
    /// Rows in Advoware that follow EspoCRM (Var5, `online` included).
    pub updated: u32,
    /// Rows in Advoware freed because EspoCRM dropped their value (Var2).
    pub deleted: u32,
    /// Writes that failed.
    pub errors: u32,
}

impl Summary {
    /// Values that changed on either side; markers alone change none.
    pub fn total_changes(&self) -> u32 {
        self.emails_synced + self.phones_synced + self.created + self.updated + self.deleted
    }

    /// Counts a write that Advoware confirmed.
    pub fn count_advo(&mut self, write: &AdvoWrite) {
        match write.variant {
            Variant::Var1 => self.created += 1,
            Variant::Var2 => self.deleted += 1,
            Variant::Var5 | Variant::Online => self.updated += 1,
            Variant::Var3 | Variant::Var4 | Variant::Var6 | Variant::Link => self.markers_updated += 1,
        }
    }

    /// Counts the write that EspoCRM confirmed.
    pub fn count_espo(&mut self, write: &EspoWrite) {
        for change in &write.changes {
            match change.kind {
                Kind::Mail => self.emails_synced += 1,
                Kind::Phone => self.phones_synced += 1,
            }
        }
    }
}
