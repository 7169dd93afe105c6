//! What a person brings back from a provider (RFC 6749 section 4.1.2, RFC 9207 section 2).

/// The parameters of an answer that are read.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ProviderAnswer {
    pub(super) state: Option<String>,
    pub(super) code: Option<String>,
    pub(super) iss: Option<String>,
    pub(super) error: Option<String>,
}

/// A code is a secret until it is redeemed.
impl std::fmt::Debug for ProviderAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProviderAnswer")
    }
}

impl ProviderAnswer {
    /// Reads a query. A parameter that is there twice is there not at all: neither is believed.
    pub fn of_query(query: &str) -> Self {
        let only = |name: &str| {
            let mut found = url::form_urlencoded::parse(query.as_bytes()).filter(|(found, _)| found == name);
            match (found.next(), found.next()) {
                (Some((_, value)), None) if !value.is_empty() => Some(value.into_owned()),
                _ => None,
            }
        };
        Self { state: only("state"), code: only("code"), iss: only("iss"), error: only("error") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc6749_3_1_what_is_there_twice_is_not_believed() {
        let answer = ProviderAnswer::of_query("code=a+b&state=x&iss=https%3A%2F%2Fa&error=");
        assert_eq!(
            (answer.code.as_deref(), answer.iss.as_deref(), answer.error),
            (Some("a b"), Some("https://a"), None)
        );
        assert_eq!(ProviderAnswer::of_query("code=a&state=x&state=x").state, None);
    }
}
