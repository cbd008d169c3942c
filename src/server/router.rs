//! Which path is what: a page, or a service.

use crate::proto::http::Page;
use std::collections::HashMap;

/// The number of a service of this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ServiceId(pub u16);

/// What a path leads to.
#[derive(Debug)]
pub enum Route {
    /// The same for everybody.
    Page(Page),
    /// A service, which answers requests and takes WebSocket connections.
    Service(ServiceId),
}

/// Paths, compared byte for byte but for a slash at the end.
#[derive(Debug, Default)]
pub struct Router {
    routes: HashMap<String, Route>,
    /// The paths of services, in the order in which they were added.
    endpoints: Vec<String>,
}

impl Router {
    /// Sets what `path` leads to.
    pub fn add(&mut self, path: &str, route: Route) {
        if let Route::Service(_) = route {
            self.endpoints.push(path.to_owned());
        }
        self.routes.insert(path.to_owned(), route);
    }

    /// What `path` leads to. A slash at its end makes no difference, unless there is something at that very path.
    pub fn find(&self, path: &str) -> Option<&Route> {
        let without_slash = || path.strip_suffix('/').filter(|path| !path.ends_with('/'));
        self.routes.get(path).or_else(|| self.routes.get(without_slash()?))
    }

    /// Where a WebSocket connection can be made, for somebody who has tried elsewhere.
    pub fn endpoints(&self) -> String {
        match self.endpoints.as_slice() {
            [] => "nowhere".to_owned(),
            [only] => only.clone(),
            [others @ .., last] => format!("{} or {last}", others.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::http::Response;

    #[test]
    fn a_slash_at_the_end_makes_no_difference() {
        let mut router = Router::default();
        router.add("/", Route::Page(Response::text(200, "").into()));
        router.add("/ws", Route::Service(ServiceId(0)));
        router.add("/a/", Route::Service(ServiceId(1)));
        let service = |path| match router.find(path) {
            Some(Route::Service(ServiceId(id))) => Some(*id),
            _ => None,
        };
        assert_eq!((service("/ws"), service("/ws/"), service("/a/")), (Some(0), Some(0), Some(1)));
        assert!(
            ["/ws//", "/a", "//", "///", "", "ws/", "/ws/x"].iter().all(|path| router.find(path).is_none())
        );
        assert!(matches!(router.find("/"), Some(Route::Page(_))));
    }

    #[test]
    fn endpoints_are_told_in_order() {
        let mut router = Router::default();
        assert_eq!(router.endpoints(), "nowhere");
        for (path, expected) in [("/ws", "/ws"), ("/echo", "/ws or /echo"), ("/add", "/ws, /echo or /add")] {
            router.add(path, Route::Service(ServiceId(0)));
            assert_eq!(router.endpoints(), expected);
        }
    }
}
