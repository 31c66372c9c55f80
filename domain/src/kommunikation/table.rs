//! The K6 table: what to do with one Advoware row. One exhaustive match; everything else in this flow serves it.

/// What a row without a usable marker, or a slot, holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tlf {
    /// Nothing.
    Empty,
    /// A value that EspoCRM has already.
    InEspo,
    /// A value that EspoCRM does not have.
    New,
    /// A value that EspoCRM cannot hold (K2).
    Unholdable,
}

/// What a row with a marker holds, compared with the marker's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MarkedTlf {
    /// Nothing: a user emptied it.
    Empty,
    /// The marker's value.
    AsMarker,
    /// Another value, which EspoCRM has already.
    InEspo,
    /// Another value, which EspoCRM does not have.
    New,
    /// Another value, which EspoCRM cannot hold (K2).
    Unholdable,
}

/// One row as the table sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// Never synced.
    Unmarked(Tlf),
    /// Freed by us.
    Slot(Tlf),
    /// Synced before; its marker's value still stands in EspoCRM.
    MarkerInEspo(MarkedTlf),
    /// Synced before; its marker's value left EspoCRM. `refill`: an unbound EspoCRM value of its group is there to take its place.
    MarkerGone {
        /// What the row holds.
        tlf: MarkedTlf,
        /// Whether a value takes its place.
        refill: bool,
    },
}

/// What happens to the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    /// Nothing to sync.
    Nothing,
    /// Free for Var1.
    FreeSlot,
    /// Holds what EspoCRM cannot hold: left alone, a finding tells; a marker's value stays bound.
    Unsynced,
    /// Both sides agree on the value; marker and `online` are brought in order where they differ.
    Agreed,
    /// EspoCRM has the row's value: the row gets its marker; an old marker's value leaves EspoCRM.
    Link,
    /// Deleted in EspoCRM: the row becomes a slot.
    Var2 {
        /// Advoware had changed it too; EspoCRM wins.
        overwrites: bool,
    },
    /// Deleted in Advoware: the value leaves EspoCRM, the row becomes a slot or takes an unbound value.
    Var3,
    /// New in Advoware.
    Var4,
    /// Changed in EspoCRM.
    Var5 {
        /// Advoware had changed it too; EspoCRM wins.
        overwrites: bool,
    },
    /// Changed in Advoware.
    Var6,
}

/// The table.
#[expect(clippy::match_same_arms, reason = "read row by row, beside K6")]
pub(super) fn case(seen: Seen) -> Case {
    match seen {
        Seen::Unmarked(Tlf::Empty) => Case::Nothing,
        Seen::Slot(Tlf::Empty) => Case::FreeSlot,
        Seen::Unmarked(Tlf::InEspo) | Seen::Slot(Tlf::InEspo) => Case::Link,
        Seen::Unmarked(Tlf::New) | Seen::Slot(Tlf::New) => Case::Var4,
        Seen::Unmarked(Tlf::Unholdable) | Seen::Slot(Tlf::Unholdable) => Case::Unsynced,

        Seen::MarkerInEspo(MarkedTlf::AsMarker) => Case::Agreed,
        Seen::MarkerInEspo(MarkedTlf::Empty) => Case::Var3,
        Seen::MarkerInEspo(MarkedTlf::InEspo) => Case::Link,
        Seen::MarkerInEspo(MarkedTlf::New) => Case::Var6,
        Seen::MarkerInEspo(MarkedTlf::Unholdable) => Case::Unsynced,

        Seen::MarkerGone { tlf: MarkedTlf::InEspo, .. } => Case::Link,
        Seen::MarkerGone { tlf: MarkedTlf::Empty | MarkedTlf::AsMarker, refill: true } => {
            Case::Var5 { overwrites: false }
        }
        Seen::MarkerGone { tlf: MarkedTlf::Empty | MarkedTlf::AsMarker, refill: false } => {
            Case::Var2 { overwrites: false }
        }
        Seen::MarkerGone { tlf: MarkedTlf::New | MarkedTlf::Unholdable, refill: true } => {
            Case::Var5 { overwrites: true }
        }
        Seen::MarkerGone { tlf: MarkedTlf::New | MarkedTlf::Unholdable, refill: false } => {
            Case::Var2 { overwrites: true }
        }
    }
}
