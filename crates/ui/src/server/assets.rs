//! The files that pages load: all of them are in the program, none comes from elsewhere. A file's address has the
//! hash of its content, so browsers keep it for good, and ask for another when the program is another.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::sync::LazyLock;

/// A year, after which a browser asks again.
const FOREVER: &str = "public, max-age=31536000, immutable";

struct Asset {
    name: &'static str,
    kind: &'static str,
    content: &'static str,
}

const ASSETS: [Asset; 3] = [
    Asset {
        name: "style.css",
        kind: "text/css; charset=utf-8",
        content: concat!(include_str!("../../assets/style.css"), include_str!("../../assets/charts.css")),
    },
    Asset {
        name: "pages.js",
        kind: "text/javascript; charset=utf-8",
        content: include_str!("../../assets/pages.js"),
    },
    Asset { name: "icon.svg", kind: "image/svg+xml", content: include_str!("../../assets/icon.svg") },
];

static PATHS: LazyLock<Paths> =
    LazyLock::new(|| Paths { style: path(&ASSETS[0]), script: path(&ASSETS[1]), icon: path(&ASSETS[2]) });

/// The addresses of the files.
pub(crate) struct Paths {
    /// The style sheet.
    pub(crate) style: String,
    /// The script.
    pub(crate) script: String,
    /// The icon.
    pub(crate) icon: String,
}

/// Returns the addresses of the files.
pub(crate) fn paths() -> &'static Paths {
    &PATHS
}

fn path(asset: &Asset) -> String {
    format!("/static/{}/{}", &blake3::hash(asset.content.as_bytes()).to_hex()[..16], asset.name)
}

/// Serves `/static/{hash}/{name}`.
pub(super) async fn serve(Path((hash, name)): Path<(String, String)>) -> Response {
    let wanted = format!("/static/{hash}/{name}");
    let Some(asset) = ASSETS.iter().find(|asset| path(asset) == wanted) else {
        return (StatusCode::NOT_FOUND, "no such file").into_response();
    };
    ([(header::CONTENT_TYPE, asset.kind), (header::CACHE_CONTROL, FOREVER)], asset.content).into_response()
}
