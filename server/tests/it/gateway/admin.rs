//! What admins do with guarded APIs, and what developers see of them.

use super::{World, fields, refusal};
use crate::support::{Portal, between};
use http::StatusCode;

#[tokio::test]
async fn an_admin_registers_an_api_and_developers_find_its_scopes() {
    let mut world = World::new().await;
    let list = world.admin.get("/admin/apis").await.text();
    assert!(list.contains("href=\"/admin/apis/orders\"") && list.contains("https://orders.example.org"), "{list}");
    let page = world.admin.get("/admin/apis/orders").await.text();
    for shown in ["/v1/orders/{id}", "Everybody", "2/1m", "/gateway/check/orders", "orders:read See orders"] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    let form = world.ada.get(&format!("/apps/{}/production/keys/new", world.application)).await.text();
    let group = between(&form, "aria-label=\"Orders\"", "</fieldset>");
    assert!(group.contains("See orders") && group.contains("value=\"orders:write\""), "{group}");
    assert!(!group.contains(" checked"), "a key is for an API only if somebody says so: {group}");
    let clients = format!("/apps/{}/production/service-accounts/new", world.application);
    assert!(world.ada.get(&clients).await.text().contains("See orders"));
    assert!(world.ada.get("/account/tokens/new").await.text().contains("See orders"));
}

#[tokio::test]
async fn what_is_wrong_stands_at_its_field_and_nothing_is_lost() {
    let mut world = World::new().await;
    for (changed, told) in [
        (("name", ""), "Enter a name"),
        (("slug", "Orders 2"), "lower-case letters"),
        (("base_url", "orders.example.org"), "Write the https:// address"),
        (("base_url", "http://127.0.0.1:4000/gateway"), "own address"),
        (("scopes", "read:posts"), "is a scope of Latchkey itself"),
        (("policies", "GET /v1/orders orders:drop"), "orders:drop is none of the scopes"),
        (("policies", "GET /v1/orders"), "Line 1: a policy is"),
        (("environments[]", "nowhere"), "Choose among the environments"),
        (("verifiers", "lkc_0123456789abcdefghij"), "is no service account of this portal"),
        (("editors", "me"), "is no client id"),
    ] {
        let new = fields(&[("slug", "stock"), ("base_url", "https://stock.example.org"), changed]);
        // What is named twice is what the case is about.
        let new: Vec<_> =
            new.iter().filter(|(name, value)| *name != changed.0 || *value == changed.1).copied().collect();
        let answer = world.admin.send("/admin/apis/new", "/form/guarded-api/save", &new).await;
        assert_eq!(answer.location(), "/admin/apis/new", "{changed:?}: {answer:?}");
        let page = world.admin.get("/admin/apis/new").await.text();
        assert!(page.contains(told), "{changed:?}: {page}");
        assert!(changed.0 == "policies" || page.contains("DELETE /v1/orders/{id} orders:read,orders:write"), "{page}");
    }
    let list = world.admin.get("/admin/apis").await.text();
    assert!(!list.contains("stock"), "{list}");
}

#[tokio::test]
async fn one_name_one_address_and_one_scope_are_one_apis() {
    let mut world = World::new().await;
    for (others, told) in [
        (
            &[("base_url", "https://a.example.org"), ("scopes", "a:b"), ("policies", "")][..],
            "Another API has this short name",
        ),
        (&[("slug", "a"), ("scopes", "a:b"), ("policies", "")], "Another API has this address"),
        (&[("slug", "a"), ("base_url", "https://a.example.org")], "orders:admin is a scope of Orders already"),
    ] {
        let answer = world.admin.send("/admin/apis/new", "/form/guarded-api/save", &fields(others)).await;
        assert_eq!(answer.location(), "/admin/apis/new", "{others:?}: {answer:?}");
        let page = world.admin.get("/admin/apis/new").await.text();
        assert!(page.contains(told), "{told}: {page}");
    }
    let second = fields(&[("slug", "a"), ("base_url", "https://a.example.org"), ("scopes", "a:b"), ("policies", "")]);
    let answer = world.admin.send("/admin/apis/new", "/form/guarded-api/save", &second).await;
    assert_eq!(answer.location(), "/admin/apis/a", "{answer:?}");
    let page = world.admin.get("/admin/apis/a").await.text();
    assert!(page.contains("No policy yet"), "{page}");
    for (field, value, told) in [
        ("base_url", "https://orders.example.org", "Another API has this address"),
        ("scopes", "a:b\norders:read", "orders:read is a scope of Orders already"),
    ] {
        let version = between(&page, "name=\"version\" value=\"", "\"");
        let kept = second.iter().filter(|(name, _)| *name != field).copied();
        let all: Vec<_> = kept.chain([(field, value), ("api", "a"), ("version", version)]).collect();
        let answer = world.admin.send("/admin/apis/a", "/form/guarded-api/save", &all).await;
        let page = world.admin.get(answer.location()).await.text();
        assert!(page.contains(told), "{page}");
    }
}

#[tokio::test]
async fn of_two_who_change_an_api_at_once_one_does() {
    let mut world = World::new().await;
    let page = world.admin.get("/admin/apis/orders").await.text();
    let version = between(&page, "name=\"version\" value=\"", "\"").to_owned();
    let mut changed = 0;
    for name in ["First", "Second"] {
        let mut all = fields(&[("name", name)]);
        all.extend([("api", "orders"), ("version", version.as_str())]);
        let answer = world.admin.send("/admin/apis/orders", "/form/guarded-api/save", &all).await;
        let page = world.admin.get(answer.location()).await.text();
        changed += usize::from(page.contains("Saved"));
        assert!(page.contains("Saved") || page.contains("Somebody else changed"), "{page}");
    }
    assert_eq!(changed, 1);
    let old = [("api", "orders"), ("version", version.as_str())];
    world.admin.send("/admin/apis/orders", "/form/guarded-api/remove", &old).await;
    assert_eq!(world.admin.get("/admin/apis/orders").await.status, StatusCode::OK, "it is not what they looked at");
    // A form that goes back for a wrong field still stands for what it showed at first.
    let mut wrong = fields(&[("base_url", "nowhere")]);
    wrong.extend(old);
    let answer = world.admin.send("/admin/apis/orders", "/form/guarded-api/save", &wrong).await;
    let page = world.admin.get(answer.location()).await.text();
    assert!(page.contains("value=\"nowhere\""), "{page}");
    assert_eq!(between(&page, "name=\"version\" value=\"", "\""), version);
}

#[tokio::test]
async fn an_api_that_is_removed_lets_nobody_in() {
    let mut world = World::new().await;
    let key = world.key("production", &["orders:read"]).await;
    assert_eq!(world.check("GET", "/v1/orders", &[("x-api-key", &key)]).await.status, 200);
    let page = world.admin.get("/admin/apis/orders").await.text();
    let version = between(&page, "name=\"version\" value=\"", "\"").to_owned();
    let sent = [("api", "orders"), ("version", version.as_str())];
    let answer = world.admin.send("/admin/apis/orders", "/form/guarded-api/remove", &sent).await;
    assert_eq!(answer.location(), "/admin/apis");
    assert_eq!(refusal(&world.check("GET", "/v1/orders", &[("x-api-key", &key)]).await), (404, "not_found".to_owned()));
    assert_eq!(world.admin.get("/admin/apis/orders").await.status, StatusCode::NOT_FOUND);
    let page = world.ada.get(&format!("/apps/{}/production/keys", world.application)).await;
    assert_eq!(page.status, StatusCode::OK, "its keys are there still");
    // And open nothing, whatever is registered after it.
    let heir = fields(&[("slug", "heir"), ("base_url", "https://heir.example.org")]);
    let answer = world.admin.send("/admin/apis/new", "/form/guarded-api/save", &heir).await;
    assert_eq!(answer.location(), "/admin/apis/new");
    let page = world.admin.get("/admin/apis/new").await.text();
    assert!(page.contains("Credentials may hold it still"), "{page}");
    let form = world.ada.get(&format!("/apps/{}/production/keys/new", world.application)).await.text();
    assert!(!form.contains("orders:read"), "{form}");
}

#[tokio::test]
async fn an_api_without_scopes_is_nobodys() {
    let mut world = World::new().await;
    let new = [("slug", "bare"), ("base_url", "https://bare.example.org"), ("scopes", "")];
    let open = fields(&[&new[..], &[("policies", "* /{*all} any")]].concat());
    world.admin.send("/admin/apis/new", "/form/guarded-api/save", &open).await;
    let page = world.admin.get("/admin/apis/new").await.text();
    assert!(page.contains("any is whoever holds a scope of the API"), "{page}");
    let bare = fields(&[&new[..], &[("policies", "GET /health public")]].concat());
    let answer = world.admin.send("/admin/apis/new", "/form/guarded-api/save", &bare).await;
    assert_eq!(answer.location(), "/admin/apis/bare", "{answer:?}");
    // A token for it is not had by way of another API's scopes.
    let application = world.application.clone();
    let machine = world.ada.service_account(&application, "production", &["read:posts"], &[]).await;
    for target in ["https://bare.example.org", "https://orders.example.org"] {
        let body = crate::stage::encoded(&[("grant_type", "client_credentials"), ("resource", target)]);
        let refused = world.portal.oauth("/oauth/token", Some(&machine.basic()), &body).await;
        assert_eq!(crate::stage::error(&refused), "invalid_target", "{target}");
    }
}

#[tokio::test]
async fn an_app_that_registers_itself_gets_no_scope_of_an_api_that_it_does_not_name() {
    let mut world = World::new().await;
    let application = world.admin.application("Agents").await;
    let page = format!("/apps/{application}/development/clients");
    let policy = [("application", application.as_str()), ("environment", "development"), ("policy", "open")];
    world.admin.send(&page, "/form/oauth-client/registration", &policy).await;
    let ask = async |scope: Option<&str>| {
        let mut body =
            serde_json::json!({"client_name": "Reader", "redirect_uris": ["https://reader.example.org/back"]});
        if let Some(scope) = scope {
            body["scope"] = scope.into();
        }
        world.portal.api("POST", "/oauth/register", &[("content-type", "application/json")], &body.to_string()).await
    };
    let answer = ask(None).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    let scope = answer.json()["scope"].as_str().unwrap().to_owned();
    assert!(scope.contains("read:posts") && !scope.contains("orders:"), "{scope}");
    let named = ask(Some("orders:read")).await;
    assert_eq!(named.json()["scope"], "orders:read", "{named:?}");
}

#[tokio::test]
async fn developers_have_no_say_in_apis() {
    let mut world = World::new().await;
    for path in ["/admin/apis", "/admin/apis/new", "/admin/apis/orders"] {
        assert_eq!(world.ada.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let taken = fields(&[("api", "orders"), ("version", "1"), ("policies", "* /{*all} public")]);
    world.ada.send("/dashboard", "/form/guarded-api/save", &taken).await;
    world.ada.send("/dashboard", "/form/guarded-api/remove", &[("api", "orders"), ("version", "1")]).await;
    let mine =
        fields(&[("slug", "mine"), ("base_url", "https://mine.example.org"), ("scopes", "a:b"), ("policies", "")]);
    world.ada.send("/dashboard", "/form/guarded-api/save", &mine).await;
    let list = world.admin.get("/admin/apis").await.text();
    assert!(list.contains("orders") && !list.contains("mine"), "{list}");
    assert_eq!(refusal(&world.check("GET", "/anything", &[]).await).0, 401, "nothing became public");
}

#[tokio::test]
async fn the_policies_of_a_node_are_those_of_every_node() {
    let portal = Portal::on_postgres().await;
    let mut admin = portal.admin().await;
    let answer = admin.send("/admin/apis/new", "/form/guarded-api/save", &fields(&[])).await;
    assert_eq!(answer.location(), "/admin/apis/orders", "{answer:?}");
    // The unique scope, address and name hold there too.
    let twice = admin.send("/admin/apis/new", "/form/guarded-api/save", &fields(&[])).await;
    assert_eq!(twice.location(), "/admin/apis/new");
    let page = admin.get("/admin/apis/new").await.text();
    assert!(page.contains("Another API has this short name"), "{page}");
}
