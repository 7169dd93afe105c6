//! A path in every way in which some server may read it.
//!
//! Who decides about a path and who serves it are two programs, and they may read it differently: one decodes `%2e%2e`, another
//! takes `\` for `/`, a third forgets the case. So a path counts for what a policy says only if every reading of it leads to the
//! same policy; otherwise nobody knows which of them is asked for.

use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// The longest path that is read.
const LONGEST: usize = 4_096;
/// How often some chain of servers may decode.
const DECODINGS: usize = 2;

/// The most readings that are followed. Who writes a path that has more means no good.
const MOST: usize = 256;

/// Every reading of a path, the one as it was sent first. None where it cannot be read at all: it is no path of a request (RFC 9112
/// section 3.2.1), has an encoding that is none, or a sign that no path should have. Letters are left as they are: policies are
/// found in both ways.
pub(super) fn readings(path: &str) -> Option<Vec<Cow<'_, str>>> {
    if !path.starts_with('/') || path.len() > LONGEST {
        return None;
    }
    let mut found = vec![Cow::Borrowed(path)];
    let is_text = path.bytes().all(|byte| byte.is_ascii_graphic() && !b"#?".contains(&byte));
    if !is_text || !encodings_are_whole(path) {
        return None;
    }
    // Each step may be taken or left out by some server, between one decoding and the next.
    let steps: [fn(&str) -> Cow<'_, str>; 8] =
        [cut, with_slashes, without_parameters, without_ends, merged, resolved, merged, trimmed];
    for _ in 0..=DECODINGS {
        for step in steps {
            add_all(&mut found, |reading| Some(step(reading).into_owned()))?;
        }
        let before = found.len();
        add_all(&mut found, decoded)?;
        if found.len() == before {
            return Some(found);
        }
    }
    // It is encoded more often than anybody encodes who means no harm.
    None
}

/// Adds what becomes of each reading; none where one becomes no path, or there are too many.
fn add_all(found: &mut Vec<Cow<'_, str>>, step: impl Fn(&str) -> Option<String>) -> Option<()> {
    for index in 0..found.len() {
        let next = step(&found[index])?;
        if !found.iter().any(|known| **known == next) {
            found.push(Cow::Owned(next));
        }
        if found.len() > MOST {
            return None;
        }
    }
    Some(())
}

/// Once decoded; none where what comes out is no text, or one that no path should have.
fn decoded(path: &str) -> Option<String> {
    let text = percent_decode_str(path).decode_utf8().ok()?;
    (!text.chars().any(char::is_control)).then(|| text.into_owned())
}

/// Whether there is but one way to read it: then its readings need not be looked for.
pub(super) fn is_plain(path: &str) -> bool {
    let (mut before, mut is_plain) = (0, true);
    for byte in path.bytes() {
        is_plain &= byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
        is_plain &= !matches!([before, byte], [b'/', b'/' | b'.'] | [b'.', b'/']);
        before = byte;
    }
    is_plain && path.starts_with('/') && path.len() <= LONGEST && (path.len() == 1 || !matches!(before, b'/' | b'.'))
}

/// Whether each `%` is followed by two hexadecimal digits (RFC 3986 section 2.1).
fn encodings_are_whole(path: &str) -> bool {
    let mut parts = path.split('%');
    parts.next();
    parts.all(|part| part.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)))
}

/// Up to what begins a query or a fragment, once it is decoded.
fn cut(path: &str) -> Cow<'_, str> {
    path.split(['?', '#']).next().unwrap_or_default().into()
}

fn with_slashes(path: &str) -> Cow<'_, str> {
    if path.contains('\\') { path.replace('\\', "/").into() } else { path.into() }
}

/// Without what follows a semicolon in each segment, as some servers read it (RFC 3986 section 3.3).
fn without_parameters(path: &str) -> Cow<'_, str> {
    if !path.contains(';') {
        return path.into();
    }
    let segments: Vec<_> = path.split('/').map(|segment| segment.split(';').next().unwrap_or_default()).collect();
    segments.join("/").into()
}

fn merged(path: &str) -> Cow<'_, str> {
    let mut text: Cow<'_, str> = path.into();
    while text.contains("//") {
        text = text.replace("//", "/").into();
    }
    text
}

/// Without dot segments (RFC 3986 section 5.2.4).
fn resolved(path: &str) -> Cow<'_, str> {
    if !path.contains("/.") {
        return path.into();
    }
    let mut kept: Vec<&str> = Vec::new();
    let mut ends_in_folder = false;
    for segment in path.split('/').skip(1) {
        ends_in_folder = matches!(segment, "." | "..");
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            other => kept.push(other),
        }
    }
    if ends_in_folder {
        kept.push("");
    }
    format!("/{}", kept.join("/")).into()
}

/// Without dots and spaces at the end of a name, which some file systems do not see.
fn without_ends(path: &str) -> Cow<'_, str> {
    if !path.contains(['.', ' ']) {
        return path.into();
    }
    let bare = |segment: &str| match segment {
        "." | ".." => segment.len(),
        other => other.trim_end_matches(['.', ' ']).len(),
    };
    path.split('/').map(|segment| &segment[..bare(segment)]).collect::<Vec<_>>().join("/").into()
}

/// Without what many servers do not see at the end of a path.
fn trimmed(path: &str) -> Cow<'_, str> {
    let end = path.trim_end_matches(['/', '.', ' ']);
    if end.is_empty() { "/".into() } else { end.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reads_as(path: &str, other: &str) -> bool {
        readings(path).is_none_or(|readings| readings.iter().any(|reading| reading == other))
    }

    #[test]
    fn a_plain_path_has_one_reading() {
        for path in ["/", "/v1/orders/7", "/v1/Orders/A-7_b~c.json"] {
            assert_eq!(readings(path).unwrap(), [path]);
        }
    }

    #[test]
    fn r46_every_way_to_write_another_path_is_found() {
        for path in [
            "/public/../admin",
            "/public/./../admin",
            "//admin",
            "/public//../admin",
            "/admin/",
            "/admin.",
            "/admin/.",
            "/./admin",
            "/%61dmin",
            "/%2561dmin",
            "/public/%2e%2e/admin",
            "/public/%252e%252e/admin",
            "/public%2f..%2fadmin",
            "/public/..%2fadmin",
            "/public\\..\\admin",
            "/public%5c..%5cadmin",
            "/public/..;/admin",
            "/public;x/..;y/admin;z",
            "/admin;jsessionid=1",
            "/admin%20",
            "/admin%3bx",
            "/Public/%2E%2E/admin/",
            "/admin./",
            "/public\\..\\admin//..\\admin",
            "/public;x/..;/y//..;/admin",
            "/public/..%5Cadmin",
            "/admin%23/x",
            "/admin%3fx",
            "/public/%252e%252e/admin%2523x",
        ] {
            assert!(reads_as(path, "/admin"), "{path}: {:?}", readings(path));
        }
    }

    #[test]
    fn r46_a_server_may_leave_out_any_step() {
        // Slashes turned and dots resolved, and doubled slashes left: as the URL Standard has it.
        assert!(reads_as("/y\\..\\admin//..\\x", "/admin/x"));
        // Parameters and dots, and doubled slashes left.
        assert!(reads_as("/x;/..;/admin//..;/u", "/admin/u"));
        assert!(reads_as("/admin./users", "/admin/users"));
    }

    #[test]
    fn what_no_path_should_have_is_not_read() {
        for path in [
            "",
            "admin",
            "*",
            "http://h/admin",
            "/a b",
            "/a\u{e4}",
            "/a#b",
            "/a?b",
            "/%",
            "/%2",
            "/%zz",
            "/a%00",
            "/a%0d%0a",
            "/a%7f",
            "/%c0%ae%c0%ae/admin",
            "/%25252525252e",
            &format!("/{}", "a".repeat(5_000)),
        ] {
            assert_eq!(readings(path), None, "{path}");
        }
    }

    proptest! {
        #[test]
        fn r46_however_it_is_disguised_it_is_found(
            up in prop::sample::select(vec!["..", "%2e%2e", "%2E.", ".%2e", "..;a", "%252e%252e"]),
            slash in prop::sample::select(vec!["/", "//", "/./", "\\", "%2f", "%5C", "/;/"]),
            name in prop::sample::select(vec!["admin", "admin.", "%61dmin", "admin;x", "a%64min"]),
            end in prop::sample::select(vec!["", "/", "/.", ";", "."]),
        ) {
            let path = format!("/public{slash}{up}{slash}{name}{end}");
            prop_assert!(reads_as(&path, "/admin"), "{}: {:?}", path, readings(&path));
        }

        #[test]
        fn reading_never_fails_otherwise(path in "/[ -~]{0,80}") {
            if let Some(readings) = readings(&path) {
                prop_assert_eq!(&readings[0], &path);
                prop_assert!(readings.len() <= MOST);
            }
        }
    }
}
