//! Termine and Mitarbeiter from the inside.

use serde_json::Value;

use crate::advoware::AdvowareSwitches;
use crate::advoware::kalender::{Asked, Mitarbeiter};
use crate::handles::{AdvowareHandle, object};
use crate::stage::locked;

impl AdvowareHandle<'_> {
    /// Stores a Termin with exactly these fields, unchecked: under its `frNr` (an earlier one is replaced; negative for a
    /// computed entry), else under the next number. A `zuletztGeaendertAm` is answered as it is until the next write.
    pub fn seed_termin(&self, fields: Value) -> i64 {
        locked(&self.stage.world).advoware.kalender.seed(object(fields), self.stage.clock.now())
    }

    /// What `?frnr=` would answer, but always one object with dates as stored and every field; `None` for an unknown
    /// number.
    pub fn termin(&self, frnr: i64) -> Option<Value> {
        let world = locked(&self.stage.world);
        world.advoware.kalender.termin(frnr).map(|termin| termin.to_wire(&AdvowareSwitches::default(), Asked::One))
    }

    /// Numbers of all stored Termine, ascending; without those computed from a `vorbereitungsDauer`.
    pub fn frnrs(&self) -> Vec<i64> {
        locked(&self.stage.world).advoware.kalender.termine().map(|termin| termin.frnr).collect()
    }

    /// Numbers of the stored Termine that the owner of this Kürzel sees, ascending.
    pub fn frnrs_seen_by(&self, kuerzel: &str) -> Vec<i64> {
        let world = locked(&self.stage.world);
        let seen = world.advoware.kalender.termine().filter(|termin| termin.is_seen_by(kuerzel));
        seen.map(|termin| termin.frnr).collect()
    }

    /// How many Termine are stored.
    pub fn termin_count(&self) -> usize {
        locked(&self.stage.world).advoware.kalender.termine().count()
    }

    /// All employees, by Kürzel.
    pub fn mitarbeiter(&self) -> Vec<Mitarbeiter> {
        locked(&self.stage.world).advoware.kalender.mitarbeiter().collect()
    }

    /// Adds an employee, or renames one.
    pub fn seed_mitarbeiter(&self, kuerzel: &str, name: &str) {
        let who = Mitarbeiter { kuerzel: kuerzel.to_owned(), name: name.to_owned() };
        locked(&self.stage.world).advoware.kalender.join(who);
    }

    /// Removes an employee, whose Termine stay; false when there is none.
    pub fn remove_mitarbeiter(&self, kuerzel: &str) -> bool {
        locked(&self.stage.world).advoware.kalender.leave(kuerzel)
    }
}
