//! OAuth clients and service accounts of an environment: one machinery, told apart by their kind.

mod client_fields;
mod client_form;
mod client_page;
mod clients_page;
mod lifecycle_fn;
mod logo_card;
mod new_client_page;
mod registration_card;
mod revoke_client_page;
mod tokens_card;
mod verification_page;
mod words;

pub use client_page::{ClientPage, ServiceAccountPage};
pub use clients_page::{ClientsPage, ServiceAccountsPage, StateBadge};
pub use lifecycle_fn::{
    AddClientSecret, CreateClient, EndClientSecret, EndClientTokens, RemoveClientLogo, RevokeClient, SetClientLogo,
    UpdateClient,
};
pub use new_client_page::{NewClientPage, NewServiceAccountPage};
pub use registration_card::SetRegistration;
pub use revoke_client_page::{RevokeClientPage, RevokeServiceAccountPage};
pub use verification_page::{VerificationPage, VerifyClient};
