//! Finds secrets of ours in any bytes, known by their checksum: in a text at hand, or in a stream of any size.
//!
//! What stands left and right of a key does not matter: a key glued to other letters is leaked all the same, and the checksum
//! keeps other text from looking like one (one chance in 4,294,967,296 for text of the right shape).

use crate::api_key::{
    PlainApiKey,
    format::{CHECKSUM_LENGTH, ID_LENGTH, MARK, SECRET_LENGTH},
};
use latchkey_model::KeyKind;
use memchr::{memchr_iter, memmem, memrchr};

/// The longest word between `lk_` and the next `_`.
const LONGEST_PREFIX: usize = {
    let mut longest = 0;
    let mut kinds = KeyKind::ALL.as_slice();
    while let [kind, rest @ ..] = kinds {
        if kind.prefix().len() > longest {
            longest = kind.prefix().len();
        }
        kinds = rest;
    }
    longest
};
/// What follows that word: `_`, the id, `_`, the secret and the checksum.
const AFTER_PREFIX: usize = 1 + ID_LENGTH + 1 + SECRET_LENGTH + CHECKSUM_LENGTH;
const LONGEST_KEY: usize = MARK.len() + LONGEST_PREFIX + AFTER_PREFIX;

/// A key in a text.
#[derive(Debug, Clone)]
pub struct Found {
    /// How many bytes stand before it.
    pub offset: usize,
    /// The key.
    pub key: PlainApiKey,
}

/// Every key of ours in these bytes, from left to right. Two keys never overlap.
pub fn find(bytes: &[u8]) -> impl Iterator<Item = Found> {
    memmem::find_iter(bytes, MARK).filter_map(|offset| Some(Found { offset, key: key_at_start(&bytes[offset..])? }))
}

/// The key that these bytes, which begin with the mark, begin with.
fn key_at_start(bytes: &[u8]) -> Option<PlainApiKey> {
    let rest = bytes.get(MARK.len()..)?;
    let prefix = rest.iter().take(LONGEST_PREFIX + 1).position(|byte| *byte == b'_')?;
    // The prefix tells where the key ends: what follows may be digits too.
    let whole = bytes.get(..MARK.len() + prefix + AFTER_PREFIX)?;
    PlainApiKey::parse(std::str::from_utf8(whole).ok()?).ok()
}

/// A key in a stream.
#[derive(Debug, Clone)]
pub struct Sighting {
    /// How many bytes of the stream stand before it.
    pub offset: u64,
    /// Its line, from 1; lines end with a line feed.
    pub line: u64,
    /// Its place in the line in characters of UTF-8, from 1.
    pub column: u64,
    /// The key.
    pub key: PlainApiKey,
}

/// Finds keys in a stream that comes in chunks, of which it keeps no more than the last few characters: each key once, however
/// it is cut.
#[derive(Default)]
pub struct Finder {
    /// The end of what came, in which a key may have begun.
    window: Vec<u8>,
    /// Where the window begins.
    start: Place,
}

impl Finder {
    /// At the beginning of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next chunk, of any length, and gives the keys that end in it. A key is told as soon as its last character is
    /// there, so the end of the stream needs no call.
    pub fn push(&mut self, chunk: &[u8]) -> Vec<Sighting> {
        self.window.extend_from_slice(chunk);
        let mut sightings = Vec::new();
        let mut place = self.start;
        let (mut passed, mut told) = (0, 0);
        for Found { offset, key } in find(&self.window) {
            place = place.after(&self.window[passed..offset]);
            passed = offset;
            told = offset + key.expose().len();
            sightings.push(Sighting { offset: place.offset, line: place.lines + 1, column: place.characters + 1, key });
        }
        // One character less than a key is enough for the next one to be complete; what is told already must not be seen again.
        let keep = told.max(self.window.len().saturating_sub(LONGEST_KEY - 1));
        self.start = place.after(&self.window[passed..keep]);
        self.window.drain(..keep);
        sightings
    }
}

/// A place in a stream, by what stands before it.
#[derive(Clone, Copy, Default)]
struct Place {
    offset: u64,
    lines: u64,
    /// On the same line.
    characters: u64,
}

impl Place {
    fn after(self, bytes: &[u8]) -> Self {
        let (line, before) = match memrchr(b'\n', bytes) {
            Some(end) => (&bytes[end + 1..], 0),
            None => (bytes, self.characters),
        };
        Self {
            offset: self.offset + bytes.len() as u64,
            lines: self.lines + memchr_iter(b'\n', bytes).count() as u64,
            // A byte 10xxxxxx goes on with a character that is counted already (RFC 3629 section 3): so a character may be cut.
            characters: before + line.iter().filter(|byte| **byte & 0b1100_0000 != 0b1000_0000).count() as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{BASE62, Random};
    use proptest::{collection::vec, prelude::*, sample::Index};
    use std::sync::atomic::{AtomicU64, Ordering};

    /// `SplitMix64`: the same numbers in every run.
    struct Seeded(AtomicU64);

    impl Seeded {
        const fn new(seed: u64) -> Self {
            Self(AtomicU64::new(seed))
        }

        fn next(&self) -> u64 {
            const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
            let mut value = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
            value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            value ^ (value >> 31)
        }

        fn below(&self, limit: usize) -> usize {
            usize::try_from(self.next() % limit as u64).unwrap()
        }
    }

    impl Random for Seeded {
        fn fill(&self, bytes: &mut [u8]) {
            for part in bytes.chunks_mut(8) {
                part.copy_from_slice(&self.next().to_le_bytes()[..part.len()]);
            }
        }
    }

    fn keys(seed: u64) -> impl Iterator<Item = PlainApiKey> {
        let random = Seeded::new(seed);
        KeyKind::ALL.into_iter().cycle().map(move |kind| PlainApiKey::generate(&random, kind))
    }

    #[test]
    fn scan_finds_every_one_of_10_000_keys() {
        // Between the keys: nothing, beginnings of keys, digits glued on, line ends, letters and bytes that are no text.
        let between: [&[u8]; 12] = [
            b"",
            b"lk_",
            b"lk_dev_",
            b"lk_live_0123456789ab_",
            b"KEY",
            b"0",
            b"_",
            b"\n",
            b"\r\n",
            b"=\"",
            "é".as_bytes(),
            b"\xff",
        ];
        let random = Seeded::new(1);
        let mut text = Vec::new();
        let mut planted = Vec::new();
        for key in keys(2).take(10_000) {
            for _ in 0..random.below(6) {
                text.extend_from_slice(between[random.below(between.len())]);
            }
            planted.push((text.len(), key.expose().to_owned()));
            text.extend_from_slice(key.expose().as_bytes());
        }
        let found: Vec<_> = find(&text).map(|found| (found.offset, found.key.expose().to_owned())).collect();
        assert_eq!(found.len(), 10_000);
        assert!(found == planted);

        let mut finder = Finder::new();
        let streamed: Vec<_> = text.chunks(4_096).flat_map(|chunk| finder.push(chunk)).collect();
        assert_eq!(streamed.len(), 10_000);
        let places = planted.iter().map(|(offset, _)| *offset as u64);
        assert!(streamed.iter().map(|sighting| sighting.offset).eq(places));
    }

    #[test]
    fn scan_finds_none_in_1_000_000_random_strings() {
        const AT_ONCE: usize = 1_000;
        let random = Seeded::new(20);
        let mut text = Vec::new();
        for _ in 0..1_000_000 / AT_ONCE {
            text.clear();
            for _ in 0..AT_ONCE {
                text.extend_from_slice(b"lk_dev_");
                for part in [12, 38] {
                    let (mut digits, mut left) = (0, 0);
                    for _ in 0..part {
                        // Ten digits of one number, whose lower ones are as good as equally likely.
                        if left == 0 {
                            (digits, left) = (random.next(), 10);
                        }
                        text.push(BASE62[(digits % 62) as usize]);
                        (digits, left) = (digits / 62, left - 1);
                    }
                    text.push(if part == 12 { b'_' } else { b'\n' });
                }
            }
            assert_eq!(text.len(), AT_ONCE * 59);
            assert_eq!(find(&text).count(), 0);
        }
    }

    #[test]
    fn a_key_glued_to_other_text_is_found() {
        for key in keys(3).take(8) {
            let key = key.expose();
            for text in [
                key.to_owned(),
                format!("KEY{key}"),
                format!("lk_{key}"),
                format!("{key}abc"),
                format!("{key}_"),
                format!("{key}{key}"),
            ] {
                let found: Vec<_> = find(text.as_bytes()).collect();
                assert_eq!(found[0].offset, text.find(key).unwrap());
                assert!(found.iter().all(|found| found.key.expose() == key));
                assert_eq!(found.len(), text.matches(key).count());
            }
        }
    }

    #[test]
    fn a_changed_or_cut_key_is_not_found() {
        for key in keys(4).take(4) {
            let key = key.expose().as_bytes();
            for length in 0..key.len() {
                assert_eq!(find(&key[..length]).count(), 0);
            }
            for place in 0..key.len() {
                let mut changed = key.to_vec();
                changed[place] = if changed[place] == b'7' { b'8' } else { b'7' };
                assert_eq!(find(&changed).count(), 0);
            }
        }
    }

    #[test]
    fn a_place_is_counted_in_lines_and_characters() {
        let key = keys(5).next().unwrap();
        let text = format!("first\r\nsecond é€ {}\n\n{}", key.expose(), key.expose());
        let mut finder = Finder::new();
        let places: Vec<_> = text
            .bytes()
            .flat_map(|byte| finder.push(&[byte]))
            .map(|sighting| (sighting.offset, sighting.line, sighting.column))
            .collect();
        assert_eq!(places, [(20, 2, 11), (80, 4, 1)]);
    }

    #[test]
    fn a_stream_is_not_held() {
        let mut finder = Finder::new();
        for _ in 0..100 {
            assert!(finder.push(&[b'l'; 10_000]).is_empty());
            assert!(finder.window.len() < LONGEST_KEY);
        }
    }

    proptest! {
        #[test]
        fn chunks_of_any_size_give_what_the_whole_text_gives(
            seed: u64,
            pieces in vec(prop_oneof![Just(None), "[lkdev_ \n0é]{0,70}".prop_map(Some)], 0..12),
            cuts in vec(any::<Index>(), 0..40),
        ) {
            let mut keys = keys(seed);
            let text = pieces
                .into_iter()
                .map(|piece| piece.unwrap_or_else(|| keys.next().map_or_else(String::new, |key| key.expose().to_owned())))
                .collect::<String>();
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.index(text.len() + 1)).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();

            let mut finder = Finder::new();
            let streamed: Vec<_> = cuts
                .windows(2)
                .flat_map(|cut| finder.push(&text.as_bytes()[cut[0]..cut[1]]))
                .map(|seen| (seen.offset, seen.line, seen.column, seen.key.expose().to_owned()))
                .collect();
            let whole: Vec<_> = find(text.as_bytes())
                .map(|found| {
                    let before = &text[..found.offset];
                    let line = before.matches('\n').count() + 1;
                    let column = before.chars().rev().take_while(|character| *character != '\n').count() + 1;
                    (found.offset as u64, line as u64, column as u64, found.key.expose().to_owned())
                })
                .collect();
            prop_assert!(streamed == whole);
        }

        #[test]
        fn no_bytes_make_the_finder_panic(bytes in vec(any::<u8>(), 0..200)) {
            let marked = [b"lk_dev_".as_slice(), &bytes].concat();
            prop_assert_eq!(find(&bytes).count() + find(&marked).count(), 0);
        }
    }
}
