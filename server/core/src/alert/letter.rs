//! What people read of alerts.

use super::{AlertSubject, Share};
use crate::{
    clock::written,
    limit::Quota,
    mail::Letter,
    notice::NoticeKind,
    port::alert::{CredentialSort, SeenNetwork},
};
use time::OffsetDateTime;

/// What an alert names.
pub(super) struct Named<'a> {
    /// What it is: `The API key`.
    pub(super) what: &'a str,
    /// What it is called.
    pub(super) name: &'a str,
    /// How its owner recognises it; empty for what is no credential.
    pub(super) hint: &'a str,
    /// Whose it is, where that is not said by its name.
    pub(super) owner: &'a str,
    /// Its page.
    pub(super) url: &'a str,
    /// Its requests that did not pass.
    pub(super) failures: &'a str,
}

impl Named<'_> {
    fn at_length(&self) -> String {
        let hint = if self.hint.is_empty() { String::new() } else { format!(" ({})", self.hint) };
        let owner = if self.owner.is_empty() { String::new() } else { format!(" of {}", self.owner) };
        format!("{} {}{hint}{owner}", self.what, self.name)
    }
}

/// So many of so many requests, and what was asked for.
pub(super) struct Counted {
    pub(super) matching: u64,
    pub(super) requests: u64,
    pub(super) share: Share,
    pub(super) at: OffsetDateTime,
}

/// Many requests of a credential are refused.
pub(super) fn many_refusals(named: &Named<'_>, occasion: String, counted: &Counted) -> Letter {
    let Counted { matching, requests, share, at } = counted;
    let text = format!(
        "At {}, {matching} of the last {requests} requests of {} had been refused, within {} minutes. Each refusal says why, and what would help:\n{}\n\nYou hear of it again when it begins anew, not while it lasts.\n",
        written(*at),
        lower_first(&named.at_length()),
        share.minutes,
        named.failures,
    );
    let subject = format!("{} is refused a lot", named.name);
    Letter::new(NoticeKind::Refusals, &subject, occasion, text)
}

/// Many requests to the portal's APIs are refused.
pub(super) fn many_refusals_everywhere(occasion: String, counted: &Counted, url: &str) -> Letter {
    let Counted { matching, requests, share, at } = counted;
    let text = format!(
        "At {}, {matching} of the last {requests} requests of everybody had been refused, within {} minutes. See which networks and credentials they come from:\n{url}\n\nYou hear of it again when it begins anew, not while it lasts.\n",
        written(*at),
        share.minutes,
    );
    Letter::new(NoticeKind::Portal, "Many requests are refused", occasion, text)
}

/// Requests go wrong on the server's side.
pub(super) fn server_errors(named: Option<&Named<'_>>, occasion: String, counted: &Counted, url: &str) -> Letter {
    let Counted { matching, requests, share, at } = counted;
    let (kind, subject, whose) = match named {
        Some(named) => (
            NoticeKind::ServerErrors,
            format!("Requests of {} end in server errors", named.name),
            lower_first(&named.at_length()),
        ),
        None => (NoticeKind::Portal, "Requests end in server errors".to_owned(), "everybody".to_owned()),
    };
    let text = format!(
        "At {}, {matching} of the last {requests} requests of {whose} had been answered with a status of 500 or above, within {} minutes. See which:\n{url}\n\nYou hear of it again when it begins anew, not while it lasts.\n",
        written(*at),
        share.minutes,
    );
    Letter::new(kind, &subject, occasion, text)
}

/// A credential is used from a network that it was not used from before.
pub(super) fn new_network(named: &Named<'_>, seen: &SeenNetwork) -> Letter {
    let text = format!(
        "At {}, {} was used from {}, in the network {}: for the first time from there. It was used from {} other networks before.\n\nIf nobody of yours moved, rotate it, move your callers, and end the old one:\n{}\n",
        written(seen.first_at),
        lower_first(&named.at_length()),
        seen.address,
        seen.network,
        seen.others,
        named.url,
    );
    let occasion = format!("new-network:{}:{}:{}", seen.credential, seen.network, written(seen.first_at));
    Letter::new(NoticeKind::NewNetwork, &format!("{} is used from a new network", named.name), occasion, text)
}

/// What people read before a credential's name.
pub(super) const fn sort(what: CredentialSort) -> &'static str {
    match what {
        CredentialSort::Key => "The API key",
        CredentialSort::PersonalToken => "The personal access token",
        CredentialSort::Client => "The app",
        CredentialSort::ServiceAccount => "The service account",
    }
}

/// A credential is about to reach a limit: what it is, and whose. Its people are told once a day.
pub(super) fn limit_near(subject: &AlertSubject, what: &str, owner: &str, quota: Quota, at: OffsetDateTime) -> Letter {
    let AlertSubject { id, name, hint, url, .. } = subject;
    let id = id.map(|id| id.to_string()).unwrap_or_default();
    let named = Named { what, name, hint, owner, url, failures: url };
    let text = format!(
        "At {}, {} had used more than four fifths of its limit of {quota}. What goes beyond it is refused, until the time that each answer names.\n\nLook at what calls so often, or ask for a higher limit:\n{url}\n",
        written(at),
        lower_first(&named.at_length()),
    );
    let occasion = format!("limit-near:{id}:{}", at.date());
    Letter::new(NoticeKind::LimitNear, &format!("{} is about to reach its limit", named.name), occasion, text)
}

/// Many must wait after too many tries.
pub(super) fn many_lockouts(occasion: String, locks: u64, at: OffsetDateTime, url: &str) -> Letter {
    let text = format!(
        "At {}, {locks} had to wait after too many tries to sign in. See who, and from where:\n{url}\n\nYou hear of it again when it begins anew, not while it lasts.\n",
        written(at),
    );
    Letter::new(NoticeKind::Portal, "Many must wait after too many tries", occasion, text)
}

fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}
