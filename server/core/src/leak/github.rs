//! GitHub's secret scanning partner program: GitHub finds our keys in public repositories and reports them, signed.
//!
//! A report is proven by ECDSA on P-256 with SHA-256 over the raw body, in the header [`SIGNATURE_HEADER`], with the key that
//! [`IDENTIFIER_HEADER`] names. Fetching the list of keys is for others: nothing here asks the network. Source: GitHub's
//! documentation, "Secret scanning partner program".

use crate::secret::{hex, sha256};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// The header that names the key.
pub const IDENTIFIER_HEADER: &str = "github-public-key-identifier";
/// The header with the signature.
pub const SIGNATURE_HEADER: &str = "github-public-key-signature";
/// Where GitHub publishes its keys.
pub const PUBLIC_KEYS_URL: &str = "https://api.github.com/meta/public_keys/secret_scanning";
/// How many keys are kept of one list. GitHub has listed one or two.
pub const KEYS_AT_MOST: usize = 32;
/// How many reports may come in one request.
pub const REPORTS_AT_MOST: usize = 1_000;

/// The keys with which GitHub signs its reports.
#[derive(Debug, Clone, Default)]
pub struct PublicKeys(Vec<PublicKey>);

#[derive(Debug, Clone)]
struct PublicKey {
    identifier: String,
    key: ParsedPublicKey,
}

/// Why a list of keys is of no use.
#[derive(Debug, thiserror::Error)]
pub enum ParsePublicKeysError {
    /// It is not `{"public_keys": […]}`.
    #[error("the list of public keys is not the JSON document that GitHub describes")]
    Document(#[source] serde_json::Error),
    /// None of its entries is a key on P-256.
    #[error("the list of public keys holds no key on P-256")]
    NoKey,
}

/// Why a request is not known to be GitHub's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The identifier names no key of the list: it is invented, or the list is old.
    #[error("the signature names a public key that is not listed")]
    UnknownKey,
    /// The signature is not written as one is.
    #[error("the signature is not a DER sequence in base64")]
    Malformed,
    /// The key did not sign this body.
    #[error("the signature is not of this body by this key")]
    Mismatch,
}

#[derive(Deserialize)]
struct PublicKeysDocument {
    public_keys: Vec<Value>,
}

impl PublicKeys {
    /// Reads the document at [`PUBLIC_KEYS_URL`]. Entries that are no key on P-256 are left out, and so is what comes after
    /// [`KEYS_AT_MOST`] keys. A key that is no longer current stays while GitHub lists it: reports signed before the change are
    /// still on their way.
    ///
    /// # Errors
    /// [`ParsePublicKeysError`] if no key can be had from it: keep the ones at hand.
    pub fn parse(json: &[u8]) -> Result<Self, ParsePublicKeysError> {
        let document: PublicKeysDocument = serde_json::from_slice(json).map_err(ParsePublicKeysError::Document)?;
        let keys: Vec<_> = document.public_keys.iter().filter_map(PublicKey::read).take(KEYS_AT_MOST).collect();
        if keys.is_empty() { Err(ParsePublicKeysError::NoKey) } else { Ok(Self(keys)) }
    }

    /// Proves that GitHub sent a body, just as it came, with the values of the two headers.
    ///
    /// # Errors
    /// [`SignatureError`] otherwise. The form of the signature is looked at first: only a plausible request is a reason to fetch
    /// the list of keys again.
    pub fn verify(&self, identifier: &str, signature_base64: &str, body: &[u8]) -> Result<(), SignatureError> {
        let signature = BASE64_STANDARD.decode(signature_base64).map_err(|_| SignatureError::Malformed)?;
        if !is_short_sequence(&signature) {
            return Err(SignatureError::Malformed);
        }
        let named = self.0.iter().find(|key| key.identifier == identifier).ok_or(SignatureError::UnknownKey)?;
        named.key.verify_sig(body, &signature).map_err(|_| SignatureError::Mismatch)
    }
}

impl PublicKey {
    fn read(entry: &Value) -> Option<Self> {
        let identifier = entry.get("key_identifier")?.as_str()?.to_owned();
        let der = der_from_pem(entry.get("key")?.as_str()?)?;
        // The library takes a bare point of the curve, too; GitHub describes a SubjectPublicKeyInfo (RFC 5480 section 2).
        if !is_short_sequence(&der) {
            return None;
        }
        let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, der).ok()?;
        Some(Self { identifier, key })
    }
}

/// RFC 7468 section 13.
fn der_from_pem(pem: &str) -> Option<Vec<u8>> {
    const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
    const END: &str = "-----END PUBLIC KEY-----";
    let lines = pem.trim().strip_prefix(BEGIN)?.strip_suffix(END)?;
    BASE64_STANDARD.decode(lines.split_ascii_whitespace().collect::<String>()).ok()
}

/// Whether these bytes are one DER sequence (X.690 section 8.1) of less than 128 bytes, as a key and a signature (RFC 3279
/// section 2.2.3) on P-256 are. The signature as two bare numbers (IEEE P1363) is none, nor is one that was cut.
fn is_short_sequence(der: &[u8]) -> bool {
    matches!(der, [0x30, length @ ..=0x7f, content @ ..] if usize::from(*length) == content.len())
}

/// One secret that GitHub found in public.
#[derive(Clone, PartialEq, Eq)]
pub struct GithubReport {
    /// What was found.
    pub token: String,
    /// The name under which GitHub knows our regular expression.
    pub r#type: String,
    /// Where it can be seen; may be empty.
    pub url: String,
    /// In what it was found, such as `content` or `commit`; may be empty.
    pub source: String,
}

/// Why a body holds no reports.
#[derive(Debug, thiserror::Error)]
pub enum ParseReportsError {
    /// It is not a JSON array.
    #[error("the reports are not a JSON array")]
    Document(#[source] serde_json::Error),
    /// It holds more than [`REPORTS_AT_MOST`]. None is taken, so that none is lost unnoticed.
    #[error("{0} reports came at once, {REPORTS_AT_MOST} may")]
    TooMany(usize),
}

impl GithubReport {
    /// Reads the body of a request. Fields that are missing or no text are empty, and unknown ones are passed over; an entry with
    /// no token is left out.
    ///
    /// # Errors
    /// [`ParseReportsError`] if it is no array, or too long a one.
    pub fn parse_all(json: &[u8]) -> Result<Vec<Self>, ParseReportsError> {
        let entries: Vec<Value> = serde_json::from_slice(json).map_err(ParseReportsError::Document)?;
        if entries.len() > REPORTS_AT_MOST {
            return Err(ParseReportsError::TooMany(entries.len()));
        }
        Ok(entries.iter().filter_map(Self::read).collect())
    }

    fn read(entry: &Value) -> Option<Self> {
        let text = |field| entry.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let report = Self { token: text("token"), r#type: text("type"), url: text("url"), source: text("source") };
        (!report.token.is_empty()).then_some(report)
    }
}

impl fmt::Debug for GithubReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the token: it may be a key that still works.
        let Self { token: _, r#type, url, source } = self;
        f.debug_struct("GithubReport")
            .field("type", r#type)
            .field("url", url)
            .field("source", source)
            .finish_non_exhaustive()
    }
}

/// What became of one report, for the answer: a JSON array of these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Feedback {
    /// SHA-256 of the token, in hexadecimal digits: GitHub asks for the hash and names no spelling for it.
    pub token_hash: String,
    /// The type that the report gave.
    pub token_type: String,
    /// Whether it was a key of ours.
    pub label: FeedbackLabel,
}

/// Whether a report was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedbackLabel {
    /// The token is, or was, a key of ours.
    TruePositive,
    /// It never was one.
    FalsePositive,
}

impl Feedback {
    /// The answer to a report.
    pub fn new(report: &GithubReport, label: FeedbackLabel) -> Self {
        Self { token_hash: hex(&sha256(report.token.as_bytes())), token_type: report.r#type.clone(), label }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::{
        encoding::AsDer,
        rand::SystemRandom,
        signature::{
            ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING,
            EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair,
        },
    };
    use serde_json::json;

    const BODY: &[u8] =
        br#"[{"source":"commit","token":"some_token","type":"some_type","url":"https://example.com/x"}]"#;

    struct Signer {
        pair: EcdsaKeyPair,
    }

    impl Signer {
        fn new(algorithm: &'static EcdsaSigningAlgorithm) -> Self {
            Self { pair: EcdsaKeyPair::generate(algorithm).unwrap() }
        }

        fn p256() -> Self {
            Self::new(&ECDSA_P256_SHA256_ASN1_SIGNING)
        }

        fn entry(&self, identifier: &str) -> Value {
            let der = AsDer::<aws_lc_rs::encoding::PublicKeyX509Der<'_>>::as_der(self.pair.public_key()).unwrap();
            entry(identifier, der.as_ref())
        }

        fn sign(&self, body: &[u8]) -> Vec<u8> {
            self.pair.sign(&SystemRandom::new(), body).unwrap().as_ref().to_vec()
        }
    }

    fn entry(identifier: &str, der: &[u8]) -> Value {
        let base64 = BASE64_STANDARD.encode(der);
        let (first, second) = base64.split_at(base64.len().min(64));
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{first}\n{second}\n-----END PUBLIC KEY-----\n");
        json!({ "key_identifier": identifier, "key": pem, "is_current": true })
    }

    fn keys(entries: &[Value]) -> Result<PublicKeys, ParsePublicKeysError> {
        PublicKeys::parse(json!({ "public_keys": entries }).to_string().as_bytes())
    }

    #[test]
    fn the_signature_that_github_publishes_as_an_example_is_good() {
        let identifier = "90a421169f0a406205f1563a953312f0be898d3c7b6c06b681aa86a874555f4a";
        let pem = "-----BEGIN PUBLIC KEY-----\n\
            MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE9MJJHnMfn2+H4xL4YaPDA4RpJqUq\n\
            kCmRCBnYERxZanmcpzQSXs1X/AljlKkbJ8qpVIW4clayyef9gWhFbNHWAA==\n\
            -----END PUBLIC KEY-----\n";
        let keys = keys(&[json!({ "key_identifier": identifier, "key": pem, "is_current": true })]).unwrap();
        let signature =
            "MEUCIQDKZokqnCjrRtw0tni+2Ltvl/uiMJ1EGumEsp1BsNr32AIgQY1YXD2nlj+XNfGK4rBfkMJ1JDOQcYXxa2sY8FNkrKc=";
        let body = br#"[{"token":"some_token","type":"some_type","url":"some_url"}]"#;
        assert_eq!(keys.verify(identifier, signature, body), Ok(()));
        assert_eq!(keys.verify(identifier, signature, &body[1..]), Err(SignatureError::Mismatch));
    }

    #[test]
    fn a_body_is_known_by_the_key_that_signed_it() {
        let (one, other) = (Signer::p256(), Signer::p256());
        let keys = keys(&[one.entry("one"), other.entry("other")]).unwrap();
        let signature = BASE64_STANDARD.encode(one.sign(BODY));
        assert_eq!(keys.verify("one", &signature, BODY), Ok(()));
        assert_eq!(keys.verify("other", &signature, BODY), Err(SignatureError::Mismatch));
        for unknown in ["", "One", "one ", "onetwo"] {
            assert_eq!(keys.verify(unknown, &signature, BODY), Err(SignatureError::UnknownKey));
        }
        assert_eq!(PublicKeys::default().verify("one", &signature, BODY), Err(SignatureError::UnknownKey));
    }

    #[test]
    fn a_changed_body_is_refused() {
        let signer = Signer::p256();
        let keys = keys(&[signer.entry("one")]).unwrap();
        let signature = BASE64_STANDARD.encode(signer.sign(BODY));
        for place in 0..BODY.len() {
            let mut changed = BODY.to_vec();
            changed[place] ^= 1;
            assert_eq!(keys.verify("one", &signature, &changed), Err(SignatureError::Mismatch));
        }
        assert_eq!(keys.verify("one", &signature, &[BODY, b"\n"].concat()), Err(SignatureError::Mismatch));
        assert_eq!(keys.verify("one", &signature, b""), Err(SignatureError::Mismatch));
    }

    #[test]
    fn a_changed_or_cut_signature_is_refused() {
        let signer = Signer::p256();
        let keys = keys(&[signer.entry("one")]).unwrap();
        let signature = signer.sign(BODY);
        for length in 0..signature.len() {
            let cut = BASE64_STANDARD.encode(&signature[..length]);
            assert_eq!(keys.verify("one", &cut, BODY), Err(SignatureError::Malformed), "{length} bytes");
        }
        for place in 0..signature.len() {
            let mut changed = signature.clone();
            changed[place] ^= 1;
            assert!(keys.verify("one", &BASE64_STANDARD.encode(changed), BODY).is_err(), "byte {place}");
        }
        let longer = BASE64_STANDARD.encode([signature.as_slice(), &[0]].concat());
        assert_eq!(keys.verify("one", &longer, BODY), Err(SignatureError::Malformed));
        for text in ["", "!", "MEUC", " ", "not base64"] {
            assert_eq!(keys.verify("one", text, BODY), Err(SignatureError::Malformed), "{text:?}");
        }
    }

    #[test]
    fn two_bare_numbers_are_no_signature() {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        let der = Signer { pair: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref()).unwrap() };
        let bare = Signer { pair: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref()).unwrap() };
        let keys = keys(&[der.entry("one")]).unwrap();
        assert_eq!(keys.verify("one", &BASE64_STANDARD.encode(der.sign(BODY)), BODY), Ok(()));
        let bare = bare.sign(BODY);
        assert_eq!(bare.len(), 64);
        // One in 65,536 happens to begin like a sequence and is a mismatch.
        assert!(keys.verify("one", &BASE64_STANDARD.encode(bare), BODY).is_err());
    }

    /// CVE-2022-21449: zeros satisfy the equation for every body and key where nobody asks whether they are in range.
    #[test]
    fn numbers_out_of_range_sign_nothing() {
        // The order of P-256 (FIPS 186-5, SP 800-186 section 3.2.1.3), with the zero byte that keeps it positive.
        let order = "00ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
        let order: Vec<u8> = (0..order.len())
            .step_by(2)
            .map(|place| u8::from_str_radix(&order[place..place + 2], 16).unwrap())
            .collect();
        let integer = |bytes: &[u8]| [&[0x02, u8::try_from(bytes.len()).unwrap()], bytes].concat();
        let signer = Signer::p256();
        let keys = keys(&[signer.entry("one")]).unwrap();
        for r in [&[0][..], &[1], &order] {
            for s in [&[0][..], &[1], &order] {
                let numbers = [integer(r), integer(s)].concat();
                let signature = [&[0x30, u8::try_from(numbers.len()).unwrap()], numbers.as_slice()].concat();
                let signature = BASE64_STANDARD.encode(signature);
                assert_eq!(keys.verify("one", &signature, BODY), Err(SignatureError::Mismatch), "{r:?} {s:?}");
            }
        }
    }

    #[test]
    fn entries_that_are_no_key_are_left_out() {
        let signer = Signer::p256();
        let point = signer.pair.public_key().as_ref();
        assert_eq!(point.len(), 65);
        let good = signer.entry("good");
        let pem = good["key"].as_str().unwrap();
        let entries = [
            json!(null),
            json!("key"),
            json!({}),
            json!({ "key_identifier": 1, "key": pem }),
            json!({ "key_identifier": "no key" }),
            json!({ "key_identifier": "no pem", "key": pem.replace("PUBLIC", "PRIVATE") }),
            json!({ "key_identifier": "no base64", "key": pem.replace("MFkw", "M!kw") }),
            entry("bare point", point),
            entry("nothing", b""),
            entry("another curve", Signer::new(&ECDSA_P384_SHA384_ASN1_SIGNING).pair.public_key().as_ref()),
            Signer::new(&ECDSA_P384_SHA384_ASN1_SIGNING).entry("another curve"),
        ];
        assert!(matches!(keys(&entries), Err(ParsePublicKeysError::NoKey)));
        let keys = keys(&[&entries[..], &[good]].concat()).unwrap();
        assert_eq!(keys.0.len(), 1);
        assert_eq!(keys.verify("good", &BASE64_STANDARD.encode(signer.sign(BODY)), BODY), Ok(()));
    }

    #[test]
    fn a_list_is_bounded_and_a_document_of_another_form_refused() {
        let entry = Signer::p256().entry("one");
        assert_eq!(keys(&vec![entry; KEYS_AT_MOST + 1]).unwrap().0.len(), KEYS_AT_MOST);
        assert!(matches!(keys(&[]), Err(ParsePublicKeysError::NoKey)));
        for document in ["", "[]", "{}", r#"{"public_keys":{}}"#, r#"{"message":"API rate limit exceeded"}"#] {
            let outcome = PublicKeys::parse(document.as_bytes());
            assert!(matches!(outcome, Err(ParsePublicKeysError::Document(_))), "{document}");
        }
    }

    #[test]
    fn reports_are_read_leniently() {
        let reports = GithubReport::parse_all(
            br#"[
                {"token":"a","type":"latchkey_key","url":"https://github.com/x","source":"content","new":{}},
                {"token":"b","url":null,"source":7},
                {"type":"no token"}, {"token":""}, {"token":null}, null, "text", []
            ]"#,
        )
        .unwrap();
        let report = |token: &str, r#type: &str, url: &str, source: &str| GithubReport {
            token: token.to_owned(),
            r#type: r#type.to_owned(),
            url: url.to_owned(),
            source: source.to_owned(),
        };
        let expected = [report("a", "latchkey_key", "https://github.com/x", "content"), report("b", "", "", "")];
        assert_eq!(reports, expected);
        assert!(GithubReport::parse_all(b"[]").unwrap().is_empty());
        for body in ["", "{}", "[{]", "null"] {
            assert!(matches!(GithubReport::parse_all(body.as_bytes()), Err(ParseReportsError::Document(_))), "{body}");
        }
    }

    #[test]
    fn reports_are_bounded() {
        let body = |count: usize| json!(vec![json!({ "token": "a" }); count]).to_string();
        assert_eq!(GithubReport::parse_all(body(1_000).as_bytes()).unwrap().len(), 1_000);
        assert!(matches!(GithubReport::parse_all(body(1_001).as_bytes()), Err(ParseReportsError::TooMany(1_001))));
    }

    #[test]
    fn a_report_does_not_print_its_token() {
        let [report] = &GithubReport::parse_all(br#"[{"token":"hidden","type":"t"}]"#).unwrap()[..] else {
            panic!("one report");
        };
        assert_eq!(format!("{report:?}"), r#"GithubReport { type: "t", url: "", source: "", .. }"#);
    }

    #[test]
    fn feedback_is_written_as_github_reads_it() {
        let report = GithubReport {
            token: "abc".to_owned(),
            r#type: "latchkey_key".to_owned(),
            url: String::new(),
            source: String::new(),
        };
        // The hash is the example of FIPS 180-4 for "abc".
        let written = serde_json::to_value([
            Feedback::new(&report, FeedbackLabel::TruePositive),
            Feedback::new(&report, FeedbackLabel::FalsePositive),
        ])
        .unwrap();
        let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let expected = json!([
            { "token_hash": hash, "token_type": "latchkey_key", "label": "true_positive" },
            { "token_hash": hash, "token_type": "latchkey_key", "label": "false_positive" },
        ]);
        assert_eq!(written, expected);
    }
}
