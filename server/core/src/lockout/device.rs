//! Browsers that have opened an account before: they have an allowance of their own, so that nobody else's tries are theirs.

use crate::{
    ports::Ports,
    random::base62,
    secret::{DigestKey, digests_equal, hex},
};
use latchkey_model::EmailAddress;
use std::net::IpAddr;

/// Who tries: from where, and with which browser.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// From where.
    pub address: IpAddr,
    /// What the browser keeps to be known by.
    pub device: Option<DeviceCookie>,
}

impl Visitor {
    /// Somebody who comes without a browser.
    pub const fn at(address: IpAddr) -> Self {
        Self { address, device: None }
    }
}

/// What a browser keeps: a name of its own, and for each account that it opened a mark that only this server can make. It opens
/// nothing; whoever steals it has some tries more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceCookie {
    name: String,
    marks: Vec<String>,
}

impl DeviceCookie {
    const NAME_LENGTH: usize = 22;
    /// How many accounts a browser is known for.
    const ACCOUNTS: usize = 4;
    const MARK_LENGTH: usize = 64;

    /// What a cookie says; nothing where it is not one of ours.
    pub fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let name = parts
            .next()
            .filter(|name| name.len() == Self::NAME_LENGTH && name.bytes().all(|byte| byte.is_ascii_alphanumeric()))?;
        let marks: Vec<_> = parts.map(str::to_owned).collect();
        let fine = marks.len() <= Self::ACCOUNTS
            && marks
                .iter()
                .all(|mark| mark.len() == Self::MARK_LENGTH && mark.bytes().all(|byte| byte.is_ascii_hexdigit()));
        fine.then(|| Self { name: name.to_owned(), marks })
    }

    /// The cookie's value.
    pub fn written(&self) -> String {
        std::iter::once(&self.name).chain(&self.marks).map(String::as_str).collect::<Vec<_>>().join(".")
    }

    /// The name by which this browser's tries are counted, if it has opened the account of this address.
    pub(super) fn known_for(&self, key: &DigestKey, canonical: &str) -> Option<[u8; 32]> {
        let mark = mark(key, &self.name, canonical);
        let known = self.marks.iter().filter_map(|text| bytes(text)).any(|known| digests_equal(&known, &mark));
        known.then_some(mark)
    }

    /// The cookie of a browser that has just opened the account of this address.
    pub(super) fn with(before: Option<&Self>, key: &DigestKey, email: &EmailAddress, ports: &Ports) -> Self {
        let name = before.map_or_else(|| base62(ports.random(), Self::NAME_LENGTH), |before| before.name.clone());
        let new = hex(&mark(key, &name, &email.canonical()));
        let others = before.map(|before| before.marks.as_slice()).unwrap_or_default();
        let others = others.iter().filter(|mark| **mark != new).take(Self::ACCOUNTS - 1).cloned();
        Self { marks: std::iter::once(new.clone()).chain(others).collect(), name }
    }
}

fn mark(key: &DigestKey, name: &str, canonical: &str) -> [u8; 32] {
    key.digest(format!("device|{name}|{canonical}").as_bytes())
}

/// Reads what `hex` wrote.
pub(super) fn bytes(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::MasterKey;

    #[test]
    fn a_mark_is_for_one_browser_and_one_address() {
        let key = MasterKey::new([7; 32]).derive("lockout");
        let name = "0123456789ABCDEFabcdef".to_owned();
        let own = hex(&mark(&key, &name, "ada@example.org"));
        let cookie = DeviceCookie { name, marks: vec![own] };
        let read = DeviceCookie::read(&cookie.written()).unwrap();
        assert_eq!(read, cookie);
        assert!(read.known_for(&key, "ada@example.org").is_some());
        assert_eq!(read.known_for(&key, "eve@example.org"), None);
        let other = DeviceCookie { name: "0123456789ABCDEFabcdeF".to_owned(), ..cookie.clone() };
        assert_eq!(other.known_for(&key, "ada@example.org"), None, "a mark of another browser");
        assert_eq!(cookie.known_for(&MasterKey::new([8; 32]).derive("lockout"), "ada@example.org"), None);
        let (written, mark) = (cookie.written(), &cookie.marks[0]);
        for bad in
            ["", "x", &written[1..], &format!("{written}.x"), &[written.as_str(), mark, mark, mark, mark].join(".")]
        {
            assert_eq!(DeviceCookie::read(bad), None, "{bad}");
        }
    }
}
