//! OpenID Connect: telling a client who signed in (OpenID Connect Core 1.0).
//!
//! An ID token says that a person signed in, and when; the userinfo endpoint says what they let the client know about them. Neither
//! opens any API: that is what access tokens are for.

mod claims;
mod id_token;
mod logout;
mod scope;
mod subject;

pub use claims::{Claim, ClaimSet, ClaimsRequest, ParseClaimsError, PersonClaims};
pub use id_token::{ACR, Hint, IdToken, TYPE, access_token_hash};
pub use logout::{SignOutAsked, SignOutParts, SignOuts};
pub use scope::{EMAIL, OFFLINE_ACCESS, OPENID, PROFILE, identity_scopes};
pub(crate) use subject::sectors;
pub use subject::{ParseSubjectTypeError, SubjectType, Subjects};
