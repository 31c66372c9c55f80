//! E2, E3: no phone, mail, name, remark or secret in anything that the programs print, count or queue.

use harness::Result;
use harness::planted::then_unsaid;
use harness::world::{World, mail, phone, row};
use serde_json::json;
use simulator::{Calls, Edit, Fault, FaultKind, Operation};

/// What must not show up anywhere; each in a spelling of its own, so that a find tells where it came from.
const PLANTED: [&str; 9] = [
    "planted-mail",
    "plantedname",
    "493023125177",
    "23125177",
    "030/23125 17-8",
    "planted remark",
    "simulated-password",
    "simulated-espocrm-key",
    "planted-producer-key",
];

#[tokio::test]
async fn e2_e3_planted_values_and_secrets_appear_in_no_output() -> Result<()> {
    let mut world = World::start().await?;
    world.setting("RUST_LOG", "trace");
    world.setting("SYNC_RETRY_MINUTES", "0.001");
    let one = world.given(
        104_860,
        json!([mail("planted-mail@example.org", true)]),
        json!([phone("+493023125177", "Office")]),
        vec![row(1, "030/23125 17-8", Some("planted remark")), row(4, "no mail planted-mail", None)],
    );
    let name = json!({"lastName": "Plantedname", "firstName": "Plantedname"});
    let set = |fields: serde_json::Value| Edit::EspoSet { id: one.id.clone(), fields: harness::world::fields(fields) };
    world.simulator.edit(&set(name)).expect("the name is taken");
    let worker = world.worker().await?;
    let (producer, address) = world.producer().await?;
    world.sync(&[&one.id]).await?;

    // Every kind of failure, with values in the answers that came or did not come.
    let kinds = [
        FaultKind::Status { code: 400, retry_after_seconds: None, body: Some("planted-mail@example.org".to_owned()) },
        FaultKind::Status { code: 500, retry_after_seconds: None, body: Some("Plantedname".to_owned()) },
        FaultKind::TruncatedBody,
        FaultKind::MalformedBody,
        FaultKind::AnswerLost,
    ];
    for operation in [Operation::EspoGet, Operation::GetBeteiligte, Operation::EspoPut, Operation::PutKommunikation] {
        for kind in &kinds {
            world.simulator.faults().arm(Fault::new(Calls::to(operation), kind.clone()));
            let row = world.simulator.advoware().rows(one.betnr)[0].clone();
            let tlf = if row.tlf.ends_with("17-8") { "030/23125 17-7" } else { "030/23125 17-8" };
            let change = Edit::AdvowareChange {
                betnr: one.betnr,
                komm_id: row.id,
                tlf: Some(tlf.to_owned()),
                bemerkung: None,
                online: None,
            };
            world.simulator.edit(&change).expect("the row is there");
            world.sync(&[&one.id]).await?;
            world.simulator.faults().clear();
        }
    }
    let body = r#"[{"id":"planted-mail@example.org","lastName":"Plantedname"},{"id":5},"plantedname"]"#;
    let client = reqwest::Client::builder().build().expect("a client");
    let webhook =
        client.post(format!("{address}/vmh/webhook/beteiligte/update")).header("apikey", "wrong planted-mail");
    let answer = webhook.body(body).send().await.expect("the producer answers").text().await.expect("a body");

    let mut outputs =
        vec![("worker", worker.output()), ("producer", producer.output()), ("answer to a webhook", answer)];
    outputs.push((
        "metrics",
        client.get(format!("{address}/metrics")).send().await.expect("metrics").text().await.expect("text"),
    ));
    outputs.push(("queue", world.queue_text().await?));
    then_unsaid(&PLANTED, outputs);
    Ok(())
}
