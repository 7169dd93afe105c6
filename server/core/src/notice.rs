//! Notices: what people are told in the portal and by mail, and which of it they want as mail.

mod kind;
mod service;

pub use kind::{NoticeKind, ParseNoticeKindError};
pub(crate) use service::remove_all;
pub use service::{NoticeError, NoticeService};
