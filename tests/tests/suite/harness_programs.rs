//! The harness: programs run in an environment of their own, are heard, and go.

use std::time::Duration;

use harness::{Program, Result, eventually};

const WITHIN: Duration = Duration::from_secs(10);

fn shell(script: &str) -> Program {
    Program::new("/bin/sh").args(["-c", script])
}

#[tokio::test]
async fn a_program_sees_only_the_environment_it_was_given() -> Result<()> {
    let program = shell("env | cut -d= -f1 | sort").env("GIVEN", 1).env("TAKEN", 1).without_env("TAKEN");
    // PWD is the shell's own.
    assert_eq!(program.run(WITHIN).await?.stdout, "GIVEN\nLC_ALL\nPATH\nPWD\nTZ\n");
    Ok(())
}

#[tokio::test]
async fn a_program_is_heard_on_both_streams_and_its_code_is_told() -> Result<()> {
    let finished = shell("echo out; echo err >&2; exit 3").run(WITHIN).await?;
    assert_eq!((finished.code(), finished.stdout.as_str(), finished.stderr.as_str()), (Some(3), "out\n", "err\n"));
    Ok(())
}

#[tokio::test]
async fn a_line_is_waited_for_while_the_program_runs() -> Result<()> {
    let program = shell("echo ready on 7 >&2; exec sleep 1000").start()?;
    assert_eq!(program.wait_for_line("ready", WITHIN).await?, "ready on 7");
    assert!(program.is_running());
    program.terminate()?;
    assert_eq!(program.exited(WITHIN).await?.code(), None, "the signal ended it");
    assert!(program.terminate().is_err(), "no signal is sent to a process id that may belong to another by now");
    Ok(())
}

#[tokio::test]
async fn a_program_that_ends_early_is_reported_with_what_it_said() -> Result<()> {
    let program = shell("echo no such setting >&2; exit 2").start()?;
    let error = program.wait_for_line("ready", WITHIN).await.unwrap_err().to_string();
    assert!(error.contains("exit status: 2") && error.contains("no such setting"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_program_that_is_missing_is_reported() -> Result<()> {
    let finished = Program::new("/no/such/program").run(WITHIN).await?;
    assert_eq!(finished.code(), Some(127));
    assert!(Program::built("no-such-program").unwrap_err().to_string().contains("cargo build --workspace --bins"));
    Ok(())
}

#[tokio::test]
async fn a_dropped_program_is_gone_even_if_it_ignores_sigterm() -> Result<()> {
    let program = shell("trap '' TERM; echo deaf; while :; do sleep 0.1; done").start()?;
    program.wait_for_line("deaf", WITHIN).await?;
    program.terminate()?;
    let pid = program.pid();
    assert!(pid.is_alive());
    drop(program);
    assert!(!pid.is_alive());
    Ok(())
}

/// Children are made by one long-lived thread: with the test's own thread they would end here.
#[tokio::test]
async fn a_program_outlives_the_thread_that_asked_for_it() -> Result<()> {
    let (may_end, wait) = std::sync::mpsc::channel::<()>();
    let (hand_over, program) = tokio::sync::oneshot::channel();
    let asked = std::thread::spawn(move || {
        let _ = hand_over.send(shell("echo up; exec sleep 1000").start());
        wait.recv().is_err()
    });
    let program = program.await.unwrap()?;
    program.wait_for_line("up", WITHIN).await?;
    drop(may_end);
    assert!(asked.join().unwrap());
    let ended = program.exited(Duration::from_millis(200)).await;
    assert!(ended.is_err(), "{ended:?}");
    Ok(())
}

#[tokio::test]
async fn waiting_ends_at_its_deadline_and_says_for_what() {
    let short = Duration::from_millis(50);
    let error = eventually(short, "pigs fly", async || Err::<(), _>("no wings")).await.unwrap_err();
    assert_eq!(error.to_string(), "not within 50ms: pigs fly (last: no wings)");
    let hangs = eventually(short, "an answer", async || std::future::pending::<bool>().await).await;
    assert_eq!(hangs.unwrap_err().to_string(), "not within 50ms: an answer");
}
