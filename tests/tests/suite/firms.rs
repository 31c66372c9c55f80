//! Firms that have set their EspoCRM up otherwise.

use harness::world::{PATIENCE, World, mail, row};
use harness::{Result, eventually};
use serde_json::json;
use simulator::{Edit, EspoSwitches, SimulatorConfig, System};

#[tokio::test]
async fn k3_where_espocrm_takes_any_spelling_numbers_keep_the_one_they_have() -> Result<()> {
    let espocrm = EspoSwitches { phone_number_international: false, ..EspoSwitches::default() };
    let mut world = World::with(SimulatorConfig { espocrm, ..SimulatorConfig::default() }).await?;
    world.setting("ESPOCRM_PHONE_FORMAT", "as_typed");
    let rows = vec![row(1, "0511 123456-0", Some("Zentrale")), row(3, "0170/1234567", None)];
    let one = world.given(104_860, json!([]), json!([]), rows);
    let _worker = world.worker().await?;
    world.sync(&[&one.id]).await?;
    let numbers = || {
        let phones = world.simulator.espocrm().phones(&one.id);
        let mut numbers: Vec<String> =
            phones.iter().filter_map(|phone| Some(phone["phoneNumber"].as_str()?.to_owned())).collect();
        numbers.sort();
        numbers
    };
    // EspoCRM knows no slash.
    assert_eq!(numbers(), ["+491701234567", "0511 123456-0"]);
    world.then_agreed_and_silent(&[&one]).await?;

    // What a user types goes to Advoware as it is, and a mere change of spelling nowhere.
    let added = Edit::EspoAddPhone { id: one.id.clone(), number: "030 23125 100".into(), phone_type: "Home".into() };
    world.simulator.edit(&added).expect("the edit is possible");
    let komm_id = world.simulator.advoware().rows(one.betnr)[0].id;
    let spelled = Edit::AdvowareChange {
        betnr: one.betnr,
        komm_id,
        tlf: Some("+49 511 1234560".into()),
        bemerkung: None,
        online: None,
    };
    world.simulator.edit(&spelled).expect("the edit is possible");
    world.sync_at_once(&[&one.id]).await?;
    assert_eq!(numbers(), ["+491701234567", "030 23125 100", "0511 123456-0"]);
    let rows = world.simulator.advoware().rows(one.betnr);
    assert_eq!(
        rows.iter().map(|row| row.tlf.as_str()).collect::<Vec<_>>(),
        ["+49 511 1234560", "0170/1234567", "030 23125 100"]
    );
    world.then_agreed_and_silent(&[&one]).await
}

#[tokio::test]
async fn a_firm_with_names_of_its_own_is_scanned_and_synced() -> Result<()> {
    let names = json!({
        "betnr": "advowareNummer", "syncStatus": "abgleich", "syncNextRetry": "abgleichAb", "lastName": "nachname",
        "kommunikationHash": "pruefsumme", "advowareLastSync": "abgeglichenAm",
    });
    let renamed_fields = serde_json::from_value(names.clone()).expect("names are texts");
    let espocrm = EspoSwitches { entity: "CPartei".into(), renamed_fields, ..EspoSwitches::default() };
    let mut world = World::with(SimulatorConfig { espocrm, ..SimulatorConfig::default() }).await?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("fields.json");
    let mut file = names;
    file["entity"] = json!("CPartei");
    std::fs::write(&path, file.to_string())?;
    world.setting("ESPOCRM_FIELDS", path.display());
    let one =
        world.given(104_860, json!([mail("a@example.org", true)]), json!([]), vec![row(4, "b@example.org", None)]);

    let _worker = world.worker().await?;
    // Only the scan tells of it, which it does when the producer starts.
    let (producer, _) = world.producer().await?;
    eventually(PATIENCE, "the record is in agreement", async || {
        let status = world.field(&one.id, "syncStatus");
        if status == "clean" { Ok(()) } else { Err(status) }
    })
    .await?;
    producer.wait_for_line("scan done", PATIENCE).await?;
    world.run_until_quiet().await?;
    assert_eq!(world.espo_values(&one.id), ["a@example.org", "b@example.org"]);
    assert!(world.field(&one.id, "kommunikationHash").is_string());
    let calls = world.simulator.journal().entries();
    let to_espocrm = calls.iter().filter(|call| call.system == System::Espocrm);
    assert!(to_espocrm.clone().all(|call| call.path.contains("CPartei") && call.status == Some(200)), "{calls:?}");
    world.then_agreed_and_silent(&[&one]).await
}
