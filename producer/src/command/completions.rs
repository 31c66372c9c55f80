//! `completions`

use clap::CommandFactory;
use clap_complete::Shell;
use serde_json::json;

use super::report::Report;
use crate::cli::Cli;

/// The script for this shell.
pub(super) fn completions(shell: Shell) -> Report {
    let (mut command, mut script) = (Cli::command(), Vec::new());
    let name = command.get_name().to_owned();
    clap_complete::generate(shell, &mut command, name, &mut script);
    let script = String::from_utf8_lossy(&script).trim_end().to_owned();
    let json = json!({"shell": shell.to_string(), "script": script});
    Report { text: script, json, found_something: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_knows_commands_and_their_values() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let script = completions(shell).text;
            for word in ["kanzleisync-producer", "verify-sync", "approve-deletions", "espocrm"] {
                assert!(script.contains(word), "{shell}: {word}");
            }
        }
    }
}
