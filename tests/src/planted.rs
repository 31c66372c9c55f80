//! Values that are planted in both systems and must not appear anywhere else (E2).

use crate::Result;
use crate::world::World;

/// What places there are, and all that each of them says.
pub type Said = Vec<(&'static str, String)>;

/// None of `planted`, in lower case, is said anywhere. A place that says nothing proves nothing.
pub fn then_unsaid(planted: &[&str], said: Said) {
    for (place, output) in said {
        let lower = output.to_lowercase();
        assert!(lower.len() > 10, "{place} said nothing, so this test proves nothing");
        for value in planted {
            if let Some(at) = lower.find(value) {
                let before = lower.get(..at).map_or(0, |text| text.chars().count());
                let around: String = lower.chars().skip(before.saturating_sub(200)).take(400).collect();
                panic!("{value} appears in {place}: ...{around}...");
            }
        }
    }
}

impl World {
    /// All that this world's Redis holds, but Advoware's token, which has to be there.
    pub async fn queue_text(&self) -> Result<String> {
        let mut redis = self.redis.connection().await?;
        redis::cmd("SELECT").arg(1).exec_async(&mut redis).await?;
        let keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut redis).await?;
        let mut text = String::new();
        for key in keys.iter().filter(|key| !key.starts_with("kanzleisync:advoware:token")) {
            let value: Vec<u8> = redis::cmd("DUMP").arg(key).query_async(&mut redis).await?;
            text.push_str(key);
            text.push_str(&String::from_utf8_lossy(&value));
        }
        Ok(text)
    }
}
