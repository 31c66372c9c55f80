use std::collections::BTreeSet;

use phonenumber::country;
use serde_json::Value;
use simulator::{Simulator, SimulatorConfig, Variant, canonical, edit_script, generate};

/// Numbers without free digits, and the blocks with two or three of them.
const RESERVED: [&str; 17] = [
    "+493023125",
    "+496990009",
    "+494066969",
    "+492214710",
    "+498999998",
    "+4917139200",
    "+49176040690",
    "+4915228817386",
    "+4915228895456",
    "+4915254599371",
    "+491729925904",
    "+491729968532",
    "+491729973185",
    "+491729973186",
    "+491729980752",
    "+491749091317",
    "+491749464308",
];

#[test]
fn the_same_seed_gives_the_same_firm() {
    assert_eq!(generate(5, 200), generate(5, 200));
    assert_ne!(generate(5, 200), generate(6, 200));
    assert_eq!(generate(5, 20_000).beteiligte.len(), 20_000);
    assert!(generate(5, 0).beteiligte.is_empty());
}

fn assert_reserved(number: &str) {
    let key = canonical(number);
    assert!(RESERVED.iter().any(|block| key.starts_with(block)), "{number} -> {key}");
    assert!((12..=14).contains(&key.len()), "{number} -> {key}");
    assert!(phonenumber::parse(Some(country::DE), number).unwrap().is_valid(), "{number} -> {key}");
}

fn assert_example(address: &str) {
    let host = address.trim().rsplit(['@', '/']).next().unwrap().to_lowercase();
    let allowed = [".example", ".example.org", ".example.com", ".example.net"];
    assert!(allowed.iter().any(|ending| host.ends_with(ending)), "{address}");
}

#[test]
fn only_reserved_numbers_and_example_domains_occur() {
    for one in generate(11, 1500).beteiligte {
        for row in &one.rows {
            match (row.komm_kz, row.tlf.as_str()) {
                (_, "" | "siehe Akte") => {}
                (12, id) if id.starts_with("DE.BRAK.") => {}
                (4 | 5 | 8 | 11 | 12, address) => assert_example(address),
                (_, number) => assert_reserved(number),
            }
        }
        let list = |field: &str| one.espo_fields[field].as_array().unwrap().clone();
        for item in list("phoneNumberData") {
            assert_eq!(canonical(item["phoneNumber"].as_str().unwrap()), item["phoneNumber"].as_str().unwrap());
            assert_reserved(item["phoneNumber"].as_str().unwrap());
        }
        for item in list("emailAddressData") {
            assert_example(item["emailAddress"].as_str().unwrap());
        }
    }
}

#[test]
fn every_kind_and_every_distribution_occurs() {
    let firm = generate(11, 400);
    let kinds: BTreeSet<i64> = firm.beteiligte.iter().flat_map(|one| &one.rows).map(|row| row.komm_kz).collect();
    assert_eq!(kinds, (1..=12).collect());
    let (mut both, mut only_advoware, mut only_espo) = (0, 0, 0);
    let mut holders = std::collections::HashMap::<String, usize>::new();
    for one in &firm.beteiligte {
        let there: BTreeSet<String> = one.rows.iter().map(|row| canonical(&row.tlf)).collect();
        let here: BTreeSet<String> = ["phoneNumberData", "emailAddressData"]
            .iter()
            .flat_map(|field| one.espo_fields[*field].as_array().unwrap())
            .filter_map(|item| item.get("phoneNumber").or_else(|| item.get("emailAddress"))?.as_str())
            .map(canonical)
            .collect();
        both += there.intersection(&here).count();
        only_advoware += there.difference(&here).count();
        only_espo += here.difference(&there).count();
        for number in there {
            *holders.entry(number).or_default() += 1;
        }
    }
    assert!(both > 100 && only_advoware > 100 && only_espo > 100, "{both} {only_advoware} {only_espo}");
    assert!(holders.values().any(|count| *count > 3), "no shared switchboard");
}

#[tokio::test]
async fn no_number_needs_two_types() {
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let firm = generate(2, 500);
    sim.load(&firm);
    assert_eq!(sim.advoware().betnrs().len(), 500);
    for one in &firm.beteiligte {
        for item in one.espo_fields["phoneNumberData"].as_array().unwrap() {
            let stored = sim.espocrm().phones(&one.espo_id);
            let found = stored.iter().find(|have| have["phoneNumber"] == item["phoneNumber"]).unwrap();
            assert_eq!(found["type"], item["type"]);
        }
        assert_eq!(sim.espocrm().record(&one.espo_id).unwrap()["syncStatus"], Value::from("pending_sync"));
    }
}

#[tokio::test]
async fn a_script_covers_all_variants_and_each_can_be_applied() {
    let script = edit_script(9, 60);
    assert_eq!(script, edit_script(9, 60));
    let variants: BTreeSet<Variant> = script.iter().map(|line| line.variant).collect();
    assert_eq!(variants.len(), Variant::ALL.len());
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    sim.load(&generate(2, 300));
    for one in sim.advoware().betnrs() {
        // What a sync would have left: a marker on every row, a slot where nothing is.
        for row in sim.advoware().rows(one) {
            let text = if row.tlf.is_empty() {
                format!("[ESPOCRM-SLOT:{}]", row.komm_kz)
            } else {
                format!("[ESPOCRM:eA==:{}]", row.komm_kz)
            };
            let mark = simulator::Edit::AdvowareChange {
                betnr: one,
                komm_id: row.id,
                tlf: None,
                bemerkung: Some(text),
                online: None,
            };
            sim.edit(&mark).unwrap();
        }
    }
    for line in &script {
        let outcome = sim.apply_script_edit(line);
        let outcome = outcome.unwrap_or_else(|| panic!("{line:?}"));
        let is_on_both =
            matches!(line.variant, Variant::Conflict | Variant::BothStammdaten | Variant::StammdatenConflict);
        assert_eq!(outcome.edits.len(), if is_on_both { 2 } else { 1 });
    }
}

#[test]
fn stammdaten_differ_between_the_sides_as_in_real_life() {
    let firm = generate(11, 400);
    let spellings = |of: fn(&simulator::FirmBeteiligter) -> &Value| -> BTreeSet<String> {
        firm.beteiligte.iter().filter_map(|one| of(one).as_str().map(str::to_owned)).collect()
    };
    let anreden = spellings(|one| one.advoware_fields.get("anrede").unwrap_or(&Value::Null));
    assert_eq!(anreden, ["Frau", "Herr", "Herrn"].map(String::from).into());
    let salutations = spellings(|one| one.espo_fields.get("salutationName").unwrap_or(&Value::Null));
    assert_eq!(salutations, ["Frau", "Herr", "Mr.", "Ms."].map(String::from).into());
    let forms = spellings(|one| one.advoware_fields.get("rechtsform").unwrap_or(&Value::Null));
    assert!(forms.contains("GmbH") && forms.contains("G.m.b.H."), "{forms:?}");
    let dates = spellings(|one| one.advoware_fields.get("geburtsdatum").unwrap_or(&Value::Null));
    assert!(dates.iter().any(|date| date.len() == 10) && dates.iter().any(|date| date.len() == 19));
    let lacks = |one: &&simulator::FirmBeteiligter| {
        one.advoware_fields.contains_key("geburtsdatum") && !one.espo_fields.contains_key("dateOfBirth")
    };
    assert!(firm.beteiligte.iter().filter(lacks).count() > 5);
    let renamed = firm.beteiligte.iter().filter(|one| {
        one.espo_fields.get("lastName").is_some_and(|name| Some(name) != one.advoware_fields.get("name"))
    });
    assert!((1..40).contains(&renamed.count()));
}

#[tokio::test]
async fn some_records_may_be_unknown_to_advoware() {
    assert!(generate(2, 100).unknown_to_advoware.is_empty());
    let firm = generate(2, 100).with_unknown_to_advoware(5);
    assert_eq!((&firm, firm.unknown_to_advoware.len()), (&generate(2, 100).with_unknown_to_advoware(5), 5));
    let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
    sim.load(&firm);
    assert_eq!((sim.advoware().betnrs().len(), sim.espocrm().ids().len()), (100, 105));
    for one in &firm.unknown_to_advoware {
        assert_eq!(sim.espocrm().record(&one.espo_id).unwrap()["betnr"], Value::Null);
    }
}
