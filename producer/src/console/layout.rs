//! The frame of every page.

use maud::{DOCTYPE, Markup, html};

use super::asset;
use super::guard::{TOKEN_FIELD, Visit};
use super::language::Language;

/// A part of the console, as the navigation lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Area {
    Overview,
    Queues,
    Beteiligte,
    Employees,
    Audit,
    Settings,
}

impl Area {
    const ALL: [Self; 6] =
        [Self::Overview, Self::Queues, Self::Beteiligte, Self::Employees, Self::Audit, Self::Settings];

    /// Its first page.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Overview => "/",
            Self::Queues => "/console/queues",
            Self::Beteiligte => "/console/beteiligte",
            Self::Employees => "/console/employees",
            Self::Audit => "/console/audit",
            Self::Settings => "/console/settings",
        }
    }

    fn name(self, language: Language) -> &'static str {
        match self {
            Self::Overview => language.say("Overview", "Übersicht"),
            Self::Queues => language.say("Queues", "Warteschlangen"),
            Self::Beteiligte => "Beteiligte",
            Self::Employees => language.say("Calendars", "Kalender"),
            Self::Audit => language.say("Audit", "Protokoll"),
            Self::Settings => language.say("Settings", "Einstellungen"),
        }
    }
}

/// A whole page. Without an area it has no navigation: nobody is logged in, or something went wrong.
pub(super) fn page(visit: &Visit, title: &str, area: Option<Area>, content: &Markup) -> Markup {
    let language = visit.language;
    html! {
        (DOCTYPE)
        html lang=(language.code()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · kanzleisync" }
                link rel="icon" href=(asset::address(&asset::ICON));
                link rel="stylesheet" href=(asset::address(&asset::STYLE));
                script src=(asset::address(&asset::SCRIPT)) defer {}
            }
            body {
                a.skip href="#content" { (language.say("To the content", "Zum Inhalt")) }
                header {
                    a.brand href="/" { "kanzleisync" }
                    @if let Some(area) = area { (navigation(area, language)) }
                    div.tools {
                        @for other in Language::ALL.into_iter().filter(|other| *other != language) {
                            a href=(to_language(other, visit)) lang=(other.code()) hreflang=(other.code()) { (other.name()) }
                        }
                        @if visit.has_login {
                            form method="post" action="/console/logout" {
                                (token(visit))
                                button.quiet type="submit" { (language.say("Log out", "Abmelden")) }
                            }
                        }
                    }
                }
                main #content tabindex="-1" {
                    h1 { (title) }
                    (content)
                }
            }
        }
    }
}

fn navigation(active: Area, language: Language) -> Markup {
    html! {
        nav aria-label=(language.say("Main", "Hauptmenü")) { ul {
            @for area in Area::ALL {
                li { a href=(area.path()) aria-current=[(area == active).then_some("page")] { (area.name(language)) } }
            }
        } }
    }
}

fn to_language(language: Language, visit: &Visit) -> String {
    let back = percent_encoding::utf8_percent_encode(&visit.address, percent_encoding::NON_ALPHANUMERIC);
    format!("/console/language/{}?back={back}", language.code())
}

/// The hidden field that every form carries.
pub(super) fn token(visit: &Visit) -> Markup {
    html! { input type="hidden" name=(TOKEN_FIELD) value=(visit.form_token); }
}

/// A button that does something at once. `fields` are sent along.
pub(super) fn button(visit: &Visit, action: &str, fields: &[(&str, &str)], label: &str) -> Markup {
    html! {
        form.act method="post" action=(action) {
            (token(visit))
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
            button type="submit" { (label) }
        }
    }
}

/// A button that asks first, also without the script: it opens, says what will happen, and shows the real one.
pub(super) fn careful_button(
    visit: &Visit,
    action: &str,
    fields: &[(&str, &str)],
    label: &str,
    what_happens: &str,
) -> Markup {
    html! {
        details.ask {
            summary { (label) " …" }
            div.asked {
                p { (what_happens) }
                form method="post" action=(action) {
                    (token(visit))
                    @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
                    button.danger type="submit" { (label) }
                }
            }
        }
    }
}

/// A part of a page that the script replaces every `seconds` by what the page then says. `id` is unique on the page.
pub(super) fn live(id: &str, seconds: u32, content: &Markup) -> Markup {
    html! { div id=(id) data-live=(seconds) { (content) } }
}
