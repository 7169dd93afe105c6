//! Each line of the security requirements has a test, or says why it has none (`server/tests/security.toml`).

use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    about: String,
    /// Names of tests, or `file: text` for what another tool checks.
    #[serde(default)]
    tests: Vec<String>,
    /// What must be built before the line can apply.
    waits_for: Option<String>,
    /// Why it does not apply.
    because: Option<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn sources(folder: &Path, found: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !["node_modules", "target", "test-results", ".git"].contains(&name.as_str()) {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs" || ending == "ts") {
            found.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

fn lines() -> BTreeMap<String, Line> {
    toml::from_str(include_str!("../security.toml")).unwrap()
}

#[test]
fn every_line_has_a_test_or_a_reason() {
    for (id, line) in lines() {
        let ways = [!line.tests.is_empty(), line.waits_for.is_some(), line.because.is_some()];
        assert!(ways.into_iter().filter(|way| *way).count() >= 1, "{id} has neither a test nor a reason");
        assert!(line.tests.is_empty() || line.because.is_none(), "{id} has a test and does not apply");
        assert!(line.about.len() >= 4, "{id} says what it is about");
    }
}

#[test]
fn every_named_test_exists() {
    let mut found = String::new();
    sources(&root(), &mut found);
    for (id, line) in lines() {
        for test in line.tests {
            let there = match test.split_once(": ") {
                Some((file, text)) => fs::read_to_string(root().join(file)).is_ok_and(|content| content.contains(text)),
                None => found.contains(&format!("fn {test}(")) || found.contains(&format!("test(\"{test}\"")),
            };
            assert!(there, "{id} names {test}, which is nowhere");
        }
    }
}

#[test]
fn no_line_is_forgotten() {
    let known = lines();
    let mut wanted: BTreeSet<String> = (1..=12).map(|number| format!("t{number:02}")).collect();
    wanted.extend((1..=68).map(|number| format!("r{number:02}")));
    let standards = [
        "rfc6749",
        "rfc6750",
        "rfc7636",
        "rfc7009",
        "rfc7662",
        "rfc8414",
        "rfc8252",
        "rfc8628",
        "rfc7591",
        "rfc7523",
        "rfc8705",
        "rfc9068",
        "rfc9126",
        "rfc9207",
        "rfc9449",
        "rfc9700",
        "rfc9728",
        "rfc9457",
        "ratelimit",
        "rfc6797",
        "oidc",
        "cookies",
        "csp",
        "browser_headers",
        "csrf",
        "asvs_v2",
        "asvs_v3",
        "asvs_v4",
        "asvs_v6",
        "asvs_v7",
        "asvs_v8",
        "asvs_v9",
        "asvs_v10",
        "asvs_v11",
        "asvs_v13",
        "asvs_v16",
        "api1",
        "api2",
        "api3",
        "api4",
        "api5",
        "api6",
        "api7",
        "api8",
        "api9",
        "api10",
        "nist_800_63b",
    ];
    wanted.extend(standards.map(str::to_owned));
    let found: BTreeSet<_> = known.into_keys().collect();
    assert_eq!(found, wanted);
}
