//! The token that each form carries, tied to a cookie: a page of another site cannot know it.

/// The fields that every form has beside its own.
pub mod field {
    /// The token.
    pub const TOKEN: &str = "_csrf";
    /// The page that the form is on, to come back to when it cannot be taken.
    pub const BACK: &str = "_back";
}

/// The token of the forms on this page; the layer that made it checks it when a form comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormToken(pub String);

/// The page that the form was on: a path of this portal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormPage(pub String);
