//! What the console says to what it does not understand, what of a search stands in an address, and what it lists as divergent.

use harness::Result;
use harness::world::World;
use reqwest::header::{ACCEPT_LANGUAGE, ALLOW, CONTENT_TYPE, COOKIE, LOCATION};
use reqwest::{Method, Response, StatusCode};
use sqlx::PgPool;

use crate::visitor::{Visitor, path_of, visited};

/// Somebody has typed a name where an id belongs.
const NAME: &str = "Erika Beispiel";
const AUDIT: &str = "/console/audit";
const FIND: &str = "/console/beteiligte/find";

/// Asks in German.
async fn ask(visitor: &Visitor, method: Method, path: &str, form: Option<String>) -> Response {
    let request = visitor.client.request(method, format!("{}{path}", visitor.address));
    let request = request.header(COOKIE, &visitor.cookie).header(ACCEPT_LANGUAGE, "de");
    let request = match form {
        Some(form) => request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form),
        None => request,
    };
    request.send().await.expect("the producer answers")
}

#[tokio::test]
async fn what_is_not_understood_is_answered_by_a_page_in_the_readers_language() -> Result<()> {
    let world = World::start().await?;
    let (_producer, visitor) = visited(&world).await?;
    let page = visitor.page(AUDIT).await;
    let token = page.split_once("name=\"form_token\" value=\"").expect("a form").1;
    let token = token.split('"').next().expect("its token");
    let form = |rest: &str| Some(format!("form_token={token}{rest}"));
    for (method, path, form, status, text) in [
        (Method::GET, "/console/nothing/of/the/kind", None, StatusCode::NOT_FOUND, "Diese Seite gibt es nicht"),
        (Method::GET, "/console", None, StatusCode::NOT_FOUND, "Diese Seite gibt es nicht"),
        (Method::GET, "/console/assets/none.js", None, StatusCode::NOT_FOUND, "Diese Seite gibt es nicht"),
        (Method::GET, "/console/queues?page=x", None, StatusCode::BAD_REQUEST, "Das war nicht lesbar"),
        (Method::GET, "/console/login?wrong=x", None, StatusCode::BAD_REQUEST, "Das war nicht lesbar"),
        (Method::GET, "/console/beteiligte/%ff", None, StatusCode::BAD_REQUEST, "Das war nicht lesbar"),
        (Method::GET, "/console/queues/pause", None, StatusCode::METHOD_NOT_ALLOWED, "So lässt sich"),
        (Method::DELETE, "/console/queues", form(""), StatusCode::METHOD_NOT_ALLOWED, "So lässt sich"),
        (Method::DELETE, "/console/login", None, StatusCode::METHOD_NOT_ALLOWED, "So lässt sich"),
        // Without the name of the queue.
        (Method::POST, "/console/queues/pause", form(""), StatusCode::UNPROCESSABLE_ENTITY, "Das war nicht lesbar"),
        (Method::POST, "/console/nothing", form(""), StatusCode::NOT_FOUND, "Diese Seite gibt es nicht"),
    ] {
        let answer = ask(&visitor, method.clone(), path, form).await;
        let kind = answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        assert!(kind.starts_with("text/html"), "{method} {path}: {kind}");
        assert_eq!(answer.headers().contains_key(ALLOW), status == StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        // A form that lacks something counts as malformed.
        let expected = if status == StatusCode::UNPROCESSABLE_ENTITY { StatusCode::BAD_REQUEST } else { status };
        assert_eq!(answer.status(), expected, "{method} {path}");
        let page = answer.text().await.expect("text");
        assert!(page.contains(text) && page.contains("lang=\"de\""), "{method} {path}: {page}");
    }
    assert!(!world.queue.counts().await.expect("Redis answers").is_paused);
    Ok(())
}

#[tokio::test]
async fn what_is_searched_for_is_sent_in_a_form_and_is_in_no_address() -> Result<()> {
    let world = World::start().await?;
    let one = world.given_person(104_860);
    let _worker = world.worker().await?;
    world.sync(&[&one.id]).await?;
    let (producer, visitor) = visited(&world).await?;
    for (page, action) in [(AUDIT, AUDIT), ("/console/beteiligte?of=clean", FIND)] {
        let page = visitor.page(page).await;
        let form = format!("method=\"post\" action=\"{action}\" role=\"search\"");
        assert!(page.contains(&form), "{form}: {page}");
        // By hand, or from a link that is none of ours.
        let answer = visitor.get(&format!("{action}?q=Erika%20Beispiel")).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{action}");
        let typed = visitor.post(&page, action, &[("q", NAME)]).await;
        assert_eq!(typed.status(), StatusCode::BAD_REQUEST, "{action}");
        for answer in [answer, typed] {
            let text = answer.text().await.expect("text");
            assert!(text.contains("That is no id") && !text.contains("Erika"), "{text}");
            assert!(text.contains("<h1>Not found</h1>") && text.contains(&form), "one can try again: {text}");
        }
        let forged = visitor.post("name=\"form_token\" value=\"x\"", action, &[("q", &one.id)]).await;
        assert_eq!(forged.status(), StatusCode::FORBIDDEN, "{action}");
    }

    let page = visitor.page(AUDIT).await;
    let found = visitor.post(&page, AUDIT, &[("q", &one.id)]).await;
    assert_eq!((found.status(), found.headers().get(LOCATION)), (StatusCode::OK, None), "the page itself");
    assert!(found.text().await.expect("text").contains(&path_of(&one)));
    assert!(visitor.page(&format!("{AUDIT}?q={}", one.id)).await.contains(&path_of(&one)));
    for typed in [one.id.clone(), one.betnr.to_string()] {
        let found = visitor.post(&page, FIND, &[("q", &typed)]).await;
        assert_eq!(found.headers()[LOCATION], path_of(&one).as_str(), "{typed}");
    }
    // Letters alone may be an id as well as a name: only what is somebody's goes into an address.
    let nobody = visitor.post(&page, FIND, &[("q", "Erika")]).await;
    assert_eq!((nobody.status(), nobody.headers().get(LOCATION)), (StatusCode::NOT_FOUND, None));
    let nobody = nobody.text().await.expect("text");
    let form = format!("method=\"post\" action=\"{FIND}\" role=\"search\"");
    assert!(nobody.contains("<h1>Not found</h1>") && nobody.contains(&form), "one can try again: {nobody}");
    assert!(!nobody.contains("Erika"), "{nobody}");
    assert!(!producer.output().contains("Erika"), "nor into the log");
    Ok(())
}

#[tokio::test]
async fn what_differs_is_listed_page_by_page_with_records_before_entries() -> Result<()> {
    let world = World::start().await?;
    let pool = PgPool::connect(&world.database_url).await?;
    // As the continuous check leaves them; how it finds them `verify.rs` shows.
    sqlx::raw_sql(
        "INSERT INTO beteiligte (espo_id, looked_at, status, difference, differs_since, is_divergent, verified_at)
         SELECT 'id' || n, now(), 'clean', CASE n WHEN 1 THEN 'not_in_espocrm' WHEN 2 THEN 'not_in_advoware' ELSE 'ab' END,
            now() - make_interval(mins => 100 - n), true, now() FROM generate_series(1, 51) AS n;
         INSERT INTO beteiligte (espo_id, looked_at, status, difference, differs_since, is_divergent)
         VALUES ('settling', now(), 'clean', 'ab', now(), false);
         INSERT INTO calendar_employee (kuerzel, verified_at, differences) VALUES ('SB', now(),
            '[{\"kind\": \"missing_in_google\", \"frNr\": 4711, \"digest\": \"ab\", \"since\": \"2026-01-01T00:00:00Z\", \"isDivergent\": true},
              {\"kind\": \"content\", \"frNr\": 4712, \"digest\": \"ab\", \"since\": \"2026-01-01T00:00:00Z\", \"isDivergent\": false}]')",
    )
    .execute(&pool)
    .await?;
    let (_producer, address) = world.producer().await?;
    let visitor = Visitor::of(&address).await;
    let first = visitor.page("/console/divergent").await;
    assert!(first.contains("The continuous check is off"), "{first}");
    for text in [
        "href=\"/console/beteiligte/id1\"",
        "missing in EspoCRM",
        "missing in Advoware",
        "href=\"/console/beteiligte/id50/plan\"",
        "1 / 2",
        "98 min ago",
        "/console/divergent?page=1",
    ] {
        assert!(first.contains(text), "{text}: {first}");
    }
    for text in ["id51", "4711", "settling"] {
        assert!(!first.contains(text), "{text}: {first}");
    }
    let second = visitor.page("/console/divergent?page=1").await;
    for text in ["/console/beteiligte/id51\"", "/console/employees/SB", "4711", "missing in Google"] {
        assert!(second.contains(text), "{text}: {second}");
    }
    for text in ["/console/beteiligte/id1\"", "4712", "settling"] {
        assert!(!second.contains(text), "{text}: {second}");
    }
    visitor.sees("/", "href=\"/console/divergent\"").await
}
