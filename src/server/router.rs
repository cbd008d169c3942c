//! Which path is what: a page, or a service.

use crate::proto::http::Response;
use std::collections::HashMap;

/// The number of a service of this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ServiceId(pub u16);

/// What a path leads to.
#[derive(Debug)]
pub enum Route {
    /// The same answer for everybody.
    Page(Response),
    /// A service, which answers requests and takes WebSocket connections.
    Service(ServiceId),
}

/// Paths, compared byte for byte.
#[derive(Debug, Default)]
pub struct Router {
    routes: HashMap<String, Route>,
}

impl Router {
    /// Sets what `path` leads to.
    pub fn add(&mut self, path: &str, route: Route) {
        self.routes.insert(path.to_owned(), route);
    }

    /// What `path` leads to.
    pub fn find(&self, path: &str) -> Option<&Route> {
        self.routes.get(path)
    }
}
