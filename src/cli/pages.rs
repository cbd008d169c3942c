//! The pages that are part of the program, and what browsers are told about them.
//!
//! A page of ours may run and show what comes from here, and connect to here. Nothing comes from anywhere else, nothing
//! that stands in the page itself is run, and no string becomes markup, so a message that tried to be any of that would
//! still do nothing. One file is for the pages of others too: `chinwag.js`, which speaks the chat's protocol. To import it
//! is not to be let in; that is decided where the socket is opened, by `--allow-origin`.

use crate::proto::http::Response;
use crate::server::Server;

const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

const ECHO_HTML: &str = include_str!("../../assets/echo.html");

/// Path, type and content.
const PAGES: &[(&str, &str, &str)] = &[
    ("/", HTML, include_str!("../../assets/chat.html")),
    ("/page.css", CSS, include_str!("../../assets/page.css")),
    ("/chat.css", CSS, include_str!("../../assets/chat.css")),
    ("/dialogs.css", CSS, include_str!("../../assets/dialogs.css")),
    ("/echo.css", CSS, include_str!("../../assets/echo.css")),
    ("/chat.js", JAVASCRIPT, include_str!("../../assets/chat.js")),
    ("/banner.js", JAVASCRIPT, include_str!("../../assets/banner.js")),
    ("/commands.js", JAVASCRIPT, include_str!("../../assets/commands.js")),
    ("/composer.js", JAVASCRIPT, include_str!("../../assets/composer.js")),
    ("/line.js", JAVASCRIPT, include_str!("../../assets/line.js")),
    ("/lines.js", JAVASCRIPT, include_str!("../../assets/lines.js")),
    ("/log.js", JAVASCRIPT, include_str!("../../assets/log.js")),
    ("/own.js", JAVASCRIPT, include_str!("../../assets/own.js")),
    ("/session.js", JAVASCRIPT, include_str!("../../assets/session.js")),
    ("/side.js", JAVASCRIPT, include_str!("../../assets/side.js")),
    ("/echo.js", JAVASCRIPT, include_str!("../../assets/echo.js")),
];

/// The module, for pages from anywhere.
const MODULE: (&str, &str, &str) = ("/chinwag.js", JAVASCRIPT, include_str!("../../assets/chinwag.js"));

/// Has the server answer with them.
pub fn serve(server: &mut Server) {
    for &(path, content_type, body) in PAGES {
        server.page(path, own(content_type, body));
    }
    let (path, content_type, body) = MODULE;
    server.page(path, for_all(page(content_type, body)));
    // A page that may not connect can find out that the server is there, as it could from whether the module loads.
    server.page("/healthz", for_all(Response::text(200, "ok\n").with_header("Cache-Control", "no-store")));
}

/// The page of the echo service, which answers for its path itself.
pub fn echo() -> Response {
    own(HTML, ECHO_HTML)
}

fn own(content_type: &'static str, body: &'static str) -> Response {
    page(content_type, body).with_header("Cross-Origin-Resource-Policy", "same-origin")
}

fn for_all(page: Response) -> Response {
    page.with_header("Cross-Origin-Resource-Policy", "cross-origin")
        .with_header("Access-Control-Allow-Origin", "*")
}

fn page(content_type: &'static str, body: &'static str) -> Response {
    Response::new(200)
        .with_body(content_type, body.as_bytes())
        .with_header("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        .with_header("X-Content-Type-Options", "nosniff")
        .with_header("Referrer-Policy", "no-referrer")
        .with_header("Cache-Control", "no-cache")
}
