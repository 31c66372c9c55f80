//! What was replaced by what, as a table: of audit entries and of plans. Holds values; everything is escaped.

use domain::beteiligte::stammdaten::Field;
use domain::calendar::{Standard, TurnusArt};
use maud::{Markup, html};
use serde_json::{Map, Value};

use super::finding;
use super::language::Language;
use crate::command::calendar_show;
use crate::printable::visible;

/// One value before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// What it is a value of, in words.
    pub(super) name: String,
    /// `None`: there was nothing.
    pub(super) before: Option<String>,
    /// `None`: nothing is left.
    pub(super) after: Option<String>,
}

/// What an audit entry says, value by value. `about` names a value that stands alone.
pub(super) fn of_values(
    before: Option<&Value>,
    after: Option<&Value>,
    about: Option<Field>,
    language: Language,
) -> Vec<Change> {
    let is_whole = |value: Option<&Value>| value.is_some_and(Value::is_object);
    if !is_whole(before) && !is_whole(after) {
        let name = about.map_or_else(|| language.say("value", "Wert"), |field| finding::field(field, language));
        return vec![Change { name: name.to_owned(), before: before.and_then(text), after: after.and_then(text) }];
    }
    let empty = Map::new();
    let (before, after) = (object(before, &empty), object(after, &empty));
    let new = after.keys().filter(|key| !before.contains_key(*key));
    let keys = before.keys().chain(new);
    let change = |key: &String| Change {
        name: name(key, language).to_owned(),
        before: before.get(key).and_then(text),
        after: after.get(key).and_then(text),
    };
    keys.map(change).filter(|change| change.before.is_some() || change.after.is_some()).collect()
}

/// What an entry of a calendar's audit says.
pub(super) fn of_forms(before: Option<&Standard>, after: Option<&Standard>, language: Language) -> Vec<Change> {
    let change = |name: &str, text: &dyn Fn(&Standard) -> String| Change {
        name: name.to_owned(),
        before: before.map(text).filter(|text| !text.is_empty()),
        after: after.map(text).filter(|text| !text.is_empty()),
    };
    let all = [
        change(language.say("when", "wann"), &|form| when(form, language)),
        change(language.say("title", "Titel"), &|form| form.text.clone()),
        change(language.say("place", "Ort"), &|form| form.ort.clone()),
        change(language.say("note", "Notiz"), &|form| form.notiz.clone()),
    ];
    all.into_iter().filter(|change| change.before.is_some() || change.after.is_some()).collect()
}

/// When it is, and how it is repeated.
fn when(form: &Standard, language: Language) -> String {
    let (Language::German, Some(series)) = (language, &form.series) else { return calendar_show::when(form) };
    let (each, many) = match series.art {
        TurnusArt::Daily => ("jeden Tag", "Tage"),
        TurnusArt::Weekly => ("jede Woche", "Wochen"),
        TurnusArt::Monthly => ("jeden Monat", "Monate"),
        TurnusArt::Yearly => ("jedes Jahr", "Jahre"),
    };
    let every = match series.turnus.get() {
        1 => each.to_owned(),
        turnus => format!("alle {turnus} {many}"),
    };
    let until = series.until.map_or_else(|| "ohne Ende".to_owned(), |until| format!("bis {until}"));
    format!("{}, {every}, {until}", calendar_show::span(form))
}

/// The table. What stays is shown plain, what goes struck out, what comes underlaid.
pub(super) fn table(changes: &[Change], language: Language) -> Markup {
    html! {
        div.scroll { table {
            thead { tr {
                th scope="col" { (language.say("What", "Was")) }
                th scope="col" { (language.say("Before", "Vorher")) }
                th scope="col" { (language.say("After", "Nachher")) }
            } }
            tbody {
                @for change in changes { tr {
                    th scope="row" { (change.name) }
                    (cells(change))
                } }
                @if changes.is_empty() { tr.empty { td colspan="3" { (language.say("Nothing.", "Nichts.")) } } }
            }
        } }
    }
}

/// The two cells of a change.
pub(super) fn cells(change: &Change) -> Markup {
    let is_same = change.before == change.after;
    html! {
        td { @if let Some(before) = &change.before { @if is_same { (visible(before)) } @else { del { (visible(before)) } } } @else { (nothing()) } }
        td { @if let Some(after) = &change.after { @if is_same { (visible(after)) } @else { ins { (visible(after)) } } } @else { (nothing()) } }
    }
}

fn nothing() -> Markup {
    html! { span.faint { "–" } }
}

fn object<'a>(value: Option<&'a Value>, empty: &'a Map<String, Value>) -> &'a Map<String, Value> {
    value.and_then(Value::as_object).unwrap_or(empty)
}

/// `None` where there is nothing to read.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => (!text.is_empty()).then(|| text.clone()),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Some(value.to_string()),
    }
}

/// Names of the systems' own fields in words; one that we do not know stands as it is.
fn name(key: &str, language: Language) -> &str {
    match key {
        "tlf" => language.say("value", "Wert"),
        "bemerkung" => language.say("remark", "Bemerkung"),
        "kommKz" => language.say("kind (kommKz)", "Art (kommKz)"),
        "online" => language.say("preferred (online)", "bevorzugt (online)"),
        "emailAddress" => language.say("mail address", "E-Mail-Adresse"),
        "phoneNumber" => language.say("phone number", "Telefonnummer"),
        "type" => language.say("type", "Typ"),
        "primary" => language.say("primary", "primär"),
        "optOut" => language.say("opted out", "abgemeldet"),
        "invalid" => language.say("invalid", "ungültig"),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use domain::calendar::{Series, Span};
    use serde_json::json;

    use super::*;

    fn change(name: &str, before: Option<&str>, after: Option<&str>) -> Change {
        Change { name: name.to_owned(), before: before.map(str::to_owned), after: after.map(str::to_owned) }
    }

    #[test]
    fn a_row_is_told_field_by_field_and_a_field_as_one_value() {
        let (before, after) =
            (json!({"tlf": "1", "bemerkung": ""}), json!({"tlf": "2", "bemerkung": "", "online": true}));
        let told = of_values(Some(&before), Some(&after), None, Language::English);
        assert_eq!(told, [change("value", Some("1"), Some("2")), change("preferred (online)", None, Some("true"))]);
        let told = of_values(Some(&json!("Ada")), None, Some(Field::Vorname), Language::German);
        assert_eq!(told, [change("Vorname", Some("Ada"), None)]);
        assert_eq!(of_values(None, Some(&before), None, Language::German), [change("Wert", None, Some("1"))]);
    }

    #[test]
    fn a_series_is_told_in_words() {
        let day = |text: &str| text.parse().unwrap();
        let span = Span::AllDay { first: day("2026-07-01"), last: day("2026-07-01") };
        let told = |turnus, art, until, language| {
            let series = Some(Series { turnus: NonZeroU32::new(turnus).unwrap(), art, until });
            let (text, notiz, ort) = (String::new(), String::new(), String::new());
            when(&Standard { span, text, notiz, ort, series }, language)
        };
        let (english, german) = (Language::English, Language::German);
        assert_eq!(told(1, TurnusArt::Weekly, None, english), "2026-07-01, every week, for ever");
        let until = Some(day("2026-12-31"));
        assert_eq!(told(3, TurnusArt::Monthly, until, german), "2026-07-01, alle 3 Monate, bis 2026-12-31");
        assert_eq!(told(1, TurnusArt::Yearly, None, german), "2026-07-01, jedes Jahr, ohne Ende");
    }

    #[test]
    fn what_stays_is_not_marked_and_nothing_is_taken_for_html() {
        let shown = table(
            &[change("a", Some("same"), Some("same")), change("b", Some("<script>"), Some("\"&'<b>"))],
            Language::English,
        );
        let shown = shown.into_string();
        assert!(shown.contains("<td>same</td><td>same</td>"), "{shown}");
        assert!(
            shown.contains("<del>&lt;script&gt;</del>") && shown.contains("<ins>&quot;&amp;'&lt;b&gt;</ins>"),
            "{shown}"
        );
    }
}
