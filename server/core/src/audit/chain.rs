//! How each event is bound to the one before it.

use crate::{port::audit::NewAuditEvent, secret::sha256};

/// What the first event of a tenant is bound to.
pub const GENESIS: [u8; 32] = [0; 32];

/// The digest of an event and of everything before it: whoever changes, removes, adds or moves one changes every digest after it.
///
/// Each part is led by its length, so that no two events are written alike.
pub fn chained(previous: &[u8; 32], sequence: i64, event: &NewAuditEvent) -> [u8; 32] {
    let account = event.account.map(|account| account.to_string()).unwrap_or_default();
    let from = event.from.map(|from| from.to_string()).unwrap_or_default();
    let (sequence, at) = (sequence.to_string(), event.at_micros().to_string());
    let parts = [
        event.tenant.to_string(),
        sequence,
        at,
        account,
        from,
        event.action.as_str().to_owned(),
        event.target.clone(),
        event.target_name.clone(),
        event.changes.clone(),
        event.reason.clone(),
    ];
    let mut bytes = previous.to_vec();
    for part in &parts {
        bytes.extend((part.len() as u64).to_be_bytes());
        bytes.extend(part.as_bytes());
    }
    sha256(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Action, Tenant};
    use latchkey_model::AuditEventId;
    use time::macros::datetime;
    use uuid::Uuid;

    fn event() -> NewAuditEvent {
        NewAuditEvent {
            id: AuditEventId::from_uuid(Uuid::nil()),
            tenant: Tenant::Portal,
            at: datetime!(2026-11-26 12:00 UTC),
            account: None,
            from: None,
            action: Action::KeyRevoked,
            target: "a".to_owned(),
            target_name: "bc".to_owned(),
            changes: "[]".to_owned(),
            reason: String::new(),
        }
    }

    #[test]
    fn every_part_and_every_place_counts() {
        let first = chained(&GENESIS, 1, &event());
        let others = [
            chained(&first, 1, &event()),
            chained(&GENESIS, 2, &event()),
            chained(&GENESIS, 1, &NewAuditEvent { action: Action::KeyCreated, ..event() }),
            chained(&GENESIS, 1, &NewAuditEvent { reason: "x".to_owned(), ..event() }),
            chained(&GENESIS, 1, &NewAuditEvent { at: datetime!(2026-11-26 12:00:01 UTC), ..event() }),
            chained(&GENESIS, 1, &NewAuditEvent { from: Some([192, 0, 2, 1].into()), ..event() }),
            // What is moved from one part to its neighbour is another event.
            chained(&GENESIS, 1, &NewAuditEvent { target: "ab".to_owned(), target_name: "c".to_owned(), ..event() }),
        ];
        for (index, other) in others.iter().enumerate() {
            assert_ne!(*other, first, "{index}");
        }
        assert_eq!(chained(&GENESIS, 1, &event()), first);
    }
}
