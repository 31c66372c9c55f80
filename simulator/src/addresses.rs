//! Where the simulated systems live and what opens them.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::operation::{
    ADVOWARE_PREFIX, CONFIGURATOR_PREFIX, ESPOCRM_PREFIX, GOOGLE_CALENDAR_PREFIX, GOOGLE_TOKEN_PATH, SECURITY_PREFIX,
};

/// Base addresses, named after the settings they are meant for.
#[derive(Debug, Clone, Serialize)]
pub struct Addresses {
    /// `ADVOWARE_API_BASE_URL`, with trailing slash.
    pub advoware_api_base_url: String,
    /// `ADVOWARE_CONFIGURATOR_URL`, with trailing slash.
    pub advoware_configurator_url: String,
    /// `ADVOWARE_AUTH_URL`, with trailing slash.
    pub advoware_auth_url: String,
    /// `ESPOCRM_API_BASE_URL`, includes `/api/v1`, without trailing slash.
    pub espocrm_api_base_url: String,
    /// `GOOGLE_CALENDAR_API_BASE_URL`, with trailing slash.
    pub google_calendar_api_base_url: String,
    /// The `token_uri` of the service account's key file.
    pub google_token_uri: String,
    /// The control interface, with trailing slash.
    pub control_url: String,
}

impl Addresses {
    pub(crate) fn of(listen: SocketAddr) -> Self {
        let base = format!("http://{listen}");
        Self {
            advoware_api_base_url: format!("{base}{ADVOWARE_PREFIX}"),
            advoware_configurator_url: format!("{base}{CONFIGURATOR_PREFIX}"),
            advoware_auth_url: format!("{base}{SECURITY_PREFIX}"),
            espocrm_api_base_url: format!("{base}{ESPOCRM_PREFIX}"),
            google_calendar_api_base_url: format!("{base}{GOOGLE_CALENDAR_PREFIX}"),
            google_token_uri: format!("{base}{GOOGLE_TOKEN_PATH}"),
            control_url: format!("{base}/control/"),
        }
    }
}

/// What the systems accept. None of it opens anything but a simulator.
#[derive(Debug, Clone, Serialize)]
pub struct Credentials {
    /// `ADVOWARE_PRODUCT_ID`.
    pub advoware_product_id: i64,
    /// `ADVOWARE_APP_ID`.
    pub advoware_app_id: String,
    /// `ADVOWARE_API_KEY`, base64.
    pub advoware_api_key: String,
    /// `ADVOWARE_KANZLEI`.
    pub advoware_kanzlei: String,
    /// `ADVOWARE_DATABASE`.
    pub advoware_database: String,
    /// `ADVOWARE_USER`, a Kürzel.
    pub advoware_user: String,
    /// `ADVOWARE_ROLE`.
    pub advoware_role: i64,
    /// `ADVOWARE_PASSWORD`.
    pub advoware_password: String,
    /// `ESPOCRM_API_KEY`.
    pub espocrm_api_key: String,
    /// `client_email` of the service account's key file; the key itself is `GoogleHandle::service_account`.
    pub google_client_email: String,
}

impl Default for Credentials {
    fn default() -> Self {
        Self {
            advoware_product_id: 64,
            advoware_app_id: "simulated-app".to_owned(),
            advoware_api_key: STANDARD.encode("simulated-advoware-key"),
            advoware_kanzlei: "Musterkanzlei".to_owned(),
            advoware_database: "simulated".to_owned(),
            advoware_user: "API".to_owned(),
            advoware_role: 2,
            advoware_password: "simulated-password".to_owned(),
            espocrm_api_key: "simulated-espocrm-key".to_owned(),
            google_client_email: "kanzleisync@simulated.example".to_owned(),
        }
    }
}
