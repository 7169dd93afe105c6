//! Under which name requests of a route are counted and logged.

use std::{
    fmt,
    hash::{Hash, Hasher},
    ops::Deref,
    sync::Arc,
};

/// The pattern of a route: one of our own, which there always is, or one of a guarded API, which an operator wrote.
#[derive(Clone)]
pub enum RouteName {
    /// Our own.
    Own(&'static str),
    /// A guarded API's.
    Guarded(Arc<str>),
}

impl Deref for RouteName {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Own(name) => name,
            Self::Guarded(name) => name,
        }
    }
}

impl PartialEq for RouteName {
    fn eq(&self, other: &Self) -> bool {
        let (one, other): (&str, &str) = (self, other);
        // Mostly it is the very same.
        std::ptr::eq(one, other) || one == other
    }
}

impl Eq for RouteName {}

impl Hash for RouteName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl fmt::Debug for RouteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Display for RouteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}
