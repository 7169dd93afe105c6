//! Accounts: signing up and in, the first admin, and the sessions that an account has.

mod access;
mod deletion;
mod mailed_link;
pub mod password;
mod password_service;
mod personal_data;
mod profile;
mod service;
mod session;
mod session_values;
mod sign_in_method;

pub use access::AccessEnds;
pub use deletion::{DeletionError, DeletionPlan, DeletionService, TeamFate, TeamToLeave};
pub use mailed_link::{LinkToken, MailedLinks, ParseLinkTokenError};
pub use password::{Passwords, PlainPassword};
pub use password_service::{PasswordError, PasswordService};
pub use personal_data::{ExportError, PersonalData, PersonalDataService};
pub use profile::{EmailConfirmed, EmailLink, ProfileError, ProfileService};
pub use service::{AccountService, AllowPasswordError, SetupError, SignInError, SignUp, SignUpError};
pub use session::{SessionEnds, SessionError, SessionService};
pub use session_values::SessionValues;
pub use sign_in_method::{FirstFactor, ParseSignInMethodError, SecondFactor, SignInMethod};
