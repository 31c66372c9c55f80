//! Plays a story on real parts.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::job::Wants;
use domain::kommunikation::Direction;
use serde_json::{Value, json};
use shared::queue::{Asker, NewJob};
use simulator::{Calls, Edit as UserEdit, Fault, Moment, NewKommunikation, canonical};

use super::check;
use super::step::{Edit, Kind, PEOPLE, Step, Story, fault};
use crate::office::{Office, OfficeSettings};
use crate::world::{World, fields, mail, row};
use crate::worlds::Worlds;
use crate::{Result, eventually};

/// Longest wait for a story to become quiet.
const PATIENCE: Duration = Duration::from_mins(2);

/// A story under way, and what its users did.
pub(super) struct Stage {
    pub(super) world: World,
    office: Option<Office>,
    pub(super) people: Vec<String>,
    /// Values that users entered, with who has them; false: in the middle of a run, where one round trip may overwrite them.
    pub(super) entered: BTreeMap<String, (usize, bool)>,
    /// Values that users removed or replaced in the middle of a run, or meant to.
    pub(super) removed: BTreeSet<String>,
    /// Values that users removed or replaced while nothing ran.
    pub(super) gone: BTreeSet<String>,
    /// The last text that a user of either side gave to a field, by its name in EspoCRM; true: in Advoware; and whether nothing ran.
    pub(super) texts: BTreeMap<(usize, &'static str, bool), (String, bool)>,
    /// A worker was killed and no run has ended since: what users edit now may meet its half-done work (ARCHITECTURE, what remains open).
    is_cut: bool,
    /// Whose records a user will edit in the middle of the next run: what is entered before may be what that edit replaces.
    awaited: BTreeSet<usize>,
}

/// Whether the story ends well; else what is wrong.
pub(super) async fn play(worlds: &Worlds, story: &Story) -> std::result::Result<(), String> {
    match Box::pin(play_on(worlds, story)).await {
        Ok(problems) if problems.is_empty() => Ok(()),
        Ok(problems) => Err(problems.join("; ")),
        Err(error) => Err(error.to_string()),
    }
}

async fn play_on(worlds: &Worlds, story: &Story) -> Result<Vec<String>> {
    let mut stage = Stage::open(worlds).await?;
    stage.run().await?;
    for step in &story.steps {
        stage.step(step).await?;
    }
    stage.world.simulator.faults().clear();
    stage.world.simulator.clear_schedule();
    stage.settle().await?;
    let problems = check::check(&mut stage).await?;
    if let Some(office) = stage.office.take() {
        office.close().await?;
    }
    Ok(problems)
}

impl Stage {
    async fn open(worlds: &Worlds) -> Result<Self> {
        let mut world = worlds.fresh().await?;
        world.setting("SYSTEM_BREAKER_SECONDS", "0.05");
        world.setting("SYNC_RETRY_MINUTES", "0.001");
        world.setting("SYNC_MAX_TRIES", "20");
        let mut people = Vec::new();
        for who in 0..PEOPLE {
            let (betnr, first) = (105_000 + i64::try_from(who).unwrap_or_default(), format!("start{who}@example.org"));
            let (mails, rows) = (json!([mail(&first, true)]), vec![row(4, &first, Some("Büro"))]);
            if who + 1 < PEOPLE {
                people.push(world.given(betnr, mails, json!([]), rows).id);
            } else {
                let id = format!("{betnr:017x}");
                let record = json!({"lastName": format!("Beispiel {betnr}"), "emailAddressData": mails});
                world.simulator.espocrm().seed(&id, record).expect("EspoCRM takes it");
                people.push(id);
            }
        }
        let office = Some(Self::office(&world).await?);
        let (entered, removed, gone, texts) = Default::default();
        Ok(Self { world, office, people, entered, removed, gone, texts, is_cut: false, awaited: BTreeSet::new() })
    }

    async fn office(world: &World) -> Result<Office> {
        Office::open(world, OfficeSettings { concurrency: 3, ..OfficeSettings::default() }).await
    }

    async fn step(&mut self, step: &Step) -> Result<()> {
        match step {
            Step::Edit(edit) => {
                if let Some(user) = self.user_edit(*edit) {
                    let displaced = self.displaced(*edit, &user);
                    if self.world.simulator.edit(&user).is_ok() {
                        let is_calm = !self.is_cut && !self.awaited.contains(&edit.who);
                        if is_calm { &mut self.gone } else { &mut self.removed }.extend(displaced);
                        self.note(*edit, is_calm);
                    }
                }
            }
            Step::During(nth, edit) => {
                if let Some(user) = self.user_edit(*edit) {
                    self.removed.extend(self.displaced(*edit, &user));
                    self.note(*edit, false);
                    self.awaited.insert(edit.who);
                    self.world.simulator.edit_at(Moment::after(Calls::any().nth(*nth)), user);
                }
            }
            Step::Fault(nth, kind) => {
                self.world.simulator.faults().arm(Fault::new(Calls::any().nth(*nth), fault(*kind)));
            }
            Step::Run => {
                self.run().await?;
                self.is_cut = false;
                // An edit whose moment did not come belonged to this run.
                self.world.simulator.clear_schedule();
                self.awaited.clear();
            }
            Step::Crash(nth) => {
                let pause = self.world.simulator.pause_at(Moment::after(Calls::any().nth(*nth)));
                self.trigger(Asker::Operator, Wants::sync(Direction::Both)).await?;
                tokio::select! {
                    () = pause.reached() => {}
                    quiet = self.quiet() => quiet?,
                }
                if let Some(office) = self.office.take() {
                    office.abort().await?;
                }
                pause.release();
                self.is_cut = true;
                self.office = Some(Self::office(&self.world).await?);
            }
        }
        Ok(())
    }

    async fn trigger(&self, asker: Asker, wants: Wants) -> Result<()> {
        let jobs: Vec<_> = self.people.iter().map(|id| NewJob { entity: id.clone(), wants }).collect();
        self.world.queue.enqueue(&jobs, asker).await.map_err(|error| crate::Error::new(error.to_string()))?;
        Ok(())
    }

    async fn quiet(&self) -> Result<()> {
        let queue = &self.world.queue;
        eventually(PATIENCE, "the queue is quiet", async || match queue.counts().await {
            Ok(counts) if counts.ready + counts.delayed + counts.running == 0 => Ok(()),
            // What waits says more than how much: a job that crashed twice runs alone.
            Ok(counts) => Err(format!("{counts:?}, {:?}", queue.show(&self.people).await)),
            Err(error) => Err(error.to_string()),
        })
        .await
    }

    pub(super) async fn run(&self) -> Result<()> {
        self.trigger(Asker::Operator, Wants::sync(Direction::Both)).await?;
        self.quiet().await
    }

    /// As an operator would: everything back to work, held deletions approved, a held creation looked after.
    async fn settle(&mut self) -> Result<()> {
        for _ in 0..2 {
            self.trigger(Asker::Requeue, Wants::sync(Direction::Both).approving_deletions()).await?;
            self.quiet().await?;
        }
        let simulator = &self.world.simulator;
        if let Some(last) = self.people.last()
            && self.world.field(last, "syncStatus") == json!("permanently_failed")
            && self.world.field(last, "betnr").is_null()
        {
            let created = simulator.advoware().betnrs().into_iter().find(|betnr| *betnr > 105_003);
            if let Some(betnr) = created {
                let edit = UserEdit::EspoSet { id: last.clone(), fields: fields(json!({"betnr": betnr})) };
                simulator.edit(&edit).expect("the number can be entered");
            }
            let wants = Wants::sync(Direction::Both).creating_again();
            self.trigger(Asker::Requeue, wants).await?;
            self.quiet().await?;
        }
        self.run().await
    }

    pub(super) fn betnr(&self, who: usize) -> Option<i64> {
        self.world.field(&self.people[who], "betnr").as_i64()
    }

    /// The edit as the simulator knows it; `None` if there is nothing to do it to.
    fn user_edit(&self, edit: Edit) -> Option<UserEdit> {
        let id = self.people[edit.who].clone();
        let espocrm = self.world.simulator.espocrm();
        let text = |entry: &Value, name: &str| entry[name].as_str().map(str::to_owned);
        let mails = espocrm.mails(&id).into_iter().filter_map(|entry| text(&entry, "emailAddress"));
        let phones = espocrm.phones(&id).into_iter().filter_map(|entry| text(&entry, "phoneNumber"));
        let mut values: Vec<String> = mails.chain(phones).collect();
        values.sort();
        let chosen = |values: &[String]| values.get(edit.pick % values.len().max(1)).cloned();
        let betnr = self.betnr(edit.who);
        let rows = betnr.map(|betnr| self.world.simulator.advoware().rows(betnr)).unwrap_or_default();
        let filled: Vec<_> = rows.iter().filter(|row| !row.tlf.is_empty()).collect();
        let chosen_row = filled.get(edit.pick % filled.len().max(1)).copied();
        let change = |komm_id, tlf: Option<String>, bemerkung| {
            Some(UserEdit::AdvowareChange { betnr: betnr?, komm_id, tlf, bemerkung, online: None })
        };
        let new = edit.value();
        match edit.kind {
            Kind::EspoAdd if values.len() >= 6 => None,
            Kind::EspoAdd if new.contains('@') => Some(UserEdit::EspoAddMail { id, address: new }),
            Kind::EspoAdd => Some(UserEdit::EspoAddPhone { id, number: new, phone_type: "Office".to_owned() }),
            Kind::EspoReplace => {
                let from = chosen(&values)?;
                (from.contains('@') == new.contains('@')).then_some(UserEdit::EspoReplace { id, from, to: new })
            }
            Kind::EspoRemove => Some(UserEdit::EspoRemove { id, value: chosen(&values)? }),
            Kind::EspoPrimary => Some(UserEdit::EspoMakePrimary { id, value: chosen(&values)? }),
            Kind::EspoField => {
                let (name, _, text, _) = edit.field();
                Some(UserEdit::EspoSet { id, fields: fields(json!({name: text})) })
            }
            Kind::AdvoAdd if filled.len() >= 6 => None,
            Kind::AdvoAdd => {
                let komm_kz = if new.contains('@') { 4 } else { 1 };
                let row = NewKommunikation { komm_kz, tlf: new, bemerkung: None, online: false };
                Some(UserEdit::AdvowareAdd { betnr: betnr?, row })
            }
            Kind::AdvoChange => {
                let row = chosen_row?;
                (row.tlf.contains('@') == new.contains('@')).then(|| change(row.id, Some(new), None))?
            }
            Kind::AdvoEmpty => change(chosen_row?.id, Some(String::new()), None),
            Kind::AdvoRemove => Some(UserEdit::AdvowareRemove { betnr: betnr?, komm_id: chosen_row?.id }),
            Kind::AdvoRemark => {
                let row = chosen_row?;
                change(row.id, None, Some(format!("{} geprüft", row.bemerkung.clone().unwrap_or_default())))
            }
            Kind::AdvoField => {
                let (_, name, _, text) = edit.field();
                Some(UserEdit::AdvowareSet { betnr: betnr?, fields: fields(json!({name: text})) })
            }
        }
    }

    /// The value that the edit takes away, where it takes one.
    fn displaced(&self, edit: Edit, user: &UserEdit) -> Option<String> {
        match user {
            UserEdit::EspoRemove { value, .. } | UserEdit::EspoReplace { from: value, .. } => Some(canonical(value)),
            UserEdit::AdvowareRemove { komm_id, .. } | UserEdit::AdvowareChange { komm_id, tlf: Some(_), .. } => {
                let rows = self.world.simulator.advoware().rows(self.betnr(edit.who)?);
                rows.into_iter().find(|row| row.id == *komm_id).map(|row| canonical(&row.tlf))
            }
            _ => None,
        }
    }

    fn note(&mut self, edit: Edit, is_calm: bool) {
        match edit.kind {
            Kind::EspoAdd | Kind::EspoReplace | Kind::AdvoAdd | Kind::AdvoChange => {
                self.entered.insert(canonical(&edit.value()), (edit.who, is_calm));
            }
            Kind::EspoField | Kind::AdvoField => {
                let (name, _, text, _) = edit.field();
                let text = text.as_str().unwrap_or_default().to_owned();
                let field = (edit.who, name, edit.kind == Kind::AdvoField);
                // One that comes in the middle of a later run may replace whatever was entered before that.
                let was_calm = self.texts.get(&field).is_none_or(|(_, was_calm)| *was_calm);
                self.texts.insert(field, (text, is_calm && was_calm));
            }
            Kind::EspoRemove | Kind::EspoPrimary | Kind::AdvoEmpty | Kind::AdvoRemove | Kind::AdvoRemark => {}
        }
    }
}
