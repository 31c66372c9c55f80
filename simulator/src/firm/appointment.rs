//! One entry of a law firm's calendar, as its people type it.

use chrono::{Days, NaiveDate};
use serde_json::{Value, json};

use crate::dice::Dice;
use crate::firm::names::{company, person, place};

const NOTES: [&str; 4] = [
    "Unterlagen mitnehmen\r\nMandant kommt direkt zum Gericht\r\nRückruf: vormittags",
    "Größe des Saals prüfen (ÄÖÜß)",
    "Az. beachten!\r\n\r\nStand: Frühjahr",
    "\"persönliches Erscheinen\" angeordnet & <protokolliert>",
];
const DEADLINES: [&str; 5] =
    ["Berufungsbegründung", "Klageerwiderung", "Stellungnahme", "Kostenfestsetzung", "Widerruf Vergleich"];
const PRIVATE: [&str; 4] = ["Zahnarzt", "Elternabend", "Werkstatt", "Umzug"];

/// What an entry is. Each of a calendar's first entries is of another kind, the others are mixed as in an office.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Hearing,
    Deadline,
    Meeting,
    Leave,
    /// `turnusArt` 1 to 4.
    Series(u8),
    /// Until 2037.
    EndlessSeries,
    OneDay,
    MultiDay,
    CrossMidnight,
    Private,
    /// Neither times nor `datumBis`.
    Bare,
    /// Linked with a colleague, whose Kürzel stands beside.
    Shared,
    /// On a day the clocks change.
    ClockChange(NaiveDate, usize),
}

impl Kind {
    const EACH: [Self; 15] = [
        Self::Hearing,
        Self::Deadline,
        Self::Leave,
        Self::Series(2),
        Self::CrossMidnight,
        Self::MultiDay,
        Self::Series(1),
        Self::Private,
        Self::Series(3),
        Self::OneDay,
        Self::Series(4),
        Self::EndlessSeries,
        Self::Bare,
        Self::Shared,
        Self::Meeting,
    ];
    /// Ways to stand on a day the clocks change.
    const CLOCK_CHANGES: usize = 4;

    pub(super) fn nth(number: usize, clock_changes: &[NaiveDate], dice: &mut Dice) -> Self {
        if let Some(kind) = Self::EACH.get(number) {
            return *kind;
        }
        let number = number - Self::EACH.len();
        if let Some(day) = clock_changes.get(number) {
            return Self::ClockChange(*day, dice.below(Self::CLOCK_CHANGES));
        }
        match dice.below(100) {
            0..30 => Self::Hearing,
            30..55 => Self::Deadline,
            55..75 => Self::Meeting,
            75..79 => Self::OneDay,
            79..82 => Self::Leave,
            82..86 => Self::MultiDay,
            86..89 => Self::CrossMidnight,
            89..93 => Self::Private,
            93..95 => Self::Bare,
            95..97 => Self::Shared,
            _ => Self::Series(u8::try_from(1 + dice.below(4)).unwrap_or(1)),
        }
    }
}

/// Whose entry it is, and around which day.
#[derive(Debug)]
pub(super) struct Owner<'a> {
    pub(super) kuerzel: &'a str,
    pub(super) colleague: &'a str,
    pub(super) today: NaiveDate,
}

/// The fields on the wire, without `frNr`.
pub(super) fn appointment(owner: &Owner<'_>, kind: Kind, dice: &mut Dice) -> Value {
    let day = near(owner.today, dice);
    let mut fields = match kind {
        Kind::Hearing => hearing(day, dice),
        Kind::Deadline => deadline(day, dice),
        Kind::Meeting => timed(day, "Besprechung", &clock(9 + dice.below(4), dice), "14:00:00"),
        Kind::Leave => all_day(day, day + Days::new(to_u64(1 + dice.below(14))), "Urlaub"),
        Kind::OneDay => all_day(day, day, "Fortbildung"),
        Kind::Series(art) => series(owner.today, Some(30 + dice.below(570)), art, dice),
        Kind::EndlessSeries => series(owner.today, None, 2, dice),
        Kind::MultiDay => {
            let mut fields = timed(day, "Tagung", "10:30:00", "16:00:00");
            fields["datumBis"] = json!((day + Days::new(to_u64(1 + dice.below(4)))).to_string());
            fields
        }
        Kind::CrossMidnight => {
            let mut fields = timed(day, "Vergleichsgespräch", "22:30:00", "01:15:00");
            fields["datumBis"] = json!((day + Days::new(1)).to_string());
            fields
        }
        Kind::Private => {
            let mut fields = timed(day, dice.pick(&PRIVATE), "16:00:00", "17:15:00");
            fields["privat"] = json!(1);
            fields
        }
        Kind::Bare => json!({ "datum": day.to_string(), "text": format!("Anruf {}", person(dice).last) }),
        Kind::Shared => timed(day, "Mandantengespräch", "11:00:00", "12:30:00"),
        Kind::ClockChange(day, way) => clock_change(day, way),
    };
    fields["sb"] = json!(owner.kuerzel);
    let is_shared = matches!(kind, Kind::Shared) && owner.kuerzel != owner.colleague;
    fields["anwalt"] =
        if is_shared { json!(format!("{}, {}", owner.kuerzel, owner.colleague)) } else { json!(owner.kuerzel) };
    if dice.percent(30) {
        fields["notiz"] = json!(dice.pick(&NOTES));
    }
    spell_dates(&mut fields, dice);
    fields
}

/// An entry of the whole firm.
pub(super) fn of_everybody(number: usize, today: NaiveDate, dice: &mut Dice) -> Value {
    let day = near(today, dice);
    let mut fields = match number % 4 {
        0 => series(today, None, 2, dice),
        1 => all_day(day, day, "Betriebsausflug"),
        2 => timed(day, "Kanzleibesprechung", "08:30:00", "09:30:00"),
        _ => timed(day, "EDV-Wartung", "18:00:00", "20:00:00"),
    };
    fields["anwalt"] = json!(dice.pick(&["", "ALLE", "Allgemein"]));
    if number == 0 {
        fields["anwalt"] = Value::Null;
    }
    spell_dates(&mut fields, dice);
    fields
}

/// What Advoware computes and nobody may write: leave and travel.
pub(super) fn computed(kuerzel: &str, today: NaiveDate, dice: &mut Dice) -> Vec<Value> {
    let (day, left) = (near(today, dice), near(today, dice));
    let mut travel = timed(day, "Anfahrt", "07:15:00", "08:45:00");
    let mut leave = all_day(left, left + Days::new(4), "Urlaub");
    for fields in [&mut travel, &mut leave] {
        fields["anwalt"] = json!(kuerzel);
        fields["special"] = json!(1);
    }
    vec![travel, leave]
}

fn hearing(day: NaiveDate, dice: &mut Dice) -> Value {
    let town = place(dice);
    let from = 8 + dice.below(6);
    let mut fields = timed(day, "", &clock(from, dice), &format!("{:02}:00:00", from + 2));
    fields["text"] = json!(format!("Gerichtstermin {} ./. {}", person(dice).last, company(dice).0));
    fields["ort"] = json!(format!("Amtsgericht {town}, Saal {}", 1 + dice.below(40)));
    fields["nr"] = json!(1 + dice.below(9000));
    if dice.percent(40) {
        fields["vorbereitungsDauer"] = json!(dice.pick(&["00:30:00", "01:00:00", "02:15:00"]));
    }
    fields
}

/// Deadlines stand at the default time, or at none.
fn deadline(day: NaiveDate, dice: &mut Dice) -> Value {
    let text = format!("Frist: {}", dice.pick(&DEADLINES));
    let mut fields = timed(day, &text, "09:00:00", "10:00:00");
    fields["nr"] = json!(1 + dice.below(9000));
    if dice.percent(40) {
        fields["uhrzeitVon"] = Value::Null;
        fields["uhrzeitBis"] = Value::Null;
    }
    fields
}

fn timed(day: NaiveDate, text: &str, from: &str, to: &str) -> Value {
    json!({
        "datum": day.to_string(), "datumBis": day.to_string(), "uhrzeitVon": from, "uhrzeitBis": to, "text": text,
        "dauertermin": 0, "turnus": 0, "turnusArt": 0, "vorbereitungsDauer": "00:00:00",
    })
}

/// To the last minute of the last day (DOMAIN 3).
fn all_day(first: NaiveDate, last: NaiveDate, text: &str) -> Value {
    let mut fields = timed(first, text, "00:00:00", "23:59:00");
    fields["datumBis"] = json!(last.to_string());
    fields["dauertermin"] = json!(1);
    fields
}

fn series(today: NaiveDate, length_days: Option<usize>, art: u8, dice: &mut Dice) -> Value {
    let first = today + Days::new(to_u64(dice.below(60))) - Days::new(20);
    let last =
        length_days.map_or_else(|| "2037-12-31".to_owned(), |days| (first + Days::new(to_u64(days))).to_string());
    let mut fields = timed(first, "Jour fixe", &clock(9 + dice.below(6), dice), "17:00:00");
    fields["datumBis"] = json!(last);
    fields["dauertermin"] = json!(1);
    fields["turnus"] = json!(1 + dice.below(3));
    fields["turnusArt"] = json!(art);
    fields
}

/// Inside the skipped or repeated hour, across it, over the whole day, or in the afternoon.
fn clock_change(day: NaiveDate, way: usize) -> Value {
    match way {
        0 => timed(day, "Nachtdienst", "02:15:00", "02:45:00"),
        1 => timed(day, "Nachtdienst", "01:30:00", "03:30:00"),
        2 => all_day(day, day, "Bereitschaft"),
        _ => timed(day, "Besprechung", "15:00:00", "16:00:00"),
    }
}

/// Mostly in the next months; far enough from the ends of the window for the longest leave.
fn near(today: NaiveDate, dice: &mut Dice) -> NaiveDate {
    let ahead = if dice.percent(60) { dice.below(118) } else { 118 + dice.below(590) };
    today - Days::new(28) + Days::new(to_u64(ahead))
}

/// Half of the dates carry a time that says nothing.
fn spell_dates(fields: &mut Value, dice: &mut Dice) {
    for name in ["datum", "datumBis"] {
        if let Some(Value::String(date)) = fields.get_mut(name)
            && dice.percent(50)
        {
            date.push_str("T00:00:00");
        }
    }
}

fn clock(hour: usize, dice: &mut Dice) -> String {
    format!("{hour:02}:{:02}:00", 15 * dice.below(4))
}

fn to_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
