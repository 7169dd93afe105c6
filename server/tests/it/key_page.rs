//! The page of a key: settings, switching off, cloning, what a change would break, advice.

use crate::support::{Answer, Browser, Portal, between};
use axum::body::Body;
use http::{Request, StatusCode};
use latchkey_core::{
    Actor,
    account::SignInMethod,
    api_key::{CreateApiKey, KeyForm},
    port::{api_key::LISTED_AT_MOST, session::SessionDigest},
};
use latchkey_model::Environment;
use server::config::Given;
use std::net::Ipv4Addr;
use time::Duration;

struct Scene {
    portal: Portal,
    ada: Browser,
    application: String,
    page: String,
    key: String,
}

async fn scene(given: Given) -> Scene {
    let portal = Portal::with(given).await;
    let mut ada = portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    let key = ada.key(&application, "development", &["read:posts", "write:posts"], "never").await;
    let id = ada.key_id(&application, "development").await;
    let page = format!("/apps/{application}/development/keys/{id}");
    Scene { portal, ada, application, page, key }
}

impl Scene {
    fn id(&self) -> String {
        self.page.rsplit('/').next().unwrap().to_owned()
    }

    /// Ada, who has just signed in.
    async fn actor(&self) -> Actor {
        let ports = &self.portal.state.services.ports;
        let (account, _) = ports.store.account_by_email("ada@example.org").await.unwrap().unwrap();
        Actor::Account {
            account,
            session: SessionDigest::default(),
            signed_in_at: ports.now(),
            signed_in_by: SignInMethod::PASSWORD,
            from: Ipv4Addr::LOCALHOST.into(),
        }
    }

    /// Makes so many keys for development; the keys.
    async fn make(&self, keys: usize, scopes: &[&str]) -> Vec<String> {
        let (services, actor) = (&self.portal.state.services, self.actor().await);
        let (application, scopes) = (self.application.parse().unwrap(), scopes.iter().map(|one| (*one).to_owned()));
        let scopes: Vec<_> = scopes.collect();
        let form = KeyForm { name: "One of many", scopes: &scopes, expiry: "never", ..KeyForm::default() };
        let mut made = Vec::new();
        for _ in 0..keys {
            let create = CreateApiKey { form, form_id: services.ports.uuid() };
            let created = services.api_keys.create(&actor, application, Environment::Development, create).await;
            made.push(created.unwrap().plain.expose().to_owned());
        }
        made
    }

    /// So many days later, when the session has ended.
    async fn later(&mut self, days: i64) {
        self.portal.clock.advance(Duration::days(days));
        let fields = [("email", "ada@example.org"), ("password", crate::support::PASSWORD)];
        self.ada.send("/login", "/form/account/sign-in", &fields).await;
    }

    /// What the list of keys says.
    async fn list(&mut self) -> String {
        let list = format!("/apps/{}/development/keys", self.application);
        self.ada.get(&list).await.text()
    }

    async fn press(&mut self, form: &str) -> String {
        let id = self.id();
        let answer = self.ada.send(&self.page.clone(), form, &[("id", &id)]).await;
        assert_eq!(answer.location(), self.page, "{answer:?}");
        self.ada.get(&self.page).await.text()
    }

    async fn save(&mut self, fields: &[(&str, &str)]) -> Answer {
        let id = self.id();
        let mut all = vec![("id", id.as_str())];
        for (name, value) in [("name", "Web backend"), ("expiry", "keep")] {
            if !fields.iter().any(|(given, _)| *given == name) {
                all.push((name, value));
            }
        }
        all.extend_from_slice(fields);
        self.ada.send(&self.page.clone(), "/form/api-key/update", &all).await
    }

    async fn call(&self, method: &str, body: &str) -> Answer {
        self.portal.with_key(&self.key, method, "/api/v1/posts", body).await
    }

    async fn call_from(&self, address: &str) -> Answer {
        let request =
            Request::builder().uri("/api/v1/posts").header("x-api-key", &self.key).body(Body::empty()).unwrap();
        self.portal.send_from(address, request).await
    }
}

/// What the form on a page carries of what it showed.
fn shown_on(page: &str) -> String {
    between(page, "name=\"shown\" value=\"", "\"").to_owned()
}

#[tokio::test]
async fn a_key_is_switched_off_and_on_again() {
    let mut scene = scene(Given::default()).await;
    assert_eq!(scene.call("GET", "").await.status, StatusCode::OK);
    let page = scene.press("/form/api-key/disable").await;
    assert!(page.contains("switched off") && page.contains("Switch on"), "{page}");
    let answer = scene.call("GET", "").await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::UNAUTHORIZED, "invalid_token"));
    assert_eq!(scene.portal.recorded(&answer).await.reason.as_deref(), Some("disabled"));
    let page = scene.press("/form/api-key/disable").await;
    assert!(page.contains("like that already"), "{page}");
    scene.press("/form/api-key/enable").await;
    assert_eq!(scene.call("GET", "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_change_counts_for_the_next_request() {
    let mut scene = scene(Given::default()).await;
    assert_eq!(scene.call("POST", "{\"title\":\"x\"}").await.status, StatusCode::CREATED);
    let fields = [
        ("name", "Reader"),
        ("scopes[]", "read:posts"),
        ("limits", "2/1m 100/1h"),
        ("notes", "Asked for by Grace\nin May"),
        ("confirm", ""),
    ];
    // It wrote a post in the last day: the change comes back to be confirmed.
    let answer = scene.portal.with_key(&scene.key, "GET", "/api/v1/whoami", "").await;
    scene.portal.recorded(&answer).await;
    scene.save(&fields).await;
    let page = scene.ada.get(&scene.page).await.text();
    assert!(page.contains("would have refused 1 of 2 requests"), "{page}");
    assert!(page.contains("Save anyway") && page.contains("value=\"Reader\""), "what was typed is there still: {page}");
    assert_eq!(scene.call("POST", "{\"title\":\"x\"}").await.status, StatusCode::CREATED, "nothing was changed yet");

    let confirm = between(&page, "name=\"confirm\" value=\"", "\"").to_owned();
    let fields = fields.map(|(name, value)| if name == "confirm" { (name, confirm.as_str()) } else { (name, value) });
    scene.save(&fields).await;
    let page = scene.ada.get(&scene.page).await.text();
    assert!(page.contains("Saved.") && page.contains("Asked for by Grace"), "{page}");
    let answer = scene.call("POST", "{\"title\":\"x\"}").await;
    assert_eq!(answer.code(), "insufficient_scope");
    let answer = scene.call("GET", "").await;
    assert_eq!(answer.header("ratelimit-policy"), "\"key-60\";q=2;w=60, \"key-3600\";q=100;w=3600");
    assert_eq!(scene.call("GET", "").await.status, StatusCode::OK);
    let answer = scene.call("GET", "").await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(answer.header("ratelimit").starts_with("\"key-60\";r=0;"), "{answer:?}");
}

#[tokio::test]
async fn fewer_addresses_are_replayed_from_the_log() {
    let mut scene = scene(Given { require_tls: Some(false), ..Given::default() }).await;
    for address in ["203.0.113.9:1", "203.0.113.10:1", "198.51.100.7:1"] {
        let answer = scene.call_from(address).await;
        assert_eq!(answer.status, StatusCode::OK);
        scene.portal.recorded(&answer).await;
    }
    let both = [("scopes[]", "read:posts"), ("scopes[]", "write:posts")];
    let mut fields = both.to_vec();
    fields.push(("allowed_from", "203.0.113.0/24"));
    scene.save(&fields).await;
    let page = scene.ada.get(&scene.page).await.text();
    assert!(page.contains("would have refused 1 of 3 requests") && page.contains("198.51.100.7"), "{page}");

    // Only reporting takes nothing away: no question is asked, and the log says what would have been refused.
    fields.push(("report_only", "yes"));
    scene.save(&fields).await;
    assert!(scene.ada.get(&scene.page).await.text().contains("Saved."));
    let answer = scene.call_from("198.51.100.7:1").await;
    assert_eq!(answer.status, StatusCode::OK);
    let row = scene.portal.recorded(&answer).await;
    assert_eq!((row.reason, row.reported.as_deref()), (None, Some("address_not_allowed")));
    let logs = format!("/apps/{}/development/logs?outcome=reported", scene.application);
    let page = scene.ada.get(&logs).await.text();
    assert!(page.contains("198.51.100.7") && !page.contains("203.0.113.9"), "{page}");
}

#[tokio::test]
async fn wrong_fields_are_named_and_kept() {
    let mut scene = scene(Given::default()).await;
    let fields = [("scopes[]", "read:posts"), ("limits", "many"), ("allowed_from", "nowhere"), ("expiry", "soon")];
    let answer = scene.save(&fields).await;
    assert_eq!(answer.location(), scene.page);
    let page = scene.ada.get(&scene.page).await.text();
    for part in ["many is not a limit", "nowhere is not an address", "Choose when the key ends", "value=\"many\""] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let secret = scene.key.clone();
    scene.save(&[("scopes[]", "read:posts"), ("notes", &secret)]).await;
    let page = scene.ada.get(&scene.page).await.text();
    assert!(page.contains("This holds a key"), "{page}");
}

#[tokio::test]
async fn settings_are_cloned_into_a_new_form() {
    let mut scene = scene(Given::default()).await;
    let fields = [("scopes[]", "read:posts"), ("limits", "5/1s"), ("notes", "for the importer"), ("expiry", "45")];
    scene.save(&fields).await;
    let form = format!("/apps/{}/development/keys/new?from={}", scene.application, scene.id());
    assert!(scene.ada.get(&scene.page).await.text().contains(&form.replace('&', "&amp;")));
    let page = scene.ada.get(&form).await.text();
    assert!(page.contains("value=\"5/1s\"") && page.contains("for the importer"), "{page}");
    assert!(page.contains("value=\"45\" checked") && page.contains("45 days"), "as long a life: {page}");
    let mut eve = scene.portal.member("eve@example.org").await;
    let own = eve.application("Eve's").await;
    let stolen = eve.get(&format!("/apps/{own}/development/keys/new?from={}", scene.id())).await;
    assert_eq!(stolen.status, StatusCode::NOT_FOUND, "another team's key has no settings to clone");
}

#[tokio::test]
async fn revoking_and_rotating_show_what_they_would_break() {
    let mut scene = scene(Given::default()).await;
    for part in ["revoke", "rotate"] {
        let page = scene.ada.get(&format!("{}/{part}", scene.page)).await.text();
        assert!(page.contains("It served no request in the last 24 hours"), "{page}");
    }
    let answer = scene.call("GET", "").await;
    scene.portal.recorded(&answer).await;
    for part in ["revoke", "rotate"] {
        let page = scene.ada.get(&format!("{}/{part}", scene.page)).await.text();
        assert!(page.contains("would have refused all 1 request of the last 24 hours"), "{page}");
        assert!(page.contains("GET /api/v1/posts") && page.contains("127.0.0.1"), "{page}");
    }
}

#[tokio::test]
async fn ending_the_old_key_of_a_rotation_shows_what_it_would_break() {
    let mut scene = scene(Given::default()).await;
    let end = format!("{}/end", scene.page);
    assert!(scene.ada.get(&end).await.text().contains("There is nothing to end"));
    let answer = scene.call("GET", "").await;
    scene.portal.recorded(&answer).await;
    scene.ada.rotate(&scene.page.clone(), "7d", "now").await;
    assert!(scene.list().await.contains(&format!("href=\"{end}\"")), "the card leads there");
    let page = scene.ada.get(&end).await.text();
    assert!(page.contains("Ending it would have refused all 1 request of the last 24 hours"), "{page}");
    let id = scene.id();
    let answer = scene.ada.send(&end, "/form/api-key/end-overlap", &[("id", &id)]).await;
    assert_eq!(answer.location(), scene.page);
    assert_eq!(scene.call("GET", "").await.status, StatusCode::UNAUTHORIZED);
    assert!(scene.ada.get(&end).await.text().contains("There is nothing to end"));
}

#[tokio::test]
async fn keys_beyond_the_first_page_are_counted_listed_and_advised_about() {
    let mut scene = scene(Given::default()).await;
    // More than those that are looked at beside the first page, and one that is neither among the oldest nor idle.
    scene.make(60, &["read:posts"]).await;
    scene.portal.clock.advance(Duration::MINUTE);
    let in_use = scene.make(1, &["read:posts", "write:posts"]).await;
    scene.later(90).await;
    let answer = scene.portal.with_key(&in_use[0], "GET", "/api/v1/posts", "").await;
    assert_eq!(answer.status, StatusCode::OK);
    scene.portal.recorded(&answer).await;
    scene.make(LISTED_AT_MOST, &["read:posts"]).await;
    let page = scene.list().await;
    assert!(page.contains("62 more are not listed here"), "those of before are not among them");
    assert!(page.contains("has been idle for 90 days"), "and the oldest are advised about all the same");
    assert!(!page.contains("did not use write:posts"));
    let next = between(&page, "/development/keys?after=", "\"").replace("&amp;", "&");
    let page = scene.ada.get(&format!("/apps/{}/development/keys?after={next}", scene.application)).await.text();
    assert!(page.contains("did not use write:posts in the last 30 days"), "whoever goes on finds what is advised");
    assert!(page.contains("Web backend") && page.contains("has been idle for 90 days"));
    assert!(!page.contains("More keys") && !page.contains("not listed here"), "it is the last page");
}

#[tokio::test]
async fn a_form_from_before_somebody_elses_change_overwrites_nothing() {
    let mut scene = scene(Given::default()).await;
    let (page, both) = (scene.page.clone(), [("scopes[]", "read:posts"), ("scopes[]", "write:posts")]);
    let shown = shown_on(&scene.ada.get(&page).await.text());
    // Somebody else, who had the same form before them, takes a scope away.
    scene.save(&[("scopes[]", "read:posts"), ("shown", &shown)]).await;
    assert!(scene.ada.get(&page).await.text().contains("Saved."));
    scene.save(&[&both[..], &[("notes", "for the importer"), ("shown", shown.as_str())]].concat()).await;
    let text = scene.ada.get(&page).await.text();
    assert!(text.contains("Somebody else changed this key meanwhile, and nothing was saved"), "{text}");
    assert!(text.contains("for the importer"), "what was typed is there still: {text}");
    assert_eq!(scene.call("POST", "{\"title\":\"x\"}").await.code(), "insufficient_scope");
    // Whoever has looked at it saves again.
    let shown = shown_on(&text);
    scene.save(&[&both[..], &[("notes", "for the importer"), ("shown", shown.as_str())]].concat()).await;
    assert!(scene.ada.get(&page).await.text().contains("Saved."));
    assert_eq!(scene.call("POST", "{\"title\":\"x\"}").await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_form_that_goes_back_still_stands_for_what_it_showed_at_first() {
    let mut scene = scene(Given::default()).await;
    let page = scene.page.clone();
    let first = shown_on(&scene.ada.get(&page).await.text());
    let one = [("scopes[]", "read:posts"), ("shown", first.as_str())];
    let change = async |scene: &Scene, notes: &str| {
        let scopes = ["read:posts".to_owned(), "write:posts".to_owned()];
        let form = KeyForm { name: "Web backend", scopes: &scopes, expiry: "keep", notes, ..KeyForm::default() };
        let id = scene.id().parse().unwrap();
        scene.portal.state.services.api_keys.update(&scene.actor().await, id, &form, "").await.unwrap();
    };
    // A field is wrong, and before the form is there again, somebody else changes the key.
    scene.save(&[&one[..], &[("limits", "many")]].concat()).await;
    change(&scene, "Asked for by Grace").await;
    let text = scene.ada.get(&page).await.text();
    assert!(text.contains("many is not a limit") && shown_on(&text) == first, "{text}");
    scene.save(&one).await;
    let text = scene.ada.get(&page).await.text();
    assert!(text.contains("Somebody else changed this key meanwhile"), "{text}");

    // The same where it goes back to be confirmed.
    assert_eq!(scene.call("POST", "{\"title\":\"x\"}").await.status, StatusCode::CREATED);
    let answer = scene.call("POST", "{\"title\":\"y\"}").await;
    scene.portal.recorded(&answer).await;
    let second = shown_on(&text);
    scene.save(&[("scopes[]", "read:posts"), ("shown", &second)]).await;
    change(&scene, "Asked for by Alan").await;
    let text = scene.ada.get(&page).await.text();
    assert!(text.contains("Save anyway") && shown_on(&text) == second, "{text}");
    let confirm = between(&text, "name=\"confirm\" value=\"", "\"").to_owned();
    scene.save(&[("scopes[]", "read:posts"), ("shown", &second), ("confirm", &confirm)]).await;
    let text = scene.ada.get(&page).await.text();
    assert!(text.contains("Somebody else changed this key meanwhile") && text.contains("Asked for by Alan"), "{text}");
}

#[tokio::test]
async fn scopes_that_nobody_used_for_a_month_are_taken_away_in_one_click() {
    let mut scene = scene(Given::default()).await;
    let list = format!("/apps/{}/development/keys", scene.application);
    scene.portal.clock.advance(Duration::days(40));
    let answer = scene.call("GET", "").await;
    scene.portal.recorded(&answer).await;
    // The session has ended by then.
    let fields = [("email", "ada@example.org"), ("password", crate::support::PASSWORD)];
    scene.ada.send("/login", "/form/account/sign-in", &fields).await;
    let page = scene.ada.get(&list).await.text();
    assert!(page.contains("did not use write:posts in the last 30 days"), "{page}");
    let page = scene.press("/form/api-key/shrink").await;
    assert!(page.contains("can no longer write:posts"), "{page}");
    assert_eq!(scene.call("POST", "{\"title\":\"x\"}").await.code(), "insufficient_scope");
    assert_eq!(scene.call("GET", "").await.status, StatusCode::OK);
    assert!(!scene.ada.get(&list).await.text().contains("did not use"));
}

#[tokio::test]
async fn a_scope_is_not_called_unused_before_it_was_held_for_a_month() {
    let mut scene = scene(Given::default()).await;
    scene.save(&[("scopes[]", "read:posts")]).await;
    scene.later(40).await;
    scene.save(&[("scopes[]", "read:posts"), ("scopes[]", "write:posts")]).await;
    for (days, advised) in [(0, false), (29, false), (1, true)] {
        scene.later(days).await;
        let answer = scene.call("GET", "").await;
        assert_eq!(answer.status, StatusCode::OK);
        scene.portal.recorded(&answer).await;
        let page = scene.list().await;
        assert_eq!(page.contains("did not use write:posts in the last 30 days"), advised, "{page}");
    }
}

#[tokio::test]
async fn an_idle_key_is_named_and_has_another_while_once_it_is_switched_on_again() {
    let mut scene = scene(Given::default()).await;
    scene.later(89).await;
    assert!(!scene.list().await.contains("has been idle"));
    scene.later(1).await;
    let page = scene.list().await;
    assert!(page.contains("has been idle for 90 days") && !page.contains("did not use"), "{page}");
    scene.press("/form/api-key/disable").await;
    scene.press("/form/api-key/enable").await;
    assert!(!scene.list().await.contains("has been idle"));
    scene.later(90).await;
    assert!(scene.list().await.contains("has been idle for 90 days"));
}

#[tokio::test]
async fn an_environments_policy_that_somebody_else_changed_meanwhile_is_not_overwritten() {
    let mut scene = scene(Given::default()).await;
    let settings = format!("/apps/{}/development/settings", scene.application);
    let application = scene.application.clone();
    let shown = shown_on(&scene.ada.get(&settings).await.text());
    let base = [("application", application.as_str()), ("environment", "development"), ("shown", shown.as_str())];
    let first = [&base[..], &[("rotate_after_days", "90")]].concat();
    scene.ada.send(&settings, "/form/api-key/policy", &first).await;
    assert!(scene.ada.get(&settings).await.text().contains("Saved."));
    let second = [&base[..], &[("disable_idle_days", "77")]].concat();
    scene.ada.send(&settings, "/form/api-key/policy", &second).await;
    let page = scene.ada.get(&settings).await.text();
    assert!(page.contains("Somebody else changed these settings meanwhile") && page.contains("value=\"77\""), "{page}");
    let page = scene.ada.get(&settings).await.text();
    assert!(page.contains("value=\"90\"") && !page.contains("value=\"77\""), "nothing was saved: {page}");
}

#[tokio::test]
async fn an_environments_policy_is_kept_and_advises_to_rotate_old_keys() {
    let mut scene = scene(Given::default()).await;
    let settings = format!("/apps/{}/development/settings", scene.application);
    let application = scene.application.clone();
    let base = [("application", application.as_str()), ("environment", "development")];
    let mut wrong = base.to_vec();
    wrong.extend([("disable_idle_days", "0"), ("rotate_after_days", "10")]);
    scene.ada.send(&settings, "/form/api-key/policy", &wrong).await;
    assert!(scene.ada.get(&settings).await.text().contains("Enter 1 to 730 days"));
    let mut right = base.to_vec();
    right.extend([("revoke_leaked", "yes"), ("rotate_after_days", "2")]);
    scene.ada.send(&settings, "/form/api-key/policy", &right).await;
    assert!(scene.ada.get(&settings).await.text().contains("value=\"2\""));
    scene.portal.clock.advance(Duration::days(2));
    let list = format!("/apps/{application}/development/keys");
    assert!(scene.ada.get(&list).await.text().contains("is 2 days old"));
}
