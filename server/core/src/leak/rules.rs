//! The form of our keys, written down for other programs that look for leaked secrets.
//!
//! A regular expression knows the form and the lengths, not the checksum: what these rules find is a suspicion, which
//! [`find`](super::finder::find) confirms or drops.

use crate::api_key::format::{CHECKSUM_LENGTH, ID_LENGTH, MARK, SECRET_LENGTH};
use latchkey_model::KeyKind;
use std::{fmt, str::FromStr};

/// For which program the rules are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleFormat {
    /// gitleaks 8: TOML, for `--config` or as `.gitleaks.toml`.
    Gitleaks,
    /// trufflehog 3: YAML, for `--config`.
    Trufflehog,
}

/// The text names no program that rules can be written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("rules can be written for gitleaks or trufflehog")]
pub struct ParseRuleFormatError;

impl RuleFormat {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Gitleaks, Self::Trufflehog];

    /// The program's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gitleaks => "gitleaks",
            Self::Trufflehog => "trufflehog",
        }
    }
}

impl fmt::Display for RuleFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RuleFormat {
    type Err = ParseRuleFormatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|format| format.as_str() == text).ok_or(ParseRuleFormatError)
    }
}

/// The rules for a program, one for each kind of key: the whole text of its file.
pub fn rules(format: RuleFormat) -> String {
    let (head, rule): (_, fn(KeyKind) -> String) = match format {
        RuleFormat::Gitleaks => (GITLEAKS_HEAD, gitleaks_rule),
        RuleFormat::Trufflehog => (TRUFFLEHOG_HEAD, trufflehog_rule),
    };
    KeyKind::ALL.into_iter().fold(head.to_owned(), |text, kind| text + &rule(kind))
}

// Without `extend`, a file replaces the rules that gitleaks brings along.
const GITLEAKS_HEAD: &str = r#"# Keys of Latchkey, for gitleaks. Written by `latchkey scan --rules gitleaks`.
title = "Keys of Latchkey"

[extend]
useDefault = true
"#;

const TRUFFLEHOG_HEAD: &str = "# Keys of Latchkey, for trufflehog. Written by `latchkey scan --rules trufflehog`.
detectors:
";

fn gitleaks_rule(kind: KeyKind) -> String {
    format!(
        r#"
[[rules]]
id = "{id}"
description = "A {label} of Latchkey: whoever reads it can use it. Revoke it."
regex = '''{pattern}'''
entropy = {ENTROPY:?}
keywords = ["{keyword}"]
"#,
        id = id(kind),
        label = kind.label(),
        pattern = pattern(kind),
        keyword = keyword(kind),
    )
}

// Fields that only newer versions know would make an older one refuse the whole file.
fn trufflehog_rule(kind: KeyKind) -> String {
    format!(
        "  - name: {id}
    keywords:
      - {keyword}
    regex:
      key: '{pattern}'
",
        id = id(kind),
        pattern = pattern(kind),
        keyword = keyword(kind),
    )
}

/// In bits for each character: less than any key has, more than `lk_dev_xxxxxxxxxxxx_…` in a manual.
const ENTROPY: f64 = 4.0;

fn id(kind: KeyKind) -> String {
    format!("latchkey-{}", kind.label().replace(' ', "-"))
}

fn keyword(kind: KeyKind) -> String {
    format!("{MARK}{}_", kind.prefix())
}

/// The first group is the key. What stands before it is free: `lk_` is mark enough. A digit after it would make it longer than a
/// key is. RE2 knows no look-ahead, so the character after it is part of the match.
fn pattern(kind: KeyKind) -> String {
    let rest = SECRET_LENGTH + CHECKSUM_LENGTH;
    format!("({}[0-9A-Za-z]{{{ID_LENGTH}}}_[0-9A-Za-z]{{{rest}}})(?:[^0-9A-Za-z]|$)", keyword(kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{api_key::PlainApiKey, random::SystemRandom};
    use regex::Regex;
    use std::collections::HashMap;

    /// The regular expressions as each program reads them, in the order of the kinds.
    fn patterns(format: RuleFormat) -> Vec<Regex> {
        let text = rules(format);
        let patterns: Vec<String> = match format {
            RuleFormat::Gitleaks => text.parse::<toml::Table>().unwrap()["rules"]
                .as_array()
                .unwrap()
                .iter()
                .map(|rule| rule["regex"].as_str().unwrap().to_owned())
                .collect(),
            RuleFormat::Trufflehog => text
                .lines()
                .filter_map(|line| line.strip_prefix("      key: '")?.strip_suffix('\''))
                .map(str::to_owned)
                .collect(),
        };
        patterns.iter().map(|pattern| Regex::new(pattern).unwrap()).collect()
    }

    #[test]
    fn each_rule_finds_the_keys_of_its_kind_alone() {
        for format in RuleFormat::ALL {
            let patterns = patterns(format);
            assert_eq!(patterns.len(), KeyKind::ALL.len(), "{format}");
            for kind in KeyKind::ALL {
                let key = PlainApiKey::generate(&SystemRandom, kind);
                let text = format!("KEY={}\n", key.expose());
                for (pattern, of) in patterns.iter().zip(KeyKind::ALL) {
                    let found = pattern.captures(&text).map(|found| found[1].to_owned());
                    assert_eq!(found, (kind == of).then(|| key.expose().to_owned()), "{format}: {pattern}");
                }
            }
        }
    }

    #[test]
    fn rules_hold_to_the_exact_length() {
        for format in RuleFormat::ALL {
            for (pattern, kind) in patterns(format).iter().zip(KeyKind::ALL) {
                let key = PlainApiKey::generate(&SystemRandom, kind);
                let key = key.expose();
                for text in [key.to_owned(), format!("\"{key}\""), format!("_{key}_"), format!("x{key},{key}")] {
                    assert_eq!(pattern.captures_iter(&text).count(), text.matches(key).count(), "{format}: {pattern}");
                }
                assert!(!pattern.is_match(&format!("{key}0")));
                assert!(!pattern.is_match(&key[..key.len() - 1]));
                assert!(!pattern.is_match(&key.replacen('_', "-", 3)));
                let id = key.split('_').nth(2).unwrap();
                assert!(!pattern.is_match(&key.replacen(id, &id[1..], 1)));
                assert!(!pattern.is_match(&key.replacen(id, &format!("{id}0"), 1)));
            }
        }
    }

    #[test]
    fn gitleaks_reads_every_field() {
        let file = rules(RuleFormat::Gitleaks).parse::<toml::Table>().unwrap();
        assert_eq!(file["extend"]["useDefault"].as_bool(), Some(true));
        let rules = file["rules"].as_array().unwrap();
        for (rule, kind) in rules.iter().zip(KeyKind::ALL) {
            assert_eq!(rule["keywords"].as_array().unwrap()[0].as_str(), Some(keyword(kind).as_str()));
            assert_eq!(rule["entropy"].as_float(), Some(ENTROPY));
            assert!(rule["description"].as_str().unwrap().contains(kind.label()));
        }
        let ids: Vec<_> = rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect();
        assert_eq!(
            ids,
            [
                "latchkey-development-key",
                "latchkey-staging-key",
                "latchkey-production-key",
                "latchkey-personal-access-token",
                "latchkey-client-secret",
                "latchkey-refresh-token",
                "latchkey-access-token",
                "latchkey-registration-token"
            ]
        );
    }

    #[test]
    fn no_key_has_too_little_entropy_and_a_placeholder_has() {
        for kind in KeyKind::ALL.into_iter().cycle().take(10_000) {
            assert!(entropy(PlainApiKey::generate(&SystemRandom, kind).expose()) > ENTROPY);
        }
        assert!(entropy(&format!("lk_live_{}_{}", "x".repeat(12), "x".repeat(38))) < ENTROPY);
    }

    /// Shannon's, as gitleaks counts it.
    #[expect(clippy::cast_precision_loss, reason = "lengths of keys are small")]
    fn entropy(text: &str) -> f64 {
        let mut counts = HashMap::new();
        for character in text.chars() {
            *counts.entry(character).or_insert(0_usize) += 1;
        }
        counts.values().map(|count| *count as f64 / text.len() as f64).map(|share| -share * share.log2()).sum()
    }

    #[test]
    fn words_lead_back() {
        for format in RuleFormat::ALL {
            assert_eq!(format.as_str().parse(), Ok(format));
        }
        assert_eq!("semgrep".parse::<RuleFormat>(), Err(ParseRuleFormatError));
    }
}
