//! What a client is answered by way of a browser (RFC 6749 section 4.1.2, RFC 9207, OAuth 2.0 Form Post Response Mode).

use url::Url;

/// How the answer travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResponseMode {
    /// In the query of the registered address.
    #[default]
    Query,
    /// In the body of a form that the browser posts there.
    FormPost,
}

impl ResponseMode {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Query, Self::FormPost];

    /// The word of the parameter `response_mode`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::FormPost => "form_post",
        }
    }

    /// The mode of a word.
    pub(super) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == word)
    }
}

/// An answer on its way to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationResponse {
    /// A registered address of the client's.
    pub redirect_uri: String,
    /// How it travels.
    pub mode: ResponseMode,
    /// What it says.
    pub pairs: Vec<(&'static str, String)>,
}

impl AuthorizationResponse {
    /// The registered address with the answer in its query.
    pub fn url(&self) -> String {
        // It was registered as a URL, so it is one.
        let Ok(mut url) = self.redirect_uri.parse::<Url>() else { return String::from("/") };
        url.query_pairs_mut().extend_pairs(&self.pairs);
        url.into()
    }
}
