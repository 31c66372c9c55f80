//! Calls against a small server whose answers the test writes byte by byte.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::error::Effect;

/// Serves `answers` in turn, one per connection, and closes each; counts the requests it saw. An empty answer closes the
/// connection without one.
async fn server(answers: &'static [&'static str]) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&seen);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let n = counter.fetch_add(1, Ordering::SeqCst);
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer).await;
            let answer = answers.get(n).or(answers.last()).copied().unwrap_or_default();
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (address, seen)
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
const DOWN: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
const CUT: &str = "HTTP/1.1 200 OK\r\ncontent-length: 20\r\nconnection: close\r\n\r\n{\"a\":";
const HUGE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 9000000\r\nconnection: close\r\n\r\n{";
const MOVED: &str = "HTTP/1.1 302 Found\r\nlocation: /else\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

async fn call(operation: Operation, address: &str) -> Result<serde_json::Value, ApiError> {
    let http = Http::new(Duration::from_millis(800)).unwrap();
    let request = match operation.effect() {
        Effect::Read => http.requests().get(address),
        Effect::LogIn | Effect::Write | Effect::WriteOnce => http.requests().put(address).body("{}"),
    };
    let read = |answer: &Answer| match kind_of_status(answer) {
        Some(kind) => Err(kind),
        None => parse_json(&answer.body),
    };
    http.call(operation, request, read).await
}

#[tokio::test]
async fn a_read_is_repeated_where_the_fault_may_pass() {
    let (address, seen) = server(&[DOWN, CUT, OK]).await;
    assert!(call(Operation::AdvowareGetBeteiligte, &address).await.is_ok());
    assert_eq!(seen.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn k8b_a_write_with_unknown_outcome_is_sent_once() {
    for answers in [&[""] as &[_], &[DOWN], &[CUT]] {
        let (address, seen) = server(answers).await;
        let error = call(Operation::AdvowarePutKommunikation, &address).await.unwrap_err();
        assert_eq!(error.next(), crate::error::Next::LookFirst, "{error}");
        assert_eq!(seen.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn c3_a_write_that_takes_effect_once_is_repeated_where_the_fault_may_pass() {
    const FAULT: &str = "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let (address, seen) = server(&[FAULT, CUT, OK]).await;
    assert!(call(Operation::GoogleInsertEvent, &address).await.is_ok());
    assert_eq!(seen.load(Ordering::SeqCst), 3);
    let (address, seen) = server(&[FAULT, OK]).await;
    let error = call(Operation::GoogleInsertCalendar, &address).await.unwrap_err();
    assert_eq!((error.next(), seen.load(Ordering::SeqCst)), (crate::error::Next::LookFirst, 1));
}

#[tokio::test]
async fn answers_are_bounded_and_redirects_not_followed() {
    let (address, _) = server(&[HUGE]).await;
    let error = call(Operation::EspocrmGetBeteiligte, &address).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Oversized);

    let (address, seen) = server(&[MOVED]).await;
    let error = call(Operation::EspocrmGetBeteiligte, &address).await.unwrap_err();
    assert_eq!((error.kind, error.status), (ErrorKind::UnexpectedStatus, Some(302)));
    assert_eq!(seen.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_closed_port_was_never_reached() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let error = call(Operation::AdvowarePostKommunikation, &address).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable(ConnectFault::Refused));
    assert!(!error.to_string().contains("127.0.0.1"));
}

#[tokio::test]
async fn a_silent_server_times_out_and_a_read_is_not_repeated_for_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    let error = call(Operation::AdvowareGetBeteiligte, &address).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::TimedOut);
    drop(listener);
}

#[tokio::test]
async fn something_that_does_not_speak_tls_is_told_as_such() {
    let (address, _) = server(&["no tls here\r\n\r\n"]).await;
    let error = call(Operation::EspocrmGetBeteiligte, &address.replace("http://", "https://")).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable(ConnectFault::Tls));
}
