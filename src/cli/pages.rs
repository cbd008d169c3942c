//! The pages that are part of the program, and what browsers are told about them.
//!
//! A page of ours may run and show what comes from here, and connect to here. Nothing comes from anywhere else, nothing
//! that stands in the page itself is run, and no string becomes markup, so a message that tried to be any of that would
//! still do nothing. One file is for the pages of others too: `chinwag.js`, which speaks the chat's protocol. To import it
//! is not to be let in; that is decided where the socket is opened, by `--allow-origin`.

use crate::proto::http::{Page, Response};
use crate::server::Server;

const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// A file of `assets`, as it is and as the build script has compressed it.
#[derive(Clone, Copy)]
struct Asset {
    plain: &'static [u8],
    gzip: &'static [u8],
    brotli: &'static [u8],
}

macro_rules! asset {
    ($name:literal) => {
        Asset {
            plain: include_bytes!(concat!("../../assets/", $name)),
            gzip: include_bytes!(concat!(env!("OUT_DIR"), '/', $name, ".gz")),
            brotli: include_bytes!(concat!(env!("OUT_DIR"), '/', $name, ".br")),
        }
    };
}

const ECHO_HTML: Asset = asset!("echo.html");

/// Path, type and content.
const PAGES: &[(&str, &str, Asset)] = &[
    ("/", HTML, asset!("chat.html")),
    ("/page.css", CSS, asset!("page.css")),
    ("/chat.css", CSS, asset!("chat.css")),
    ("/dialogs.css", CSS, asset!("dialogs.css")),
    ("/echo.css", CSS, asset!("echo.css")),
    ("/chat.js", JAVASCRIPT, asset!("chat.js")),
    ("/banner.js", JAVASCRIPT, asset!("banner.js")),
    ("/commands.js", JAVASCRIPT, asset!("commands.js")),
    ("/composer.js", JAVASCRIPT, asset!("composer.js")),
    ("/dialogs.js", JAVASCRIPT, asset!("dialogs.js")),
    ("/line.js", JAVASCRIPT, asset!("line.js")),
    ("/lines.js", JAVASCRIPT, asset!("lines.js")),
    ("/log.js", JAVASCRIPT, asset!("log.js")),
    ("/own.js", JAVASCRIPT, asset!("own.js")),
    ("/session.js", JAVASCRIPT, asset!("session.js")),
    ("/side.js", JAVASCRIPT, asset!("side.js")),
    ("/echo.js", JAVASCRIPT, asset!("echo.js")),
];

/// The module, for pages from anywhere.
const MODULE: (&str, &str, Asset) = ("/chinwag.js", JAVASCRIPT, asset!("chinwag.js"));

/// Has the server answer with them.
pub fn serve(server: &mut Server) {
    for &(path, content_type, asset) in PAGES {
        server.page(path, own(content_type, asset));
    }
    let (path, content_type, asset) = MODULE;
    server.page(path, for_all(page(content_type, asset)));
    // A page that may not connect can find out that the server is there, as it could from whether the module loads.
    let health = Page::from(Response::text(200, "ok\n")).with_header("Cache-Control", "no-store");
    server.page("/healthz", for_all(health));
}

/// The page of the echo service, which answers for its path itself.
pub fn echo() -> Page {
    own(HTML, ECHO_HTML)
}

fn own(content_type: &'static str, asset: Asset) -> Page {
    page(content_type, asset).with_header("Cross-Origin-Resource-Policy", "same-origin")
}

fn for_all(page: Page) -> Page {
    page.with_header("Cross-Origin-Resource-Policy", "cross-origin")
        .with_header("Access-Control-Allow-Origin", "*")
}

/// Browsers keep a page and ask each time whether it is still the one, so a new version of the program is a new page.
fn page(content_type: &'static str, asset: Asset) -> Page {
    Page::new(content_type, asset.plain)
        .with_coding("gzip", asset.gzip)
        .with_coding("br", asset.brotli)
        .with_header("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        .with_header("X-Content-Type-Options", "nosniff")
        .with_header("Referrer-Policy", "no-referrer")
        .with_header("Cache-Control", "no-cache")
}
