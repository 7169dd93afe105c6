//! What admins find of everybody's: accounts, applications and credentials, and what they do to it.

mod account_page;
mod accounts_page;
mod act_fn;
mod act_form;
mod credentials_page;
mod listed;
mod revoke_credential_page;

pub use account_page::AccountPage;
pub use accounts_page::AccountsPage;
pub use credentials_page::CredentialsPage;
pub use revoke_credential_page::RevokeCredentialPage;
