//! Invented names, addresses and remarks.

use crate::dice::Dice;

const FIRST: [&str; 24] = [
    "Alrun", "Bertil", "Cosima", "Dörte", "Eggert", "Femke", "Gundel", "Hark", "Ilka", "Jörn", "Käthe", "Lorenz",
    "Merle", "Nils", "Odo", "Pelle", "Quirin", "Rüdiger", "Svea", "Thekla", "Ulf", "Veit", "Wiebke", "Zoë",
];
const FRONT: [&str; 22] = [
    "Quell", "Moos", "Nebel", "Distel", "Farn", "Ginster", "Hummel", "Kiesel", "Lerchen", "Wolken", "Zwiebel", "Törf",
    "Mühl", "Ähren", "Grün", "Süß", "Tau", "Frost", "Binsen", "Schilf", "Kranich", "Öl",
];
const BACK: [&str; 16] = [
    "hafer", "flink", "knopf", "reiher", "quast", "wackel", "tüpfel", "schnabel", "löffel", "zipfel", "funkel",
    "pfote", "kringel", "schimmer", "fäustel", "taler",
];
const TRADE: [&str; 10] = [
    "Anlagenbau",
    "Obsthandel",
    "Fördertechnik",
    "Gerüstbau",
    "Mühlenwerke",
    "Spedition",
    "Tiefkühlkost",
    "Verlag",
    "Hausverwaltung",
    "Gartenbau",
];
const FORM: [&str; 5] = ["GmbH", "AG", "KG", "GmbH & Co. KG", "OHG"];
const PLACE: [&str; 6] = ["Nebelstadt", "Quellheim", "Bad Farnau", "Moosbrück", "Kieselhafen", "Öhringsfelde"];
const ENDING: [&str; 4] = ["example", "example.org", "example.com", "example.net"];
const REMARK: [&str; 12] = [
    "Zentrale",
    "Büro (nur vormittags)",
    "Durchwahl Frau Dörte, Mo-Do",
    "über Geschäftsführung\r\nbitte nicht freitags\r\nRückruf möglich",
    "[privat] nur in Eilfällen",
    "dienstlich - [alt: siehe Notiz]",
    "Straße gesperrt? Größe prüfen, ÄÖÜß",
    "Sekretariat\nVertretung: Empfang\n\nStand: Frühjahr",
    "  mit Leerzeichen am Anfang",
    "\"in Anführungszeichen\" & mit <Zeichen>",
    "Rückfragen an den Vorstand [2. OG]",
    "nicht für Werbung",
];

pub(crate) struct Person {
    pub(crate) first: String,
    pub(crate) last: String,
}

pub(crate) fn person(dice: &mut Dice) -> Person {
    Person { first: dice.pick(&FIRST).to_owned(), last: surname(dice) }
}

fn surname(dice: &mut Dice) -> String {
    format!("{}{}", dice.pick(&FRONT), dice.pick(&BACK))
}

/// Name and Rechtsform.
pub(crate) fn company(dice: &mut Dice) -> (String, String) {
    let form = dice.pick(&FORM);
    (format!("{} {} {form}", surname(dice), dice.pick(&TRADE)), form.to_owned())
}

pub(crate) fn place(dice: &mut Dice) -> String {
    dice.pick(&PLACE).to_owned()
}

pub(crate) fn remark(dice: &mut Dice) -> Option<String> {
    dice.percent(45).then(|| dice.pick(&REMARK).to_owned())
}

/// A domain under one of the reserved names.
pub(crate) fn domain(dice: &mut Dice) -> String {
    format!("{}{}.{}", plain(dice.pick(&FRONT)), plain(dice.pick(&BACK)), dice.pick(&ENDING))
}

/// Lower-case ASCII, umlauts written out.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::new();
    for letter in text.to_lowercase().chars() {
        match letter {
            'ä' => plain.push_str("ae"),
            'ö' => plain.push_str("oe"),
            'ü' => plain.push_str("ue"),
            'ß' => plain.push_str("ss"),
            'ë' => plain.push('e'),
            letter if letter.is_ascii_alphanumeric() => plain.push(letter),
            _ => {}
        }
    }
    plain
}
