//! The server is killed in the middle of changes under load: what was answered is kept, and nothing that was ended comes back.

use crate::{
    support::{At, Browser, PASSWORD, between},
    wire,
};
use axum::body::Body;
use http::{Request, StatusCode};
use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::task::JoinSet;

const ROUNDS: u64 = 6;

/// What the server acknowledged about a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Acknowledged {
    Works,
    Ended,
    /// A change was asked for and not answered: either is right.
    Unknown,
}

/// Every key that was shown, and what was said of it last.
type Ledger = Arc<Mutex<BTreeMap<String, Acknowledged>>>;

fn start(data: &Path, port: u16) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
    command
        .env_clear()
        .env("LEPTOS_SITE_ROOT", concat!(env!("CARGO_MANIFEST_DIR"), "/../public"))
        .args(["serve", "--attempts-per-minute", "10000", "--requests-per-minute", "1000000"])
        .args(["--team-requests-per-minute", "1000000", "--listen", &format!("127.0.0.1:{port}"), "--data"])
        .arg(data)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

async fn wait_until_ready(address: SocketAddr) {
    for _ in 0..300 {
        let request = Request::builder().uri("/health/ready").body(Body::empty()).unwrap();
        if wire::ask(address, request).await.is_some_and(|answer| answer.status == StatusCode::OK) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the server did not start");
}

async fn call(address: SocketAddr, key: &str) -> Option<StatusCode> {
    let request = Request::builder().uri("/api/v1/whoami").header("x-api-key", key).body(Body::empty()).unwrap();
    wire::ask(address, request).await.map(|answer| answer.status)
}

/// How one key takes over from another.
#[derive(Clone, Copy)]
enum Rotation {
    /// With the answer to the form.
    AtOnce,
    /// With the first use of the new key.
    AtFirstUse,
    /// Not at all: it is called off.
    CalledOff,
}

/// The key that a list shows once, and its id.
async fn shown(browser: &mut Browser, list: &str, name: &str) -> Option<(String, String)> {
    let page = browser.get(list).await.text();
    let (_, rest) = page.split_once("class=\"secret-value\"><code>")?;
    let key = rest.split_once('<')?.0.to_owned();
    let hint = format!("…{}", &key[key.len() - 4..]);
    // Above the table, the card of a rotation leads elsewhere.
    let row = page.split("<tr").skip(1).find(|row| row.contains(name) && row.contains(&hint))?;
    Some((key, between(row, &format!("href=\"{list}/"), "\"").to_owned()))
}

/// Creates, rotates and revokes one key after the other, and notes what was answered, until the server is gone.
async fn change_keys(mut browser: Browser, application: String, ledger: Ledger, address: SocketAddr, first: usize) {
    let note = |key: &str, what| {
        ledger.lock().unwrap().insert(key.to_owned(), what);
    };
    let list = format!("/apps/{application}/development/keys");
    let new = format!("{list}/new");
    for rotation in [Rotation::AtOnce, Rotation::AtFirstUse, Rotation::CalledOff].into_iter().cycle().skip(first) {
        let form = browser.get(&new).await;
        if form.status != StatusCode::OK {
            return;
        }
        let form_id = between(&form.text(), "name=\"form_id\" value=\"", "\"").to_owned();
        let name = form_id.replace('-', " ");
        let fields = [
            ("application", application.as_str()),
            ("environment", "development"),
            ("form_id", form_id.as_str()),
            ("name", &name),
            ("scopes[]", "read:posts"),
            ("expiry", "never"),
        ];
        if browser.send(&new, "/form/api-key/create", &fields).await.status != StatusCode::SEE_OTHER {
            return;
        }
        let Some((old, old_id)) = shown(&mut browser, &list, &name).await else { return };
        note(&old, Acknowledged::Works);

        let start = match rotation {
            Rotation::AtOnce => "now",
            // While the new key is not used, the old one works: whether or not the form was taken.
            Rotation::AtFirstUse | Rotation::CalledOff => "first-use",
        };
        if start == "now" {
            note(&old, Acknowledged::Unknown);
        }
        let rotate = format!("{list}/{old_id}/rotate");
        let form = browser.get(&rotate).await;
        if form.status != StatusCode::OK {
            return;
        }
        let form_id = between(&form.text(), "name=\"form_id\" value=\"", "\"").to_owned();
        let fields = [("id", old_id.as_str()), ("form_id", &form_id), ("overlap", "none"), ("start", start)];
        if browser.send(&rotate, "/form/api-key/rotate", &fields).await.status != StatusCode::SEE_OTHER {
            return;
        }
        if start == "now" {
            note(&old, Acknowledged::Ended);
        }
        let Some((new_key, new_id)) = shown(&mut browser, &list, &name).await else { return };
        // Whoever is in the ledger is called, which would be the first use: a new key gets in once that may be.
        let (left, left_id) = match rotation {
            Rotation::AtOnce => (new_key, new_id),
            Rotation::AtFirstUse => {
                note(&old, Acknowledged::Unknown);
                if call(address, &new_key).await != Some(StatusCode::OK) {
                    return;
                }
                note(&old, Acknowledged::Ended);
                (new_key, new_id)
            }
            Rotation::CalledOff => {
                let answer = browser.send(&list, "/form/api-key/cancel-rotation", &[("id", &new_id)]).await;
                if answer.status != StatusCode::SEE_OTHER {
                    return;
                }
                note(&new_key, Acknowledged::Ended);
                (old, old_id)
            }
        };

        note(&left, Acknowledged::Unknown);
        if browser.send(&list, "/form/api-key/revoke", &[("id", &left_id)]).await.status != StatusCode::SEE_OTHER {
            return;
        }
        note(&left, Acknowledged::Ended);
    }
}

/// Calls with every key that there is, so that changes happen under load and the door remembers what it must forget.
async fn load(address: SocketAddr, ledger: Ledger) {
    loop {
        let keys: Vec<String> = ledger.lock().unwrap().keys().rev().take(50).cloned().collect();
        for key in &keys {
            if call(address, key).await.is_none() {
                return;
            }
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r23_kill_9_loses_nothing_acknowledged_and_brings_nothing_back() {
    let folder = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address: SocketAddr = ([127, 0, 0, 1], port).into();
    let ledger = Ledger::default();
    let mut application = String::new();
    for round in 0..ROUNDS {
        let mut server = start(folder.path(), port);
        wait_until_ready(address).await;
        check(address, &ledger).await;
        let origin = format!("http://{address}");
        let mut browser = Browser { server: At::There(address), origin, cookies: BTreeMap::new() };
        if round == 0 {
            let fields = [("name", "Ada"), ("email", "ada@example.org"), ("password", PASSWORD)];
            assert_eq!(browser.send("/signup", "/form/account/sign-up", &fields).await.location(), "/apps/new");
            application = browser.application("Bookshelf").await;
        }
        let mut work = JoinSet::new();
        for first in 0..3 {
            let mut person = Browser { cookies: BTreeMap::new(), ..browser.clone() };
            let fields = [("email", "ada@example.org"), ("password", PASSWORD)];
            person.send("/login", "/form/account/sign-in", &fields).await;
            work.spawn(change_keys(person, application.clone(), Arc::clone(&ledger), address, first));
        }
        work.spawn(load(address, Arc::clone(&ledger)));
        tokio::time::sleep(Duration::from_millis(1_500 + round * 217)).await;
        server.kill().unwrap();
        server.wait().unwrap();
        while work.join_next().await.is_some() {}
    }
    let mut server = start(folder.path(), port);
    wait_until_ready(address).await;
    check(address, &ledger).await;
    server.kill().unwrap();
    server.wait().unwrap();
    let counts = |wanted| ledger.lock().unwrap().values().filter(|what| **what == wanted).count();
    assert!(counts(Acknowledged::Ended) >= 12, "changes were made: {:?}", ledger.lock().unwrap().values());
}

async fn check(address: SocketAddr, ledger: &Ledger) {
    let noted = ledger.lock().unwrap().clone();
    for (key, what) in noted {
        let status = call(address, &key).await.expect("the server answers");
        match what {
            Acknowledged::Works => assert_eq!(status, StatusCode::OK, "a key that was acknowledged is lost"),
            Acknowledged::Ended => assert_eq!(status, StatusCode::UNAUTHORIZED, "a key that was ended is back"),
            Acknowledged::Unknown => {
                // Whichever it is, from here on it stays so.
                let now = if status == StatusCode::OK { Acknowledged::Works } else { Acknowledged::Ended };
                ledger.lock().unwrap().insert(key, now);
            }
        }
    }
}
