//! Findings: what a person may want to know about a run, from a closed list. They carry kinds and ids, never values (E2).

use crate::beteiligte::stammdaten::Field;
use crate::ids::KommId;

/// Kind of a finding. The list is closed: metrics and documentation name every member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FindingKind {
    /// A marker of ours in a remark cannot be read; it counts as absent (K1).
    UnreadableMarker,
    /// EspoCRM's phone type does not fit the kommKz in Advoware, which cannot be changed (K2).
    TypeDiffers,
    /// A value that the other side cannot hold; it stays unsynced (K2).
    CannotHold,
    /// Both sides touched one item and EspoCRM won; the other value is in the audit (K6).
    OverwrittenByEspo,
    /// More than half of a record's Kommunikationen vanished at once, or more of a calendar's entries than a run may delete: the
    /// deletions wait for approval (K1a, C4).
    MassDeletionHeld,
    /// After the run both sides do not agree, or do not carry what was written (K9).
    NotAgreed,
    /// Both sides touched one field and Advoware won, being newer (policy `newest_wins`); the other value is in the audit.
    OverwrittenByAdvoware,
    /// Both sides touched one field, and a person must decide (policy `manual`).
    Undecided,
    /// Both sides differed at the first sync and neither was newer: both are left as they are.
    LeftToDiffer,
    /// EspoCRM says that the record is a person and Advoware that it is a company, or the other way round.
    KindDiffers,
    /// Whether the record was created in Advoware is not known; it is not created again without being told to (B2b).
    CreateOutcomeUnknown,
    /// It was created in Advoware, and meanwhile somebody entered another number in EspoCRM: two records in Advoware.
    CreatedTwice,
    /// The record has no betnr yet, so there is nothing to sync with.
    NoBetnr,
    /// Advoware answered 404 for the record's betnr.
    MissingInAdvoware,
    /// Another EspoCRM record is synced with this betnr; nothing is written for this one.
    BetnrTaken,
    /// A Termin or event makes no sense, is a moved or cancelled occurrence of a series (C9), or a copy of ours that no row of the hub knows
    /// (C7): it is left alone.
    OddEntry,
    /// Advoware cannot hold what an event says; it is not written (C8, C9).
    NotRepresentable,
    /// A new event, which the employee's permission does not let into Advoware (C5).
    NoPermission,
    /// Another's private Termin, which is not changed (C10).
    OthersPrivate,
    /// A Termin or event cannot be read; it counts neither as there nor as gone (C4).
    UnreadableEntry,
    /// An entirely empty list in place of what was there; it counts when the next run sees it too (C4).
    EmptyListHeld,
    /// A write was refused for its content; it is tried again later (C11).
    WriteRefused,
}

impl FindingKind {
    /// Every kind, for metrics that must exist from the start.
    pub const ALL: [Self; 22] = [
        Self::UnreadableMarker,
        Self::TypeDiffers,
        Self::CannotHold,
        Self::OverwrittenByEspo,
        Self::MassDeletionHeld,
        Self::NotAgreed,
        Self::OverwrittenByAdvoware,
        Self::Undecided,
        Self::LeftToDiffer,
        Self::KindDiffers,
        Self::CreateOutcomeUnknown,
        Self::CreatedTwice,
        Self::NoBetnr,
        Self::MissingInAdvoware,
        Self::BetnrTaken,
        Self::OddEntry,
        Self::NotRepresentable,
        Self::NoPermission,
        Self::OthersPrivate,
        Self::UnreadableEntry,
        Self::EmptyListHeld,
        Self::WriteRefused,
    ];

    /// Name in metrics, logs and stored findings.
    pub fn name(self) -> &'static str {
        match self {
            Self::UnreadableMarker => "unreadable_marker",
            Self::TypeDiffers => "type_differs",
            Self::CannotHold => "cannot_hold",
            Self::OverwrittenByEspo => "overwritten_by_espo",
            Self::MassDeletionHeld => "mass_deletion_held",
            Self::NotAgreed => "not_agreed",
            Self::OverwrittenByAdvoware => "overwritten_by_advoware",
            Self::Undecided => "undecided",
            Self::LeftToDiffer => "left_to_differ",
            Self::KindDiffers => "kind_differs",
            Self::CreateOutcomeUnknown => "create_outcome_unknown",
            Self::CreatedTwice => "created_twice",
            Self::NoBetnr => "no_betnr",
            Self::MissingInAdvoware => "missing_in_advoware",
            Self::BetnrTaken => "betnr_taken",
            Self::OddEntry => "odd_entry",
            Self::NotRepresentable => "not_representable",
            Self::NoPermission => "no_permission",
            Self::OthersPrivate => "others_private",
            Self::UnreadableEntry => "unreadable_entry",
            Self::EmptyListHeld => "empty_list_held",
            Self::WriteRefused => "write_refused",
        }
    }

    /// Reads [`Self::name`].
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// One finding of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Finding {
    /// What was found.
    pub kind: FindingKind,
    /// The Kommunikation it was found on, if it is about one that Advoware has.
    pub komm_id: Option<KommId>,
    /// The field of the Stammdaten that it is about, if it is about one.
    pub field: Option<Field>,
}

impl Finding {
    /// A finding about one Kommunikation of Advoware.
    pub fn on(kind: FindingKind, komm_id: KommId) -> Self {
        Self { kind, komm_id: Some(komm_id), field: None }
    }

    /// A finding about the record, or about a value that only EspoCRM has.
    pub fn general(kind: FindingKind) -> Self {
        Self { kind, komm_id: None, field: None }
    }

    /// A finding about one field of the Stammdaten.
    pub fn in_field(kind: FindingKind, field: Field) -> Self {
        Self { kind, komm_id: None, field: Some(field) }
    }
}
