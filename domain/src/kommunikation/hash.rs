//! `kommunikationHash` (K4): a hint for people and for older scripts; items decide, not the hash.

use std::fmt::Write;

use md5::{Digest, Md5};

use crate::ids::RowId;

/// First 16 hex digits of MD5 over the sorted change tokens, joined without separator.
pub(super) fn of_row_ids<'a>(row_ids: impl IntoIterator<Item = &'a RowId>) -> String {
    let mut sorted: Vec<&str> = row_ids.into_iter().map(|row_id| row_id.0.as_str()).collect();
    sorted.sort_unstable();
    let mut digest = Md5::new();
    for row_id in sorted {
        digest.update(row_id);
    }
    digest.finalize().iter().take(8).fold(String::with_capacity(16), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k4_matches_the_known_values() {
        let first = RowId("FBABAAAAEMDGACAAFLBGNLBAAAAAEDNHOEAFAAAA".to_owned());
        let second = RowId("GBABAAAAEMDGACAAFLBGNLBAAAAAEDNHOEAFAAAA".to_owned());
        assert_eq!(of_row_ids([&second, &first]), "df2de7fd69a9a442");
        assert_eq!(of_row_ids([]), "d41d8cd98f00b204");
    }
}
