//! What the database says, in the words of the port.

use latchkey_core::port::StoreError;
use sea_orm::{DbErr, RuntimeErr};

/// A stored value that cannot be what it says it is.
#[derive(Debug, thiserror::Error)]
#[error("the stored {what} is not one")]
pub(crate) struct Corrupt {
    pub(crate) what: &'static str,
}

impl From<Corrupt> for StoreError {
    fn from(error: Corrupt) -> Self {
        Self::Internal(Box::new(error))
    }
}

/// Classifies an error once, by codes and kinds, never by the text of a message.
pub(crate) fn store_error(error: DbErr) -> StoreError {
    match kind(&error) {
        Kind::Unavailable => StoreError::Unavailable(Box::new(error)),
        Kind::NoSpace => StoreError::NoSpace(Box::new(error)),
        Kind::Internal => StoreError::Internal(Box::new(error)),
    }
}

enum Kind {
    Unavailable,
    NoSpace,
    Internal,
}

fn kind(error: &DbErr) -> Kind {
    let (DbErr::Conn(runtime) | DbErr::Exec(runtime) | DbErr::Query(runtime)) = error else {
        return if matches!(error, DbErr::ConnectionAcquire(_)) { Kind::Unavailable } else { Kind::Internal };
    };
    let RuntimeErr::SqlxError(error) = runtime else { return Kind::Internal };
    match &**error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => Kind::Unavailable,
        sqlx::Error::Database(database) => match database.code().as_deref() {
            // SQLite: SQLITE_FULL. PostgreSQL: disk_full.
            Some("13" | "53100") => Kind::NoSpace,
            // SQLite: BUSY, LOCKED, IOERR, CANTOPEN and their extensions. PostgreSQL: too many connections, shutting down,
            // starting up, serialization failure, deadlock.
            Some(
                "5" | "261" | "517" | "773" | "6" | "262" | "10" | "14" | "53300" | "57P01" | "57P02" | "57P03"
                | "40001" | "40P01",
            ) => Kind::Unavailable,
            _ => Kind::Internal,
        },
        _ => Kind::Internal,
    }
}
