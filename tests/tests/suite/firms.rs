//! Firms that have set their EspoCRM up otherwise.

use harness::Result;
use harness::world::{World, row};
use serde_json::json;
use simulator::{Edit, EspoSwitches, SimulatorConfig};

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
