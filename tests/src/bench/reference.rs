//! What the machine itself can do: the calls of a sync that finds nothing to do, and nothing else.

use futures::future::try_join_all;
use simulator::FirmBeteiligter;
use tokio::time::Instant;

use super::case::Case;
use super::firm::{Firm, told};
use crate::{Error, Result};

/// Pairs of GETs per second, sent as fast as the simulator answers them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reference {
    pub(super) pairs_per_second: f64,
}

impl Reference {
    /// As many pairs as the case has jobs, as many at once as its worker runs.
    pub(super) async fn measure(firm: &Firm, case: Case) -> Result<Self> {
        let token = advoware_token(firm.setting("REDIS_URL")).await?;
        let beteiligte = &firm.beteiligte[..case.jobs];
        // Warm connections here as there.
        ask(firm, &token, &beteiligte[..case.concurrency]).await?;
        let share = case.jobs.div_ceil(case.concurrency);
        let started = Instant::now();
        try_join_all(beteiligte.chunks(share).map(|mine| ask(firm, &token, mine))).await?;
        Ok(Self { pairs_per_second: case.jobs as f64 / started.elapsed().as_secs_f64() })
    }
}

async fn ask(firm: &Firm, token: &str, beteiligte: &[FirmBeteiligter]) -> Result<()> {
    for one in beteiligte {
        let advoware = firm.client.get(format!(
            "{}api/v1/advonet/Beteiligte/{}",
            firm.address("advoware_api_base_url"),
            one.betnr
        ));
        let espocrm = firm.client.get(format!("{}/CBeteiligte/{}", firm.address("espocrm_api_base_url"), one.espo_id));
        tokio::try_join!(
            read(advoware.bearer_auth(token)),
            read(espocrm.header("X-Api-Key", firm.setting("ESPOCRM_API_KEY")))
        )?;
    }
    Ok(())
}

pub(super) async fn read(request: reqwest::RequestBuilder) -> Result<()> {
    let answer = request.send().await.and_then(reqwest::Response::error_for_status).map_err(told)?;
    answer.bytes().await.map(drop).map_err(told)
}

/// The token that the workers share, `<replace at> <token>` in Redis: a log-in of our own would need their signature.
pub(super) async fn advoware_token(redis_url: &str) -> Result<String> {
    let mut redis = redis::Client::open(redis_url)?.get_multiplexed_async_connection().await?;
    let keys: Vec<String> = redis::cmd("KEYS").arg("kanzleisync:advoware:token:*").query_async(&mut redis).await?;
    let key = keys.first().ok_or_else(|| Error::new("no worker has logged in at Advoware"))?;
    let stored: String = redis::cmd("GET").arg(key).query_async(&mut redis).await?;
    let token = stored.split_once(' ').map(|(_, token)| token.to_owned());
    token.ok_or_else(|| Error::new("the shared token is not in its known form"))
}
