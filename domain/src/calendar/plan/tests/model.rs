//! Both sides and the hub in memory, with users and crashes.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::super::*;
use crate::calendar::Span;
use crate::ids::EventId;

/// What a user does; the first number chooses the entry, or the hour of a new one.
#[derive(Clone, Copy, Debug)]
pub(super) enum UserEdit {
    AddTermin(u32, u32),
    AddEvent(u32, u32),
    MoveTermin(usize, u32),
    MoveEvent(usize, u32),
    RenameTermin(usize, u32),
    RenameEvent(usize, u32),
    DeleteTermin(usize),
    DeleteEvent(usize),
}

/// Where a run is cut off.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cut {
    /// The intent is stored, nothing is written yet.
    BeforeWrite,
    /// It is written, and the hub does not know.
    AfterWrite,
}

impl Cut {
    pub(super) const ALL: [Self; 2] = [Self::BeforeWrite, Self::AfterWrite];
}

pub(super) fn edits() -> impl proptest::strategy::Strategy<Value = Vec<UserEdit>> {
    let (which, hour, text) = (0usize..6, 0u32..20, 0u32..3);
    let edit = prop_oneof![
        (hour.clone(), text.clone()).prop_map(|(hour, text)| UserEdit::AddTermin(hour, text)),
        (hour.clone(), text.clone()).prop_map(|(hour, text)| UserEdit::AddEvent(hour, text)),
        (which.clone(), hour.clone()).prop_map(|(which, hour)| UserEdit::MoveTermin(which, hour)),
        (which.clone(), hour).prop_map(|(which, hour)| UserEdit::MoveEvent(which, hour)),
        (which.clone(), text.clone()).prop_map(|(which, text)| UserEdit::RenameTermin(which, text)),
        (which.clone(), text).prop_map(|(which, text)| UserEdit::RenameEvent(which, text)),
        which.clone().prop_map(UserEdit::DeleteTermin),
        which.prop_map(UserEdit::DeleteEvent),
    ];
    prop::collection::vec(edit, 0..7)
}

pub(super) fn at_hour(hour: u32) -> Span {
    let starts_at = time(0) + TimeDelta::hours(i64::from(hour));
    Span::Timed { starts_at, ends_at: starts_at + TimeDelta::minutes(45) }
}

fn time(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_780_000_000 + seconds, 0).unwrap()
}

#[derive(Clone, Debug)]
struct Entry {
    form: Standard,
    version: i64,
}

#[derive(Clone, Debug, Default)]
pub(super) struct World {
    termine: BTreeMap<FrNr, Entry>,
    events: BTreeMap<EventId, Entry>,
    /// Ids that cannot be used again.
    deleted: BTreeSet<EventId>,
    rows: BTreeMap<RowId, HubRow>,
    /// Counts whatever happens: versions, times and ids.
    ticks: i64,
    text: &'static str,
}

impl World {
    pub(super) fn with_other_texts() -> Self {
        Self { text: "Anders", ..Self::default() }
    }

    fn tick(&mut self) -> i64 {
        self.ticks += 1;
        self.ticks
    }

    fn form(&self, hour: u32, text: u32) -> Standard {
        let text = if self.text.is_empty() { format!("Text {text}") } else { format!("{} {text}", self.text) };
        Standard { span: at_hour(hour), notiz: text.clone(), text, ort: String::new(), series: None }
    }

    pub(super) fn edit_all(&mut self, edits: &[UserEdit]) {
        for edit in edits {
            self.edit(*edit);
        }
    }

    pub(super) fn edit(&mut self, edit: UserEdit) {
        let version = self.tick();
        let [termin, event] = match edit {
            UserEdit::MoveTermin(which, _) | UserEdit::RenameTermin(which, _) | UserEdit::DeleteTermin(which) => {
                [self.termine.keys().nth(which).copied().map(Place::Termin), None]
            }
            UserEdit::MoveEvent(which, _) | UserEdit::RenameEvent(which, _) | UserEdit::DeleteEvent(which) => {
                [None, self.events.keys().nth(which).cloned().map(Place::Event)]
            }
            UserEdit::AddTermin(..) | UserEdit::AddEvent(..) => [None, None],
        };
        let place = termin.or(event);
        match (edit, place) {
            (UserEdit::AddTermin(hour, text), _) => drop(self.post(self.form(hour, text))),
            (UserEdit::AddEvent(hour, text), _) => {
                // What people write in Google is the same in both worlds: it is not protected.
                let form = Standard { text: format!("Google {text}"), notiz: String::new(), ..self.form(hour, text) };
                let id = EventId::parse(&format!("user{version}")).unwrap();
                self.insert(id, form);
            }
            (UserEdit::MoveTermin(_, hour) | UserEdit::MoveEvent(_, hour), Some(place)) => {
                self.entry(&place).form.span = at_hour(hour);
                self.entry(&place).version = version;
            }
            (UserEdit::RenameTermin(_, text) | UserEdit::RenameEvent(_, text), Some(place)) => {
                let is_termin = matches!(place, Place::Termin(_));
                let text = if is_termin { self.form(0, text).text } else { format!("Google {text}") };
                self.entry(&place).form.text = text;
                self.entry(&place).version = version;
            }
            (UserEdit::DeleteTermin(_), Some(Place::Termin(frnr))) => drop(self.termine.remove(&frnr)),
            (UserEdit::DeleteEvent(_), Some(Place::Event(id))) => self.delete(&id),
            (_, None | Some(_)) => {}
        }
    }

    fn entry(&mut self, place: &Place) -> &mut Entry {
        match place {
            Place::Termin(frnr) => self.termine.get_mut(frnr).unwrap(),
            Place::Event(id) => self.events.get_mut(id).unwrap(),
        }
    }

    fn post(&mut self, form: Standard) -> FrNr {
        let version = self.tick();
        let frnr = FrNr(version);
        self.termine.insert(frnr, Entry { form, version });
        frnr
    }

    fn insert(&mut self, id: EventId, form: Standard) {
        assert!(!self.deleted.contains(&id), "Google answers 409");
        let version = self.tick();
        self.events.insert(id, Entry { form, version });
    }

    fn delete(&mut self, id: &EventId) {
        self.events.remove(id);
        self.deleted.insert(id.clone());
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let seen = |(id, entry): (&EventId, &Entry)| {
            let event = SeenEvent {
                form: Ok(entry.form.clone()),
                updated: Some(time(entry.version)),
                etag: entry.version.to_string(),
            };
            (id.clone(), event)
        };
        let termin = |(frnr, entry): (&FrNr, &Entry)| {
            let termin =
                SeenTermin { form: Ok(entry.form.clone()), changed_at: Some(time(entry.version)), may_change: true };
            (*frnr, termin)
        };
        let frnrs = self.rows.values().filter_map(|row| row.frnr);
        let ids = self.rows.values().filter_map(|row| row.event.clone());
        Snapshot {
            termine: self.termine.iter().map(termin).collect(),
            events: Events::Complete(self.events.iter().map(seen).collect()),
            rows: self.rows.clone(),
            gone_termine: frnrs.filter(|frnr| !self.termine.contains_key(frnr)).collect(),
            gone_events: ids.filter(|id| self.deleted.contains(id)).collect(),
        }
    }

    /// Versions of all events, as a sync token knows them.
    pub(super) fn token(&self) -> BTreeMap<EventId, i64> {
        self.events.iter().map(|(id, entry)| (id.clone(), entry.version)).collect()
    }

    pub(super) fn plan(&self, policy: Policy) -> Plan {
        plan(&self.snapshot(), policy)
    }

    pub(super) fn run(&mut self, policy: Policy) -> Plan {
        let plan = self.plan(policy);
        for step in &plan.steps {
            self.apply(policy, step, None);
        }
        plan
    }

    pub(super) fn run_since(&mut self, policy: Policy, token: &BTreeMap<EventId, i64>) {
        let mut snapshot = self.snapshot();
        let Events::Complete(mut seen) = snapshot.events else { panic!("complete") };
        seen.retain(|id, _| token.get(id) != Some(&self.events[id].version));
        snapshot.events = Events::Changes(seen);
        for step in &plan(&snapshot, policy).steps {
            self.apply(policy, step, None);
        }
    }

    pub(super) fn lose_hub(&mut self) {
        self.rows.clear();
    }

    pub(super) fn forget_bases(&mut self) {
        for row in self.rows.values_mut() {
            (row.advoware_base, row.google_base, row.etag) = (None, None, None);
        }
    }

    /// The last entry of Advoware is entered in Google, too, word by word.
    pub(super) fn type_twice(&mut self) {
        let form = self.termine.values().last().unwrap().form.clone();
        let id = EventId::parse(&format!("user{}", self.tick())).unwrap();
        self.insert(id, form);
    }

    /// Steps before `at` are done, that one is cut off, the others are not begun.
    pub(super) fn run_cut(&mut self, policy: Policy, at: usize, cut: Cut) {
        for (n, step) in self.plan(policy).steps.iter().enumerate().take(at + 1) {
            self.apply(policy, step, (n == at).then_some(cut));
        }
    }

    fn apply(&mut self, policy: Policy, step: &Step, cut: Option<Cut>) {
        let writes = !matches!(cut, Some(Cut::BeforeWrite));
        let row = self.begin(step);
        let mut created = None;
        if writes {
            created = self.write(step, row);
        }
        if cut.is_none() {
            self.commit(policy, step, row, created);
        }
    }

    /// The row, with the intent in it.
    fn begin(&mut self, step: &Step) -> RowId {
        let fresh = u128::try_from(self.tick()).unwrap();
        let (id, intent) = match step {
            Step::CreateEvent(frnr, form) => {
                let row = HubRow { frnr: Some(*frnr), event: Some(self.new_event()), ..blank(Source::Advoware) };
                self.rows.insert(RowId(fresh), row);
                (RowId(fresh), Some(Intent::CreateEvent(form.clone())))
            }
            Step::CreateTermin(event, form) => {
                self.rows.insert(RowId(fresh), HubRow { event: Some(event.clone()), ..blank(Source::Google) });
                (RowId(fresh), Some(Intent::CreateTermin(form.clone())))
            }
            Step::Link(frnr, event) => {
                let row = HubRow { frnr: Some(*frnr), event: Some(event.clone()), ..blank(Source::Advoware) };
                self.rows.insert(RowId(fresh), row);
                (RowId(fresh), None)
            }
            Step::RecreateEvent(id, form) => {
                let event = self.new_event();
                self.row(*id).event = Some(event);
                (*id, Some(Intent::CreateEvent(form.clone())))
            }
            Step::RecreateTermin(id, form) => {
                self.row(*id).frnr = None;
                (*id, Some(Intent::CreateTermin(form.clone())))
            }
            Step::FinishEvent(id, form) => (*id, Some(Intent::CreateEvent(form.clone()))),
            Step::FinishTermin(id, form) => (*id, Some(Intent::CreateTermin(form.clone()))),
            Step::UpdateEvent(id, form) => (*id, Some(Intent::UpdateEvent(form.clone()))),
            Step::UpdateTermin(id, form) => (*id, Some(Intent::UpdateTermin(form.clone()))),
            Step::DeleteEvent(id) => (*id, Some(Intent::DeleteEvent)),
            Step::DeleteTermin(id) => (*id, Some(Intent::DeleteTermin)),
            Step::AdoptTermin(id, _) | Step::Withdraw(id) | Step::SoftDelete(id) | Step::Store(id) => (*id, None),
        };
        if intent.is_some() {
            self.row(id).intent = intent;
        }
        id
    }

    fn new_event(&mut self) -> EventId {
        EventId::parse(&format!("ours{}", self.tick())).unwrap()
    }

    fn row(&mut self, id: RowId) -> &mut HubRow {
        self.rows.get_mut(&id).unwrap()
    }

    fn write(&mut self, step: &Step, id: RowId) -> Option<FrNr> {
        let row = self.rows[&id].clone();
        let version = self.tick();
        match step {
            Step::CreateEvent(_, form) | Step::RecreateEvent(_, form) | Step::FinishEvent(_, form) => {
                self.insert(row.event.unwrap(), form.clone());
            }
            Step::CreateTermin(_, form) | Step::RecreateTermin(_, form) | Step::FinishTermin(_, form) => {
                return Some(self.post(form.clone()));
            }
            Step::UpdateEvent(_, form) => {
                self.events.insert(row.event.unwrap(), Entry { form: form.clone(), version });
            }
            Step::UpdateTermin(_, form) => {
                self.termine.insert(row.frnr.unwrap(), Entry { form: form.clone(), version });
            }
            Step::DeleteEvent(_) => self.delete(&row.event.unwrap()),
            Step::DeleteTermin(_) => drop(self.termine.remove(&row.frnr.unwrap())),
            Step::Link(..) | Step::AdoptTermin(..) | Step::Withdraw(_) | Step::SoftDelete(_) | Step::Store(_) => {}
        }
        None
    }

    fn commit(&mut self, policy: Policy, step: &Step, id: RowId, created: Option<FrNr>) {
        match step {
            Step::DeleteEvent(_) | Step::DeleteTermin(_) | Step::SoftDelete(_) | Step::Withdraw(_) => {
                self.rows.remove(&id);
                return;
            }
            Step::AdoptTermin(_, frnr) => {
                let row = self.row(id);
                let Some(Intent::CreateTermin(form)) = row.intent.take() else { panic!("begun") };
                row.google_base = Some(match row.source {
                    Source::Advoware if policy.anonymize => anonymized(&form),
                    Source::Advoware | Source::Google => form.clone(),
                });
                (row.frnr, row.advoware_base) = (Some(*frnr), Some(form));
                return;
            }
            _ => {}
        }
        if created.is_some() {
            self.row(id).frnr = created;
        }
        let row = self.rows[&id].clone();
        let termin = row.frnr.and_then(|frnr| self.termine.get(&frnr)).map(|entry| entry.form.clone());
        let event = row.event.as_ref().and_then(|event| self.events.get(event)).cloned();
        let stored = self.row(id);
        stored.intent = None;
        stored.advoware_base = termin.or(row.advoware_base);
        stored.google_base = event.as_ref().map(|entry| entry.form.clone()).or(row.google_base);
        stored.etag = event.map(|entry| entry.version.to_string()).or(row.etag);
    }

    /// Texts of both sides, in an order that does not depend on ids.
    pub(super) fn sides(&self) -> (Vec<Standard>, Vec<Standard>) {
        let sorted = |forms: Vec<Standard>| {
            let mut forms = forms;
            forms.sort_by_key(|form| (form.starts_at(), form.text.clone(), form.notiz.clone()));
            forms
        };
        (
            sorted(self.termine.values().map(|entry| entry.form.clone()).collect()),
            sorted(self.events.values().map(|entry| entry.form.clone()).collect()),
        )
    }

    /// The first row whose sides do not say the same, or an entry without row that should have one.
    pub(super) fn disagreement(&self, policy: Policy) -> Option<String> {
        let bound: BTreeSet<FrNr> = self.rows.values().filter_map(|row| row.frnr).collect();
        if let Some(frnr) = self.termine.keys().find(|frnr| !bound.contains(frnr)) {
            return Some(format!("{frnr:?} has no event"));
        }
        self.rows.values().find_map(|row| {
            let termin = row.frnr.and_then(|frnr| self.termine.get(&frnr));
            let event = row.event.as_ref().and_then(|id| self.events.get(id));
            let (Some(termin), Some(event)) = (termin, event) else { return Some(format!("half: {row:?}")) };
            let wanted = match row.source {
                Source::Advoware if policy.anonymize => anonymized(&termin.form),
                Source::Advoware | Source::Google => termin.form.clone(),
            };
            (event.form != wanted).then(|| format!("{:?} and {:?}", termin.form, event.form))
        })
    }
}

enum Place {
    Termin(FrNr),
    Event(EventId),
}

fn blank(source: Source) -> HubRow {
    HubRow { source, frnr: None, event: None, advoware_base: None, google_base: None, etag: None, intent: None }
}
