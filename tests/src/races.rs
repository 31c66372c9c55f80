//! A user who edits between two calls of a run (invariants 1 to 5): every kind of edit, on each side, after every call.

use std::fmt;

use futures::StreamExt as _;
use futures::stream;
use serde_json::json;
use simulator::{Calls, Edit, EditRefused, JournalEntry, Moment, Operation, canonical};

use crate::mixed::check::{self, audited, check};
use crate::mixed::{self, Expected, Story};
use crate::office::{Office, OfficeSettings};
use crate::world::{World, fields, row};
use crate::worlds::Worlds;
use crate::{Error, Result};

/// What users enter while the run is going on.
const FIRST_NAME: &str = "Zora";
const LAST_NAME: &str = "Zander";

/// What a user does meanwhile. The first mail is what every run works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meanwhile {
    EspoSameField,
    EspoOtherField,
    EspoSameValue,
    EspoOtherValue,
    EspoValueRemoved,
    EspoRecordDeleted,
    AdvoSameField,
    AdvoOtherField,
    AdvoSameRow,
    AdvoOtherRow,
    AdvoRowRemoved,
    AdvoRecordDeleted,
}

impl Meanwhile {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::EspoSameField,
        Self::EspoOtherField,
        Self::EspoSameValue,
        Self::EspoOtherValue,
        Self::EspoValueRemoved,
        Self::EspoRecordDeleted,
        Self::AdvoSameField,
        Self::AdvoOtherField,
        Self::AdvoSameRow,
        Self::AdvoOtherRow,
        Self::AdvoRowRemoved,
        Self::AdvoRecordDeleted,
    ];

    /// The edit, as the world is at that moment; `None` if there is nothing to be edited yet.
    fn edit(self, world: &World, story: Story) -> Option<Edit> {
        let (id, betnr) = (story.id(), story.betnr(world));
        let address = || world.simulator.espocrm().mails(&id).first()?["emailAddress"].as_str().map(str::to_owned);
        let espo_set = |value| Some(Edit::EspoSet { id: id.clone(), fields: fields(value) });
        let advo_set = |value| Some(Edit::AdvowareSet { betnr: betnr?, fields: fields(value) });
        let komm_id = || world.simulator.advoware().rows(betnr?).first().map(|row| row.id);
        match self {
            Self::EspoSameField => espo_set(json!({ "firstName": FIRST_NAME })),
            Self::EspoOtherField => espo_set(json!({ "lastName": LAST_NAME })),
            Self::EspoSameValue => Some(Edit::EspoReplace { id: id.clone(), from: address()?, to: story.mail('z') }),
            Self::EspoOtherValue => Some(Edit::EspoAddMail { id, address: story.mail('z') }),
            Self::EspoValueRemoved => Some(Edit::EspoRemove { id: id.clone(), value: address()? }),
            Self::EspoRecordDeleted => Some(Edit::EspoDelete { id }),
            Self::AdvoSameField => advo_set(json!({ "vorname": FIRST_NAME })),
            Self::AdvoOtherField => advo_set(json!({ "name": LAST_NAME })),
            Self::AdvoSameRow => komm_id().map(|_| story.retype(world, 0, &story.mail('z'))),
            Self::AdvoOtherRow => Some(Edit::AdvowareAdd { betnr: betnr?, row: row(4, &story.mail('z'), None) }),
            Self::AdvoRowRemoved => Some(Edit::AdvowareRemove { betnr: betnr?, komm_id: komm_id()? }),
            Self::AdvoRecordDeleted => Some(Edit::AdvowareDelete { betnr: betnr? }),
        }
    }
}

/// What a sweep did.
#[derive(Debug, Default)]
pub struct Swept {
    /// Calls after which edits were made.
    pub moments: usize,
    /// Edits that were made and checked.
    pub cases: usize,
    /// Moments at which there was nothing to edit yet.
    pub not_possible: usize,
    /// Edits in the one round trip between a look at Advoware and the write that stands on it: they may be lost there.
    pub in_window: usize,
    pub failures: Vec<String>,
}

impl fmt::Display for Swept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} moments, {} cases, {} not possible, {} in the window, {} failed",
            self.moments,
            self.cases,
            self.not_possible,
            self.in_window,
            self.failures.len()
        )
    }
}

enum Case {
    Checked,
    NotPossible,
    InWindow,
}

/// Every edit after every call of the run, so many at a time; of all these cases each `every`-th.
pub async fn sweep(worlds: &Worlds, story: Story, every: usize, width: usize) -> Result<Swept> {
    let (world, office) = set(worlds, story).await?;
    let before = world.simulator.journal().last_sequence();
    mixed::begin(&world, &[story]).await?;
    world.run_until_quiet().await?;
    let calls: Vec<Operation> = world.simulator.journal().since(before).iter().map(|call| call.operation).collect();
    office.abort().await?;
    drop(world);

    let numbers = 1..=u32::try_from(calls.len()).map_err(|error| Error::new(error.to_string()))?;
    let cases = numbers.flat_map(|number| Meanwhile::ALL.map(|meanwhile| (number, meanwhile))).step_by(every);
    let mut swept = Swept { moments: calls.len(), ..Swept::default() };
    let mut results = stream::iter(cases)
        .map(
            |(number, meanwhile)| async move { (number, meanwhile, edited_at(worlds, story, number, meanwhile).await) },
        )
        .buffer_unordered(width);
    while let Some((number, meanwhile, result)) = results.next().await {
        match result {
            Ok(Case::Checked) => swept.cases += 1,
            Ok(Case::NotPossible) => swept.not_possible += 1,
            Ok(Case::InWindow) => swept.in_window += 1,
            Err(error) => {
                let operation = calls.get(number as usize - 1);
                swept.failures.push(format!("{meanwhile:?} after call {number:02} ({operation:?}): {error}"));
            }
        }
    }
    swept.failures.sort();
    Ok(swept)
}

async fn set(worlds: &Worlds, story: Story) -> Result<(World, Office)> {
    let world = worlds.fresh().await?;
    let office = Office::open(&world, OfficeSettings::default()).await?;
    mixed::given(&world, &[story]).await?;
    Ok((world, office))
}

async fn edited_at(worlds: &Worlds, story: Story, number: u32, meanwhile: Meanwhile) -> Result<Case> {
    let (world, office) = set(worlds, story).await?;
    let pause = world.simulator.pause_at(Moment::after(Calls::any().nth(number)));
    let begun = world.simulator.journal().last_sequence();
    mixed::begin(&world, &[story]).await?;
    tokio::select! {
        () = pause.reached() => {}
        ended = world.run_until_quiet() => {
            ended?;
            return Err(Error::new("the run ended without coming to this call"));
        }
    }
    let moment = Now::of(&world, story);
    let Some(edit) = meanwhile.edit(&world, story) else { return Ok(Case::NotPossible) };
    match world.simulator.edit(&edit) {
        Ok(_) => {}
        Err(EditRefused::NoSuchRecord) => return Ok(Case::NotPossible),
        Err(refused) => return Err(Error::new(refused.to_string())),
    }
    pause.release();
    world.run_until_quiet().await?;
    // EspoCRM's webhook, or the next scan.
    let calls = world.simulator.journal().since(begun + u64::from(number));
    mixed::begin(&world, &[story]).await?;
    world.run_until_quiet().await?;
    let is_in_window = is_in_window(&edit, &calls);
    let checked = then_whole(&world, story, meanwhile, &moment, is_in_window).await;
    office.abort().await?;
    checked.map(|()| if is_in_window { Case::InWindow } else { Case::Checked })
}

/// The window of Advoware, which has no conditional write: the edit fell between a look and the write of that very record or row.
fn is_in_window(edit: &Edit, calls: &[JournalEntry]) -> bool {
    let writes = |call: &JournalEntry| match edit {
        Edit::AdvowareSet { betnr, .. } => {
            call.operation == Operation::PutBeteiligte && call.keys == [betnr.to_string()]
        }
        Edit::AdvowareChange { komm_id, .. } => {
            call.operation == Operation::PutKommunikation && call.keys.contains(&komm_id.to_string())
        }
        _ => false,
    };
    let next = calls.iter().find(|call| call.operation == Operation::GetBeteiligte || writes(call));
    next.is_some_and(|call| writes(call) && call.applied)
}

/// What matters of the world at the moment of the edit.
struct Now {
    row: Option<String>,
    betnrs: usize,
}

impl Now {
    fn of(world: &World, story: Story) -> Self {
        let advoware = world.simulator.advoware();
        let row = story.betnr(world).and_then(|betnr| advoware.rows(betnr).first().map(|row| canonical(&row.tlf)));
        Self { row, betnrs: advoware.betnrs().len() }
    }
}

async fn then_whole(world: &World, story: Story, meanwhile: Meanwhile, now: &Now, lost: bool) -> Result<()> {
    match meanwhile {
        Meanwhile::EspoRecordDeleted => {
            check(world.simulator.espocrm().record(&story.id()).is_none(), || "the record came back".to_owned())?;
            check(world.simulator.advoware().betnrs().len() <= now.betnrs.max(1), || "another record".to_owned())?;
        }
        Meanwhile::AdvoRecordDeleted => {
            check(world.simulator.advoware().betnrs().is_empty(), || "the record came back".to_owned())?;
            let status = world.field(&story.id(), "syncStatus");
            check(status == json!("deleted_in_advoware"), || format!("status {status}"))?;
        }
        _ => {
            let expected = expected(world, story, meanwhile, now, lost).await?;
            check::whole(world, story, &expected).await?;
            check::then_no_more_records(world, &[story])?;
        }
    }
    check::then_quiet(world, &[story]).await
}

/// The end, with the edit in it, or overridden by a rule that kept it in the audit.
async fn expected(world: &World, story: Story, meanwhile: Meanwhile, now: &Now, lost: bool) -> Result<Expected> {
    let mut expected = story.expected();
    // How many rows are left depends on which came first; that no value is there twice is checked all the same.
    expected.rows = world.simulator.advoware().rows(story.betnr(world).unwrap_or_default()).len();
    // Whoever loses then is the edit's matter.
    let z = story.mail('z');
    let mails: Vec<String> = ['a', 'b'].map(|letter| story.mail(letter)).into_iter().collect();
    let item = expected.values.iter().find(|value| mails.contains(value)).cloned();
    match meanwhile {
        Meanwhile::EspoSameField => {
            set_field(&mut expected, "vorname", FIRST_NAME);
            expected.overwritten.retain(|value| value.contains('@'));
        }
        Meanwhile::AdvoSameField => {
            let stands = world.espo_stammdaten(&story.id()).get("vorname").is_some_and(|value| value == FIRST_NAME);
            if stands {
                set_field(&mut expected, "vorname", FIRST_NAME);
                expected.overwritten.retain(|value| value.contains('@'));
            } else if !lost {
                check(audited(world, story, FIRST_NAME).await?, || format!("{FIRST_NAME} is lost"))?;
                // It may have replaced the story's own loser before anybody saw that.
                expected.overwritten.retain(|value| value.contains('@'));
            }
        }
        Meanwhile::EspoOtherField => set_field(&mut expected, "name", LAST_NAME),
        Meanwhile::AdvoOtherField => {
            if !lost {
                set_field(&mut expected, "name", LAST_NAME);
            }
        }
        Meanwhile::EspoOtherValue | Meanwhile::AdvoOtherRow => expected.values.push(z),
        Meanwhile::EspoSameValue => {
            expected.values.retain(|value| Some(value) != item.as_ref());
            expected.values.push(z);
            if story == Story::ChangedInAdvoware && !espo_had(world, story, item.as_ref()).await? {
                expected.overwritten = item.into_iter().filter(|value| Some(value) == now.row.as_ref()).collect();
            }
        }
        Meanwhile::AdvoSameRow => {
            if world.espo_values(&story.id()).contains(&z) {
                expected.values.retain(|value| Some(value) != item.as_ref());
                expected.values.push(z);
                expected.overwritten.retain(|value| !value.contains('@'));
            } else if !lost {
                check(audited(world, story, &z).await?, || format!("{z} is lost"))?;
                expected.overwritten.retain(|value| !value.contains('@'));
            }
        }
        Meanwhile::EspoValueRemoved => expected.values.retain(|value| Some(value) != item.as_ref()),
        Meanwhile::AdvoRowRemoved => {
            // As Var3, unless EspoCRM changed the value since (K1a): then it gets a row again.
            let came_back = world.espo_values(&story.id()).iter().any(|value| Some(value) == item.as_ref());
            let was_agreed = now.row == item;
            check(!came_back || !was_agreed, || format!("{item:?} was deleted, and came back"))?;
            if !came_back {
                expected.values.retain(|value| Some(value) != item.as_ref());
            }
            expected.overwritten.retain(|value| !value.contains('@'));
        }
        Meanwhile::EspoRecordDeleted | Meanwhile::AdvoRecordDeleted => {}
    }
    expected.values.sort();
    Ok(expected)
}

fn set_field(expected: &mut Expected, name: &'static str, value: &str) {
    expected.stammdaten.retain(|(known, _)| *known != name);
    expected.stammdaten.push((name, value.to_owned()));
}

/// Whether the run had brought this value to EspoCRM, as the audit tells.
async fn espo_had(world: &World, story: Story, value: Option<&String>) -> Result<bool> {
    let mut hub = <sqlx::PgConnection as sqlx::Connection>::connect(&world.database_url).await?;
    let query =
        "SELECT count(*) FROM sync_audit WHERE espo_id = $1 AND target = 'espocrm' AND after->>'emailAddress' = $2";
    let count: i64 = sqlx::query_scalar(query).bind(story.id()).bind(value).fetch_one(&mut hub).await?;
    sqlx::Connection::close(hub).await?;
    Ok(count > 0)
}
