//! Settings from maps: defaults, every kind of problem, and that no secret shows.

use secrecy::ExposeSecret;

use super::*;

const PASSWORD: &str = "hunter2-is-secret";

fn complete() -> Vec<(&'static str, &'static str)> {
    vec![
        ("ADVOWARE_API_BASE_URL", "https://www2.advo-net.net:90/"),
        ("ADVOWARE_APP_ID", "app"),
        ("ADVOWARE_API_KEY", "dGVzdC1zZWNyZXQta2V5"),
        ("ADVOWARE_KANZLEI", "kanzlei"),
        ("ADVOWARE_DATABASE", "db"),
        ("ADVOWARE_USER", "SB"),
        ("ADVOWARE_PASSWORD", PASSWORD),
        ("ESPOCRM_API_BASE_URL", "https://crm.example/api/v1"),
        ("ESPOCRM_API_KEY", "espo-key-is-secret"),
    ]
}

fn with(changes: &[(&'static str, &'static str)]) -> Source {
    complete().into_iter().chain(changes.iter().copied()).collect()
}

#[test]
fn defaults_are_those_of_the_contract() {
    let worker = WorkerSettings::read(&with(&[])).unwrap();
    assert_eq!(worker.concurrency, 16);
    assert_eq!(worker.listen.to_string(), "127.0.0.1:9100");
    assert_eq!(worker.advoware.product_id, 64);
    assert_eq!(worker.advoware.role, 2);
    assert_eq!(worker.advoware.token_lifetime, Duration::from_mins(55));
    assert_eq!(worker.advoware.auth_url.to_string(), "https://security.advo-net.net/");
    assert_eq!(worker.advoware.employees_path.to_string(), "api/v1/advonet/Mitarbeiter");
    assert_eq!(worker.sync.retry.iter().map(Duration::as_secs).collect::<Vec<_>>(), [60, 300, 900, 3600, 14_400]);
    assert_eq!(worker.sync.lease, Duration::from_secs(6));
    assert_eq!(worker.sync.auto_reset, Duration::from_hours(24));
    assert_eq!(worker.sync.conflict_policy, ConflictPolicy::EspocrmWins);
    assert_eq!((worker.espocrm.phone_format, worker.espocrm.fields), (PhoneFormat::E164, FieldNames::default()));
    assert_eq!(worker.sync.run_limit, Duration::from_mins(15));
    assert_eq!((worker.limits.advoware_max_parallel, worker.limits.google_requests_per_minute), (8, 600));
    assert_eq!(worker.limits.breaker, Duration::from_secs(30));
    assert_eq!(worker.log.format, LogFormat::Text);
    assert_eq!(worker.redis.queue().database(), Some(1));
    assert_eq!(worker.redis.advoware_cache().database(), Some(1));
    assert_eq!(worker.redis.queue().to_string(), "localhost:6379");
    assert_eq!(worker.postgres.connect_options().get_port(), 5432);

    let producer = ProducerSettings::read(&with(&[])).unwrap();
    assert!(producer.api_key.is_none());
    assert!(producer.webhook_secrets.is_empty());
    assert_eq!(producer.beteiligte_scan, Duration::from_mins(15));
    assert_eq!(producer.beteiligte_look, Duration::from_hours(24));
    assert_eq!(producer.audit_retention, Duration::from_hours(365 * 24));
    assert_eq!(producer.job_retention, Duration::from_hours(24));
}

#[test]
fn google_is_optional_and_its_problems_come_with_the_others() {
    assert!(WorkerSettings::read(&with(&[("GOOGLE_CALENDAR_OWNER", "a@example.org")])).unwrap().google.is_none());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.json");
    std::fs::write(&path, r#"{"client_email": "a@example.org", "private_key": "is-secret"}"#).unwrap();
    let changes = [
        ("GOOGLE_CALENDAR_SERVICE_ACCOUNT_PATH", path.to_str().unwrap()),
        ("GOOGLE_CALENDAR_OWNER", "Kanzlei Beispiel"),
        ("GOOGLE_CALENDAR_API_BASE_URL", "googleapis.com"),
        ("GOOGLE_CALENDAR_API_TIMEOUT_SECONDS", "0"),
        ("GOOGLE_CALENDAR_REQUESTS_PER_MINUTE", "0"),
    ];
    let error = WorkerSettings::read(&complete().into_iter().chain(changes).collect()).unwrap_err();
    assert_eq!(
        error.problems(),
        [
            "GOOGLE_CALENDAR_SERVICE_ACCOUNT_PATH: the key file has no token_uri",
            "GOOGLE_CALENDAR_SERVICE_ACCOUNT_PATH: private_key in the key file is no RSA key in PEM (PKCS#8)",
            "GOOGLE_CALENDAR_OWNER: expected the mail address of a Google account",
            "GOOGLE_CALENDAR_API_BASE_URL: expected an address such as https://host/path/",
            "GOOGLE_CALENDAR_API_TIMEOUT_SECONDS: expected a number of seconds above 0, such as 30 or 0.5",
            "GOOGLE_CALENDAR_REQUESTS_PER_MINUTE: expected a whole number from 1 to 60000",
        ]
    );
    let absent = GoogleSettings::read(&with(&[("GOOGLE_CALENDAR_SERVICE_ACCOUNT_PATH", "/nowhere")])).unwrap_err();
    assert_eq!(absent.problems(), ["GOOGLE_CALENDAR_SERVICE_ACCOUNT_PATH: the file cannot be read (entity not found)"]);
}

#[test]
fn a_producer_without_the_continuous_check_does_not_need_advoware() {
    let without = || complete().into_iter().filter(|(name, _)| !name.starts_with("ADVOWARE"));
    for off in [None, Some(("VERIFY_SYNC_HOURS", "0"))] {
        let unchecked = ProducerSettings::read(&without().chain(off).collect()).unwrap();
        assert!(unchecked.verify.is_none());
    }
    let missing = ProducerSettings::read(&without().chain([("VERIFY_SYNC_HOURS", "1")]).collect()).unwrap_err();
    assert!(missing.problems().iter().all(|problem| problem.starts_with("ADVOWARE_")), "{missing}");
    assert!(WorkerSettings::read(&without().collect()).is_err());
}

#[test]
fn the_continuous_check_has_an_interval_or_is_off() {
    let read = |text| ProducerSettings::read(&with(&[("VERIFY_SYNC_HOURS", text)]));
    assert_eq!(ProducerSettings::read(&with(&[])).unwrap().verify.unwrap().interval, Duration::from_hours(24));
    assert_eq!(read("0.5").unwrap().verify.unwrap().interval, Duration::from_mins(30));
    assert!(read("0").unwrap().verify.is_none() && read(" 0.0 ").unwrap().verify.is_none());
    for wrong in ["-1", "daily", "NaN"] {
        let problems = read(wrong).unwrap_err();
        assert_eq!(
            problems.problems(),
            ["VERIFY_SYNC_HOURS: expected a number of hours such as 24 or 0.5, or 0 for never"],
            "{wrong}"
        );
    }
}

#[test]
fn a_producer_of_calendars_needs_advoware_and_reads_googles_key_for_the_check_only() {
    let google = ("GOOGLE_CALENDAR_SERVICE_ACCOUNT_PATH", "/nowhere");
    let off = ("VERIFY_SYNC_HOURS", "0");
    assert!(ProducerSettings::read(&with(&[])).unwrap().calendar.is_none());
    let unread = ProducerSettings::read(&with(&[google])).unwrap_err();
    assert_eq!(unread.problems(), ["GOOGLE_CALENDAR_SERVICE_ACCOUNT_PATH: the file cannot be read (entity not found)"]);
    let settings = ProducerSettings::read(&with(&[google, off])).unwrap();
    let calendar = settings.calendar.unwrap();
    assert_eq!((calendar.rules.interval, settings.limits.advoware_max_parallel), (Duration::from_mins(15), 8));
    assert_eq!((calendar.rules.only, calendar.advoware.user.as_str()), (None, "SB"));
    let debugged = ProducerSettings::read(&with(&[google, off, ("CALENDAR_SYNC_DEBUG_KUERZEL", "AI")])).unwrap();
    assert_eq!(debugged.calendar.unwrap().rules.only, Some(Kuerzel::parse("AI").unwrap()));

    let without = complete().into_iter().filter(|(name, _)| !name.starts_with("ADVOWARE"));
    let changes = [google, off, ("CALENDAR_SYNC_SECONDS", "0"), ("JOB_RETENTION_HOURS", "x")];
    let error = ProducerSettings::read(&without.chain(changes).collect()).unwrap_err();
    let told = error.to_string();
    for name in ["JOB_RETENTION_HOURS: expected", "CALENDAR_SYNC_SECONDS: expected", "ADVOWARE_PASSWORD: missing"] {
        assert!(told.contains(name), "{name} is missing in:\n{told}");
    }
    assert_eq!(error.problems().len(), 8, "{told}");
    let unused = ProducerSettings::read(&with(&[("CALENDAR_SYNC_SECONDS", "often")])).unwrap_err();
    assert!(unused.problems()[0].starts_with("CALENDAR_SYNC_SECONDS: expected"), "{unused}");
}

#[test]
fn durations_accept_fractions() {
    let changes =
        [("SYNC_LEASE_SECONDS", "0.3"), ("SYNC_RETRY_MINUTES", "0.001, 0.5"), ("SYNC_AUTO_RESET_HOURS", "0.5")];
    let sync = WorkerSettings::read(&with(&changes)).unwrap().sync;
    assert_eq!(sync.lease, Duration::from_millis(300));
    assert_eq!(sync.retry, [Duration::from_millis(60), Duration::from_secs(30)]);
    assert_eq!(sync.auto_reset, Duration::from_mins(30));
}

#[test]
fn all_problems_come_in_one_message() {
    let source: Source = [
        ("ADVOWARE_API_BASE_URL", "not an address"),
        ("ADVOWARE_API_KEY", "!secret!"),
        ("ESPOCRM_API_BASE_URL", "https://user:very-secret@crm.example/"),
        ("REDIS_URL", "http://:redis-secret@h"),
        ("DATABASE_URL", "mysql://u:sql-secret@h/d"),
        ("SYNC_LEASE_SECONDS", "0"),
        ("SYNC_RETRY_MINUTES", "1,,2"),
        ("SYNC_MAX_TRIES", "-1"),
        ("WORKER_CONCURRENCY", "many"),
        ("WORKER_LISTEN", "localhost"),
        ("LOG_FORMAT", "xml"),
        ("RUST_LOG", "a=b=c"),
        ("ADVOWARE_API_TIMEOUT_SECONDS", "NaN"),
        ("ADVOWARE_EMPLOYEES_PATH", "https://employees.example/"),
    ]
    .into_iter()
    .collect();
    let error = WorkerSettings::read(&source).unwrap_err();
    let text = error.to_string();
    for name in [
        "ADVOWARE_API_BASE_URL: expected",
        "ADVOWARE_API_KEY: expected base64",
        "ADVOWARE_APP_ID: missing",
        "ADVOWARE_KANZLEI: missing",
        "ADVOWARE_DATABASE: missing",
        "ADVOWARE_USER: missing",
        "ADVOWARE_PASSWORD: missing (or name a file that holds it in ADVOWARE_PASSWORD_FILE)",
        "ADVOWARE_API_TIMEOUT_SECONDS: expected a number of seconds",
        "ADVOWARE_EMPLOYEES_PATH: expected a path",
        "ESPOCRM_API_BASE_URL: expected an address without user",
        "ESPOCRM_API_KEY: missing",
        "REDIS_URL: expected",
        "DATABASE_URL: expected",
        "SYNC_LEASE_SECONDS: expected a number of seconds above 0",
        "SYNC_RETRY_MINUTES: expected",
        "SYNC_MAX_TRIES: expected a whole number from 1 to 1000",
        "WORKER_CONCURRENCY: expected a whole number",
        "WORKER_LISTEN: expected",
        "LOG_FORMAT: expected text or json",
        "RUST_LOG: expected",
    ] {
        assert!(text.contains(name), "{name} is missing in:\n{text}");
    }
    assert_eq!(error.problems().len(), 20, "{text}");
    assert!(!text.contains("secret!") && !text.contains("very-secret") && !text.contains("-secret@"), "{text}");
}

#[test]
fn a_secret_may_come_from_a_file_but_not_from_both() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("password");
    std::fs::write(&path, "from-a-file\n").unwrap();
    let path = path.to_str().unwrap();

    let base = || complete().into_iter().filter(|(name, _)| *name != "ADVOWARE_PASSWORD");
    let read = |source: Source| AdvowareSettings::read(&source);
    let settings = read(base().chain([("ADVOWARE_PASSWORD_FILE", path)]).collect()).unwrap();
    assert_eq!(settings.password.expose_secret(), "from-a-file");

    let both = read(complete().into_iter().chain([("ADVOWARE_PASSWORD_FILE", path)]).collect()).unwrap_err();
    assert_eq!(both.problems(), ["ADVOWARE_PASSWORD: given twice, set either it or ADVOWARE_PASSWORD_FILE"]);

    let absent = read(base().chain([("ADVOWARE_PASSWORD_FILE", "/nowhere")]).collect()).unwrap_err();
    assert_eq!(absent.problems(), ["ADVOWARE_PASSWORD_FILE: the file cannot be read (entity not found)"]);
}

#[test]
fn espocrms_field_names_come_from_a_file_with_all_its_problems_in_the_one_message() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fields.json");
    let read = |json: &str| {
        std::fs::write(&path, json).unwrap();
        let changes = [("ESPOCRM_FIELDS", path.to_str().unwrap()), ("ESPOCRM_PHONE_FORMAT", "as-typed")];
        let source = complete().into_iter().chain(changes).collect::<Source>();
        EspocrmSettings::read(&source).unwrap_err().problems().to_vec()
    };
    let phone_format = "ESPOCRM_PHONE_FORMAT: expected e164 or as_typed";
    assert_eq!(read(r#"{"betnr": "advowareNummer"}"#), [phone_format]);
    assert_eq!(
        read(r#"{"betnr": "1", "nummer": "x"}"#),
        [
            "ESPOCRM_FIELDS: betnr: expected a name of letters, digits and underscores that begins with a letter",
            "ESPOCRM_FIELDS: nummer is no field that can have another name",
            phone_format,
        ]
    );
    let absent = EspocrmSettings::read(&with(&[("ESPOCRM_FIELDS", "/nowhere")])).unwrap_err();
    assert_eq!(absent.problems(), ["ESPOCRM_FIELDS: the file cannot be read (entity not found)"]);

    std::fs::write(&path, r#"{"entity": "CPartei"}"#).unwrap();
    let changes = [("ESPOCRM_FIELDS", path.to_str().unwrap()), ("ESPOCRM_PHONE_FORMAT", "as_typed")];
    let settings = EspocrmSettings::read(&complete().into_iter().chain(changes).collect()).unwrap();
    assert_ne!(settings.fields, FieldNames::default());
    assert_eq!(settings.phone_format, PhoneFormat::AsTyped);
}

#[test]
fn the_conflict_policy_is_one_of_three() {
    for (text, policy) in [
        ("espocrm_wins", ConflictPolicy::EspocrmWins),
        ("newest_wins", ConflictPolicy::NewestWins),
        ("manual", ConflictPolicy::Manual),
    ] {
        let sync = WorkerSettings::read(&with(&[("SYNC_CONFLICT_POLICY", text)])).unwrap().sync;
        assert_eq!(sync.conflict_policy, policy);
    }
    let error = ProducerSettings::read(&with(&[("SYNC_CONFLICT_POLICY", "advoware_wins")])).unwrap_err();
    assert_eq!(error.problems(), ["SYNC_CONFLICT_POLICY: expected espocrm_wins, newest_wins or manual"]);
}

#[test]
fn an_empty_variable_counts_as_absent() {
    let settings = AdvowareSettings::read(&with(&[("ADVOWARE_API_BASE_URL", ""), ("ADVOWARE_ROLE", " ")])).unwrap();
    assert!(settings.api_base_url.is_none());
    assert_eq!(settings.role, 2);
}

#[test]
fn an_api_key_is_required_beyond_loopback() {
    let open = [("PRODUCER_LISTEN", "0.0.0.0:3000")];
    let error = ProducerSettings::read(&with(&open)).unwrap_err();
    assert!(error.problems()[0].starts_with("PRODUCER_API_KEY: missing"));
    let keyed = [("PRODUCER_LISTEN", "0.0.0.0:3000"), ("PRODUCER_API_KEY", "k")];
    assert!(ProducerSettings::read(&with(&keyed)).is_ok());
}

#[test]
fn webhook_secrets_are_read_by_id() {
    let read = |text| ProducerSettings::read(&with(&[("ESPOCRM_WEBHOOK_SECRETS", text)]));
    let secrets = read("w1:k1, w2:k:2").unwrap().webhook_secrets;
    assert_eq!(secrets.get("w1").unwrap().expose_secret(), "k1");
    assert_eq!(secrets.get("w2").unwrap().expose_secret(), "k:2");
    assert!(secrets.get("w3").is_none());
    for text in ["w1", "w1:", ":k", "w1:k,", "w1:a,w1:b"] {
        assert!(read(text).is_err(), "{text}");
    }
}

#[test]
fn redis_url_wins_and_database_variables_win_over_its_path() {
    let read = |changes: &[(&'static str, &'static str)]| RedisSettings::read(&with(changes)).unwrap();
    let url = ("REDIS_URL", "redis://:pw@cache.example:6380");
    let plain = read(&[url, ("REDIS_HOST", "ignored")]);
    assert_eq!(plain.queue().to_string(), "cache.example:6380");
    assert_eq!(plain.queue().database(), Some(1));

    let sentinels = read(&[("REDIS_URL", "rediss+sentinel://queue:pw@s1,s2:5000/jobs/2")]);
    assert_eq!(sentinels.queue().to_string(), "jobs of s1:26379 s2:5000");
    assert_eq!((sentinels.queue().database(), sentinels.advoware_cache().database()), (Some(2), Some(2)));

    let named = read(&[("REDIS_URL", "redis://cache.example/4"), ("REDIS_DB_ADVOWARE_CACHE", "7")]);
    assert_eq!(named.queue().database(), Some(4));
    assert_eq!(named.advoware_cache().database(), Some(7));

    let socket = read(&[("REDIS_URL", "unix:///run/redis.sock?db=2")]);
    assert_eq!(socket.queue().to_string(), "/run/redis.sock");
    assert_eq!(socket.queue().database(), Some(2));
}

#[test]
fn traces_are_off_without_an_endpoint_and_what_is_set_must_be_right_all_the_same() {
    assert!(LogSettings::read(&with(&[])).unwrap().traces.is_none());
    let headers = ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20is-secret, x-firm=1");
    let changes = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"), headers];
    let traces = LogSettings::read(&with(&changes)).unwrap().traces.unwrap();
    assert_eq!(traces.endpoint.at(&["v1", "traces"]).as_str(), "http://collector:4318/v1/traces");
    let read: Vec<_> = traces.headers.iter().map(|(name, value)| (name.as_str(), value.expose_secret())).collect();
    assert_eq!(read, [("authorization", "Bearer is-secret"), ("x-firm", "1")]);
    assert!(!format!("{traces:?}").contains("is-secret"));
    let changes = [("OTEL_EXPORTER_OTLP_ENDPOINT", "collector"), ("OTEL_EXPORTER_OTLP_HEADERS", "is-secret")];
    let problems = LogSettings::read(&with(&changes)).unwrap_err();
    assert_eq!(problems.problems().len(), 2, "{problems}");
    assert!(!problems.to_string().contains("is-secret"));
}

#[test]
fn database_url_wins() {
    let changes = [("DATABASE_URL", "postgres://u:p@db.example:5433/hub"), ("POSTGRES_HOST", "ignored")];
    let options = PostgresSettings::read(&with(&changes)).unwrap().connect_options();
    assert_eq!((options.get_host(), options.get_port()), ("db.example", 5433));
    assert_eq!(options.get_database(), Some("hub"));
}

#[test]
fn e3_secrets_do_not_show_in_debug_output() {
    let changes = [
        ("ESPOCRM_WEBHOOK_SECRETS", "w1:hook-is-secret"),
        ("REDIS_URL", "redis://:redis-is-secret@h"),
        ("DATABASE_URL", "postgres://u:pg-is-secret@h/d"),
        ("PRODUCER_API_KEY", "producer-is-secret"),
    ];
    let source = with(&changes);
    let text = format!("{:?} {:?}", WorkerSettings::read(&source).unwrap(), ProducerSettings::read(&source).unwrap());
    assert!(!text.contains("is-secret"), "{text}");
    assert!(!text.contains("dGVzdC1zZWNyZXQta2V5"), "{text}");
}
