//! A request as whoever watches a log sees it come.

use serde::{Deserialize, Serialize};

/// One row of a log that is watched. Another one with the same id takes its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveRequest {
    /// The request's id.
    pub id: String,
    /// When it came, on the clock of whoever watches: hours, minutes and seconds.
    pub at: String,
    /// The status of the answer.
    pub status: u16,
    /// Why the door refused it, if it did.
    pub reason: Option<String>,
    /// Method and path.
    pub request: String,
    /// The credential's name and hint, where it is known.
    pub key: Option<(String, String)>,
    /// From where.
    pub from: String,
    /// For how many requests the row stands, where it is not one.
    pub many: Option<String>,
}
