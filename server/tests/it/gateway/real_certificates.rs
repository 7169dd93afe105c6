//! Real proxies that hand on what their callers show by TLS, set up by the very files of the guide, with the lines for certificates on.

use super::real_proxies::{
    CADDY, CADDY_COMMAND, HAPROXY, HAPROXY_COMMAND, NGINX, NGINX_COMMAND, Seen, Street, at, haproxy, nginx,
};
use crate::https::{Authority, Identity, named, trusting};
use server::{config::Given, tls::CertificateField};
use std::{net::SocketAddr, path::Path};

/// The guide's file with a line on that it has turned off.
fn with_line(file: &str, begins: &str) -> String {
    let off = format!("# {begins}");
    assert_eq!(file.matches(&off).count(), 1, "{begins}");
    file.replace(&off, begins)
}

/// A proxy with TLS, and the authority whose clients Latchkey knows. Its file is that of every client's authority for a proxy that asks
/// for one.
async fn street(
    field: CertificateField,
    command: &[&str],
    configure: impl Fn([SocketAddr; 3], &Path, &Path) -> String,
) -> (Street, Authority, tempfile::NamedTempFile) {
    let (clients, file) = (Authority::new(), tempfile::NamedTempFile::new().unwrap());
    std::fs::write(file.path(), clients.pem()).unwrap();
    let given = Given {
        trusted_proxies: Some("127.0.0.1".to_owned()),
        gateway_listen: "127.0.0.1:0".parse().ok(),
        gateway_certificates: Some(field),
        proxy_certificates: Some(field),
        client_ca: Some(file.path().to_owned()),
        ..Given::default()
    };
    let street = Street::with(given, command, &|addresses, folder| configure(addresses, folder, file.path())).await;
    (street, clients, file)
}

async fn ask(street: &Street, identity: Option<&Identity>, headers: &[(&str, &str)]) -> (u16, Vec<Seen>) {
    let client = trusting(&street.folder.path().join("authority.pem"), identity);
    // By name: Caddy takes a certificate only of whoever says in TLS, too, which host it asks.
    let request = client.get(format!("https://localhost:{}/ok/a", street.proxy.port()));
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    (request.send().await.unwrap().status().as_u16(), street.taken())
}

async fn takes_whoever_shows_a_certificate(mut street: Street, clients: &Authority) {
    let (own, pinned) = (clients.sign(&named("Nightly import")), Identity::self_signed(&named("Whoever")));
    let application = street.world.application.clone();
    let subject = [
        ("auth_method", "tls_client_auth"),
        ("certificate_subject_kind", "subject_dn"),
        ("certificate_subject", r"O=Example\, Inc.,CN=Nightly import"),
    ];
    let registered = [("auth_method", "self_signed_tls_client_auth"), ("keys", pinned.pem.as_str())];
    let ada = &mut street.world.ada;
    let of_own = ada.service_account(&application, "production", &["orders:read"], &subject).await;
    let of_pinned = ada.service_account(&application, "production", &["orders:read"], &registered).await;

    // A certificate is no secret: everybody can send this in a field.
    let (standard, escaped) = (own.client_cert(), own.escaped());
    let forged = [
        ("client-cert", standard.as_str()),
        ("client_cert", &standard),
        ("client-cert-chain", &standard),
        ("x-ssl-client-cert", &escaped),
        ("x_ssl_client_cert", &escaped),
    ];
    for forged in [&[][..], &forged] {
        for (identity, machine) in [(&own, &of_own), (&pinned, &of_pinned)] {
            let (status, seen) = ask(&street, Some(identity), forged).await;
            let [one] = &seen[..] else { panic!("{status} {seen:?}") };
            let told =
                ["x-auth-kind", "x-auth-client", "x-auth-scopes"].map(|name| one.headers[name].to_str().unwrap());
            assert_eq!((status, told), (200, ["service_account", &machine.client_id, "orders:read"]));
            let of_certificates = |name: &str| name.replace('_', "-").contains("client-cert");
            assert!(!one.headers.keys().any(|name| of_certificates(name.as_str())), "{one:?}");
        }
        for nobody in [
            None,
            Some(Authority::new().sign(&named("Nightly import"))),
            Some(Identity::self_signed(&named("Nightly import"))),
            Some(clients.sign(&named("Nightly export"))),
        ] {
            let (status, seen) = ask(&street, nobody.as_ref(), forged).await;
            assert_eq!((status, seen.len()), (401, 0), "{seen:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r60_nginx_hands_a_certificate_on_to_a_check() {
    let file = with_line(NGINX, "proxy_set_header X-SSL-Client-Cert $ssl_client_escaped_cert;");
    let (street, clients, _file) = street(CertificateField::XSslClientCert, &NGINX_COMMAND, |addresses, folder, _| {
        let certificate = folder.join("certificate.pem");
        let (certificate, asks) = (certificate.display(), "ssl_verify_client optional_no_ca");
        let listens = format!(" ssl; ssl_certificate {certificate}; ssl_certificate_key {certificate}; {asks}");
        nginx(addresses, folder, &file, &listens)
    })
    .await;
    takes_whoever_shows_a_certificate(street, &clients).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rfc9440_caddy_hands_a_certificate_on_to_a_check() {
    let file = with_line(CADDY, "header_up Client-Cert");
    let (street, clients, _file) = street(CertificateField::ClientCert, &CADDY_COMMAND, |addresses, folder, _| {
        let certificate = folder.join("certificate.pem").display().to_string();
        let (plain, port) = (format!("http://:{} {{", addresses[0].port()), addresses[0].port());
        let file = at(&file, addresses);
        assert!(file.contains(&plain), "{file}");
        let tls = format!("https://:{port} {{\n\ttls {certificate} {certificate} {{\n\t\tclient_auth {{\n\t\t\tmode request\n\t\t}}\n\t}}\n");
        format!("{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{}", file.replace(&plain, &tls))
    })
    .await;
    takes_whoever_shows_a_certificate(street, &clients).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rfc9440_haproxy_hands_a_certificate_on_to_a_check() {
    let file = with_line(HAPROXY, "http-request set-header Client-Cert");
    let configure = |addresses: [SocketAddr; 3], folder: &Path, clients: &Path| {
        let (bind, certificate) = (format!("bind :{}", addresses[0].port()), folder.join("certificate.pem"));
        let (certificate, clients) = (certificate.display(), clients.display());
        let asks = format!("verify optional ca-file {clients} ca-ignore-err all crt-ignore-err all");
        haproxy(addresses, folder, &file).replace(&bind, &format!("{bind} ssl crt {certificate} {asks}"))
    };
    let (street, clients, _file) = street(CertificateField::ClientCert, &HAPROXY_COMMAND, configure).await;
    takes_whoever_shows_a_certificate(street, &clients).await;
}
