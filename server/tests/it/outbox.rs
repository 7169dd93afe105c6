//! The mails of a portal that sends none: its admin reads them.

use crate::support::{Browser, Portal};
use time::Duration;

/// An admin who reads the outbox, since this portal sends no mail.
pub(crate) struct Outbox(pub(crate) Browser);

impl Outbox {
    pub(crate) async fn of(portal: &Portal) -> Self {
        Self(portal.admin().await)
    }

    /// The texts of the mails to an address, the newest first.
    pub(crate) async fn to(&mut self, portal: &Portal, email: &str) -> Vec<String> {
        portal.state.services.mailed_links.answer().await.unwrap();
        portal.clock.advance(Duration::SECOND);
        let page = self.0.get("/admin/outbox").await.text();
        let to = format!("<code>{email}</code>");
        page.split("<article").skip(1).filter(|mail| mail.contains(&to)).map(str::to_owned).collect()
    }

    /// Whether an address got a mail with this in it.
    pub(crate) async fn told(&mut self, portal: &Portal, email: &str, what: &str) -> bool {
        self.to(portal, email).await.iter().any(|mail| mail.contains(what))
    }

    /// The path of the link to this page in the newest mail to an address that has one.
    pub(crate) async fn link(&mut self, portal: &Portal, email: &str, page: &str) -> String {
        let mails = self.to(portal, email).await;
        let address = format!("http://127.0.0.1:4000{page}?token=");
        let token = mails.iter().find_map(|mail| mail.split_once(&address)).map(|(_, rest)| &rest[..32]);
        format!("{page}?token={}", token.unwrap_or_else(|| panic!("{mails:?}")))
    }
}
