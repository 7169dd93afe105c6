//! The names of the machine that this server runs on, as addresses have them.

use url::Url;

/// Every name: by number in either version of IP, and by word.
pub(crate) const NAMES: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// Whether an address is on this machine, where nobody listens on the way.
pub(crate) fn has(url: &Url) -> bool {
    url.host_str().is_some_and(|host| NAMES.contains(&host))
}
