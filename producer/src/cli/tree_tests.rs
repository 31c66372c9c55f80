//! The command line as a whole: what is documented is there, and everything says what it is for.

use clap::{Command, CommandFactory};

use super::Cli;

/// Every command that CONTRACT names.
const DOCUMENTED: [&str; 31] = [
    "serve",
    "enqueue beteiligte",
    "enqueue calendar",
    "requeue",
    "decide",
    "erase",
    "jobs counts",
    "jobs list",
    "jobs show",
    "jobs delete",
    "jobs pause",
    "jobs resume",
    "plan beteiligte",
    "plan calendar",
    "audit verify-sync",
    "audit query-frnr",
    "audit query-event",
    "audit find-duplicates",
    "audit delete-duplicates",
    "audit find-orphaned",
    "audit cleanup-orphaned",
    "audit history",
    "audit restore",
    "policy show",
    "policy set",
    "migrate",
    "doctor",
    "webhooks install",
    "webhooks status",
    "webhooks remove",
    "completions",
];

/// Options that CONTRACT names, with their commands.
const DOCUMENTED_OPTIONS: [(&str, &[&str]); 8] = [
    ("enqueue beteiligte", &["all", "direction"]),
    ("enqueue calendar", &["all"]),
    ("requeue", &["all", "queue", "reason", "dry_run", "approve_deletions", "create_again"]),
    ("policy set", &["strategy", "advoware_write", "anonymize", "calendar_id", "enabled"]),
    ("audit verify-sync", &["all"]),
    ("audit delete-duplicates", &["apply"]),
    ("audit cleanup-orphaned", &["apply"]),
    ("webhooks install", &["url", "show_secrets", "secrets_file"]),
];

fn tree() -> Command {
    let mut tree = Cli::command();
    tree.build();
    tree
}

fn find<'a>(tree: &'a Command, path: &str) -> Option<&'a Command> {
    path.split(' ').try_fold(tree, |inner, name| inner.find_subcommand(name))
}

/// The commands below `command`, each with what is typed for it.
fn walk<'a>(command: &'a Command, typed: &str, found: &mut Vec<(String, &'a Command)>) {
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        let typed = format!("{typed} {}", inner.get_name());
        found.push((typed.clone(), inner));
        walk(inner, &typed, found);
    }
}

#[test]
fn every_documented_command_and_option_exists() {
    let tree = tree();
    for path in DOCUMENTED {
        assert!(find(&tree, path).is_some_and(|command| !command.has_subcommands()), "{path}");
    }
    for (path, options) in DOCUMENTED_OPTIONS {
        let command = find(&tree, path).unwrap();
        for option in options {
            assert!(command.get_arguments().any(|argument| argument.get_id() == option), "{path} --{option}");
        }
    }
}

#[test]
fn every_command_and_argument_says_what_it_is_for_and_takes_json() {
    let (tree, mut found) = (tree(), Vec::new());
    walk(&tree, "", &mut found);
    assert!(found.len() > DOCUMENTED.len(), "groups are commands, too: {}", found.len());
    for (typed, command) in found {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        assert!(about.len() > 10, "{typed}: {about:?}");
        for argument in command.get_arguments().filter(|argument| argument.get_id() != "help") {
            assert!(argument.get_help().is_some(), "{typed}: {}", argument.get_id());
        }
        assert!(command.get_arguments().any(|argument| argument.get_id() == "json"), "{typed}");
    }
}

#[test]
fn every_command_at_the_top_but_the_simplest_has_examples_that_it_understands() {
    use clap::Parser;
    for command in tree().get_subcommands().filter(|inner| !matches!(inner.get_name(), "help" | "serve" | "migrate")) {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let lines: Vec<_> = help.lines().filter(|line| line.contains("kanzleisync-producer")).collect();
        assert!(!lines.is_empty(), "{}", command.get_name());
        for line in lines {
            let typed = line.split(" > ").next().unwrap_or_default();
            let parsed = Cli::try_parse_from(typed.split_whitespace());
            assert!(parsed.is_ok(), "{line}: {:?}", parsed.err());
        }
    }
}
