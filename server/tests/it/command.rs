//! The `latchkey` command itself, started as a person starts it: each fault is one clear line.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

fn latchkey() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
    command.env_clear().env("LEPTOS_SITE_ROOT", concat!(env!("CARGO_MANIFEST_DIR"), "/../public")).env("NO_COLOR", "1");
    command
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn run(arguments: &[&str], data: &Path) -> Output {
    latchkey().args(arguments).arg("--data").arg(data).stdin(Stdio::null()).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A server that is stopped when the test ends.
struct Running {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Running {
    fn start(data: &Path, port: u16) -> Self {
        Self::start_with(data, port, &[])
    }

    fn start_with(data: &Path, port: u16, arguments: &[&str]) -> Self {
        let mut child = latchkey()
            .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data"])
            .arg(data)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn line(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }

    fn stop(mut self) -> (bool, String) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        (self.child.wait().unwrap().success(), log)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ask(port: u16, path: &str, key: &str) -> String {
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_first_start_makes_its_secret_and_a_link_and_a_second_keeps_them() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let port = free_port();
    let mut server = Running::start(&data, port);
    assert_eq!(server.line(), format!("Latchkey is at http://127.0.0.1:{port}"));
    let link = server.line();
    assert!(link.contains(&format!("http://127.0.0.1:{port}/setup?token=")), "{link}");
    assert!(ask(port, "/health/ready", "").starts_with("HTTP/1.1 200"));
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&data), mode(&data.join("secret.key"))), (0o700, 0o600));
    let secret = std::fs::read(data.join("secret.key")).unwrap();
    let refused = ask(port, "/api/v1/whoami", "lk_rubbish");
    assert!(refused.starts_with("HTTP/1.1 401"), "{refused}");
    let (well, log) = server.stop();
    assert!(well, "a stop by signal is no failure: {log}");
    assert!(log.contains("stopping"), "{log}");

    let mut server = Running::start(&data, port);
    server.line();
    assert_eq!(std::fs::read(data.join("secret.key")).unwrap(), secret);
    server.stop();

    // What was recorded in the last moment before the stop was written.
    let count = rows(&data);
    assert_eq!(count, 1);
}

#[test]
fn it_listens_on_a_socket_and_leaves_none_behind() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("http.sock");
    let arguments = ["--socket", path.to_str().unwrap()];
    let asked = |fields: &str| {
        let mut stream = std::os::unix::net::UnixStream::connect(&path).unwrap();
        write!(stream, "GET /api/v1/whoami HTTP/1.1\r\nHost: x\r\n{fields}Connection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let mut server = Running::start_with(folder.path(), free_port(), &arguments);
    server.line();
    server.line();
    let clear = asked("X-API-Key: lk_rubbish\r\n");
    assert!(clear.starts_with("HTTP/1.1 403") && clear.contains("tls_required"), "{clear}");
    let secure = asked("X-API-Key: lk_rubbish\r\nX-Forwarded-Proto: https\r\n");
    assert!(secure.starts_with("HTTP/1.1 401"), "{secure}");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    let taken = run(&["serve", "--listen", "127.0.0.1:0", arguments[0], arguments[1]], &folder.path().join("other"));
    assert!(!taken.status.success() && said(&taken).contains("--socket"), "{}", said(&taken));
    let (well, log) = server.stop();
    assert!(well && !path.exists(), "{log}");
    // One that is killed leaves its file, and the next takes its place.
    let mut server = Running::start_with(folder.path(), free_port(), &arguments);
    server.line();
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    assert!(path.exists());
    let mut server = Running::start_with(folder.path(), free_port(), &arguments);
    server.line();
    assert!(asked("").starts_with("HTTP/1.1 401"));
    server.stop();
}

#[test]
fn it_listens_with_tls_and_says_whom_to_trust() {
    let folder = tempfile::tempdir().unwrap();
    let (port, tls, mtls) = (free_port(), free_port(), free_port());
    let (listen, mutual) = (format!("127.0.0.1:{tls}"), format!("127.0.0.1:{mtls}"));
    let arguments = ["--tls-listen", &listen, "--mtls-listen", &mutual];
    let mut server = Running::start_with(folder.path(), port, &arguments);
    assert_eq!(server.line(), format!("Latchkey is at https://localhost:{tls}"));
    assert_eq!(server.line(), format!("Programs with a client certificate find it at https://localhost:{mtls}"));
    let authority = folder.path().join("tls/authority.pem");
    assert!(server.line().ends_with(&format!("trust {}, as with curl --cacert", authority.display())));
    assert!(server.line().contains(&format!("https://localhost:{tls}/setup?token=")));
    let plain = ask(port, "/login", "");
    assert!(plain.starts_with("HTTP/1.1 307") && plain.contains(&format!("https://localhost:{tls}/login")), "{plain}");
    let mode = |path: &str| std::fs::metadata(folder.path().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("tls"), mode("tls/key.pem")), (0o700, 0o600));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let client = crate::https::trusting(&authority, None);
        for port in [tls, mtls] {
            let answer = client.get(format!("https://127.0.0.1:{port}/health/ready")).send().await.unwrap();
            assert_eq!(answer.status(), http::StatusCode::OK);
        }
    });
    let (well, log) = server.stop();
    assert!(well && !log.contains("ERROR"), "{log}");

    let output = run(&[&["doctor", "--listen", "127.0.0.1:0"], &arguments[..]].concat(), folder.path());
    let said = said(&output);
    assert!(output.status.success() && said.contains("TLS; plain HTTP leads to it"), "{said}");
}

fn rows(data: &Path) -> i64 {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let pool =
            sqlx::SqlitePool::connect(&format!("sqlite://{}", data.join("latchkey.db").display())).await.unwrap();
        sqlx::query_scalar("SELECT count(*) FROM request_log").fetch_one(&pool).await.unwrap()
    })
}

#[test]
fn a_port_in_use_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for action in ["serve", "doctor"] {
        let output = run(&[action, "--listen", &address], folder.path());
        assert!(!output.status.success());
        let said = said(&output);
        assert!(said.contains(&address) && said.contains("--listen"), "{action}: {said}");
    }
}

#[test]
fn a_data_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "in the way").unwrap();
    for action in ["serve", "doctor", "migrate"] {
        let output = run(&[action, "--listen", "127.0.0.1:0"], &file);
        assert!(!output.status.success());
        let said = said(&output);
        let lines: Vec<_> = said.lines().filter(|line| line.contains("cannot be written to")).collect();
        assert_eq!(lines.len(), 1, "{action}: {said}");
        assert!(lines[0].contains(&file.display().to_string()), "{action}: {said}");
    }
}

#[test]
fn a_database_of_a_newer_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    assert!(run(&["migrate"], folder.path()).status.success());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let url = format!("sqlite://{}", folder.path().join("latchkey.db").display());
        let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
        let insert = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m20990101_000001_fly', 0)";
        sqlx::query(insert).execute(&pool).await.unwrap();
        pool.close().await;
    });
    for action in ["serve", "migrate", "doctor"] {
        let output = run(&[action, "--listen", "127.0.0.1:0"], folder.path());
        let said = said(&output);
        assert!(
            !output.status.success() && said.contains("newer version") && said.contains("m20990101_000001_fly"),
            "{action}: {said}"
        );
    }
}

#[test]
fn a_wrong_setting_is_named_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("latchkey.toml");
    std::fs::write(&file, "listen = \"127.0.0.1:4000\"\nlog_dayz = 7\n").unwrap();
    let file = file.display().to_string();
    for (arguments, part) in [
        (vec!["--listen", "nowhere"], "--listen"),
        (vec!["--public-url", "ftp://example.org"], "public_url"),
        (vec!["--database-url", "mysql://root:hunter2@db"], "database_url"),
        (vec!["--log-days", "0"], "--log-days"),
        (vec!["--log-filter", "info,["], "log_filter"),
        (vec!["--config", "/nowhere.toml"], "/nowhere.toml"),
        (vec!["--config", file.as_str()], "log_dayz"),
        (vec!["--secret-key", "hunter2"], "LATCHKEY_SECRET_KEY"),
        (vec!["--tls-listen", "127.0.0.1:0", "--public-url", "http://example.org"], "public_url"),
        (vec!["--tls-listen", "127.0.0.1:0", "--tls-key", "/nowhere.pem"], "tls_certificate and tls_key"),
        (vec!["--tls-listen", "127.0.0.1:0", "--tls-key", "/a.pem", "--tls-certificate", "/b.pem"], "/b.pem"),
        (vec!["--client-ca", "/nowhere.pem"], "client_ca needs mtls_listen or proxy_certificates"),
        (vec!["--proxy-certificates", "client-cert"], "proxy_certificates needs trusted_proxies or socket"),
        (vec!["--gateway-certificates", "client-cert"], "gateway_certificates needs gateway_listen"),
        (vec!["--mtls-listen", "127.0.0.1:0", "--client-ca", "/nowhere.pem"], "/nowhere.pem"),
        (vec!["--mtls-url", "https://example.org"], "mtls_url"),
        (vec!["--database-url", "postgres://latchkey:hunter2@127.0.0.1:1/x"], "the database cannot be opened"),
    ] {
        for action in ["serve", "doctor"] {
            let mut all = vec![action];
            all.extend(&arguments);
            if !arguments.contains(&"--listen") {
                all.extend(["--listen", "127.0.0.1:0"]);
            }
            let output = run(&all, folder.path());
            let said = said(&output);
            assert!(!output.status.success() && said.contains(part), "{all:?}: {said}");
            assert!(!said.contains("hunter2") && !said.contains("panicked"), "{all:?}: {said}");
        }
    }
}

#[test]
fn every_setting_is_in_the_help_and_in_the_guide() {
    let output = latchkey().args(["serve", "--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let guide = include_str!("../../../app/guides/operating.md");
    let settings: Vec<_> =
        help.split("[env: LATCHKEY_").skip(1).map(|rest| rest.split(['=', ']']).next().unwrap()).collect();
    assert!(settings.len() >= 14, "{help}");
    for setting in settings {
        assert!(guide.contains(&format!("`LATCHKEY_{setting}`")), "{setting} is not in the guide");
    }
}

#[test]
fn a_good_machine_passes_the_doctor() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(&["doctor", "--listen", "127.0.0.1:0"], &folder.path().join("data"));
    let said = said(&output);
    assert!(output.status.success() && !said.contains("FAULT"), "{said}");
    assert_eq!(said.lines().filter(|line| line.starts_with("ok ")).count(), 6, "{said}");
}

#[test]
fn the_doctor_tells_of_a_proxy_that_is_not_named() {
    let folder = tempfile::tempdir().unwrap();
    let https = ["doctor", "--listen", "127.0.0.1:0", "--public-url", "https://keys.example.org"];
    let cases: [(&[&str], bool); 2] = [(&[], true), (&["--trusted-proxies", "127.0.0.1"], false)];
    for (proxies, is_told) in cases {
        let output = run(&[&https[..], proxies].concat(), &folder.path().join("data"));
        let said = said(&output);
        assert!(output.status.success(), "it works, but for what it is told: {said}");
        assert_eq!(said.contains("Name it in trusted_proxies"), is_told, "{said}");
    }
}

#[test]
fn an_admin_is_made_from_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let create = |password: &str| {
        let mut child = latchkey()
            .args(["admin", "create", "--email", "root@example.org", "--name", "Root", "--data"])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(format!("{password}\n").as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let weak = create("password1234567");
    assert!(!weak.status.success() && said(&weak).contains("password:"), "{}", said(&weak));
    let made = create("violet tractor hums at dawn");
    assert!(made.status.success(), "{}", said(&made));
    let verified = run(&["audit", "verify"], folder.path());
    assert!(verified.status.success() && said(&verified).contains("1 events in 1 chains"), "{}", said(&verified));
    let nobody = run(&["admin", "remove-factors", "--email", "root@example.org"], folder.path());
    assert!(!nobody.status.success() && said(&nobody).contains("no second factor"), "{}", said(&nobody));
    let port = free_port();
    let mut server = Running::start(folder.path(), port);
    server.line();
    assert!(ask(port, "/health/live", "").contains("200"));
    let (_, log) = server.stop();
    assert!(!log.contains("setup?token"), "there is an admin: no link is made");
}
