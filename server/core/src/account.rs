//! Accounts: signing up and in, the first admin, and the sessions that an account has.

pub mod password;
mod service;
mod session;
mod sign_in_method;

pub use password::{Passwords, PlainPassword};
pub use service::{AccountService, AllowPasswordError, SetupError, SetupToken, SignInError, SignUp, SignUpError};
pub use session::{SessionError, SessionService};
pub use sign_in_method::{ParseSignInMethodError, SignInMethod};
