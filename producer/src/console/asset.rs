//! Style, script and icon of the console: files of ours, in the program. Their addresses change with their content, so browsers keep them.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use md5::{Digest, Md5};

/// A file of the program.
pub(super) struct Asset {
    stem: &'static str,
    ending: &'static str,
    kind: &'static str,
    content: &'static str,
}

pub(super) const STYLE: Asset =
    Asset { stem: "console", ending: "css", kind: "text/css", content: include_str!("assets/console.css") };
pub(super) const SCRIPT: Asset =
    Asset { stem: "console", ending: "js", kind: "text/javascript", content: include_str!("assets/console.js") };
pub(super) const ICON: Asset =
    Asset { stem: "icon", ending: "svg", kind: "image/svg+xml", content: include_str!("assets/icon.svg") };

fn name(asset: &Asset) -> String {
    let hash = Md5::digest(asset.content.as_bytes());
    format!("{}-{:02x}{:02x}{:02x}{:02x}.{}", asset.stem, hash[0], hash[1], hash[2], hash[3], asset.ending)
}

/// Where a page finds it.
pub(super) fn address(asset: &Asset) -> String {
    format!("/console/assets/{}", name(asset))
}

/// `GET /console/assets/{name}`
pub(super) async fn serve(Path(wanted): Path<String>) -> Response {
    let Some(asset) = [STYLE, SCRIPT, ICON].into_iter().find(|asset| name(asset) == wanted) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [(CONTENT_TYPE, asset.kind), (CACHE_CONTROL, "public, max-age=31536000, immutable")];
    (headers, asset.content).into_response()
}
