//! Every page and every file of the portal, by everybody, with every filter; and what is shown elsewhere.

use super::{planted::Planted, scene::Scene};
use crate::{logs::Line, metrics::scrape, support::Browser};
use server::routes::{Kind, ROUTES, Route};

/// The names that a query means something by, anywhere.
const NAMES: [&str; 24] = [
    "outcome",
    "reason",
    "method",
    "status",
    "route",
    "address",
    "network",
    "key",
    "text",
    "since",
    "until",
    "before",
    "request",
    "range",
    "client",
    "action",
    "actor",
    "target",
    "token",
    "code",
    "state",
    "user_code",
    "error",
    "x",
];

/// Looks at all of it.
pub(super) async fn look(scene: &mut Scene, planted: &mut Planted) {
    let paths: Vec<_> = ROUTES.iter().filter_map(|route| path_of(route, scene)).collect();
    let sought = [scene.key.clone(), scene.verifier.clone(), scene.token.clone()];
    let nobody = scene.portal().browser();
    for (who, browser) in [("Ada", scene.stage.ada.clone()), ("an admin", scene.admin.clone()), ("nobody", nobody)] {
        let mut browser = browser;
        for path in &paths {
            planted.saw(&format!("a page of {who}: {path}"), &browser.get(path).await);
        }
        for path in paths.iter().filter(|path| path.ends_with("/export")) {
            for format in ["csv", "json"] {
                let all = browser.get(&format!("{path}?format={format}&range=90d")).await;
                planted.saw(&format!("a file of {who}: {path}"), &all);
                for sought in &sought {
                    let filtered = browser.get(&format!("{path}?format={format}&{}", filter(sought))).await;
                    planted.saw(&format!("a file of {who}: {path}, filtered"), &filtered);
                }
            }
        }
        look_for(&sought, &paths, &mut browser).await;
    }
    for (what, browser, path) in [
        (
            "a log of Ada as it comes",
            &scene.stage.ada,
            format!("/apps/{}/development/logs/live", scene.stage.application),
        ),
        ("a log of the portal as it comes", &scene.admin, "/admin/failures/live".to_owned()),
    ] {
        let mut line = Line::open(browser, &path, Some(&scene.first)).await;
        assert!(line.hears("data:").await, "{what}: {}", line.1);
        line.hears("until it has said all").await;
        planted.saw_text(what, &line.1);
    }
    planted.saw_text("the metrics", &scrape(scene.portal()).await);
}

/// Pages with what is looked for in their address: they may say it again to whoever asks, and keep it nowhere.
async fn look_for(sought: &[String], paths: &[String], browser: &mut Browser) {
    for sought in sought {
        for path in paths {
            browser.get(&format!("{path}?{}", filter(sought))).await;
        }
        for view in ["failures", "addresses", "networks", "routes", "reasons", "live"] {
            for path in paths.iter().filter(|path| path.ends_with("/logs") || path.ends_with("/failures")) {
                browser.get(&format!("{path}?view={view}&{}", filter(sought))).await;
            }
        }
    }
}

fn filter(sought: &str) -> String {
    NAMES.map(|name| format!("{name}={sought}")).join("&")
}

/// The address of a page or a file, about what there is on the stage. One that never ends is looked at otherwise.
fn path_of(route: &Route, scene: &Scene) -> Option<String> {
    if !matches!(route.kind, Kind::Page | Kind::Download | Kind::Operations) || route.path.ends_with("/live") {
        return None;
    }
    let id_of = |page: &str| page.rsplit('/').next().unwrap_or_default().to_owned();
    let client = if route.path.contains("service-accounts") { &scene.machine.page } else { &scene.stage.page };
    let key = if route.path.starts_with("/account/tokens") { &scene.token_id } else { &scene.key_id };
    let webhook = if route.path.starts_with("/admin") { &scene.portal_webhook } else { &scene.webhook };
    let path = route
        .path
        .replace("{guide}", "keys")
        .replace("{app}", &scene.stage.application)
        .replace("{environment}", "development")
        .replace("{client}", &id_of(client))
        .replace("{key}", key)
        .replace("{team}", &scene.team)
        .replace("{account}", &scene.account)
        .replace("{kind}", "failure_rate")
        .replace("{webhook}", webhook)
        .replace("{request_id}", &scene.first)
        .replace("{api}", "orders")
        .replace("{provider}", &scene.provider);
    assert!(!path.contains('{'), "{path}: nothing on the stage is called so");
    Some(path)
}
