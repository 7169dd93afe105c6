//! APIs that operators put behind the door: which there are, and what each takes of whom.

mod api_fields;
mod api_fn;
mod api_page;
mod apis_page;
mod policy_table;

pub use api_fn::{RemoveApi, SaveApi};
pub use api_page::ApiPage;
pub use apis_page::{ApisPage, NewApiPage};
