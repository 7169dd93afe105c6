//! Signing up, in and out, becoming the first admin, what a person says of themselves, and choosing a theme.

mod data_page;
mod delete_page;
mod deletion_fn;
mod forgot_page;
mod link_pages;
mod pages;
mod password_fn;
mod profile_fn;
mod profile_page;
mod security_page;
mod server_fn;
mod sign_out_page;
mod sign_up_fn;

pub use data_page::PersonalDataPage;
pub use delete_page::{AccountDeletedPage, DeleteAccountPage};
pub use forgot_page::ForgotPage;
pub use link_pages::{FinishSignUpPage, ResetPasswordPage, SignUpMailPage, VerifyEmailPage};
pub use pages::{SetupPage, SignInPage, SignUpPage};
pub use profile_page::ProfilePage;
pub use security_page::SecurityPage;
pub use server_fn::{SetTheme, SignIn, SignOut};
pub use sign_out_page::SignOutPage;
pub use sign_up_fn::{Setup, SignUp};
