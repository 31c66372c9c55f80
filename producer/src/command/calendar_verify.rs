//! `audit verify-sync`: both sides laid side by side, entry by entry. Reads only, complete lists.

use domain::ids::{EventId, Kuerzel};
use serde_json::{Value, json};
use shared::calendar::Compared;
use shared::settings::WorkerSettings;

use super::calendar_look::{Looked, Office};
use super::calendar_show::{finding_line, finding_object, form_object, line};
use super::report::Report;
use super::{CommandError, beteiligte_verify};
use crate::cli::VerifySync;

/// Exit code 1: something differs and no listed reason says why; a sync has still to settle it.
pub(super) async fn verify(settings: &WorkerSettings, arguments: &VerifySync) -> Result<Report, CommandError> {
    let mut reports = Vec::new();
    if arguments.all || !arguments.kuerzel.is_empty() {
        let office = Office::connect(settings).await?;
        for kuerzel in office.meant(&arguments.kuerzel).await? {
            let looked = office.look(&kuerzel, true).await?;
            reports.push(report(&kuerzel, &looked));
        }
        office.hub().close().await;
    }
    if arguments.all_beteiligte || !arguments.beteiligte.is_empty() {
        reports.extend(beteiligte_verify::verify(settings, &arguments.beteiligte).await?);
    }
    Ok(Report::of_employees(reports))
}

fn report(kuerzel: &Kuerzel, looked: &Looked) -> Report {
    let findings = looked.loaded.plan().findings;
    let (agreed, differing) = looked.loaded.compare(&findings);
    let unexplained = differing.iter().filter(|compared| compared.reason.is_none()).count();
    let mut lines = vec![format!(
        "{kuerzel}: {agreed} agree, {} differ with a reason, {unexplained} without",
        differing.len() - unexplained
    )];
    lines.extend(differing.iter().map(|compared| format!("  {}", told(compared))));
    if unexplained > 0 {
        lines.push(format!(
            "  without a reason: not synced yet; `plan calendar {kuerzel}` shows what the next sync does"
        ));
    }
    let json = json!({
        "kuerzel": kuerzel.as_str(),
        "agreed": agreed,
        "unexplained": unexplained,
        "differing": differing.iter().map(object).collect::<Vec<_>>(),
    });
    Report { text: lines.join("\n"), json, found_something: unexplained > 0 }
}

fn told(compared: &Compared<'_>) -> String {
    let mut text = compared.difference.name().to_owned();
    text.extend(compared.frnr.map(|frnr| format!(", Termin {frnr}")));
    text.extend(compared.event.as_ref().map(|event| format!(", event {}", event.as_str())));
    let reason = compared.reason.as_ref().map_or_else(|| "no reason".to_owned(), finding_line);
    format!("{text}: Advoware {}; Google {}; {reason}", line(compared.termin), line(compared.copy))
}

fn object(compared: &Compared<'_>) -> Value {
    json!({
        "difference": compared.difference.name(),
        "frNr": compared.frnr.map(|frnr| frnr.0),
        "event": compared.event.as_ref().map(EventId::as_str),
        "advoware": form_object(compared.termin),
        "google": form_object(compared.copy),
        "reason": compared.reason.as_ref().map(finding_object),
    })
}
