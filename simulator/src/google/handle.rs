//! What tests may ask of, and put into, Google without going over HTTP.

use std::io;
use std::path::Path;

use serde_json::{Value, json};

use crate::edit::EditRefused;
use crate::google::calendar::user_scope;
use crate::google::{Actor, GoogleRole, GoogleSwitches, USER_MAIL};
use crate::handles::object;
use crate::stage::{Stage, locked};

/// Google from the inside.
#[derive(Debug, Clone, Copy)]
pub struct GoogleHandle<'a> {
    stage: &'a Stage,
}

impl<'a> GoogleHandle<'a> {
    pub(crate) fn new(stage: &'a Stage) -> Self {
        Self { stage }
    }

    /// The JSON key file of the service account. The first one in a process takes a moment: an RSA key is made.
    pub fn service_account(&self) -> Value {
        locked(&self.stage.world).google.tokens.key_file()
    }

    /// Writes the key file, for `GOOGLE_CALENDAR_SERVICE_ACCOUNT_PATH`.
    pub fn write_service_account(&self, path: impl AsRef<Path>) -> io::Result<()> {
        std::fs::write(path, format!("{:#}\n", self.service_account()))
    }

    /// A calendar that the service account owns, beside the quota of creations; returns its id. `zone` is an IANA name; UTC
    /// where it is none.
    pub fn seed_calendar(&self, summary: &str, zone: &str) -> String {
        let mut world = locked(&self.stage.world);
        let owner = world.google.client_email.clone();
        let fields = object(json!({ "summary": summary }));
        world.google.create_calendar(fields, zone.parse().unwrap_or_default(), &owner).id.clone()
    }

    /// A calendar that a person owns and shares with the service account, which does not see it in its list; returns its
    /// id.
    pub fn share_calendar(&self, summary: &str, zone: &str, role: GoogleRole) -> String {
        let mut world = locked(&self.stage.world);
        let fields = object(json!({ "summary": summary }));
        let id = world.google.create_calendar(fields, zone.parse().unwrap_or_default(), USER_MAIL).id.clone();
        drop(world);
        self.set_access(&id, role);
        id
    }

    /// What the service account may do with a calendar from now on; every sync token of it is worthless then.
    pub fn set_access(&self, calendar_id: &str, role: GoogleRole) {
        let mut world = locked(&self.stage.world);
        let (id, scope) = user_scope(&world.google.client_email);
        world.google.grant(calendar_id, id, role, scope);
    }

    /// Deletes a calendar: from now on 404. The quota of creations gets nothing back.
    pub fn remove_calendar(&self, calendar_id: &str) {
        locked(&self.stage.world).google.calendars.remove(calendar_id);
    }

    /// All calendars, as their owners see them.
    pub fn calendars(&self) -> Vec<Value> {
        locked(&self.stage.world).google.calendars.values().map(super::Calendar::show).collect()
    }

    /// Who may do what with a calendar.
    pub fn rules(&self, calendar_id: &str) -> Vec<Value> {
        let world = locked(&self.stage.world);
        world.google.calendars.get(calendar_id).map(super::Calendar::rules).unwrap_or_default()
    }

    /// How many calendars the API has created.
    pub fn calendar_creations(&self) -> u32 {
        locked(&self.stage.world).google.calendar_creations
    }

    /// Stores an event as a person would have made it, under its `id` if it has one; returns the id.
    pub fn seed(&self, calendar_id: &str, event: Value) -> Result<String, EditRefused> {
        let now = self.stage.clock.now();
        Ok(locked(&self.stage.world).google.insert_event(calendar_id, &object(event), Actor::User, now)?)
    }

    /// The whole event, deleted or not; `None` if there never was one.
    pub fn event(&self, calendar_id: &str, event_id: &str) -> Option<Value> {
        locked(&self.stage.world).google.look(calendar_id, event_id).map(Value::Object)
    }

    /// All events that are not deleted, ascending by id; changed occurrences are events of their own.
    pub fn events(&self, calendar_id: &str) -> Vec<Value> {
        let mut events = self.all_events(calendar_id);
        events.retain(|event| event["status"] != "cancelled");
        events
    }

    /// All events, deleted ones included, ascending by id.
    pub fn all_events(&self, calendar_id: &str) -> Vec<Value> {
        let world = locked(&self.stage.world);
        let Some(calendar) = world.google.calendars.get(calendar_id) else { return Vec::new() };
        calendar.events.keys().filter_map(|id| world.google.look(calendar_id, id)).map(Value::Object).collect()
    }

    /// Makes every sync token of every calendar worthless (410).
    pub fn expire_sync_tokens(&self) {
        locked(&self.stage.world).google.calendars.values_mut().for_each(|calendar| calendar.epoch += 1);
    }

    /// Makes every access token given out so far worthless (401).
    pub fn revoke_tokens(&self) {
        locked(&self.stage.world).google.tokens.revoke_all();
    }

    /// The switches as they are.
    pub fn switches(&self) -> GoogleSwitches {
        locked(&self.stage.world).google.switches.clone()
    }

    /// Changes the switches.
    pub fn switch(&self, change: impl FnOnce(&mut GoogleSwitches)) {
        change(&mut locked(&self.stage.world).google.switches);
    }
}
