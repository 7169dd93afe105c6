//! For whom a proxy asks, as it says in a request's fields: `Forwarded` (RFC 7239), or `X-Forwarded-For` and `X-Forwarded-Proto`.
//!
//! Whoever asks can write what they like into these fields, and each proxy adds to the end. So they are read from the right: what
//! our own proxies wrote counts, and nothing that stands left of the first address that is not one of them.

use clap::ValueEnum;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde::Deserialize;
use std::net::{IpAddr, SocketAddr};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// By which fields an operator's proxies say for whom they ask. Only these are read: the others come through a proxy as the caller
/// wrote them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyFields {
    /// `X-Forwarded-For` and `X-Forwarded-Proto`.
    #[default]
    XForwarded,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// For whom a proxy asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claimed {
    /// From where they came; none where the fields cannot be read that far.
    pub(super) address: Option<IpAddr>,
    /// Whether they came by TLS, where that is said.
    pub(super) by_tls: Option<bool>,
}

/// One hop: who asked, and whether by TLS, as far as that is said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Hop {
    address: Option<IpAddr>,
    by_tls: Option<bool>,
}

/// Reads for whom a proxy asks. One that says nothing asks for nobody who is known.
pub(super) fn claimed(fields: ProxyFields, headers: &HeaderMap, is_proxy: impl Fn(IpAddr) -> bool) -> Claimed {
    match fields {
        ProxyFields::XForwarded => {
            let hops = from_the_right(headers, &X_FORWARDED_FOR).map(|part| part.and_then(node));
            let address = first_beyond(hops, |hop| *hop, is_proxy);
            // What the nearest proxy says: one list of schemes cannot be laid beside another of addresses.
            let last = from_the_right(headers, &X_FORWARDED_PROTO).next().flatten();
            Claimed { address, by_tls: last.and_then(is_https) }
        }
        ProxyFields::Forwarded => {
            let hops = elements_from_the_right(headers).map(|part| part.and_then(hop).unwrap_or_default());
            let hop = first_beyond(hops, |hop| hop.address, is_proxy);
            Claimed { address: hop.address, by_tls: hop.by_tls }
        }
    }
}

/// The first hop that is no proxy of ours, or the farthest one where all of them are.
fn first_beyond<T: Default>(
    hops: impl Iterator<Item = T>,
    address: impl Fn(&T) -> Option<IpAddr>,
    is_proxy: impl Fn(IpAddr) -> bool,
) -> T {
    let mut farthest = T::default();
    for hop in hops {
        let go_on = address(&hop).is_some_and(&is_proxy);
        farthest = hop;
        if !go_on {
            break;
        }
    }
    farthest
}

/// The lines of a field, the last one first (RFC 9110 section 5.3).
fn lines_from_the_right<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = &'a HeaderValue> + use<'a> {
    headers.get_all(name).iter().rev()
}

/// The parts of a list without quoted strings, the last one first. Each is read by itself: no sign in one that its caller wrote takes
/// the next with it, which the proxy wrote.
fn from_the_right<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = Option<&'a str>> + use<'a> {
    lines_from_the_right(headers, name)
        .flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','))
        .map(|part| std::str::from_utf8(part.trim_ascii()).ok())
}

/// The elements of `Forwarded`, the last one first. A line that is no text is one element that cannot be read.
fn elements_from_the_right(headers: &HeaderMap) -> impl Iterator<Item = Option<&str>> + use<'_> {
    lines_from_the_right(headers, &header::FORWARDED).flat_map(|line| {
        let mut elements: Vec<_> = match line.to_str() {
            Ok(text) => split_outside_quotes(text, ',').map(Some).collect(),
            Err(_) => vec![None],
        };
        elements.reverse();
        elements
    })
}

/// Splits where the sign stands outside of quoted strings (RFC 9110 section 5.6.4).
fn split_outside_quotes(text: &str, sign: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |character| {
        let splits = !quoted && character == sign;
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        splits
    })
    .map(str::trim)
}

/// One element of `Forwarded` (RFC 7239 section 4).
fn hop(element: &str) -> Option<Hop> {
    let (mut address, mut scheme) = (None, None);
    for pair in split_outside_quotes(element, ';') {
        let (name, value) = pair.split_once('=')?;
        // Every value, also of what is not looked at: a quote that nothing closes has swallowed what the proxy wrote behind it.
        let value = unquoted(value)?;
        let place = match name.to_ascii_lowercase().as_str() {
            "for" => &mut address,
            "proto" => &mut scheme,
            _ => continue,
        };
        // Each parameter once (section 4): which of two would count?
        if place.replace(value).is_some() {
            return None;
        }
    }
    let by_tls = scheme.and_then(|scheme| is_https(&scheme));
    Some(Hop { address: address.and_then(|text| node(&text)), by_tls })
}

/// Whether a scheme is that of TLS. One that is neither says nothing.
fn is_https(scheme: &str) -> Option<bool> {
    let is = |known| scheme.eq_ignore_ascii_case(known);
    (is("https") || is("http")).then(|| is("https"))
}

/// A token as it is, or a quoted string without its quotes and escapes.
fn unquoted(value: &str) -> Option<String> {
    let Some(inner) = value.strip_prefix('"') else {
        let is_token = !value.contains(['"', ',', ' ', '\t']);
        return is_token.then(|| value.to_owned());
    };
    let mut text = String::new();
    let mut characters = inner.strip_suffix('"')?.chars();
    while let Some(character) = characters.next() {
        text.push(match character {
            '\\' => characters.next()?,
            '"' => return None,
            other => other,
        });
    }
    Some(text)
}

/// The address of a node, which may have a port (RFC 7239 section 6). A name that hides one, such as `unknown` or `_gazonk`, is none.
fn node(text: &str) -> Option<IpAddr> {
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok().filter(IpAddr::is_ipv6);
    let address = text.parse::<IpAddr>().ok().or_else(bracketed);
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    address.or_else(with_port).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn claim(fields: ProxyFields, lines: &[(&'static str, &str)]) -> (Option<String>, Option<bool>) {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let ours = |address: IpAddr| address.to_string().starts_with("10.");
        let claimed = claimed(fields, &headers, ours);
        (claimed.address.map(|address| address.to_string()), claimed.by_tls)
    }

    fn read(fields: ProxyFields, lines: &[(&'static str, &str)]) -> (Option<String>, bool) {
        let (address, by_tls) = claim(fields, lines);
        (address, by_tls == Some(true))
    }

    fn from(lines: &[&str]) -> Option<String> {
        let lines: Vec<_> = lines.iter().map(|line| ("x-forwarded-for", *line)).collect();
        read(ProxyFields::XForwarded, &lines).0
    }

    #[test]
    fn r48_what_stands_left_of_the_first_stranger_was_written_by_it() {
        for (lines, expected) in [
            (&["203.0.113.9"][..], Some("203.0.113.9")),
            (&["127.0.0.1, 203.0.113.9"], Some("203.0.113.9")),
            (&["127.0.0.1, 203.0.113.9, 10.0.0.2"], Some("203.0.113.9")),
            (&["127.0.0.1", "203.0.113.9", "10.0.0.2, 10.0.0.3"], Some("203.0.113.9")),
            (&["10.9.9.9, 203.0.113.9 , 10.0.0.2"], Some("203.0.113.9")),
            // Nobody but proxies: the one that is farthest away.
            (&["10.0.0.3, 10.0.0.2"], Some("10.0.0.3")),
            // It does not say.
            (&[], None),
            (&["203.0.113.9:4711"], Some("203.0.113.9")),
            (&["[2001:db8::1]:4711, 10.0.0.2:80"], Some("2001:db8::1")),
            (&["[2001:db8::1]"], Some("2001:db8::1")),
            (&["2001:db8::1"], Some("2001:db8::1")),
            (&["::ffff:203.0.113.9"], Some("203.0.113.9")),
            // What cannot be read ends the way: nobody is taken for somebody else.
            (&["203.0.113.9, unknown"], None),
            (&["203.0.113.9, "], None),
            (&["203.0.113.9,,10.0.0.2"], None),
            (&["203.0.113.9, 010.0.0.1"], None),
            (&["203.0.113.9, 10.0.0.1 10.0.0.2"], None),
            (&["203.0.113.9, [10.0.0.1]"], None),
            (&["203.0.113.9, \u{ff}"], None),
            // Whatever its caller wrote before it.
            (&["\", 203.0.113.9"], Some("203.0.113.9")),
            (&["\u{ff}, 203.0.113.9"], Some("203.0.113.9")),
        ] {
            assert_eq!(from(lines).as_deref(), expected, "{lines:?}");
        }
    }

    #[test]
    fn the_nearest_proxy_says_whether_it_was_tls() {
        let secure = |protos: &[&str]| {
            let lines: Vec<_> = protos.iter().map(|line| ("x-forwarded-proto", *line)).collect();
            read(ProxyFields::XForwarded, &lines).1
        };
        assert!(secure(&["https"]) && secure(&["HTTPS"]) && secure(&["http, https"]) && secure(&["http", "https"]));
        assert!(!secure(&[]) && !secure(&["http"]) && !secure(&["https, http"]) && !secure(&["https", "http"]));
        assert!(!secure(&["https,"]) && !secure(&["wss"]) && !secure(&["https http"]));
    }

    #[test]
    fn a_proxy_that_says_nothing_does_not_say_http() {
        let by_tls = |fields, line: (&'static str, &str)| claim(fields, &[line]).1;
        for (word, said) in [("http", Some(false)), ("https", Some(true)), ("wss", None), ("", None)] {
            assert_eq!(by_tls(ProxyFields::XForwarded, ("x-forwarded-proto", word)), said, "{word}");
            let element = format!("for=203.0.113.9;proto={word}");
            assert_eq!(by_tls(ProxyFields::Forwarded, ("forwarded", &element)), said, "{word}");
        }
        assert_eq!(by_tls(ProxyFields::Forwarded, ("forwarded", "for=203.0.113.9")), None);
        assert_eq!(by_tls(ProxyFields::Forwarded, ("forwarded", "proto=http, \"")), None);
    }

    #[test]
    fn rfc7239_4_an_element_says_who_and_how() {
        let read = |line: &str| read(ProxyFields::Forwarded, &[("forwarded", line)]);
        let who = |text: &str| Some(text.to_owned());
        assert_eq!(read("for=203.0.113.9;proto=https"), (who("203.0.113.9"), true));
        assert_eq!(read("For=\"[2001:db8::1]:4711\" ; Proto=\"https\";by=10.0.0.1"), (who("2001:db8::1"), true));
        assert_eq!(read("for=127.0.0.1;proto=https, for=203.0.113.9"), (who("203.0.113.9"), false));
        assert_eq!(read("for=203.0.113.9;proto=https, for=10.0.0.2;proto=http"), (who("203.0.113.9"), true));
        // A comma in quotes is in quotes.
        assert_eq!(read("for=\"203.0.113.9, for=10.0.0.2\""), (None, false));
        assert_eq!(read("host=\"a,b\\\"\";for=203.0.113.9"), (who("203.0.113.9"), false));
        for unread in [
            "for=unknown;proto=https",
            "for=_gazonk;proto=https",
            "for=203.0.113.9;for=127.0.0.1;proto=https",
            // A quote that the caller left open swallows what the proxy adds to the same line.
            "for=127.0.0.1;proto=https;x=\", for=203.0.113.9;proto=http",
            "for=127.0.0.1;proto=https;x=\", for=\"[2001:db8::9]\";proto=http",
            "for=127.0.0.1;proto=https;x=\", for=\"[2001:db8::9]\";proto=http;host=\"a\"",
            "for=127.0.0.1;proto=https;x=\"\\, for=203.0.113.9;proto=http",
            "for=\"203.0.113.9;proto=https",
            "203.0.113.9",
            "for=203.0.113.9;proto=https, ",
        ] {
            assert_eq!(read(unread).0, None, "{unread}");
        }
        assert_eq!(self::read(ProxyFields::Forwarded, &[]), (None, false));
    }

    #[test]
    fn r48_only_the_fields_that_are_set_are_read() {
        let lines =
            [("x-forwarded-for", "127.0.0.1"), ("x-forwarded-proto", "https"), ("x_forwarded_for", "127.0.0.2")];
        assert_eq!(read(ProxyFields::Forwarded, &lines), (None, false));
        let lines = [("forwarded", "for=127.0.0.1;proto=https"), ("x-real-ip", "127.0.0.2")];
        assert_eq!(read(ProxyFields::XForwarded, &lines), (None, false));
    }

    proptest! {
        #[test]
        fn r48_no_line_before_that_of_our_proxy_changes_what_it_says(forged in "[ -~]{0,60}") {
            prop_assert_eq!(from(&[&forged, "203.0.113.9, 10.0.0.2"]), Some("203.0.113.9".to_owned()));
            prop_assert_eq!(from(&[&format!("{forged}, 203.0.113.9, 10.0.0.2")]), Some("203.0.113.9".to_owned()));
            let lines = [("forwarded", forged.as_str()), ("forwarded", "for=203.0.113.9;proto=https")];
            prop_assert_eq!(read(ProxyFields::Forwarded, &lines), (Some("203.0.113.9".to_owned()), true));
        }

        #[test]
        fn r48_what_is_written_before_on_the_same_line_makes_nobody_of_its_caller_at_most(
            forged in "(for=127\\.0\\.0\\.1|proto=https|x=|[;,\"\\\\ a]){0,12}",
            added in prop::sample::select(vec!["for=203.0.113.9", "for=\"[2001:db8::9]:80\";host=\"a\"", "by=\"a\";for=203.0.113.9"]),
        ) {
            let (address, secure) = read(ProxyFields::Forwarded, &[("forwarded", &format!("{forged}, {added}"))]);
            prop_assert!(address.is_none_or(|address| ["203.0.113.9", "2001:db8::9"].contains(&address.as_str())));
            prop_assert!(!secure);
        }
    }
}
