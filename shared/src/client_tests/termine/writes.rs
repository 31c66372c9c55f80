//! Writes of Termine: what goes out, how often, and what the answers tell.

use super::*;

#[tokio::test]
async fn c3_a_created_termin_tells_its_number_in_any_spelling_or_not_at_all() {
    let world = World::start().await;
    for spelling in [FrnrSpelling::Frnr, FrnrSpelling::FrNr] {
        world.termin_switches(|switches| switches.frnr_spelling = spelling);
        let frnr = world.post().await.unwrap().unwrap();
        assert_eq!(world.get(frnr).await.fields.text.as_deref(), Some("Termin"));
    }
    world.termin_switches(|switches| switches.null_frnr_percent = 100);
    assert_eq!(world.post().await, Ok(None));
    world.termin_switches(|switches| switches.null_frnr_percent = 0);
    for silent in [FaultKind::NullFrnr, FaultKind::MissingField { field: "frnr".into() }, FaultKind::EmptyBody] {
        world.arm(Call::PostTermin, silent.clone());
        world.termin_switches(|switches| switches.frnr_spelling = FrnrSpelling::Frnr);
        assert_eq!(world.post().await, Ok(None), "{silent:?}");
    }
    assert_eq!(world.simulator.advoware().termin_count(), 6, "created all the same, each once");
}

#[tokio::test]
async fn a_put_sends_the_whole_record_that_was_read_with_changes_laid_over_it() {
    let world = World::start().await;
    let mut fields = hearing();
    fields["vorbereitungsDauer"] = json!("00:30:00");
    fields["farbe"] = json!({"list": [1, null]});
    let frnr = world.seed_termin(fields);
    let visit = world.termin_visit().await;
    let read = visit.get_termin(frnr).await.unwrap().unwrap();
    let unchanged = world.stored(frnr);
    let at = |text: &str| day(DAY).and_time(time(text));
    let record = read.record.datum(at("12:15:00")).datum_bis(Some(at("13:00:00")));
    let record =
        record.uhrzeit_von(Some(time("12:15:00"))).uhrzeit_bis(Some(time("13:00:00"))).notiz(Some("1\n2")).ort(None);
    assert_eq!(visit.put_termin(frnr, &record).await, Ok(TerminOutcome::Done));

    let changed = json!({
        "datum": "2026-12-01T12:15:00", "datumBis": "2026-12-01T13:00:00", "uhrzeitVon": "12:15:00",
        "uhrzeitBis": "13:00:00", "notiz": "1\r\n2", "ort": null, "zuletztGeaendertAm": null,
    });
    let mut expected = unchanged;
    expected.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
    let mut after = world.stored(frnr);
    after["zuletztGeaendertAm"] = json!(null);
    assert_eq!(after, expected);
    assert_eq!((&after["farbe"], &after["privat"]), (&json!({"list": [1, null]}), &json!(1)));
}

#[tokio::test]
async fn what_a_new_termin_holds_is_read_back_as_it_was_written() {
    let world = World::start().await;
    let last_day = day("2037-12-31");
    let record = TerminRecord::new()
        .datum(day(DAY).into())
        .datum_bis(Some(last_day.into()))
        .uhrzeit_von(Some(time("08:00:00")))
        .uhrzeit_bis(Some(time("09:00:00")))
        .dauertermin(true)
        .turnus(3, 2)
        .text(Some("Serie"))
        .sb(Some("SB"))
        .anwalt(Some("SB"));
    let frnr = world.termin_visit().await.post_termin(&record).await.unwrap().unwrap();
    let read = world.get(frnr).await.fields;
    assert_eq!((read.datum, read.datum_bis), (Some(day(DAY).into()), Some(last_day.into())));
    assert_eq!((read.uhrzeit_von, read.uhrzeit_bis), (Some(time("08:00:00")), Some(time("09:00:00"))));
    assert_eq!((read.dauertermin, read.turnus, read.turnus_art, read.text.as_deref()), (true, 3, 2, Some("Serie")));
    assert_eq!(world.stored(frnr)["vorbereitungsDauer"], "00:00:00");
}

#[tokio::test]
async fn a_deletion_is_understood_with_and_without_a_body() {
    let world = World::start().await;
    for delete_answers_json in [false, true] {
        world.termin_switches(|switches| switches.delete_answers_json = delete_answers_json);
        let frnr = world.seed_termin(hearing());
        assert_eq!(world.termin_visit().await.delete_termin(frnr).await, Ok(TerminOutcome::Done));
        assert_eq!(world.advoware.get_termin(frnr).await, Ok(None));
    }
    let frnr = world.seed_termin(hearing());
    let record = world.get(frnr).await.record;
    world.arm(Call::PutTermin, FaultKind::EmptyBody);
    assert_eq!(world.termin_visit().await.put_termin(frnr, &record).await, Ok(TerminOutcome::Done));
}

#[tokio::test]
async fn what_somebody_deleted_before_is_told_apart_from_a_failure() {
    let world = World::start().await;
    let frnr = world.seed_termin(hearing());
    let record = world.get(frnr).await.record;
    let visit = world.termin_visit().await;
    assert_eq!(visit.delete_termin(frnr).await, Ok(TerminOutcome::Done));
    assert_eq!(visit.delete_termin(frnr).await, Ok(TerminOutcome::Gone));
    assert_eq!(visit.put_termin(frnr, &record).await, Ok(TerminOutcome::Gone));
    let html = FaultKind::Status { code: 404, retry_after_seconds: None, body: Some("<html>".into()) };
    world.arm(Call::DeleteTermin, html);
    assert_eq!(visit.delete_termin(frnr).await.unwrap_err().kind, ErrorKind::WrongAddress);
}

#[tokio::test]
async fn c10_a_computed_entry_is_read_and_never_written() {
    let world = World::start().await;
    let mut fields = hearing();
    fields["vorbereitungsDauer"] = json!("01:30:00");
    let frnr = world.seed_termin(fields);
    let computed = FrNr(-frnr.0);
    assert_eq!(numbers(&world.list().await.unwrap()), [computed, frnr]);
    let read = world.get(computed).await;
    assert!(read.frnr.is_computed());
    let visit = world.termin_visit().await;
    let put = visit.put_termin(computed, &read.record).await.unwrap_err();
    let delete = visit.delete_termin(computed).await.unwrap_err();
    for error in [put, delete] {
        assert_eq!((error.next(), error.outcome_unknown()), (Next::GiveUp, false), "{error}");
    }
    assert!(world.simulator.journal().mutating().is_empty());
}

#[tokio::test]
async fn e1_no_fault_makes_a_write_of_a_termin_go_out_twice() {
    let world = World::start().await;
    let frnr = world.seed_termin(hearing());
    let record = world.get(frnr).await.record;
    let writes = [Call::PostTermin, Call::PutTermin, Call::DeleteTermin];
    // A success without a body is one.
    let faults = faults()
        .into_iter()
        .filter(|(fault, ..)| !matches!(fault, FaultKind::MissingField { .. } | FaultKind::EmptyBody))
        .map(|(fault, kind, _)| (fault, kind));
    let applied = (FaultKind::AppliedThenStatus { code: 504 }, ErrorKind::Unavailable { retry_after: None });
    world.termin_switches(|switches| switches.delete_answers_json = true);
    for (fault, kind) in faults.chain([applied]) {
        world.simulator.journal().clear();
        let to_delete = world.seed_termin(hearing());
        for call in writes {
            world.simulator.faults().arm(Fault::new(Calls::to(call).always(), fault.clone()));
        }
        let visit = world.termin_visit().await;
        let (post, put, delete) =
            tokio::join!(world.post(), visit.put_termin(frnr, &record), visit.delete_termin(to_delete));
        for error in [post.unwrap_err(), put.unwrap_err(), delete.unwrap_err()] {
            assert_eq!(
                (&error.kind, error.next(), error.outcome_unknown()),
                (&kind, Next::LookFirst, true),
                "{fault:?}"
            );
        }
        for call in writes {
            assert_eq!(world.simulator.journal().count(call), 1, "{fault:?}");
        }
        world.simulator.faults().clear();
    }
}
