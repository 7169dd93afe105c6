//! What a session keeps for a later request of its person, each under a name of its own.

use super::respond::session;
use serde::{Serialize, de::DeserializeOwned};

/// A value that a session keeps.
pub trait Kept: Serialize + DeserializeOwned + Send + Sync {
    /// Under which name.
    const KEY: &'static str;
}

/// Keeps it; what cannot be kept is not there later, and then nothing is proven by it.
pub async fn keep<T: Kept>(value: &T) {
    let Some(session) = session() else { return };
    if let Err(error) = session.insert(T::KEY, value).await {
        tracing::error!(%error, key = T::KEY, "a session could not keep a value");
    }
}

/// Takes it: it is good once.
pub async fn take<T: Kept>() -> Option<T> {
    session()?.remove(T::KEY).await.ok().flatten()
}

/// Looks at it.
pub async fn look<T: Kept>() -> Option<T> {
    session()?.get(T::KEY).await.ok().flatten()
}
