//! Clients that are known by a certificate, and tokens that are worth something over their own connection alone (RFC 8705).

use crate::{
    https::{Https, Identity, named},
    sender_constrained::{FORM, Holder},
    stage::{REDIRECT, SCOPES, Stage, VERIFIER, encoded, error},
    support::{Answer, Machine, ORIGIN, Portal},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::StatusCode;
use latchkey_core::{certificate::CertificateThumbprint, jose::Compact};
use rcgen::SanType;
use serde_json::{Value, json};
use server::config::Given;

const CLIENT_CREDENTIALS: (&str, &str) = ("grant_type", "client_credentials");
const SUBJECT: &str = r"O=Example\, Inc.,CN=Nightly import";

/// A service account of a new application.
async fn machine(https: &Https, fields: &[(&str, &str)]) -> Machine {
    let mut ada = https.portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    ada.service_account(&application, "development", SCOPES, fields).await
}

fn by_name<'a>(kind: &'a str, name: &'a str) -> [(&'a str, &'a str); 3] {
    [("auth_method", "tls_client_auth"), ("certificate_subject_kind", kind), ("certificate_subject", name)]
}

fn access(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn rfc8705_2_1_a_client_is_known_by_a_name_that_an_authority_signed() {
    let https = Https::start().await;
    let machine = machine(&https, &by_name("subject_dn", SUBJECT)).await;
    assert_eq!(machine.secret, "", "there is none");
    let own = https.tls.authority.sign(&named("Nightly import"));
    let token = access(&https.tls.client(Some(&own)).token(&machine.client_id).await);
    assert_eq!(https.portal.with_key(&token, "GET", "/api/v1/whoami", "").await.status, StatusCode::OK, "not bound");
    // Another certificate of the same name is as good: the name is what is registered.
    access(
        &https.tls.client(Some(&https.tls.authority.sign(&named("Nightly import")))).token(&machine.client_id).await,
    );

    let mut ended = named("Nightly import");
    ended.not_after = time::macros::datetime!(2026-06-01 0:00 UTC);
    for (what, identity) in [
        ("another name", Some(https.tls.authority.sign(&named("Nightly export")))),
        ("nobody we trust", Some(Identity::self_signed(&named("Nightly import")))),
        ("another authority", Some(crate::https::Authority::new().sign(&named("Nightly import")))),
        ("it has ended", Some(https.tls.authority.sign(&ended))),
        ("no certificate", None),
    ] {
        let refused = https.tls.client(identity.as_ref()).token(&machine.client_id).await;
        assert_eq!((refused.status, error(&refused).as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"), "{what}");
    }
}

#[tokio::test]
async fn rfc8705_2_1_2_other_names_of_a_certificate_count_where_they_are_registered() {
    let https = Https::start().await;
    let mut params = named("Whoever");
    params.subject_alt_names = vec![
        SanType::DnsName("machine.example.org".try_into().unwrap()),
        SanType::URI("spiffe://example.org/machine".try_into().unwrap()),
    ];
    let client = https.tls.client(Some(&https.tls.authority.sign(&params)));
    let mut ada = https.portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    for (kind, name, works) in [
        ("san_dns", "machine.example.org", true),
        ("san_uri", "spiffe://example.org/machine", true),
        ("san_dns", "other.example.org", false),
        ("san_ip", "127.0.0.1", false),
        ("san_email", "machine.example.org@example.org", false),
    ] {
        let machine = ada.service_account(&application, "staging", SCOPES, &by_name(kind, name)).await;
        let status = client.token(&machine.client_id).await.status;
        assert_eq!(status == StatusCode::OK, works, "{kind} {name}: {status}");
    }
}

#[tokio::test]
async fn rfc8705_2_2_a_certificate_is_known_itself_and_two_are_while_one_takes_over() {
    let https = Https::start().await;
    let (old, new) = (Identity::self_signed(&named("x")), Identity::self_signed(&named("x")));
    let both = format!("{}{}", old.pem, new.pem);
    let mut ada = https.portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    let own = |keys| [("auth_method", "self_signed_tls_client_auth"), ("keys", keys)];
    let machine = ada.service_account(&application, "development", SCOPES, &own(&both)).await;
    for identity in [&old, &new] {
        access(&https.tls.client(Some(identity)).token(&machine.client_id).await);
    }
    let stranger = https.tls.authority.sign(&named("x"));
    assert_eq!(error(&https.tls.client(Some(&stranger)).token(&machine.client_id).await), "invalid_client");

    let page = ada.get(&machine.page).await.text();
    assert!(page.contains("-----BEGIN CERTIFICATE-----"), "it is shown, and can be changed: {page}");
    let update = ada.change_client(&machine, SCOPES, &own(&new.pem)).await;
    assert_eq!(update.status, StatusCode::SEE_OTHER, "{update:?}");
    access(&https.tls.client(Some(&new)).token(&machine.client_id).await);
    assert_eq!(
        error(&https.tls.client(Some(&old)).token(&machine.client_id).await),
        "invalid_client",
        "it was taken away"
    );
}

#[tokio::test]
async fn rfc8705_2_2_a_certificate_that_is_nobodys_is_known_as_soon_as_somebody_has_it() {
    let https = Https::start().await;
    let mut ada = https.portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    let (own, other) = (Identity::self_signed(&named("x")), Identity::self_signed(&named("x")));
    let client = https.tls.client(Some(&own));
    let whoami = async || client.send("GET", "/api/v1/whoami", &[], "").await;
    let statements = async || {
        let before = https.portal.asked();
        assert_eq!(whoami().await.code(), "missing_credential");
        https.portal.asked() - before
    };
    assert_eq!(statements().await, 1, "the first look");
    assert_eq!((statements().await, statements().await), (0, 0), "that it is nobody's is remembered");
    https.portal.clock.advance(time::Duration::seconds(6));
    assert_eq!(statements().await, 1, "for some seconds");
    let with = |keys| [("auth_method", "self_signed_tls_client_auth"), ("keys", keys)];
    let machine = ada.service_account(&application, "development", SCOPES, &with(&own.pem)).await;
    assert_eq!(whoami().await.status, StatusCode::OK, "at once");
    ada.change_client(&machine, SCOPES, &with(&other.pem)).await;
    statements().await;
    ada.change_client(&machine, SCOPES, &with(&own.pem)).await;
    assert_eq!(whoami().await.status, StatusCode::OK, "a certificate that is given to it, too");
    // Of two, it is nobody's; of the one that is left, again.
    let twin = ada.service_account(&application, "staging", SCOPES, &with(&own.pem)).await;
    https.portal.clock.advance(time::Duration::seconds(61));
    statements().await;
    ada.send(&twin.page, "/form/oauth-client/revoke", &[("id", twin.id()), ("confirm", "Nightly import")]).await;
    assert_eq!(whoami().await.status, StatusCode::OK);
}

#[tokio::test]
async fn rfc8705_2_2_2_a_key_of_a_set_brings_its_certificate() {
    let https = Https::start().await;
    let (own, other) = (Identity::self_signed(&named("x")), Identity::self_signed(&named("x")));
    let keys = json!({"keys": [{"kty": "EC", "x5c": [STANDARD.encode(own.der())]}]}).to_string();
    let fields = [("auth_method", "self_signed_tls_client_auth"), ("keys", keys.as_str())];
    let machine = machine(&https, &fields).await;
    access(&https.tls.client(Some(&own)).token(&machine.client_id).await);
    assert_eq!(error(&https.tls.client(Some(&other)).token(&machine.client_id).await), "invalid_client");
}

#[tokio::test]
async fn rfc8705_2_2_2_keys_behind_an_address_bring_their_certificate() {
    let https = Https::with(Given { private_networks: Some(true), ..Given::default() }).await;
    let (own, other) = (Identity::self_signed(&named("x")), Identity::self_signed(&named("x")));
    let keys = json!({"keys": [{"kty": "EC", "x5c": [STANDARD.encode(own.der())]}]}).to_string();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/jwks.json", listener.local_addr().unwrap());
    let site = axum::Router::new().route("/jwks.json", axum::routing::get(async || keys));
    tokio::spawn(async { axum::serve(listener, site).await });
    let fields = [("auth_method", "self_signed_tls_client_auth"), ("keys", address.as_str())];
    let machine = machine(&https, &fields).await;
    access(&https.tls.client(Some(&own)).token(&machine.client_id).await);
    assert_eq!(error(&https.tls.client(Some(&other)).token(&machine.client_id).await), "invalid_client");
}

#[tokio::test]
async fn rfc8705_2_a_certificate_counts_for_the_client_that_is_named_and_while_it_lasts() {
    let https = Https::start().await;
    let own = https.tls.authority.sign(&named("Nightly import"));
    let by_name = machine(&https, &by_name("subject_dn", SUBJECT)).await;
    let nameless = https.tls.client(Some(&own)).oauth("/oauth/token", None, &[CLIENT_CREDENTIALS]).await;
    assert_eq!((nameless.status, error(&nameless).as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"));
    access(&https.tls.client(Some(&own)).token(&by_name.client_id).await);

    let mut ended = named("Pinned");
    ended.not_after = time::macros::datetime!(2026-06-01 0:00 UTC);
    let mut not_yet = named("Pinned");
    not_yet.not_before = time::macros::datetime!(2049-01-01 0:00 UTC);
    let identities = [ended, not_yet].map(|params| Identity::self_signed(&params));
    let mut grace = https.portal.member("grace@example.org").await;
    let application = grace.application("Pins").await;
    let pem = identities.each_ref().map(|identity| identity.pem.as_str()).concat();
    let fields = [("auth_method", "self_signed_tls_client_auth"), ("keys", pem.as_str())];
    let pinned = grace.service_account(&application, "development", SCOPES, &fields).await;
    for identity in &identities {
        let refused = https.tls.client(Some(identity)).token(&pinned.client_id).await;
        assert_eq!((refused.status, error(&refused).as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"));
    }
}

#[tokio::test]
async fn rfc9449_4_3_a_proof_for_the_other_listener_names_it() {
    let https = Https::start().await;
    let machine = machine(&https, &[]).await;
    let (client, holder) = (https.tls.client(None), Holder::new());
    let mut nonce = None;
    let url = https.tls.url.as_str();
    for (origin, expected) in [(ORIGIN, "invalid_dpop_proof"), (url, "")] {
        let url = format!("{origin}/oauth/token");
        let proof = holder.proof_at(&https.portal, "POST", &url, None, nonce.as_deref());
        let headers = [FORM, ("authorization", &machine.basic()), ("dpop", &proof)];
        let answer = client.send("POST", "/oauth/token", &headers, &encoded(&[CLIENT_CREDENTIALS])).await;
        nonce = Some(answer.header("dpop-nonce").to_owned());
        if expected.is_empty() {
            assert_eq!(answer.json()["token_type"], "DPoP", "{answer:?}");
        } else {
            assert_eq!(error(&answer), expected);
        }
    }
}

#[tokio::test]
async fn rfc8705_2_each_client_has_one_method_and_no_other_is_taken() {
    let https = Https::start().await;
    let own = https.tls.authority.sign(&named("Nightly import"));
    let by_certificate = machine(&https, &by_name("subject_dn", SUBJECT)).await;
    let mut grace = https.portal.member("grace@example.org").await;
    let application = grace.application("Other").await;
    let by_secret = grace.service_account(&application, "development", SCOPES, &[]).await;
    let client = https.tls.client(Some(&own));
    let as_machine = crate::support::basic(&by_certificate.client_id, &by_secret.secret);
    let pairs = [("grant_type", "client_credentials")];
    assert_eq!(error(&client.oauth("/oauth/token", Some(&as_machine), &pairs).await), "invalid_client");
    assert_eq!(error(&client.token(&by_secret.client_id).await), "invalid_client", "a certificate is no secret");
    access(&client.oauth("/oauth/token", Some(&by_secret.basic()), &pairs).await);
}

#[tokio::test]
async fn r60_a_certificate_in_a_header_is_none() {
    let https = Https::start().await;
    let machine = machine(&https, &by_name("subject_dn", SUBJECT)).await;
    let own = https.tls.authority.sign(&named("Nightly import"));
    let pem = crate::stage::encoded(&[("", &own.pem)]);
    let body = crate::stage::encoded(&[("grant_type", "client_credentials"), ("client_id", &machine.client_id)]);
    for name in ["x-client-cert", "x-ssl-client-cert", "x-forwarded-client-cert", "client-cert", "ssl-client-cert"] {
        let headers = [("content-type", "application/x-www-form-urlencoded"), (name, pem.as_str())];
        let refused = https.portal.api("POST", "/oauth/token", &headers, &body).await;
        assert_eq!(error(&refused), "invalid_client", "{name}");
    }
}

#[tokio::test]
async fn rfc8705_3_a_bound_token_is_good_over_a_connection_with_its_certificate_alone() {
    let https = Https::start().await;
    let own = https.tls.authority.sign(&named("Nightly import"));
    let machine =
        machine(&https, &[&by_name("subject_dn", SUBJECT)[..], &[("certificate_bound", "yes")]].concat()).await;
    let client = https.tls.client(Some(&own));
    let answer = client.token(&machine.client_id).await;
    assert_eq!(answer.json()["token_type"], "Bearer", "{answer:?}");
    let token = access(&answer);
    let thumbprint = CertificateThumbprint::of(own.der()).to_string();
    let claims: Value = Compact::read(&token).unwrap().unverified_claims().unwrap();
    assert_eq!(claims["cnf"], json!({"x5t#S256": thumbprint}), "rfc8705_3_1");
    assert_eq!(client.whoami(&token).await.status, StatusCode::OK);
    let known = client.oauth("/oauth/introspect", None, &[("client_id", &machine.client_id), ("token", &token)]).await;
    assert_eq!(known.json()["cnf"], json!({"x5t#S256": thumbprint}), "rfc8705_3_2: {known:?}");

    let same_name = https.tls.authority.sign(&named("Nightly import"));
    let elsewhere = https.portal.with_key(&token, "GET", "/api/v1/whoami", "").await;
    for refused in [
        https.tls.client(Some(&same_name)).whoami(&token).await,
        https.tls.client(None).whoami(&token).await,
        elsewhere,
    ] {
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::UNAUTHORIZED, "invalid_token"));
        assert!(refused.header("www-authenticate").contains("error=\"invalid_token\""), "{refused:?}");
        assert_eq!(https.portal.recorded(&refused).await.reason.as_deref(), Some("wrong_certificate"));
    }
}

#[tokio::test]
async fn rfc8705_4_a_refresh_token_of_a_public_client_is_bound_too() {
    let https = Https::start().await;
    let (own, other) = (Identity::self_signed(&named("app")), Identity::self_signed(&named("app")));
    let (client, thief) = (https.tls.client(Some(&own)), https.tls.client(Some(&other)));
    let fields = [("auth_method", "none"), ("certificate_bound", "yes")];
    let mut stage = Stage::on(https.portal, &fields).await;
    let code = stage.code().await;
    let id = stage.client_id.clone();
    let redeem = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("code_verifier", VERIFIER),
        ("redirect_uri", REDIRECT),
        ("client_id", id.as_str()),
    ];
    let without = https.tls.client(None).oauth("/oauth/token", None, &redeem).await;
    assert_eq!(error(&without), "invalid_request", "its tokens are bound, and there is nothing to bind them to");
    let tokens = client.oauth("/oauth/token", None, &redeem).await.json();
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let again = [("grant_type", "refresh_token"), ("refresh_token", refresh), ("client_id", id.as_str())];
    assert_eq!(error(&thief.oauth("/oauth/token", None, &again).await), "invalid_grant");
    assert_eq!(client.oauth("/oauth/token", None, &again).await.status, StatusCode::OK, "the thief ended nothing");
}

#[tokio::test]
async fn fapi_2_0_5_3_2_1_high_security_takes_a_certificate_for_both() {
    let https = Https::start().await;
    let own = https.tls.authority.sign(&named("Nightly import"));
    let fields =
        [&by_name("subject_dn", SUBJECT)[..], &[("certificate_bound", "yes"), ("high_security", "yes")]].concat();
    let machine = machine(&https, &fields).await;
    let client = https.tls.client(Some(&own));
    let token = access(&client.token(&machine.client_id).await);
    assert_eq!(client.whoami(&token).await.status, StatusCode::OK);
}

#[tokio::test]
async fn rfc8705_5_what_works_is_announced_and_nothing_else() {
    let https = Https::start().await;
    let described = https.portal.api("GET", "/.well-known/oauth-authorization-server", &[], "").await.json();
    let aliases = described["mtls_endpoint_aliases"].as_object().unwrap();
    assert_eq!(aliases["token_endpoint"], format!("{}/oauth/token", https.tls.url));
    let client = https.tls.client(None);
    for (name, alias) in aliases {
        let path = alias.as_str().unwrap().strip_prefix(&https.tls.url).unwrap_or_else(|| panic!("{name}: {alias}"));
        let answer = client.oauth(path, None, &[]).await;
        assert!(answer.status.is_client_error() && answer.status != StatusCode::NOT_FOUND, "{name}: {answer:?}");
    }
    assert_eq!(described["tls_client_certificate_bound_access_tokens"], true);
    let methods = |described: &Value| described["token_endpoint_auth_methods_supported"].to_string();
    assert!(methods(&described).contains("\"tls_client_auth\"") && methods(&described).contains("self_signed_tls"));

    let portal = Portal::start().await;
    let described = portal.api("GET", "/.well-known/oauth-authorization-server", &[], "").await.json();
    assert!(!methods(&described).contains("tls") && described.get("mtls_endpoint_aliases").is_none());
    let mut ada = portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    let page = ada.try_client(&application, SCOPES, &by_name("subject_dn", SUBJECT)).await;
    assert!(page.contains("Choose how it proves that it is itself"), "{page}");

    let given = Given { mtls_listen: "127.0.0.1:0".parse().ok(), ..Given::default() };
    let portal = Portal::with(given).await;
    let described = portal.api("GET", "/.well-known/oauth-authorization-server", &[], "").await.json();
    assert!(methods(&described).contains("self_signed_tls") && !methods(&described).contains("\"tls_client_auth\""));
}

#[tokio::test]
async fn what_a_person_writes_about_certificates_is_checked() {
    let https = Https::start().await;
    let mut ada = https.portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    let own = Identity::self_signed(&named("x"));
    let several = own.pem.repeat(6);
    for (fields, sentence) in [
        (
            vec![("auth_method", "tls_client_auth"), ("certificate_subject_kind", "subject_dn")],
            "Write the subject as in",
        ),
        (by_name("san_dns", "*.example.org").to_vec(), "Write one host"),
        (vec![("auth_method", "self_signed_tls_client_auth"), ("keys", "")], "certificates as PEM"),
        (vec![("auth_method", "self_signed_tls_client_auth"), ("keys", &several)], "at most five"),
        (vec![("auth_method", "private_key_jwt"), ("keys", &own.pem)], "A certificate does not verify assertions"),
        (vec![("auth_method", "none"), ("dpop", "yes"), ("certificate_bound", "yes")], "bound to one thing"),
    ] {
        let page = ada.try_client(&application, SCOPES, &fields).await;
        assert!(page.contains(sentence), "{sentence}: {page}");
    }
}

#[tokio::test]
async fn rfc8705_3_an_authority_that_is_trusted_no_more_opens_nothing_on_connections_of_before() {
    let https = Https::start().await;
    let machine = machine(&https, &by_name("subject_dn", SUBJECT)).await;
    let client = https.tls.client(Some(&https.tls.authority.sign(&named("Nightly import"))));
    access(&client.token(&machine.client_id).await);
    std::fs::write(&https.tls.authorities, crate::https::Authority::new().pem()).unwrap();
    let mut refused = None;
    for _ in 0..60 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        // Asked all the time, so that the connection is the same one.
        let answer = client.token(&machine.client_id).await;
        if answer.status != StatusCode::OK {
            refused = Some(answer);
            break;
        }
    }
    assert_eq!(error(&refused.expect("the file is read anew")), "invalid_client");
}
