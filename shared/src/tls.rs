//! TLS as a client: the one place that decides whom to trust.

use std::sync::{Arc, OnceLock};

use rustls::{ClientConfig, RootCertStore};

/// TLS with ring, trusting Mozilla's roots and those of the machine: a firm's EspoCRM or Redis may stand behind its own
/// authority, and a bare container may have no roots at all. `SSL_CERT_FILE` and `SSL_CERT_DIR` name the machine's.
pub(crate) fn client_config() -> Result<Arc<ClientConfig>, rustls::Error> {
    static CONFIG: OnceLock<Result<Arc<ClientConfig>, rustls::Error>> = OnceLock::new();
    let build = || {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Arc::new(config))
    };
    CONFIG.get_or_init(build).clone()
}
