//! Rotating with no downtime, as a person does it on the pages and as callers notice it.

use crate::support::{Browser, Portal};
use http::StatusCode;
use server::config::Given;
use time::Duration;

struct Scene {
    portal: Portal,
    ada: Browser,
    list: String,
    page: String,
    old: String,
}

async fn scene(given: Given, expiry: &str) -> Scene {
    let portal = Portal::with(given).await;
    let mut ada = portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    let old = ada.key(&application, "production", &["read:posts"], expiry).await;
    let list = format!("/apps/{application}/production/keys");
    let page = format!("{list}/{}", ada.key_id(&application, "production").await);
    Scene { portal, ada, list, page, old }
}

impl Scene {
    async fn rotate(&mut self, overlap: &str, start: &str) -> String {
        let answer = self.ada.rotate(&self.page, overlap, start).await;
        assert_eq!(answer.location(), self.list, "{answer:?}");
        self.ada.secret_on(&self.list).await
    }

    /// The id of the key that takes over.
    async fn new_id(&mut self) -> String {
        let page = self.ada.get(&self.list).await.text();
        let link = format!("href=\"{}/", self.list);
        let mut ids = page.split(&link).skip(1).filter_map(|rest| rest.get(..36));
        ids.find(|id| !id.contains('"') && !self.page.ends_with(id)).unwrap().to_owned()
    }

    /// Whoever calls the rotation off is told that it has gone further.
    async fn cannot_be_called_off(&mut self, new_id: &str) {
        assert!(!self.ada.get(&self.list).await.text().contains("Call the rotation off"));
        let page = format!("{}/{new_id}", self.list);
        let answer = self.ada.send(&self.list, "/form/api-key/cancel-rotation", &[("id", new_id)]).await;
        assert_eq!(answer.location(), page);
        assert!(self.ada.get(&page).await.text().contains("the rotation has gone further"));
    }

    async fn status(&self, key: &str) -> u16 {
        self.portal.with_key(key, "GET", "/api/v1/posts", "").await.status.as_u16()
    }

    async fn reason(&self, key: &str) -> Option<String> {
        let answer = self.portal.with_key(key, "GET", "/api/v1/posts", "").await;
        self.portal.recorded(&answer).await.reason
    }
}

#[tokio::test]
async fn both_work_and_the_old_ones_time_starts_at_the_first_use() {
    let mut scene = scene(Given::default(), "never").await;
    let new = scene.rotate("1h", "first-use").await;
    assert!(scene.ada.get(&scene.list).await.text().contains("waiting for first use"));
    scene.portal.clock.advance(Duration::days(2));
    assert_eq!(scene.status(&scene.old).await, 200, "until the new key is used, nothing ends");
    assert_eq!(scene.status(&new).await, 200);
    let page = scene.ada.get(&scene.list).await.text();
    assert!(page.contains("Both work") && page.contains("old key in use"), "{page}");
    scene.portal.clock.advance(Duration::minutes(59));
    assert_eq!((scene.status(&scene.old).await, scene.status(&new).await), (200, 200));
    scene.portal.clock.advance(Duration::minutes(1));
    assert_eq!(scene.reason(&scene.old).await.as_deref(), Some("rotated_out"));
    assert_eq!(scene.status(&new).await, 200);
    let page = scene.ada.get(&scene.list).await.text();
    assert!(page.contains("rotated out") && !page.contains("is being rotated"), "{page}");
}

#[tokio::test]
async fn at_once_and_with_no_overlap_the_old_key_ends_with_the_answer() {
    let mut scene = scene(Given::default(), "never").await;
    assert_eq!(scene.status(&scene.old).await, 200);
    let new = scene.rotate("none", "now").await;
    assert_eq!(scene.reason(&scene.old).await.as_deref(), Some("rotated_out"));
    assert_eq!(scene.status(&new).await, 200);
}

#[tokio::test]
async fn the_overlap_never_outlives_the_old_keys_own_expiry() {
    let mut scene = scene(Given::default(), "7").await;
    let new = scene.rotate("7d", "first-use").await;
    scene.portal.clock.advance(Duration::days(6));
    assert_eq!(scene.status(&new).await, 200);
    scene.portal.clock.advance(Duration::days(1));
    assert_eq!(scene.reason(&scene.old).await.as_deref(), Some("expired"));
}

/// Old 6 and new 6 calls under a limit of 10 are exactly two refusals.
#[tokio::test]
async fn r50_both_keys_share_one_limit() {
    let given = Given { requests_per_minute: "10".parse().ok(), ..Given::default() };
    let mut scene = scene(given, "never").await;
    let new = scene.rotate("24h", "now").await;
    let mut refused = 0;
    for _ in 0..6 {
        for key in [&scene.old, &new] {
            refused += u32::from(scene.status(key).await == 429);
        }
    }
    assert_eq!(refused, 2);
}

#[tokio::test]
async fn a_pending_rotation_is_called_off_and_the_new_key_never_works() {
    let mut scene = scene(Given::default(), "never").await;
    let new = scene.rotate("24h", "first-use").await;
    let page = scene.ada.get(&scene.list).await.text();
    let call_off = page.split("cancel-rotation").nth(1).unwrap();
    let id = crate::support::between(call_off, "name=\"id\" value=\"", "\"").to_owned();
    let answer = scene.ada.send(&scene.list, "/form/api-key/cancel-rotation", &[("id", &id)]).await;
    assert_eq!(answer.location(), scene.page);
    let page = scene.ada.get(&scene.page).await.text();
    assert!(page.contains("called off") && page.contains("works on as before"), "{page}");
    assert_eq!(scene.reason(&new).await.as_deref(), Some("revoked"));
    assert_eq!(scene.status(&scene.old).await, 200);
    // And another may begin.
    let another = scene.rotate("none", "now").await;
    assert_eq!((scene.status(&another).await, scene.status(&scene.old).await), (200, 401));
}

#[tokio::test]
async fn a_rotation_that_began_at_once_is_called_off_until_the_new_key_is_used() {
    let mut scene = scene(Given::default(), "never").await;
    let new = scene.rotate("24h", "now").await;
    assert!(scene.ada.get(&scene.list).await.text().contains("Call the rotation off"));
    let id = scene.new_id().await;
    let answer = scene.ada.send(&scene.list, "/form/api-key/cancel-rotation", &[("id", &id)]).await;
    assert_eq!(answer.location(), scene.page);
    assert_eq!(scene.reason(&new).await.as_deref(), Some("revoked"));
    scene.portal.clock.advance(Duration::hours(25));
    assert_eq!(scene.status(&scene.old).await, 200, "its time does not run any more");

    scene.ada.sign_in_again("ada@example.org").await;
    let used = scene.rotate("24h", "now").await;
    let id = scene.new_id().await;
    assert_eq!(scene.status(&used).await, 200);
    // Known at once, not only when the writer has come by.
    scene.cannot_be_called_off(&id).await;
    assert_eq!((scene.status(&used).await, scene.status(&scene.old).await), (200, 200));
}

#[tokio::test]
async fn a_rotation_is_not_called_off_once_the_old_key_has_expired() {
    let mut scene = scene(Given::default(), "7").await;
    scene.portal.clock.advance(Duration::days(6));
    scene.ada.sign_in_again("ada@example.org").await;
    let new = scene.rotate("24h", "first-use").await;
    let id = scene.new_id().await;
    scene.portal.clock.advance(Duration::days(1));
    scene.ada.sign_in_again("ada@example.org").await;
    // From a page that was loaded before.
    scene.cannot_be_called_off(&id).await;
    assert_eq!((scene.status(&new).await, scene.reason(&scene.old).await.as_deref()), (200, Some("expired")));
}

#[tokio::test]
async fn revoking_a_key_that_a_third_takes_over_from_does_not_bring_the_first_back() {
    let mut scene = scene(Given::default(), "never").await;
    scene.rotate("24h", "now").await;
    let id = scene.new_id().await;
    let answer = scene.ada.rotate(&format!("{}/{id}", scene.list), "24h", "now").await;
    assert_eq!(answer.location(), scene.list, "{answer:?}");
    let third = scene.ada.secret_on(&scene.list).await;
    scene.ada.send(&scene.list, "/form/api-key/revoke", &[("id", &id)]).await;
    assert_eq!((scene.status(&scene.old).await, scene.status(&third).await), (200, 200));
    scene.portal.clock.advance(Duration::hours(24));
    assert_eq!(scene.reason(&scene.old).await.as_deref(), Some("rotated_out"));
    assert_eq!(scene.status(&third).await, 200);
}

#[tokio::test]
async fn what_was_rotated_out_is_brought_back_by_nothing() {
    let mut scene = scene(Given::default(), "never").await;
    let new = scene.rotate("none", "now").await;
    let id = scene.new_id().await;
    scene.cannot_be_called_off(&id).await;
    assert_eq!((scene.status(&new).await, scene.status(&scene.old).await), (200, 401));
    scene.ada.send(&scene.list, "/form/api-key/revoke", &[("id", &id)]).await;
    assert_eq!((scene.status(&new).await, scene.status(&scene.old).await), (401, 401));
}

#[tokio::test]
async fn revoking_the_new_key_while_the_old_ones_time_runs_lets_the_old_one_be() {
    let mut scene = scene(Given::default(), "never").await;
    let new = scene.rotate("24h", "first-use").await;
    assert_eq!(scene.status(&new).await, 200);
    let id = scene.new_id().await;
    scene.ada.send(&scene.list, "/form/api-key/revoke", &[("id", &id)]).await;
    assert_eq!((scene.status(&new).await, scene.status(&scene.old).await), (401, 200));
    scene.portal.clock.advance(Duration::hours(25));
    assert_eq!(scene.status(&scene.old).await, 200, "it ends no more");
    scene.ada.sign_in_again("ada@example.org").await;
    let another = scene.rotate("none", "now").await;
    assert_eq!((scene.status(&another).await, scene.status(&scene.old).await), (200, 401), "it can be rotated again");
}

/// The same as with limits that were there before.
#[tokio::test]
async fn r50_limits_that_are_changed_during_a_rotation_stay_shared() {
    let mut scene = scene(Given::default(), "never").await;
    let new = scene.rotate("24h", "now").await;
    let id = scene.page.rsplit('/').next().unwrap().to_owned();
    let fields = [
        ("id", id.as_str()),
        ("name", "Web backend"),
        ("scopes[]", "read:posts"),
        ("expiry", "keep"),
        ("limits", "10/1m"),
    ];
    scene.ada.send(&scene.page, "/form/api-key/update", &fields).await;
    assert!(scene.ada.get(&scene.page).await.text().contains("Saved."));
    let mut refused = 0;
    for _ in 0..6 {
        for key in [&scene.old, &new] {
            refused += u32::from(scene.status(key).await == 429);
        }
    }
    assert_eq!(refused, 2);
    let team = scene.ada.team_id().await;
    let log = scene.ada.get(&format!("/teams/{team}/audit/export?action=api_key.changed")).await.text();
    let new_id = scene.new_id().await;
    assert!(log.lines().count() == 2 && log.contains(&id) && log.contains(&new_id), "{log}");
}

#[tokio::test]
async fn one_rotation_at_a_time() {
    let mut scene = scene(Given::default(), "never").await;
    scene.rotate("24h", "first-use").await;
    let answer = scene.ada.rotate(&scene.page, "24h", "now").await;
    assert_eq!(answer.location(), scene.page);
    assert!(scene.ada.get(&scene.page).await.text().contains("is being rotated already"));
}

#[tokio::test]
async fn the_old_key_is_called_safe_to_end_once_it_was_quiet_and_ends_by_a_button() {
    let mut scene = scene(Given::default(), "never").await;
    assert_eq!(scene.status(&scene.old).await, 200);
    let new = scene.rotate("7d", "first-use").await;
    let answer = scene.portal.with_key(&new, "GET", "/api/v1/posts", "").await;
    scene.portal.recorded(&answer).await;
    let page = scene.ada.get(&scene.list).await.text();
    assert!(page.contains("old key in use") && page.contains("1 request"), "{page}");
    scene.portal.clock.advance(Duration::hours(2));
    let page = scene.ada.get(&scene.list).await.text();
    assert!(page.contains("safe to end"), "{page}");
    let id = scene.page.rsplit('/').next().unwrap().to_owned();
    scene.ada.sign_in_again("ada@example.org").await;
    let answer = scene.ada.send(&scene.list, "/form/api-key/end-overlap", &[("id", &id)]).await;
    assert_eq!(answer.location(), scene.page);
    assert_eq!(scene.reason(&scene.old).await.as_deref(), Some("rotated_out"));
    assert_eq!(scene.status(&new).await, 200);
}

#[tokio::test]
async fn a_chosen_time_is_read_and_a_wrong_one_is_named() {
    let mut scene = scene(Given::default(), "never").await;
    let rotate = format!("{}/rotate", scene.page);
    let id = scene.page.rsplit('/').next().unwrap().to_owned();
    for (custom, right) in [("soon", false), ("91d", false), ("90m", true)] {
        let form = scene.ada.get(&rotate).await.text();
        let form_id = crate::support::between(&form, "name=\"form_id\" value=\"", "\"").to_owned();
        let fields =
            [("id", id.as_str()), ("form_id", &form_id), ("overlap", "custom"), ("custom", custom), ("start", "now")];
        let answer = scene.ada.send(&rotate, "/form/api-key/rotate", &fields).await;
        assert_eq!(answer.location() == scene.list, right, "{custom}: {answer:?}");
        if !right {
            let page = scene.ada.get(&rotate).await.text();
            assert!(page.contains("90m, 36h or 14d") && page.contains(&format!("value=\"{custom}\"")), "{page}");
        }
    }
    scene.portal.clock.advance(Duration::minutes(89));
    assert_eq!(scene.status(&scene.old).await, StatusCode::OK);
    scene.portal.clock.advance(Duration::minutes(1));
    assert_eq!(scene.status(&scene.old).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn revoking_the_new_key_before_its_first_use_lets_the_old_one_be() {
    let mut scene = scene(Given::default(), "never").await;
    let new = scene.rotate("none", "first-use").await;
    let page = scene.ada.get(&scene.list).await.text();
    assert!(!page.contains("Make the first call"), "nobody is invited to start the old key's time: {page}");
    let id = scene.new_id().await;
    scene.ada.send(&scene.list, "/form/api-key/revoke", &[("id", &id)]).await;
    assert_eq!((scene.status(&new).await, scene.status(&scene.old).await), (401, 200));
    let page = scene.ada.get(&scene.list).await.text();
    assert!(!page.contains("is being rotated"), "{page}");
    let another = scene.rotate("none", "now").await;
    assert_eq!((scene.status(&another).await, scene.status(&scene.old).await), (200, 401));
}
