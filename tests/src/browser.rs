//! A browser as people have it: Chromium without a window, asked to do what a person does by ChromeDriver.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use axum::http::Method;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fantoccini::error::CmdError;
use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use reqwest::Url;
use serde_json::{Value, json};

use crate::folder::RunFolder;
use crate::installed::{chromedriver, chromium, in_repository};
use crate::process::{EndSignal, Launch, Process};
use crate::wait::eventually;
use crate::{Error, Result};

/// A browser's start reads a hundred megabytes on a machine that may do other things.
const READY_WITHIN: Duration = Duration::from_mins(1);
const PATIENCE: Duration = Duration::from_mins(1);
/// Where [`Browser::picture`] puts its files, in the repository.
const PICTURES: &str = "target/screenshots";
const LOOK: &str = include_str!("browser/look.js");
/// What Chromium would ask of its maker, it does not ask. The pipe ends it when its driver ends, however that ends.
const ARGUMENTS: [&str; 13] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--remote-debugging-pipe",
    "--force-device-scale-factor=1",
];

/// How wide a page is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    Desk,
    Phone,
}

/// What the person's system prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Light,
    Dark,
}

/// A browser with nothing in it; dropping it ends it.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    /// Address of the site, without a path.
    site: String,
    // Declared, and so dropped, before its folder.
    _driver: Process,
    _folder: RunFolder,
}

impl Browser {
    /// Starts one that reads English and is about to visit `site` (`http://host:port`).
    pub async fn at(site: &str) -> Result<Self> {
        let folder = RunFolder::create()?;
        let home = folder.subfolder("browser", None)?;
        let log = home.join("log");
        let launch = Launch {
            program: chromedriver()?,
            args: vec!["--port=0".into()],
            env: BTreeMap::from([
                ("HOME".into(), home.display().to_string()),
                ("TMPDIR".into(), home.display().to_string()),
                ("LC_ALL".into(), "C.UTF-8".into()),
                ("TZ".into(), "Europe/Berlin".into()),
            ]),
            folder: home.clone(),
            account: None,
            end_signal: EndSignal::Kill,
            stdout: log.clone(),
            stderr: log.clone(),
        };
        let driver = Process::start(&launch)?;
        let port = eventually(READY_WITHIN, "ChromeDriver tells its port", async || {
            let said = fs::read_to_string(&log).unwrap_or_default();
            match said.split_once("started successfully on port ") {
                Some((_, rest)) => rest.split('.').next().and_then(|port| port.trim().parse::<u16>().ok()).ok_or(said),
                None => Err(said),
            }
        })
        .await?;
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities(&home.join("profile"))?);
        let address = format!("http://127.0.0.1:{port}");
        let client = tokio::time::timeout(READY_WITHIN, builder.connect(&address)).await;
        let client = client.map_err(|_| Error::new("Chromium does not start"))?;
        let client = client.map_err(|error| Error::new(format!("Chromium does not start: {error}")))?;
        let browser = Self { client, site: site.to_owned(), _driver: driver, _folder: folder };
        browser.look_as(Screen::Desk, Scheme::Light).await?;
        Ok(browser)
    }

    /// Types an address of the site.
    pub async fn goto(&self, path: &str) -> Result<()> {
        self.client.goto(&format!("{}{path}", self.site)).await.map_err(|error| in_words(&error).while_doing(path))
    }

    /// Path and query of the page.
    pub async fn path(&self) -> Result<String> {
        let address = self.client.current_url().await.map_err(|error| in_words(&error))?;
        Ok(address.as_str().strip_prefix(&self.site).unwrap_or(address.as_str()).to_owned())
    }

    /// Clicks the link, button or summary that says this; the first, should there be several.
    pub async fn click(&self, says: &str) -> Result<()> {
        self.click_at(&control(says)).await
    }

    /// Whether a person sees a link, button or summary that says this.
    pub async fn offers(&self, says: &str) -> Result<bool> {
        let found = self.client.find_all(Locator::XPath(&control(says))).await.map_err(|error| in_words(&error))?;
        for element in found {
            if element.is_displayed().await.map_err(|error| in_words(&error))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Clicks what an XPath finds first.
    ///
    /// A page that refreshes itself may replace what was found before it is clicked; it is looked for again until the click is taken.
    pub async fn click_at(&self, xpath: &str) -> Result<()> {
        eventually(PATIENCE, &format!("{xpath} can be clicked"), async || {
            let element = self.client.find(Locator::XPath(xpath)).await?;
            element.click().await
        })
        .await
    }

    /// Types into the field with this label.
    pub async fn type_into(&self, label: &str, text: &str) -> Result<()> {
        let field = format!("//label[normalize-space()={label:?}]/@for");
        let xpath = format!("//*[@id=({field})] | //label[normalize-space()={label:?}]//input");
        let element = self.client.wait().at_most(PATIENCE).for_element(Locator::XPath(&xpath)).await;
        element.map_err(|error| in_words(&error))?.send_keys(text).await.map_err(|error| in_words(&error))
    }

    /// All that a person reads on the page now.
    pub async fn text(&self) -> Result<String> {
        let body = self.client.find(Locator::Css("body")).await.map_err(|error| in_words(&error))?;
        body.text().await.map_err(|error| in_words(&error))
    }

    /// Waits until the page, which nobody touches, says this.
    pub async fn sees(&self, text: &str) -> Result<()> {
        eventually(PATIENCE, &format!("the page says {text:?}"), async || {
            let page = self.text().await?;
            if page.contains(text) { Ok(()) } else { Err(Error::new(page)) }
        })
        .await
    }

    /// From now on pages are shown like this.
    pub async fn look_as(&self, screen: Screen, scheme: Scheme) -> Result<()> {
        let (width, height, is_mobile) = match screen {
            Screen::Desk => (1280, 900, false),
            Screen::Phone => (390, 844, true),
        };
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_mobile});
        self.tell("Emulation.setDeviceMetricsOverride", metrics).await?;
        let scheme = match scheme {
            Scheme::Light => "light",
            Scheme::Dark => "dark",
        };
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.tell("Emulation.setEmulatedMedia", media).await
    }

    /// From now on pages run no script of their own.
    pub async fn forbid_scripts(&self) -> Result<()> {
        self.tell("Emulation.setScriptExecutionDisabled", json!({"value": true})).await
    }

    /// What of the page a person could not read, reach or use: too wide, unnamed, without contrast.
    pub async fn problems(&self) -> Result<Vec<String>> {
        let found = self.client.execute(LOOK, Vec::new()).await.map_err(|error| in_words(&error))?;
        serde_json::from_value(found).map_err(|error| Error::new(error.to_string()))
    }

    /// Presses a key, with nothing clicked before.
    pub async fn press(&self, key: char) -> Result<()> {
        let focused = self.client.active_element().await.map_err(|error| in_words(&error))?;
        focused.send_keys(&key.to_string()).await.map_err(|error| in_words(&error))
    }

    /// Words of what has the keyboard's focus.
    pub async fn focused(&self) -> Result<String> {
        let focused = self.client.active_element().await.map_err(|error| in_words(&error))?;
        focused.text().await.map_err(|error| in_words(&error))
    }

    /// What the browser complained of since this was last asked: errors of scripts, violations of the pages' policy, answers that failed.
    pub async fn complaints(&self) -> Result<Vec<String>> {
        let entries = self.log("browser").await?;
        Ok(entries.iter().map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect())
    }

    /// The sites that were asked for anything since this was last asked.
    pub async fn sites(&self) -> Result<BTreeSet<String>> {
        let entries = self.log("performance").await?;
        let sent = entries.iter().filter_map(|entry| {
            let event: Value = serde_json::from_str(entry["message"].as_str()?).ok()?;
            let address = Url::parse(event["message"]["params"]["request"]["url"].as_str()?).ok()?;
            // The browser's own pages (`data:`, `chrome:`) come from no site.
            let leaves = event["message"]["method"] == "Network.requestWillBeSent" && address.has_host();
            (leaves && !address.scheme().starts_with("chrome")).then(|| address.origin().ascii_serialization())
        });
        Ok(sent.collect())
    }

    /// Keeps a picture of the whole page in `target/screenshots`.
    pub async fn picture(&self, name: &str) -> Result<()> {
        let folder = in_repository(PICTURES);
        fs::create_dir_all(&folder)?;
        let whole = json!({"captureBeyondViewport": true, "format": "png"});
        let answer = self.ask("Page.captureScreenshot", whole).await?;
        let data = answer["data"].as_str().ok_or_else(|| Error::new("no picture"))?;
        let image = STANDARD.decode(data);
        let image = image.map_err(|error| Error::new(error.to_string()))?;
        Ok(fs::write(folder.join(format!("{name}.png")), image)?)
    }

    async fn tell(&self, command: &str, parameters: Value) -> Result<()> {
        self.ask(command, parameters).await.map(drop)
    }

    /// A command of Chromium's own protocol.
    async fn ask(&self, command: &str, parameters: Value) -> Result<Value> {
        self.driver("goog/cdp/execute", json!({"cmd": command, "params": parameters})).await
    }

    async fn log(&self, kind: &str) -> Result<Vec<Value>> {
        match self.driver("se/log", json!({"type": kind})).await? {
            Value::Array(entries) => Ok(entries),
            other => Err(Error::new(format!("no log, but {other}"))),
        }
    }

    async fn driver(&self, path: &'static str, body: Value) -> Result<Value> {
        let command = OfDriver { path, body };
        self.client.issue_cmd(command).await.map_err(|error| in_words(&error).while_doing(path))
    }
}

/// What ChromeDriver can do beyond the standard.
#[derive(Debug)]
struct OfDriver {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for OfDriver {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> std::result::Result<Url, <Url as FromStr>::Err> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}

fn control(says: &str) -> String {
    format!("//*[self::a or self::button or self::summary][normalize-space()={says:?}]")
}

fn capabilities(profile: &Path) -> Result<Capabilities> {
    let mut arguments: Vec<String> = ARGUMENTS.map(str::to_owned).to_vec();
    arguments.push(format!("--user-data-dir={}", profile.display()));
    let wanted = json!({
        "browserName": "chrome",
        "goog:chromeOptions": {
            "binary": chromium()?,
            "args": arguments,
            "prefs": {"intl.accept_languages": "en-GB,en"},
        },
        "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
    });
    serde_json::from_value(wanted).map_err(|error| Error::new(error.to_string()))
}

fn in_words(error: &CmdError) -> Error {
    Error::new(error.to_string())
}
