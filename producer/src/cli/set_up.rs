//! Commands for setting the product up and for looking whether it still stands.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use clap_complete::Shell;
use shared::http::BaseUrl;

use super::values;

/// `doctor`
#[derive(Debug, Args)]
pub struct Doctor {
    /// How long each check may take, e.g. `20s`
    #[arg(long, value_name = "DURATION", default_value = "20s", value_parser = values::duration)]
    pub timeout: Duration,
}

/// What can be done with EspoCRM's webhooks.
#[derive(Debug, Subcommand)]
pub enum Webhooks {
    /// Register those that are missing, correct an address, switch on what is off; does nothing where all are right
    Install(InstallWebhooks),
    /// Show each webhook: right, missing, inactive, at another address. Exit code 1: something is not right
    Status(WebhookAddress),
    /// Show what would be removed; with `--apply`: remove it
    Remove(RemoveWebhooks),
}

/// Where EspoCRM reaches the producer.
#[derive(Debug, Args)]
pub struct WebhookAddress {
    /// Address at which EspoCRM reaches the producer, e.g. `https://sync.example.org/` [default: `PRODUCER_PUBLIC_URL`]
    #[arg(long, value_name = "URL", value_parser = BaseUrl::parse)]
    pub url: Option<BaseUrl>,
}

/// `webhooks install`
#[derive(Debug, Args)]
pub struct InstallWebhooks {
    /// Where to
    #[command(flatten)]
    pub address: WebhookAddress,
    /// Write the value for `ESPOCRM_WEBHOOK_SECRETS` into this file (mode 600), for `ESPOCRM_WEBHOOK_SECRETS_FILE`
    #[arg(long, value_name = "PATH")]
    pub secrets_file: Option<PathBuf>,
    /// Print the value for `ESPOCRM_WEBHOOK_SECRETS`; whoever sees it can forge webhooks
    #[arg(long)]
    pub show_secrets: bool,
}

/// `webhooks remove`
#[derive(Debug, Args)]
pub struct RemoveWebhooks {
    /// Do it; else only tell what it would be
    #[arg(long)]
    pub apply: bool,
}

/// `completions`
#[derive(Debug, Args)]
pub struct Completions {
    /// For which shell
    #[arg(value_name = "SHELL", value_parser = values::shell())]
    pub shell: Shell,
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use clap::error::ErrorKind;

    use super::*;
    use crate::cli::{Cli, Command};

    fn parse(line: &str) -> Result<Command, ErrorKind> {
        let words = ["producer"].into_iter().chain(line.split_whitespace());
        let cli = Cli::try_parse_from(words).map_err(|error| error.kind())?;
        Ok(cli.command.unwrap_or(Command::Serve))
    }

    #[test]
    fn webhooks_are_removed_only_when_told_to_and_secrets_shown_only_when_asked() {
        let webhooks = |line| match parse(line) {
            Ok(Command::Webhooks { what }) => what,
            other => panic!("{line}: {other:?}"),
        };
        assert!(matches!(webhooks("webhooks remove"), Webhooks::Remove(RemoveWebhooks { apply: false })));
        assert!(matches!(webhooks("webhooks remove --apply"), Webhooks::Remove(RemoveWebhooks { apply: true })));
        let Webhooks::Install(install) = webhooks("webhooks install --url https://sync.example.org") else {
            panic!("another command");
        };
        assert!(install.address.url.is_some() && !install.show_secrets && install.secrets_file.is_none());
        assert_eq!(parse("webhooks install --url sync.example.org").unwrap_err(), ErrorKind::ValueValidation);
        assert_eq!(parse("webhooks").unwrap_err(), ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand);
    }

    #[test]
    fn three_shells_are_completed() {
        for shell in ["bash", "zsh", "fish"] {
            assert!(matches!(parse(&format!("completions {shell}")), Ok(Command::Completions(_))), "{shell}");
        }
        assert_eq!(parse("completions tcsh").unwrap_err(), ErrorKind::InvalidValue);
    }
}
