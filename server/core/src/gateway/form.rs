//! What an operator fills in about an API.

use super::{
    catalog::conflict,
    policy::{Access, Policies, Policy},
};
use crate::{
    oauth_client::ClientId,
    openid::identity_scopes,
    port::api::{ApiScope, ApiSettings},
};
use latchkey_model::{Environment, FieldErrors, Name, Scope, ScopeSet};
use std::collections::BTreeSet;
use url::Url;

/// What an operator fills in.
#[derive(Debug, Clone, Copy, Default)]
pub struct ApiForm<'a> {
    /// What it is called.
    pub name: &'a str,
    /// Its short name; only asked for a new one.
    pub slug: &'a str,
    /// Where its callers find it.
    pub base_url: &'a str,
    /// A line for each scope: the scope, and what it allows.
    pub scopes: &'a str,
    /// The environments whose credentials it takes.
    pub environments: &'a [String],
    /// A line for each policy.
    pub policies: &'a str,
    /// The service accounts that may ask what a credential is worth there.
    pub verifiers: &'a str,
    /// The service accounts that may change its policies.
    pub editors: &'a str,
}

/// How many scopes an API may have.
const MOST_SCOPES: usize = 50;
/// How many service accounts may be named.
const MOST_CLIENTS: usize = 20;
const LONGEST_DESCRIPTION: usize = 120;
/// The longest text of policies or scopes that a form takes, in characters: what a page keeps of a form that comes back.
pub const LONGEST_TEXT: usize = 16_000;

impl ApiForm<'_> {
    /// The settings and policies; every sentence says what is wrong.
    pub(super) fn check(&self, issuer: &str, built_in: &[ApiScope]) -> Result<(ApiSettings, Policies), FieldErrors> {
        let mut errors = FieldErrors::default();
        let name = errors.check("name", self.name.parse::<Name>());
        let base_url = errors.check("base_url", base_url(self.base_url, issuer));
        for (field, text) in [("scopes", self.scopes), ("policies", self.policies)] {
            if text.chars().count() > LONGEST_TEXT {
                errors.add(
                    field,
                    format!("This form takes {LONGEST_TEXT} characters. Programs can replace policies by the API"),
                );
            }
        }
        let scopes = errors.check("scopes", scopes(self.scopes, built_in));
        let environments = errors.check("environments", environments(self.environments));
        let verifiers = errors.check("verifiers", clients(self.verifiers));
        let editors = errors.check("editors", clients(self.editors));
        let policies = errors.check("policies", policies(self.policies));
        let (Some(name), Some(base_url), Some(scopes), Some(environments)) = (name, base_url, scopes, environments)
        else {
            return Err(errors);
        };
        let (Some(verifiers), Some(editors), Some(policies)) = (verifiers, editors, policies) else {
            return Err(errors);
        };
        let scopes = scopes.into_iter().map(|scope| ApiScope { api: Some(name.clone()), ..scope }).collect();
        let settings = ApiSettings { name, base_url, scopes, environments, verifiers, editors };
        errors.check("policies", fit(&settings, &policies));
        if errors.is_empty() { Ok((settings, policies)) } else { Err(errors) }
    }
}

/// Where an API's callers find it: an address to which paths are added.
fn base_url(text: &str, issuer: &str) -> Result<String, &'static str> {
    const LONGEST: usize = 200;
    let wrong = "Write the https:// address that its callers use, without a query, such as https://api.example.org";
    let url: Url = text.trim().parse().map_err(|_| wrong)?;
    let bare =
        url.query().is_none() && url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    if !matches!(url.scheme(), "https" | "http") || !url.has_host() || !bare || url.as_str().len() > LONGEST {
        return Err(wrong);
    }
    let text = url.as_str().trim_end_matches('/');
    // Its name in tokens must be nobody else's.
    if text.strip_prefix(issuer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
        return Err("This is Latchkey's own address. Write that of the API");
    }
    Ok(text.to_owned())
}

fn scopes(text: &str, built_in: &[ApiScope]) -> Result<Vec<ApiScope>, String> {
    let mut scopes: Vec<ApiScope> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (word, description) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let scope: Scope = word.parse().map_err(|error| format!("{word}: {error}"))?;
        if word.contains(',') || matches!(word, "any" | "public") {
            return Err(format!("{word} would not be told from other words of a policy"));
        }
        let known = built_in.iter().map(|one| &one.scope);
        if known.chain(identity_scopes().iter().map(|one| &one.scope)).any(|other| *other == scope) {
            return Err(format!("{word} is a scope of Latchkey itself. Name yours another way, such as orders:read"));
        }
        if scopes.iter().any(|other| other.scope == scope) {
            return Err(format!("{word} is there twice"));
        }
        let description = description.trim();
        if description.chars().count() > LONGEST_DESCRIPTION || description.chars().any(char::is_control) {
            return Err(format!("Say in at most {LONGEST_DESCRIPTION} characters what {word} allows"));
        }
        let description = if description.is_empty() { word } else { description };
        scopes.push(ApiScope { scope, description: description.to_owned(), api: None });
    }
    if scopes.len() > MOST_SCOPES {
        return Err(format!("An API may have {MOST_SCOPES} scopes"));
    }
    Ok(scopes)
}

fn environments(words: &[String]) -> Result<BTreeSet<Environment>, &'static str> {
    let environments = words.iter().map(|word| word.parse()).collect::<Result<BTreeSet<_>, _>>();
    let environments = environments.map_err(|_| "Choose among the environments")?;
    if environments.is_empty() { Err("Choose at least one environment") } else { Ok(environments) }
}

fn clients(text: &str) -> Result<BTreeSet<ClientId>, String> {
    let words = text.split([' ', ',', '\n', '\r', '\t']).filter(|word| !word.is_empty());
    let clients = words
        .map(|word| word.parse().map_err(|_| format!("{word} is no client id: they begin with lkc_")))
        .collect::<Result<BTreeSet<_>, _>>()?;
    if clients.len() > MOST_CLIENTS { Err(format!("Name at most {MOST_CLIENTS}")) } else { Ok(clients) }
}

/// Every policy that is written, one on each line; what stands behind a `#` is for people.
pub(super) fn policies(text: &str) -> Result<Policies, String> {
    let mut policies = Vec::new();
    for (index, line) in text.lines().enumerate() {
        // A fragment is no part of a path, and no scope needs the sign at the beginning of a word.
        let line = line.split(" #").next().unwrap_or_default().trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        policies.push(line.parse::<Policy>().map_err(|error| format!("Line {}: {error}", index + 1))?);
    }
    if policies.len() > Policies::MOST {
        return Err(format!("An API may have {} policies", Policies::MOST));
    }
    Ok(policies.into_iter().collect())
}

/// Whether policies name nothing that the API does not have, and do not contradict one another.
pub(super) fn fit(settings: &ApiSettings, policies: &Policies) -> Result<(), String> {
    let known = settings.scope_set();
    for policy in policies.iter() {
        if let Access::Holders(scopes) = &policy.access
            && let Some(other) = scopes.iter().find(|scope| !known.contains(scope.as_str()))
        {
            return Err(format!("{other} is none of the scopes of this API ({policy})"));
        }
        if policy.access == Access::Holders(ScopeSet::default()) && known.is_empty() {
            return Err(format!("any is whoever holds a scope of the API, and it has none ({policy})"));
        }
        if let Some(other) = policy.environments.iter().find(|one| !settings.environments.contains(one)) {
            return Err(format!("The API takes no credentials for {other} ({policy})"));
        }
    }
    conflict(policies).map_or(Ok(()), |conflict| Err(conflict.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environments() -> Vec<String> {
        vec!["production".to_owned(), "staging".to_owned()]
    }

    fn form(environments: &[String]) -> ApiForm<'_> {
        ApiForm {
            name: "Orders",
            base_url: "https://api.example.org/",
            scopes: "orders:read See orders\n\norders:write",
            environments,
            policies: "# everybody\nGET /health public\nGET /v1/{*rest} orders:read # reading",
            verifiers: "lkc_0123456789abcdefghij",
            ..ApiForm::default()
        }
    }

    fn error(form: &ApiForm<'_>, field: &str) -> String {
        let built_in = [ApiScope { scope: "read:posts".parse().unwrap(), description: String::new(), api: None }];
        let errors = form.check("https://keys.example.org", &built_in).unwrap_err();
        errors.get(field).unwrap_or_else(|| panic!("{errors:?}")).to_owned()
    }

    #[test]
    fn a_good_form_is_an_api() {
        let environments = environments();
        let (settings, policies) = form(&environments).check("https://keys.example.org", &[]).unwrap();
        assert_eq!(settings.base_url, "https://api.example.org");
        let scopes: Vec<_> = settings.scopes.iter().map(|one| (one.scope.as_str(), one.description.as_str())).collect();
        assert_eq!(scopes, [("orders:read", "See orders"), ("orders:write", "orders:write")]);
        assert_eq!(policies.to_string(), "GET /health public\nGET /v1/{*rest} orders:read\n");
        assert_eq!((settings.verifiers.len(), settings.editors.len()), (1, 0));
    }

    #[test]
    fn what_is_wrong_is_told_at_its_field() {
        let environments = environments();
        for url in ["", "api.example.org", "ftp://a", "https://a/?b", "https://u@a", "https://a/#b"] {
            assert!(error(&ApiForm { base_url: url, ..form(&environments) }, "base_url").starts_with("Write"), "{url}");
        }
        for url in ["https://keys.example.org", "https://keys.example.org/api/v1/"] {
            assert!(error(&ApiForm { base_url: url, ..form(&environments) }, "base_url").contains("own address"));
        }
        for scopes in ["read:posts", "openid", "a\na", "a,b", "any", "\"", "public x"] {
            error(&ApiForm { scopes, policies: "", ..form(&environments) }, "scopes");
        }
        for (policies, told) in [
            ("GET /a any\nGET /b", "Line 2: a policy is"),
            ("GET /a orders:drop", "orders:drop is none of the scopes"),
            ("GET /a any development", "takes no credentials for development"),
            ("GET /a any\nGET,POST /a any", "cover the same requests"),
            ("GET /a/{b} any\nGET /a/{c} any", "GET /a/{c} any and GET /a/{b} any cover the same requests"),
        ] {
            let sentence = error(&ApiForm { policies, ..form(&environments) }, "policies");
            assert!(sentence.contains(told), "{policies}: {sentence}");
        }
        assert!(error(&form(&[]), "environments").starts_with("Choose"));
        error(&form(&["prod".to_owned()]), "environments");
        assert!(error(&ApiForm { editors: "me", ..form(&environments) }, "editors").contains("lkc_"));
    }
}
