//! Notices: seen and removed some at a time, and nobody else's.

use crate::support::{Database, NOW, on_both_databases, person, uuid};
use latchkey_core::{
    notice::NoticeKind,
    port::{NoticeReader, Removed, notice::Notice},
};
use latchkey_model::{AccountId, NoticeId};

on_both_databases!(notices_are_seen_some_at_a_time, notices_are_removed_some_at_a_time);

/// Tells somebody so many times; the ids, in their order.
async fn tell(database: &Database, email: &str, times: usize) -> Vec<NoticeId> {
    let mut ids: Vec<_> = (0..times).map(|_| NoticeId::from_uuid(uuid())).collect();
    ids.sort_unstable();
    let mut work = database.begin().await;
    for id in &ids {
        let notice = Notice {
            id: *id,
            kind: NoticeKind::Account,
            subject: "Hello".to_owned(),
            text: "Hello.\n".to_owned(),
            occasion: id.to_string(),
            created_at: NOW,
            seen_at: None,
        };
        work.notice_add(email, &notice).await.unwrap();
    }
    work.commit().await.unwrap();
    ids
}

async fn unseen(database: &Database, account: AccountId) -> Vec<NoticeId> {
    let notices = database.store.notices(account, true, 10).await.unwrap();
    notices.into_iter().map(|notice| notice.id).collect()
}

async fn notices_are_seen_some_at_a_time(database: &Database) {
    let (ada, eve) = (person(database, "ada@example.org").await, person(database, "eve@example.org").await);
    let hers = tell(database, "ada@example.org", 5).await;
    let mut eves = tell(database, "eve@example.org", 2).await;
    let mut work = database.begin().await;
    for (from, limit, rows, rest) in [(0, 3, 3, 2), (2, 3, 1, 3), (3, 3, 0, 3)] {
        let seen = work.notices_seen(ada.account.id, hers[from]..=hers[3], NOW, limit).await.unwrap();
        assert_eq!(seen, Removed { rows, rest: hers[rest] }, "from {from} on");
    }
    work.commit().await.unwrap();
    assert_eq!(unseen(database, ada.account.id).await, hers[4..], "what came later was not seen");
    eves.reverse();
    assert_eq!(unseen(database, eve.account.id).await, eves);
}

async fn notices_are_removed_some_at_a_time(database: &Database) {
    let (ada, eve) = (person(database, "ada@example.org").await, person(database, "eve@example.org").await);
    tell(database, "ada@example.org", 5).await;
    tell(database, "eve@example.org", 1).await;
    let mut work = database.begin().await;
    for rows in [3, 2, 0] {
        assert_eq!(work.notices_remove(ada.account.id, 3).await.unwrap(), rows);
    }
    work.commit().await.unwrap();
    assert_eq!(unseen(database, ada.account.id).await, []);
    assert_eq!(unseen(database, eve.account.id).await.len(), 1);
}
