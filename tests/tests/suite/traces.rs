//! Traces: from the webhook to the last write, without a value of anybody, and never in the way.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::time::Duration;

use harness::collector::{Collector, Told};
use harness::planted::then_unsaid;
use harness::world::{PATIENCE, PRODUCER_API_KEY, World, mail, phone, row};
use harness::{ReservedPort, Result, RunningProgram};
use serde_json::json;
use simulator::{Calls, Fault, FaultKind, JournalEntry, Operation};

const PLANTED: [&str; 10] = [
    "planted-mail",
    "plantedname",
    "493023125177",
    "23125177",
    "030/23125 17-8",
    "planted remark",
    "simulated-password",
    "simulated-espocrm-key",
    "planted-producer-key",
    "planted-collector-key",
];

async fn stop(program: &RunningProgram) -> Result<()> {
    program.terminate()?;
    let status = program.exited(PATIENCE).await?;
    assert!(status.success(), "{status}: {}", program.output());
    Ok(())
}

/// Attempts that the spans of calls tell of.
fn attempts(spans: &[Told]) -> usize {
    let calls = spans.iter().filter(|span| !span.of("repeats").is_empty());
    calls.map(|span| 1 + span.of("repeats").parse::<usize>().expect("a number")).sum()
}

#[tokio::test]
async fn one_trace_leads_from_the_webhook_to_the_last_write_and_holds_no_value() -> Result<()> {
    let mut world = World::start().await?;
    let collector = Collector::start().await?;
    world.setting("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint());
    world.setting("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20planted-collector-key");
    let (producer, address) = world.producer().await?;
    producer.wait_for_line("scan done", PATIENCE).await?;
    let one = world.given(
        104_860,
        json!([mail("planted-mail@example.org", true)]),
        json!([phone("+493023125177", "Office")]),
        vec![row(1, "030/23125 17-8", Some("planted remark")), row(4, "no mail planted-mail", None)],
    );
    // A call that is repeated, and a run that fails with a value in the answer and is tried again.
    let bad_moment = FaultKind::Status { code: 503, retry_after_seconds: None, body: None };
    world.simulator.faults().arm(Fault::new(Calls::to(Operation::EspoGet), bad_moment));
    let refused = FaultKind::Status { code: 500, retry_after_seconds: None, body: Some("Plantedname".to_owned()) };
    world.simulator.faults().arm(Fault::new(Calls::to(Operation::PutKommunikation), refused));
    let body = json!([{ "id": one.id, "lastName": "Plantedname" }]).to_string();
    let client = reqwest::Client::builder().build().expect("a client");
    let webhook = client.post(format!("{address}/vmh/webhook/beteiligte/update")).header("apikey", PRODUCER_API_KEY);
    let answer = webhook.body(body).send().await.expect("the producer answers");
    assert!(answer.status().is_success(), "{}", answer.status());
    let queued = world.queue_text().await?;
    let worker = world.worker().await?;
    world.run_until_quiet().await?;
    stop(&worker).await?;
    stop(&producer).await?;

    let spans = collector.spans();
    let begun = spans.iter().find(|span| span.name == "webhook update").expect("the webhook is told");
    assert_eq!((begun.service.as_str(), &begun.parent, begun.of("outcome")), ("kanzleisync-producer", &None, "ok"));
    assert!(queued.contains(&begun.trace), "the trace goes with the job");
    let trace: Vec<Told> = spans.iter().filter(|span| span.trace == begun.trace).cloned().collect();
    let runs: Vec<&Told> = trace.iter().filter(|span| span.name == "run beteiligte").collect();
    let told: Vec<_> = runs.iter().map(|run| [run.of("try"), run.of("outcome")]).collect();
    assert_eq!(told, [["1", "retry"], ["2", "done"]], "{runs:?}");
    for run in &runs {
        assert_eq!((run.service.as_str(), run.parent.as_ref()), ("kanzleisync-worker", Some(&begun.id)));
        assert_eq!((run.of("entity.kind"), run.of("entity.id")), ("beteiligter", one.id.as_str()));
    }
    // Everything else is below the runs.
    let ids: BTreeSet<_> = runs.iter().map(|run| Some(&run.id)).collect();
    let below: Vec<Told> = trace.iter().filter(|span| ids.contains(&span.parent.as_ref())).cloned().collect();
    assert_eq!(below.len(), trace.len() - 1 - runs.len(), "{trace:#?}");
    let names: BTreeSet<&str> = below.iter().map(|span| span.name.as_str()).collect();
    for name in [
        "espocrm get_beteiligte",
        "espocrm update_beteiligte",
        "advoware token",
        "advoware get_beteiligte",
        "advoware put_kommunikation",
        "hub audit",
        "hub remember_begun",
        "hub remember_agreed",
    ] {
        assert!(names.contains(name), "{name} is not in {names:?}");
    }
    assert!(below.iter().any(|span| span.name == "espocrm get_beteiligte" && span.of("repeats") == "1"));
    // Every call that arrived is told, the scan's in its own trace.
    let calls: Vec<JournalEntry> = world.simulator.journal().since(0);
    assert_eq!(attempts(&spans), calls.len(), "{calls:#?}");
    assert_eq!(collector.log_in(), "Bearer planted-collector-key");
    then_unsaid(&PLANTED, vec![("spans", collector.text()), ("worker", worker.output()), ("queue", queued)]);
    Ok(())
}

#[tokio::test]
async fn a_collector_that_is_away_or_hangs_is_in_nobodys_way() -> Result<()> {
    let mut world = World::start().await?;
    world.setting("OTEL_BSP_SCHEDULE_DELAY", 20);
    world.setting("OTEL_BSP_MAX_QUEUE_SIZE", 8);
    let mails = json!([mail("a@example.org", true)]);
    let firm: Vec<_> = (0..20).map(|number| world.given(104_860 + number, mails.clone(), json!([]), vec![])).collect();
    let ids: Vec<&str> = firm.iter().map(|one| one.id.as_str()).collect();

    let port = ReservedPort::reserve()?;
    world.setting("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", port.address()));
    let worker = world.worker().await?;
    world.sync_at_once(&ids).await?;
    worker.wait_for_line("the collector of traces takes no spans", PATIENCE).await?;
    world.sync_at_once(&ids).await?;
    stop(&worker).await?;
    assert_eq!(worker.output().matches("collector").count(), 1, "{}", worker.output());

    // Connections are taken by the operating system, and nobody ever reads from them.
    let hangs = TcpListener::bind("127.0.0.1:0").expect("a port");
    world.setting("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", hangs.local_addr().expect("an address")));
    let worker = world.worker().await?;
    world.sync_at_once(&ids).await?;
    let everybody: Vec<_> = firm.iter().collect();
    world.then_agreed_and_silent(&everybody).await?;
    // The last spans get two seconds of the grace period, which are over long before a call gives up.
    worker.terminate()?;
    assert!(worker.exited(Duration::from_secs(6)).await?.success());
    Ok(())
}
