//! Service accounts of an environment: machines that ask for tokens and act for their application.

mod account_form;
mod account_page;
mod accounts_page;
mod lifecycle_fn;
mod new_account_page;
mod revoke_account_page;

pub use account_page::ServiceAccountPage;
pub use accounts_page::ServiceAccountsPage;
pub use lifecycle_fn::{
    AddClientSecret, CreateServiceAccount, EndClientSecret, RevokeServiceAccount, UpdateServiceAccount,
};
pub use new_account_page::NewServiceAccountPage;
pub use revoke_account_page::RevokeServiceAccountPage;
