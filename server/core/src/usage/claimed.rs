//! Whose keys those are that were mistyped.

use crate::{
    api_key::format::PublicId,
    port::{Store, request_log::Attribution},
};
use std::collections::HashMap;

/// How many ids of mistyped keys are looked up at one visit: more come from somebody who makes them up.
const AT_ONCE: usize = 100;

/// Their owners, as far as they were looked up at one visit.
#[derive(Default)]
pub(super) struct Claimed(HashMap<PublicId, Option<Attribution>>);

impl Claimed {
    /// To whom a request is attributed that named this key.
    pub(super) async fn owner_of(&mut self, store: &dyn Store, public_id: PublicId) -> Option<Attribution> {
        if let Some(known) = self.0.get(&public_id) {
            return known.clone();
        }
        if self.0.len() >= AT_ONCE {
            return None;
        }
        let found = match store.api_key_for_door(public_id).await {
            Ok(found) => found.map(|stored| crate::authn::attribution_of(&stored.key)),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "an owner could not be looked up");
                None
            }
        };
        self.0.insert(public_id, found.clone());
        found
    }
}
