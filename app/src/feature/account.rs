//! Signing up, in and out, becoming the first admin, and choosing a theme.

mod pages;
mod server_fn;
mod sign_out_page;

pub use pages::{SetupPage, SignInPage, SignUpPage};
pub use server_fn::{SetTheme, Setup, SignIn, SignOut, SignUp};
pub use sign_out_page::SignOutPage;
