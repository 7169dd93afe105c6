//! Distinguished names, and when two of them are the same.

use std::{collections::BTreeSet, fmt, str::FromStr};
use x509_cert::{
    attr::AttributeTypeAndValue,
    der::{
        Tag, Tagged,
        asn1::{Any, Ia5StringRef, ObjectIdentifier, PrintableStringRef, TeletexStringRef, Utf8StringRef},
    },
    name::Name,
};

/// The name of a certificate's subject (RFC 4514), which compares as names do: the same attributes in the same order, whatever kind of
/// string they were written in, without regard to case and to how many spaces stand together (RFC 5280 section 7.1).
#[derive(Clone)]
pub struct DistinguishedName {
    /// The most general first, as in certificates. Several attributes of one part have no order.
    parts: Vec<BTreeSet<(ObjectIdentifier, String)>>,
    /// As people write it: the most particular first.
    text: String,
}

/// The text is no distinguished name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Write the subject as in CN=Machine 7,O=Example,C=CH")]
pub struct ParseDistinguishedNameError;

impl PartialEq for DistinguishedName {
    fn eq(&self, other: &Self) -> bool {
        self.parts == other.parts
    }
}

impl Eq for DistinguishedName {}

impl DistinguishedName {
    /// Whether it names nobody. Certificates with alternative names alone may have such a subject.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }
}

impl From<&Name> for DistinguishedName {
    fn from(name: &Name) -> Self {
        let parts = name.iter_rdn().map(|part| part.iter().map(attribute).collect()).collect();
        Self { parts, text: name.to_string() }
    }
}

impl FromStr for DistinguishedName {
    type Err = ParseDistinguishedNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Result<Vec<_>, _> = split(text, ',')
            .into_iter()
            .rev()
            .map(|part| split(part, '+').into_iter().map(|one| parse(one).map(|one| attribute(&one))).collect())
            .collect();
        match parts {
            Ok(parts) => Ok(Self { parts, text: text.trim().to_owned() }),
            _ => Err(ParseDistinguishedNameError),
        }
    }
}

impl fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One attribute, in the form in which it is compared.
fn attribute(attribute: &AttributeTypeAndValue) -> (ObjectIdentifier, String) {
    let value = match characters(&attribute.value) {
        Some(text) => text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase(),
        // What is no string is compared by its bytes; no string looks like them.
        None => format!("\0{:?}{:?}", attribute.value.tag(), attribute.value.value()),
    };
    (attribute.oid, value)
}

fn characters(value: &Any) -> Option<String> {
    match value.tag() {
        Tag::Utf8String => Utf8StringRef::try_from(value).ok().map(|text| text.as_str().to_owned()),
        Tag::PrintableString => PrintableStringRef::try_from(value).ok().map(|text| text.as_str().to_owned()),
        Tag::Ia5String => Ia5StringRef::try_from(value).ok().map(|text| text.as_str().to_owned()),
        Tag::TeletexString => TeletexStringRef::try_from(value).ok().map(|text| text.as_str().to_owned()),
        _ => None,
    }
}

fn parse(text: &str) -> Result<AttributeTypeAndValue, ParseDistinguishedNameError> {
    let (kind, value) = text.split_once('=').ok_or(ParseDistinguishedNameError)?;
    let value = value.trim_start();
    // An escape at the very end escapes nothing.
    let unfinished = value.chars().rev().take_while(|character| *character == '\\').count() % 2 == 1;
    if value.is_empty() || value.contains('\0') || unfinished {
        return Err(ParseDistinguishedNameError);
    }
    format!("{}={value}", kind.trim()).parse().map_err(|_| ParseDistinguishedNameError)
}

/// Splits at a separator that is not escaped, and takes away the spaces around each piece that are not escaped either.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut begin, mut escaped) = (0, false);
    for (at, character) in text.char_indices() {
        if character == separator && !escaped {
            pieces.push(&text[begin..at]);
            begin = at + character.len_utf8();
        }
        escaped = character == '\\' && !escaped;
    }
    pieces.push(&text[begin..]);
    for piece in &mut pieces {
        let trimmed = piece.trim();
        // `\ ` at the end is a space that belongs to the value.
        let kept = usize::from(trimmed.ends_with('\\') && piece.trim_start().len() > trimmed.len());
        let start = piece.len() - piece.trim_start().len();
        *piece = &piece[start..start + trimmed.len() + kept];
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::{ClientCertificate, tests::der};

    fn name(text: &str) -> DistinguishedName {
        text.parse().unwrap()
    }

    #[test]
    fn rfc8705_2_1_2_a_written_subject_is_the_certificates_own() {
        let subject = ClientCertificate::read(&der(), false).unwrap().subject;
        for same in [
            r"C=CH,O=Example\, Inc.,CN=Machine 7",
            r"c=ch, o=example\2c inc., cn=MACHINE  7",
            r"2.5.4.6=CH,2.5.4.10=Example\, Inc.,2.5.4.3=Machine 7",
        ] {
            assert_eq!(name(same), subject, "{same} is {subject}");
        }
        for other in [
            r"CN=Machine 7",
            r"CN=Machine 7,O=Example\, Inc.,C=CH",
            r"C=CH,O=Example\, Inc.,CN=Machine 8",
            r"C=CH,O=Example,CN=Machine 7",
            r"C=CH,O=Example\, Inc.,CN=Machine 7,OU=x",
        ] {
            assert_ne!(name(other), subject, "{other}");
        }
        assert_eq!(name(&subject.to_string()), subject, "what is shown can be pasted");
    }

    #[test]
    fn attributes_of_one_part_have_no_order_and_escaped_spaces_stay() {
        assert_eq!(name("CN=a+OU=b,O=c"), name("OU=b + CN=a, O=c"));
        assert_ne!(name("CN=a,OU=b"), name("OU=b,CN=a"));
        assert_eq!(name(r"CN=a\+b"), name(r"CN=a\2bb"));
        assert_eq!(split(r"CN=a\ , O=b ", ','), [r"CN=a\ ", "O=b"]);
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for bad in ["", "  ", "Machine 7", "CN=", "CN=a,", "NOTHING=a", "CN=a\\", "CN=#zz", "CN=a\0"] {
            assert_eq!(bad.parse::<DistinguishedName>(), Err(ParseDistinguishedNameError), "{bad:?}");
        }
    }
}
