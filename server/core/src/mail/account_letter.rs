//! What is written to people about their account.

use super::{Letter, SecretLetter, letter::LINK};
use crate::{
    clock::written,
    notice::NoticeKind,
    port::{account::Account, team::Invitation},
};
use latchkey_model::{AccountId, Name, SessionId};
use std::net::IpAddr;
use time::{Duration, OffsetDateTime};
use zeroize::Zeroizing;

/// A reader gets a link of one kind once in this time, however often somebody asks.
const ONCE_IN: Duration = Duration::minutes(5);

fn occasion(kind: &str, at: OffsetDateTime) -> String {
    format!("{kind}:{}", at.unix_timestamp() / ONCE_IN.whole_seconds())
}

/// A name that a stranger chose, unless a mail program might make a link of it.
pub(super) fn unless_link<'a>(name: &'a Name, otherwise: &'a str) -> &'a str {
    let name = name.as_str();
    let dotted = name.split('.').skip(1).any(|rest| rest.starts_with(char::is_alphanumeric));
    if dotted || name.contains([':', '/', '@']) { otherwise } else { name }
}

impl SecretLetter {
    /// Somebody signs up with the reader's address.
    pub fn finish_sign_up(link: Zeroizing<String>, at: OffsetDateTime, until: OffsetDateTime) -> Self {
        let text = format!(
            "Somebody, you it seems, is creating an account with this address. Open the link and choose a password; the account is yours then.\n\n{LINK}\n\nIt is good until {} and works once. If it was not you, do nothing: there will be no account.\n",
            written(until),
        );
        Self::new("Finish creating your account", &occasion("sign-up", at), text, link, until)
    }

    /// The reader's address is to be shown to be theirs.
    pub fn verify_email(link: Zeroizing<String>, at: OffsetDateTime, until: OffsetDateTime) -> Self {
        let text = format!(
            "Your account has this address. Open the link in a browser in which you are signed in, to confirm that it is yours; then Latchkey can let you in again when you forget your password.\n\n{LINK}\n\nIt is good until {} and works once. If you have no account, do nothing.\n",
            written(until),
        );
        Self::new("Confirm your address", &occasion("verify-email", at), text, link, until)
    }

    /// The reader's address is to become that of an account.
    pub fn change_email(link: Zeroizing<String>, at: OffsetDateTime, until: OffsetDateTime) -> Self {
        let text = format!(
            "Somebody, you it seems, wants an account to have this address from now on. Open the link in the browser in which you are signed in.\n\n{LINK}\n\nIt is good until {} and works once. If it was not you, do nothing.\n",
            written(until),
        );
        Self::new("Confirm your new address", &occasion("change-email", at), text, link, until)
    }

    /// The reader has forgotten their password, as somebody says.
    pub fn reset_password(link: Zeroizing<String>, at: OffsetDateTime, until: OffsetDateTime) -> Self {
        let text = format!(
            "Somebody, you it seems, has forgotten the password of your account. Open the link to choose a new one; that signs out every browser.\n\n{LINK}\n\nIt is good until {} and works once. If it was not you, do nothing: your password stays as it is.\n",
            written(until),
        );
        Self::new("Choose a new password", &occasion("reset-password", at), text, link, until)
    }

    /// The reader is invited to a team.
    pub fn invitation(invitation: &Invitation, link: Zeroizing<String>) -> Self {
        let Invitation { role, expires_at, .. } = invitation;
        let invited_by = unless_link(&invitation.invited_by, "Somebody");
        let team_name = unless_link(&invitation.team_name, "of theirs");
        let text = format!(
            "{invited_by} invites you to the team {team_name}, as its {}. Open the link, sign in or create an account with this address, and say yes.\n\n{LINK}\n\nIt is good until {} and works once. If you do not know them, do nothing.\n",
            role.as_str(),
            written(*expires_at),
        );
        let occasion = format!("invitation:{}", invitation.id);
        Self::new(&format!("{invited_by} invites you to the team {team_name}"), &occasion, text, link, *expires_at)
    }

    fn new(subject: &str, occasion: &str, text: String, link: Zeroizing<String>, useful_until: OffsetDateTime) -> Self {
        Self { letter: Letter::new(NoticeKind::Account, subject, occasion.to_owned(), text), link, useful_until }
    }
}

impl Letter {
    /// Somebody wanted to sign up with an address that has an account.
    pub fn address_is_known(at: OffsetDateTime, public_url: &str) -> Self {
        let text = format!(
            "Somebody, you perhaps, wanted to create an account with this address. You have one: sign in, or choose a new password if you forgot yours.\n{public_url}/login\n{public_url}/forgot\n\nIf it was not you, do nothing. Whoever it was has learned nothing about you.\n"
        );
        Self::new(NoticeKind::Account, "You have an account already", occasion("address-known", at), text)
    }

    /// Somebody wanted another account to have this address.
    pub fn address_is_wanted(at: OffsetDateTime, public_url: &str) -> Self {
        let text = format!(
            "Somebody, you perhaps, wanted another account to have this address. Your account has it, so nothing was changed.\n{public_url}/account/profile\n"
        );
        Self::new(
            NoticeKind::Account,
            "Your address was wanted for another account",
            occasion("address-wanted", at),
            text,
        )
    }

    /// Somebody signed in with a browser that had not opened the account before.
    pub fn new_browser(
        account: &Account,
        browser: &str,
        address: IpAddr,
        at: OffsetDateTime,
        public_url: &str,
    ) -> Self {
        let text = format!(
            "At {}, somebody signed in to your account with a browser that had not done so before: {browser}, from {address}.\n\nIf it was not you, end that session, and change your password:\n{public_url}/account/sessions\n{public_url}/account/security\n",
            written(at),
        );
        let occasion = format!("new-browser:{}:{address}:{}", account.id, written(at));
        Self::new(NoticeKind::NewBrowser, "A new browser signed in to your account", occasion, text)
    }

    /// The password was changed; whether by a link.
    pub fn password_changed(account: &Account, at: OffsetDateTime, by_link: bool, public_url: &str) -> Self {
        let how = if by_link { " by a link that was mailed to this address" } else { "" };
        let text = format!(
            "The password of your account was changed at {}{how}. Every other browser was signed out.\n\nIf it was not you, choose a new one now, and look at what your account can do:\n{public_url}/forgot\n{public_url}/account/security\n",
            written(at),
        );
        Self::new(
            NoticeKind::Account,
            "Your password was changed",
            format!("password-changed:{}:{}", account.id, written(at)),
            text,
        )
    }

    /// The password was sent where others can read it; told once a day.
    pub fn password_exposed(account: &Account, from: IpAddr, at: OffsetDateTime, public_url: &str) -> Self {
        let text = format!(
            "At {}, a program sent your address and your password over plain HTTP, from {from}. The request was refused. The password opens your account still, and whoever was on the way has it.\n\nMend the program, and choose another password now:\n{public_url}/account/security\n",
            written(at),
        );
        Self::new(
            NoticeKind::Account,
            "Your password was sent where others can read it",
            format!("password-exposed:{}:{}", account.id, at.date()),
            text,
        )
    }

    /// The cookie of a session was sent where others can read it, and the session ended.
    pub fn session_exposed(session: SessionId, from: IpAddr, at: OffsetDateTime, public_url: &str) -> Self {
        let text = format!(
            "At {}, the cookie of a browser in which you were signed in came over plain HTTP, from {from}. No browser sends it so: a program did that has a copy. The request was refused, and that browser was signed out.\n\nIf you know of no such program, look at your other sessions, and change your password:\n{public_url}/account/sessions\n{public_url}/account/security\n",
            written(at),
        );
        Self::new(
            NoticeKind::Account,
            "A session of yours was sent where others can read it",
            format!("session-exposed:{session}"),
            text,
        )
    }

    /// An owner has taken the reader out of a team.
    pub fn removed_from_team(team: &Name, at: OffsetDateTime, account: AccountId) -> Self {
        let text = format!(
            "Since {}, you are not in the team {team} any more: an owner of it has taken you out. What you made there stays with the team; your account and its other teams are as they were.\n",
            written(at),
        );
        Self::new(
            NoticeKind::Team,
            &format!("You are not in the team {team} any more"),
            format!("removed-from-team:{account}:{}", written(at)),
            text,
        )
    }

    /// The account is gone.
    pub fn account_deleted(account: &Account, at: OffsetDateTime) -> Self {
        let text = format!(
            "At {}, your account was deleted, as somebody who was signed in to it asked for. Your name and this address are not kept with it any more.\n\nIf it was not you, write to whoever runs this portal.\n",
            written(at),
        );
        Self::new(NoticeKind::Account, "Your account was deleted", format!("account-deleted:{}", account.id), text)
    }

    /// One network tries the passwords of many accounts; for admins.
    pub fn many_accounts_tried(network: IpAddr, accounts: u64, at: OffsetDateTime, public_url: &str) -> Self {
        let text = format!(
            "At {}, the network {network} had failed to sign in to {accounts} accounts within an hour. It looks like passwords that were stolen elsewhere. The network has to wait, and waits longer the more it tries; browsers that have opened an account before are not kept out.\n\nLook at what it did:\n{public_url}/admin/failures\n",
            written(at),
        );
        let day = at.date();
        Self::new(
            NoticeKind::Portal,
            "Somebody tries the passwords of many accounts",
            format!("stuffing:{network}:{day}"),
            text,
        )
    }

    /// Something is asked for beside the password from now on.
    pub fn second_factor_added(account: &Account, what: &str, at: OffsetDateTime, public_url: &str) -> Self {
        let text = format!(
            "Since {}, your account has another second factor. {what} is asked for when you sign in.\n\nIf it was not you, change your password now, and remove it:\n{public_url}/account/security\n",
            written(at),
        );
        Self::new(
            NoticeKind::Account,
            "A second factor was added",
            format!("factor-added:{}:{}:{what}", account.id, written(at)),
            text,
        )
    }

    /// Something is not asked for any more.
    pub fn second_factor_removed(account: &Account, what: &str, at: OffsetDateTime, public_url: &str) -> Self {
        let text = format!(
            "Since {}, your account has one second factor less. {what} is not asked for any more.\n\nIf it was not you, change your password now, and set one up again:\n{public_url}/account/security\n",
            written(at),
        );
        Self::new(
            NoticeKind::Account,
            "A second factor was removed",
            format!("factor-removed:{}:{}:{what}", account.id, written(at)),
            text,
        )
    }

    /// There are new recovery codes.
    pub fn recovery_codes_made(account: &Account, at: OffsetDateTime, public_url: &str) -> Self {
        let text = format!(
            "At {}, new recovery codes were made for your account. The old ones open nothing any more.\n\nIf it was not you, change your password now, and make others:\n{public_url}/account/security\n",
            written(at),
        );
        Self::new(
            NoticeKind::Account,
            "New recovery codes were made",
            format!("recovery-codes:{}:{}", account.id, written(at)),
            text,
        )
    }

    /// A recovery code was used.
    pub fn recovery_code_used(account: &Account, left: u64, at: OffsetDateTime, public_url: &str) -> Self {
        let text = format!(
            "At {}, somebody signed in to your account with its password and a recovery code. {left} codes are left.\n\nIf it was not you, change your password now:\n{public_url}/account/security\n",
            written(at),
        );
        Self::new(
            NoticeKind::Account,
            "A recovery code was used",
            format!("recovery-code-used:{}:{}:{left}", account.id, written(at)),
            text,
        )
    }

    /// Another address is to take the place of this one.
    pub fn email_change_asked(account: &Account, new: &str, at: OffsetDateTime, public_url: &str) -> Self {
        let text = format!(
            "At {}, somebody who is signed in to your account asked for another address: {new}. It takes the place of this one once it is confirmed.\n\nIf it was not you, change your password now; that signs out every browser and ends the request:\n{public_url}/account/security\n",
            written(at),
        );
        Self::new(
            NoticeKind::Account,
            "Your address is about to change",
            format!("email-change-asked:{}:{}", account.id, written(at)),
            text,
        )
    }

    /// Another address has taken the place of the old one. Both get this.
    pub fn email_changed(account: &Account, new: &str, at: OffsetDateTime) -> Self {
        let text = format!(
            "Since {}, your account has the address {new} in place of {}. Sign in with it, and look there for mails of ours.\n\nIf it was not you, write to whoever runs this portal.\n",
            written(at),
            account.email,
        );
        Self::new(
            NoticeKind::Account,
            "Your address was changed",
            format!("email-changed:{}:{}", account.id, written(at)),
            text,
        )
    }
}
