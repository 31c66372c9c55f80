use reqwest::Method;
use serde_json::{Value, json};
use simulator::Edit;

use crate::office::{BETNR, ID, Office, reason};

#[tokio::test]
async fn wrong_keys_lock_the_address_out() {
    let office = Office::open().await;
    let path = format!("CBeteiligte/{ID}");
    for _ in 0..11 {
        let url = format!("{}/{path}", office.sim.addresses().espocrm_api_base_url);
        assert_eq!(office.client.get(url).header("x-api-key", "wrong").send().await.unwrap().status(), 401);
    }
    let locked = office.espo(Method::GET, &path).send().await.unwrap();
    assert_eq!(locked.status(), 403);
    assert_eq!(reason(&locked), "");
    office.sim.clock().advance_seconds(61);
    office.record().await;
    office.sim.espocrm().switch(|switches| switches.refuse_api_key = true);
    assert_eq!(office.espo(Method::GET, &path).send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn reading_shows_arrays_lists_never_do() {
    let office = Office::open().await;
    let record = office.record().await;
    assert_eq!(
        record["emailAddressData"],
        json!([{ "emailAddress": "Info@quast.example", "lower": "info@quast.example", "primary": true, "optOut": true, "invalid": false }])
    );
    assert_eq!(record["createdAt"].as_str().unwrap().len(), 19);
    let list: Value = office
        .espo(Method::GET, "CBeteiligte?select=id,betnr,emailAddressData,phoneNumberData")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(list["total"], 1);
    assert_eq!(list["list"][0]["betnr"], BETNR);
    assert!(list["list"][0].get("emailAddressData").is_none());
    assert!(list["list"][0].get("lastName").is_none());
}

#[tokio::test]
async fn lists_filter_sort_and_page() {
    let office = Office::open().await;
    for number in 1..=5 {
        let status = if number % 2 == 0 { "clean" } else { "dirty" };
        let fields = json!({ "lastName": format!("N{number}"), "betnr": number, "syncStatus": status,
            "syncNextRetry": format!("2026-01-0{number} 00:00:00") });
        office.sim.espocrm().seed(&format!("{number:017x}"), fields).unwrap();
    }
    let names = async |query: &str| {
        let answer =
            office.espo(Method::GET, &format!("CBeteiligte?orderBy=betnr&order=asc&{query}")).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{query}");
        let body: Value = answer.json().await.unwrap();
        let list =
            body["list"].as_array().unwrap().iter().map(|one| one["betnr"].as_i64().unwrap()).collect::<Vec<_>>();
        (body["total"].as_i64().unwrap(), list)
    };
    assert_eq!(names("maxSize=2&offset=1").await, (6, vec![2, 3]));
    assert_eq!(names("maxSize=0").await, (6, vec![]));
    let equals = "where[0][type]=equals&where[0][attribute]=syncStatus&where[0][value]=clean";
    assert_eq!(names(equals).await, (2, vec![2, 4]));
    let one_of = "where[0][type]=in&where[0][attribute]=syncStatus&where[0][value][]=clean&where[0][value][]=dirty";
    assert_eq!(names(one_of).await.0, 5);
    let nested = "where[0][type]=or&where[0][value][0][type]=isNull&where[0][value][0][attribute]=syncNextRetry\
        &where[0][value][1][type]=and&where[0][value][1][value][0][type]=before\
        &where[0][value][1][value][0][attribute]=syncNextRetry&where[0][value][1][value][0][value]=2026-01-03 00:00:00\
        &where[0][value][1][value][1][type]=greaterThan&where[0][value][1][value][1][attribute]=betnr\
        &where[0][value][1][value][1][value]=1";
    assert_eq!(names(nested).await, (2, vec![2, BETNR]));
    assert_eq!(
        names("where[0][type]=equals&where[0][attribute]=emailAddress&where[0][value]=INFO@quast.example").await.0,
        1
    );
    for (query, status) in [
        ("maxSize=201", 403),
        ("where[0][type]=equals&where[0][attribute]=nope&where[0][value]=1", 400),
        ("where[0][type]=nope&where[0][attribute]=betnr", 400),
        ("orderBy=nope", 400),
    ] {
        assert_eq!(office.espo(Method::GET, &format!("CBeteiligte?{query}")).send().await.unwrap().status(), status);
    }
}

#[tokio::test]
async fn writing_an_array_replaces_the_set_and_the_flags() {
    let office = Office::open().await;
    let body = json!({ "emailAddressData": [{ "emailAddress": "a@quast.example" }, { "emailAddress": "INFO@quast.example", "primary": true }] });
    let echo: Value = office.put(body.clone()).await.json().await.unwrap();
    assert_eq!(echo["emailAddressData"], body["emailAddressData"]);
    assert_eq!(echo["emailAddress"], "Info@quast.example");
    let record = office.record().await;
    assert_eq!(record["emailAddress"], "INFO@quast.example");
    assert_eq!(record["emailAddressData"][0]["optOut"], false);
    assert_eq!(record["emailAddressData"].as_array().unwrap().len(), 2);
    assert_eq!(record["phoneNumberData"].as_array().unwrap().len(), 1);
    let eleven: Vec<Value> = (0..11).map(|n| json!({ "emailAddress": format!("a{n}@quast.example") })).collect();
    let refused = office.put(json!({ "emailAddressData": eleven })).await;
    assert_eq!(refused.status(), 400);
    assert!(reason(&refused).contains("maxCount"));
}

#[tokio::test]
async fn numbers_are_normalised_and_their_types_shared() {
    let office = Office::open().await;
    office
        .sim
        .espocrm()
        .seed(
            "1123456789abcdef0",
            json!({ "lastName": "Andere",
        "phoneNumberData": [{ "phoneNumber": "+493023125123", "type": "Office" }] }),
        )
        .unwrap();
    let written = json!({ "phoneNumberData": [{ "phoneNumber": "+49 (0)30/23125 12-3", "type": "Home" }] });
    assert_eq!(office.put(written).await.status(), 200);
    assert_eq!(office.sim.espocrm().phones(ID)[0]["phoneNumber"], "+493023125123");
    assert_eq!(office.sim.espocrm().phones("1123456789abcdef0")[0]["type"], "Home");
    for bad in [
        json!({ "phoneNumber": "030 23125123", "type": "Home" }),
        json!({ "phoneNumber": "+493023125123", "type": "Car" }),
        json!({ "phoneNumber": "", "type": "Home" }),
    ] {
        assert_eq!(office.put(json!({ "phoneNumberData": [bad] })).await.status(), 400);
    }
    office.sim.espocrm().switch(|switches| switches.phone_number_international = false);
    let national = json!({ "phoneNumberData": [{ "phoneNumber": "030 23125123" }] });
    assert_eq!(office.put(national).await.status(), 200);
    assert_eq!(office.sim.espocrm().phones(ID)[0]["phoneNumber"], "030 23125123");
    assert_eq!(office.sim.espocrm().phones(ID)[0]["type"], "Mobile");
}

#[tokio::test]
async fn stream_moves_the_version_on_every_put() {
    let office = Office::open().await;
    assert_eq!(office.put(json!({})).await.status(), 200);
    assert_eq!(office.record().await["versionNumber"], 2);
    office.sim.espocrm().switch(|switches| switches.stream = false);
    office.put(json!({ "lastName": "Quellhafer" })).await;
    assert_eq!(office.record().await["versionNumber"], 2);
    // The array without `lower` counts as a change although it says nothing new.
    office.put(json!({ "emailAddressData": [{ "emailAddress": "Info@quast.example", "primary": true, "optOut": true, "invalid": false }] })).await;
    assert_eq!(office.record().await["versionNumber"], 3);
}

#[tokio::test]
async fn a_stale_version_conflicts_only_when_something_changes() {
    let office = Office::open().await;
    office.put(json!({ "lastName": "Neu" })).await;
    let stale = |body: Value| {
        office.espo(Method::PUT, &format!("CBeteiligte/{ID}")).header("x-version-number", "1").json(&body)
    };
    assert_eq!(stale(json!({ "lastName": "Neu" })).send().await.unwrap().status(), 200);
    let conflict = stale(json!({ "lastName": "Anders" })).send().await.unwrap();
    assert_eq!((conflict.status().as_u16(), reason(&conflict).as_str()), (409, "modified"));
    let body: Value = conflict.json().await.unwrap();
    assert_eq!(body, json!({ "values": { "lastName": "Neu" }, "versionNumber": 3 }));
    office.sim.espocrm().switch(|switches| switches.optimistic_concurrency = false);
    assert_eq!(stale(json!({ "lastName": "Anders" })).send().await.unwrap().status(), 200);
    assert!(office.record().await.get("versionNumber").is_none());
}

#[tokio::test]
async fn bodies_of_other_types_are_ignored_and_broken_ones_fail() {
    let office = Office::open().await;
    let put = || office.espo(Method::PUT, &format!("CBeteiligte/{ID}"));
    let form = put().header("content-type", "text/plain").body(r#"{"lastName":"X"}"#).send().await.unwrap();
    assert_eq!(form.status(), 200);
    assert_eq!(office.record().await["lastName"], "Quellhafer");
    let broken = put().header("content-type", "application/json").body("{").send().await.unwrap();
    assert_eq!(broken.status(), 500);
    let unknown = office.put(json!({ "id": "x", "nope": 1, "modifiedAt": "2000-01-01 00:00:00" })).await;
    assert_eq!(unknown.status(), 200);
    for bad in [
        json!({ "kommunikationHash": "0123456789abcdef0" }),
        json!({ "syncStatus": "done" }),
        json!({ "advowareLastSync": "2026-01-01 00:00:00.5" }),
    ] {
        let refused = office.put(bad).await;
        assert_eq!(refused.status(), 400);
        assert!(reason(&refused).starts_with("Field validation failure"));
        assert_eq!(refused.json::<Value>().await.unwrap()["messageTranslation"]["label"], "validationFailure");
    }
}

#[tokio::test]
async fn records_are_created_found_alike_and_deleted() {
    let office = Office::open().await;
    let post = |body: Value| office.espo(Method::POST, "CBeteiligte").json(&body).send();
    let created =
        post(json!({ "id": "mine", "lastName": "Farnquast", "emailAddress": "F@farn.example" })).await.unwrap();
    assert_eq!(created.status(), 200);
    let body: Value = created.json().await.unwrap();
    let id = body["id"].as_str().unwrap().to_owned();
    assert_eq!(
        (id.len(), &body["emailAddress"], &body["syncStatus"]),
        (17, &json!("f@farn.example"), &json!("pending_sync"))
    );
    let again = post(json!({ "lastName": "Farnquast" })).await.unwrap();
    assert_eq!((again.status().as_u16(), reason(&again).as_str()), (409, "duplicate"));
    assert_eq!(post(json!({ "firstName": " " })).await.unwrap().status(), 400);
    let path = format!("CBeteiligte/{id}");
    let deleted = office.espo(Method::DELETE, &path).send().await.unwrap();
    assert_eq!(deleted.json::<Value>().await.unwrap(), json!(true));
    let gone = office.espo(Method::GET, &path).send().await.unwrap();
    assert_eq!(gone.status(), 404);
    assert_eq!(reason(&gone), format!("Record {id} does not exist."));
}

#[tokio::test]
async fn notes_are_kept_notifications_forbidden() {
    let office = Office::open().await;
    let note = json!({ "type": "Post", "parentType": "CBeteiligte", "parentId": ID, "post": "Hinweis" });
    assert_eq!(office.espo(Method::POST, "Note").json(&note).send().await.unwrap().status(), 200);
    assert_eq!(office.sim.espocrm().notes()[0].post, "Hinweis");
    let refused = office.espo(Method::POST, "Notification").json(&json!({})).send().await.unwrap();
    assert_eq!((refused.status().as_u16(), reason(&refused).as_str()), (403, "No create access."));
    assert_eq!(office.espo(Method::GET, "Nope").send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn a_lone_address_unties_the_old_primary() {
    let office = Office::open().await;
    office.sim.edit(&Edit::EspoAddMail { id: ID.into(), address: "b@quast.example".into() }).unwrap();
    office.put(json!({ "emailAddress": "c@quast.example" })).await;
    let mails = office.sim.espocrm().mails(ID);
    let shown: Vec<_> =
        mails.iter().map(|one| (one["emailAddress"].as_str().unwrap(), one["primary"] == true)).collect();
    assert_eq!(shown, [("c@quast.example", true), ("b@quast.example", false)]);
    office.put(json!({ "emailAddress": null })).await;
    assert_eq!(office.record().await["emailAddress"], Value::Null);
    assert_eq!(office.sim.espocrm().mails(ID).len(), 1);
    office.put(json!({ "phoneNumberData": null })).await;
    assert_eq!(office.sim.espocrm().phones(ID).len(), 1);
    office.put(json!({ "phoneNumberData": [] })).await;
    assert!(office.sim.espocrm().phones(ID).is_empty());
}

#[tokio::test]
async fn counting_can_be_left_out() {
    let office = Office::open().await;
    for (query, total) in [("maxSize=1", -2), ("maxSize=0", -1)] {
        let list = office.espo(Method::GET, &format!("CBeteiligte?{query}")).header("x-no-total", "true").send();
        assert_eq!(list.await.unwrap().json::<Value>().await.unwrap()["total"], total);
    }
}

#[tokio::test]
async fn keyset_pages_by_id_see_every_record_once() {
    let office = Office::open().await;
    for number in 1..=7 {
        let fields = json!({ "lastName": format!("N{number}"), "syncStatus": "dirty" });
        office.sim.espocrm().seed(&format!("{number:016x}b"), fields).unwrap();
    }
    let (mut last, mut seen, mut totals) = (String::new(), Vec::new(), Vec::new());
    loop {
        let query = format!(
            "select=id&orderBy=id&order=asc&maxSize=3&where[0][type]=greaterThan&where[0][attribute]=id&where[0][value]={last}"
        );
        let request = office.espo(Method::GET, &format!("CBeteiligte?{query}")).header("x-no-total", "true");
        let page: Value = request.send().await.unwrap().json().await.unwrap();
        totals.push(page["total"].as_i64().unwrap());
        let ids: Vec<String> =
            page["list"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
        let Some(end) = ids.last() else { break };
        last.clone_from(end);
        seen.extend(ids);
        // What moves meanwhile moves no page.
        office.sim.edit(&Edit::EspoSet { id: seen[0].clone(), fields: seen_once(seen.len()) }).unwrap();
    }
    assert_eq!(seen, office.sim.espocrm().ids());
    assert_eq!(totals, [-1, -1, -2, -2]);
}

fn seen_once(number: usize) -> serde_json::Map<String, Value> {
    serde_json::Map::from_iter([("lastName".to_owned(), json!(format!("Neu {number}")))])
}

#[tokio::test]
async fn a_user_s_change_of_any_synced_field_makes_dirty() {
    let office = Office::open().await;
    let synced = [
        ("salutationName", "Frau"),
        ("firstName", "Merle"),
        ("lastName", "Moosflink"),
        ("firmenname", "Moosflink GmbH"),
        ("rechtsform", "GmbH"),
        ("dateOfBirth", "1970-02-01"),
        ("handelsregisterNummer", "HRB 900001"),
        ("handelsregisterArt", "Amtsgericht Nebelstadt"),
    ];
    for (field, value) in synced {
        office.put(json!({ "syncStatus": "clean" })).await;
        let set = Edit::EspoSet { id: ID.into(), fields: serde_json::Map::from_iter([(field.into(), json!(value))]) };
        office.sim.edit(&set).unwrap();
        assert_eq!(office.record().await["syncStatus"], "dirty", "{field}");
        office.put(json!({ "syncStatus": "clean" })).await;
        office.sim.edit(&set).unwrap();
        assert_eq!(office.record().await["syncStatus"], "clean", "{field} is what it was");
        office.put(json!({ field: null })).await;
        assert_eq!(office.record().await["syncStatus"], "clean", "{field} is changed by us");
        office.put(json!({ "lastName": "Quellhafer" })).await;
    }
}

#[tokio::test]
async fn a_firm_has_its_own_names() {
    let office = Office::open().await;
    office.sim.espocrm().switch(|switches| {
        switches.entity = "CPartei".into();
        let names = [("betnr", "cAktennummer"), ("syncStatus", "cAbgleich"), ("emailAddressData", "cMailDaten")];
        switches.renamed_fields = names.map(|(standard, own)| (standard.to_owned(), own.to_owned())).into();
    });
    let path = format!("CPartei/{ID}");
    let old = office.espo(Method::GET, &format!("CBeteiligte/{ID}")).send().await.unwrap();
    assert_eq!((old.status().as_u16(), reason(&old).contains("CBeteiligte")), (404, true));
    let record: Value = office.espo(Method::GET, &path).send().await.unwrap().json().await.unwrap();
    assert_eq!((&record["cAktennummer"], &record["cAbgleich"]), (&json!(BETNR), &json!("pending_sync")));
    assert!(record.get("betnr").is_none() && record["cMailDaten"].is_array());

    let body =
        json!({ "cAbgleich": "clean", "syncStatus": "failed", "cMailDaten": [{ "emailAddress": "b@quast.example" }] });
    let echo: Value = office.espo(Method::PUT, &path).json(&body).send().await.unwrap().json().await.unwrap();
    assert_eq!((&echo["cAbgleich"], &echo["cMailDaten"]), (&json!("clean"), &body["cMailDaten"]));
    let stored = office.sim.espocrm().record(ID).unwrap();
    assert_eq!(
        (&stored["syncStatus"], &stored["emailAddressData"][0]["emailAddress"]),
        (&json!("clean"), &json!("b@quast.example"))
    );
    let refused = office.espo(Method::PUT, &path).json(&json!({ "cAbgleich": "x" })).send().await.unwrap();
    assert_eq!(reason(&refused), "Field validation failure; entityType: CPartei, field: cAbgleich, type: valid.");
    let stale = office.espo(Method::PUT, &path).header("x-version-number", "0").json(&json!({ "cAbgleich": "dirty" }));
    assert_eq!(stale.send().await.unwrap().json::<Value>().await.unwrap()["values"]["cAbgleich"], "clean");

    let filter = "where[0][type]=equals&where[0][value]=clean&where[0][attribute]";
    let query = format!("CPartei?select=id,cAbgleich&orderBy=cAktennummer&{filter}=cAbgleich");
    let list: Value = office.espo(Method::GET, &query).send().await.unwrap().json().await.unwrap();
    assert_eq!(list["list"][0]["cAbgleich"], "clean");
    let unknown = office.espo(Method::GET, &format!("CPartei?{filter}=syncStatus")).send().await.unwrap();
    assert_eq!(unknown.status(), 400);
    let note = json!({ "type": "Post", "parentType": "CPartei", "parentId": ID, "post": "x" });
    assert_eq!(office.espo(Method::POST, "Note").json(&note).send().await.unwrap().status(), 200);
}
