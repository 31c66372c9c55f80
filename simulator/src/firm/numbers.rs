//! Phone numbers: only those the Bundesnetzagentur reserves for fiction, in the spellings found in German offices.

use phonenumber::{Mode, country};

use crate::dice::Dice;

/// Area code and the reserved block before three free digits.
const BLOCKS: [(&str, &str); 5] = [("30", "23125"), ("69", "90009"), ("40", "66969"), ("221", "4710"), ("89", "99998")];

/// Reserved mobile numbers, prefix and rest.
const MOBILES: [(&str, &str); 10] = [
    ("152", "28817386"),
    ("152", "28895456"),
    ("152", "54599371"),
    ("172", "9925904"),
    ("172", "9968532"),
    ("172", "9973185"),
    ("172", "9973186"),
    ("172", "9980752"),
    ("174", "9091317"),
    ("174", "9464308"),
];

/// A number in its parts, without the trunk prefix 0.
#[derive(Debug, Clone)]
pub(crate) struct Number {
    area: String,
    base: String,
    /// Three digits of a landline number, none of a mobile one.
    extension: String,
}

impl Number {
    /// A number for a kommKz. EspoCRM keeps one type per number in the whole system, so the free digits are divided among
    /// the kinds and no number ever needs two types.
    pub(crate) fn of_kind(komm_kz: i64, dice: &mut Dice) -> Self {
        let (from, width) = match komm_kz {
            3 | 9 => return Self::mobile(dice),
            2 => (400, 200),
            6 => (600, 200),
            7 => (800, 100),
            10 => (900, 100),
            _ => (0, 400),
        };
        let (area, base) = BLOCKS.get(dice.below(BLOCKS.len())).copied().unwrap_or(("30", "23125"));
        let free = from + dice.below(width);
        Self { area: area.to_owned(), base: base.to_owned(), extension: format!("{free:03}") }
    }

    fn mobile(dice: &mut Dice) -> Self {
        let (area, base) = match dice.below(3) {
            0 => ("171", format!("39200{:02}", dice.below(100))),
            1 => ("176", format!("040690{:02}", dice.below(100))),
            _ => {
                let (area, base) = MOBILES.get(dice.below(MOBILES.len())).copied().unwrap_or(("152", "28817386"));
                (area, base.to_owned())
            }
        };
        Self { area: area.to_owned(), base, extension: String::new() }
    }

    /// As EspoCRM stores it.
    pub(crate) fn e164(&self) -> String {
        format!("+49{}{}{}", self.area, self.base, self.extension)
    }

    /// As somebody typed it into Advoware.
    pub(crate) fn spelled(&self, dice: &mut Dice) -> String {
        let Self { area, base, extension } = self;
        if extension.is_empty() {
            return match dice.below(7) {
                0 => format!("0{area}/{base}"),
                1 => format!("0{area} {base}"),
                2 => format!("+49 {area} {base}"),
                3 => format!("0049 {area} {base}"),
                4 => format!("+49 (0){area}-{base}"),
                5 => format!("0{area} {}", grouped(base)),
                _ => format!("0{area}{base}"),
            };
        }
        match dice.below(10) {
            0 => format!("0{area}/{base} {}-{}", &extension[..2], &extension[2..]),
            1 => format!("+49 (0){area} {base}-{extension}"),
            2 => format!("0049 {area} {base}{extension}"),
            3 => format!("0{area} {base}{extension}"),
            4 => format!("(0{area}) {base}-{extension}"),
            5 => format!("0{area}-{base}{extension}"),
            6 => format!("+49 {area} {base}{extension}"),
            7 => self.e164(),
            8 => format!("0{area} / {}", grouped(&format!("{base}{extension}"))),
            _ => format!("0{area}{base}{extension}"),
        }
    }
}

/// `23125123` as `23 12 51 23`.
fn grouped(digits: &str) -> String {
    let pairs: Vec<String> =
        digits.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair).into_owned()).collect();
    pairs.join(" ")
}

/// EspoCRM's type of a phone kommKz (seed).
pub(crate) fn phone_type(komm_kz: i64) -> &'static str {
    match komm_kz {
        1 => "Office",
        2 | 7 => "Fax",
        6 => "Home",
        3 | 9 => "Mobile",
        _ => "Other",
    }
}

/// One form for all spellings of a value: E.164 in region DE, lower-cased mail, else the trimmed text.
pub(crate) fn canonical(value: &str) -> String {
    let value = value.trim();
    if value.contains('@') {
        return value.to_lowercase();
    }
    // A beA SAFE-ID would otherwise be read as the number that its digits make.
    if value.contains(char::is_alphabetic) {
        return value.to_owned();
    }
    match phonenumber::parse(Some(country::DE), value) {
        Ok(number) => number.format().mode(Mode::E164).to_string(),
        Err(_) => value.to_owned(),
    }
}
