//! The simulator's Google Calendar against a judge that is not ours: Google's own client library for Python.

use std::time::Duration;

use harness::{Program, Result, google_client_python, in_repository};
use serde_json::Value;

/// The simulator makes an RSA key, Python loads its libraries; a second on an idle machine.
const WITHIN: Duration = Duration::from_mins(1);

#[tokio::test]
async fn googles_own_client_library_works_with_the_simulator() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let key_file = folder.path().join("key.json");
    let key_file = key_file.display();
    let simulator = Program::built("kanzleisync-simulator")?.args(["--size", "1"]);
    let simulator = simulator.arg("--google-key-file").arg(&key_file).start()?;
    let about: Value = serde_json::from_str(&simulator.wait_for_line("\"addresses\"", WITHIN).await?).unwrap();
    let control_url = about["addresses"]["control_url"].as_str().unwrap();

    let oracle = Program::new(google_client_python()?).arg(in_repository("simulator/google_oracle.py").display());
    let finished = oracle.arg(key_file).arg(control_url).run(WITHIN).await?;
    assert_eq!(finished.code(), Some(0), "{}{}", finished.stdout, finished.stderr);
    Ok(())
}
