//! Tokens that are worth something only in the hands of whoever holds their key, and clients that sign instead of sending a secret.

use crate::{
    stage::{SCOPES, Stage, Tokens, VERIFIER, encoded, error, parameter},
    support::{Answer, LOOPBACK, ORIGIN, Portal, join_all, send},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::StatusCode;
use latchkey_core::{
    jose::{Compact, PrivateKey, SigningAlgorithm},
    secret::sha256,
};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use time::Duration;

static NEXT: AtomicU64 = AtomicU64::new(0);

/// Whoever holds a private key.
pub(crate) struct Holder(PrivateKey, SigningAlgorithm);

impl Holder {
    pub(crate) fn new() -> Self {
        Self::of(SigningAlgorithm::Es256)
    }

    fn of(algorithm: SigningAlgorithm) -> Self {
        Self(PrivateKey::generate(algorithm).unwrap().0, algorithm)
    }

    pub(crate) fn jwks(&self) -> String {
        json!({"keys": [self.0.public_jwk("mine")]}).to_string()
    }

    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.0.sign(signed.as_bytes()).unwrap());
        format!("{signed}.{signature}")
    }

    /// A proof for one request.
    fn proof(&self, portal: &Portal, method: &str, path: &str, token: Option<&str>, nonce: Option<&str>) -> String {
        self.proof_at(portal, method, &format!("{ORIGIN}{path}"), token, nonce)
    }

    /// A proof for one request at an address in full.
    pub(crate) fn proof_at(
        &self,
        portal: &Portal,
        method: &str,
        url: &str,
        token: Option<&str>,
        nonce: Option<&str>,
    ) -> String {
        let mut claims = json!({
            "jti": NEXT.fetch_add(1, Ordering::Relaxed).to_string(),
            "htm": method,
            "htu": url,
            "iat": portal.clock_now().unix_timestamp(),
        });
        if let Some(token) = token {
            claims["ath"] = json!(URL_SAFE_NO_PAD.encode(sha256(token.as_bytes())));
        }
        if let Some(nonce) = nonce {
            claims["nonce"] = json!(nonce);
        }
        let header = json!({"typ": "dpop+jwt", "alg": self.1.as_str(), "jwk": self.0.public_jwk("k")});
        self.sign(&header, &claims)
    }

    /// What a client says about itself to the token endpoint.
    pub(crate) fn assertion(&self, portal: &Portal, client_id: &str, change: impl FnOnce(&mut Value)) -> String {
        let now = portal.clock_now().unix_timestamp();
        let mut claims = json!({
            "iss": client_id, "sub": client_id, "aud": ORIGIN, "iat": now, "exp": now + 60,
            "jti": NEXT.fetch_add(1, Ordering::Relaxed).to_string(),
        });
        change(&mut claims);
        self.sign(&json!({"alg": self.1.as_str(), "kid": "mine"}), &claims)
    }
}

pub(crate) const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

impl Stage {
    /// Asks an endpoint with a proof by this key, with a nonce once one is known.
    async fn with_proof(&self, path: &str, holder: &Holder, pairs: &[(&str, &str)]) -> Answer {
        let mut all = Vec::from(pairs);
        if self.authorization.is_none() {
            all.push(("client_id", &self.client_id));
        }
        let body = encoded(&all);
        let mut nonce: Option<String> = None;
        loop {
            let proof = holder.proof(&self.portal, "POST", path, None, nonce.as_deref());
            let mut headers = vec![FORM, ("dpop", proof.as_str())];
            headers.extend(self.authorization.as_deref().map(|value| ("authorization", value)));
            let answer = self.portal.api("POST", path, &headers, &body).await;
            assert!(!answer.header("dpop-nonce").is_empty(), "rfc9449_8: {answer:?}");
            if nonce.is_some() {
                return answer;
            }
            assert_eq!((answer.status, error(&answer).as_str()), (StatusCode::BAD_REQUEST, "use_dpop_nonce"));
            nonce = Some(answer.header("dpop-nonce").to_owned());
        }
    }

    async fn redeem_with_proof(&self, holder: &Holder, code: &str) -> Answer {
        let pairs = [("grant_type", "authorization_code"), ("code", code), ("code_verifier", VERIFIER)];
        self.with_proof("/oauth/token", holder, &pairs).await
    }

    /// Pushes a request with a proof by this key.
    async fn push_with_proof(&self, holder: &Holder, more: &[(&str, &str)]) -> Answer {
        let parameters = self.parameters();
        let pairs: Vec<_> = parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.with_proof("/oauth/par", holder, &[&pairs[..], more].concat()).await
    }
}

/// Calls the API with a bound token.
async fn whoami(portal: &Portal, holder: &Holder, token: &str) -> Answer {
    let first = call(portal, token, &holder.proof(portal, "GET", "/api/v1/whoami", Some(token), None)).await;
    assert_eq!((first.status, first.code().as_str()), (StatusCode::UNAUTHORIZED, "use_dpop_nonce"), "{first:?}");
    assert!(first.header("www-authenticate").starts_with("DPoP realm=\"latchkey\", error=\"use_dpop_nonce\""));
    let nonce = first.header("dpop-nonce");
    call(portal, token, &holder.proof(portal, "GET", "/api/v1/whoami", Some(token), Some(nonce))).await
}

async fn call(portal: &Portal, token: &str, proof: &str) -> Answer {
    let authorization = format!("DPoP {token}");
    portal.api("GET", "/api/v1/whoami", &[("authorization", &authorization), ("dpop", proof)], "").await
}

#[tokio::test]
async fn rfc9449_5_a_token_that_was_asked_for_with_a_proof_is_bound_to_its_key() {
    let mut stage = Stage::set(&[]).await;
    let (holder, thief) = (Holder::new(), Holder::new());
    let code = stage.code().await;
    let answer = stage.redeem_with_proof(&holder, &code).await;
    assert_eq!(answer.json()["token_type"], "DPoP", "{answer:?}");
    let tokens = Tokens::of(&answer);
    assert_eq!(whoami(&stage.portal, &holder, &tokens.access).await.status, StatusCode::OK);
    let thumbprint = holder.0.public_jwk("k").thumbprint().unwrap();
    let claims: Value = Compact::read(&tokens.access).unwrap().unverified_claims().unwrap();
    assert_eq!(claims["cnf"]["jkt"], thumbprint);
    let body = encoded(&[("token", &tokens.access)]);
    let known = stage.portal.oauth("/oauth/introspect", stage.authorization.as_deref(), &body).await.json();
    assert_eq!((&known["token_type"], &known["cnf"]["jkt"]), (&json!("DPoP"), &json!(thumbprint)), "rfc9449_6_2");

    // rfc9449_7_2: as a bearer token it is worth nothing, and neither in other hands.
    let bearer = stage.portal.with_key(&tokens.access, "GET", "/api/v1/whoami", "").await;
    assert_eq!((bearer.status, bearer.code().as_str()), (StatusCode::UNAUTHORIZED, "invalid_token"));
    assert!(bearer.header("www-authenticate").starts_with("DPoP "), "{bearer:?}");
    assert_eq!(stage.portal.recorded(&bearer).await.reason.as_deref(), Some("wrong_holder"));
    let stolen = whoami(&stage.portal, &thief, &tokens.access).await;
    assert_eq!((stolen.status, stolen.code().as_str()), (StatusCode::UNAUTHORIZED, "invalid_token"));
    // A token that is bound to nothing gains nothing by a proof.
    let free = stage.tokens().await;
    assert_eq!(whoami(&stage.portal, &holder, &free.access).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn rfc9449_11_1_a_proof_is_for_one_request() {
    let mut stage = Stage::set(&[]).await;
    let holder = Holder::new();
    let code = stage.code().await;
    let tokens = Tokens::of(&stage.redeem_with_proof(&holder, &code).await);
    let nonce = whoami(&stage.portal, &holder, &tokens.access).await.header("dpop-nonce").to_owned();
    let portal = &stage.portal;
    let proof = holder.proof(portal, "GET", "/api/v1/whoami", Some(&tokens.access), Some(&nonce));
    assert_eq!(call(portal, &tokens.access, &proof).await.status, StatusCode::OK);
    let again = call(portal, &tokens.access, &proof).await;
    assert_eq!((again.status, again.code().as_str()), (StatusCode::UNAUTHORIZED, "invalid_dpop_proof"));
    for (method, path, token) in [
        ("POST", "/api/v1/whoami", Some(tokens.access.as_str())),
        ("GET", "/api/v1/posts", Some(tokens.access.as_str())),
        ("GET", "/api/v1/whoami", Some("another token")),
        ("GET", "/api/v1/whoami", None),
    ] {
        let proof = holder.proof(portal, method, path, token, Some(&nonce));
        let answer = call(portal, &tokens.access, &proof).await;
        assert_eq!(answer.code(), "invalid_dpop_proof", "{method} {path} {token:?}");
    }
    let authorization = format!("DPoP {}", tokens.access);
    let proof = || holder.proof(portal, "GET", "/api/v1/whoami", Some(&tokens.access), Some(&nonce));
    let (one, other) = (proof(), proof());
    let two = [("authorization", authorization.as_str()), ("dpop", one.as_str()), ("dpop", other.as_str())];
    assert_eq!(portal.api("GET", "/api/v1/whoami", &two, "").await.code(), "invalid_dpop_proof");
    let unproven = portal.api("GET", "/api/v1/whoami", &[("authorization", &authorization)], "").await;
    assert_eq!(unproven.code(), "invalid_dpop_proof");
    stage.portal.clock.advance(Duration::minutes(5));
    let old = holder.proof(&stage.portal, "GET", "/api/v1/whoami", Some(&tokens.access), Some(&nonce));
    assert_eq!(call(&stage.portal, &tokens.access, &old).await.code(), "use_dpop_nonce");
}

#[tokio::test]
async fn rfc9449_5_a_public_clients_refresh_token_is_bound_too() {
    let mut stage = Stage::set(&[("auth_method", "none")]).await;
    let (holder, thief) = (Holder::new(), Holder::new());
    let code = stage.code().await;
    let tokens = Tokens::of(&stage.redeem_with_proof(&holder, &code).await);
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh.as_str())];
    assert_eq!(error(&stage.with_proof("/oauth/token", &thief, &refresh).await), "invalid_grant");
    assert_eq!(error(&stage.refresh(&tokens.refresh).await), "invalid_grant", "without a proof");
    let again = stage.with_proof("/oauth/token", &holder, &refresh).await;
    assert_eq!((again.status, &again.json()["token_type"]), (StatusCode::OK, &json!("DPoP")));
}

#[tokio::test]
async fn rfc9449_10_a_code_may_be_bound_before_it_is_given() {
    let mut stage = Stage::set(&[]).await;
    let (holder, thief) = (Holder::new(), Holder::new());
    let thumbprint = holder.0.public_jwk("k").thumbprint().unwrap();
    let url = stage.url(|all| drop(all.insert("dpop_jkt", thumbprint.clone())));
    let code = parameter(&stage.answer(&url, SCOPES, "allow").await, "code").unwrap();
    assert_eq!(error(&stage.redeem_code(&code).await), "invalid_grant", "without a proof");
    assert_eq!(error(&stage.redeem_with_proof(&thief, &code).await), "invalid_grant");
    assert_eq!(stage.redeem_with_proof(&holder, &code).await.status, StatusCode::OK);
    let bad = stage.url(|all| drop(all.insert("dpop_jkt", "short".to_owned())));
    assert_eq!(parameter(&stage.grace.get(&bad).await, "error").as_deref(), Some("invalid_request"));
}

#[tokio::test]
async fn rfc9449_10_1_the_key_that_was_proven_when_pushing_redeems_the_code() {
    let mut stage = Stage::set(&[]).await;
    let (holder, thief) = (Holder::new(), Holder::new());
    let thumbprint = |holder: &Holder| holder.0.public_jwk("k").thumbprint().unwrap();
    let another = stage.push_with_proof(&holder, &[("dpop_jkt", &thumbprint(&thief))]).await;
    assert_eq!((another.status, error(&another).as_str()), (StatusCode::BAD_REQUEST, "invalid_dpop_proof"));
    for named in [vec![], vec![("dpop_jkt", thumbprint(&holder))]] {
        let more: Vec<_> = named.iter().map(|(name, value): &(&str, String)| (*name, value.as_str())).collect();
        let pushed = stage.push_with_proof(&holder, &more).await;
        assert_eq!(pushed.status, StatusCode::CREATED, "{pushed:?}");
        let request = pushed.json()["request_uri"].as_str().unwrap().to_owned();
        let query = encoded(&[("client_id", &stage.client_id), ("request_uri", &request)]);
        let url = format!("/oauth/authorize?{query}");
        let mut answer = stage.grace.get(&url).await;
        if answer.status == StatusCode::OK {
            answer = stage.answer(&url, SCOPES, "allow").await;
        }
        let code = parameter(&answer, "code").unwrap();
        assert_eq!(error(&stage.redeem_code(&code).await), "invalid_grant", "without a proof");
        assert_eq!(error(&stage.redeem_with_proof(&thief, &code).await), "invalid_grant");
        assert_eq!(stage.redeem_with_proof(&holder, &code).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn rfc9449_4_2_a_proof_is_signed_by_any_algorithm_that_is_announced() {
    let mut stage = Stage::set(&[]).await;
    let described = stage.portal.api("GET", "/.well-known/oauth-authorization-server", &[], "").await.json();
    let announced: Vec<_> = described["dpop_signing_alg_values_supported"].as_array().unwrap().clone();
    assert_eq!(announced.len(), SigningAlgorithm::ALL.len(), "{announced:?}");
    for algorithm in SigningAlgorithm::ALL {
        assert!(announced.contains(&json!(algorithm.as_str())), "{announced:?}");
        let holder = Holder::of(algorithm);
        let code = stage.code().await;
        let tokens = Tokens::of(&stage.redeem_with_proof(&holder, &code).await);
        assert_eq!(whoami(&stage.portal, &holder, &tokens.access).await.status, StatusCode::OK, "{algorithm:?}");
    }
}

#[tokio::test]
async fn rfc9449_5_2_a_client_may_be_held_to_bound_tokens() {
    let mut stage = Stage::set(&[("dpop", "yes")]).await;
    let code = stage.code().await;
    assert_eq!(error(&stage.redeem_code(&code).await), "invalid_dpop_proof");
    assert_eq!(stage.redeem_with_proof(&Holder::new(), &code).await.status, StatusCode::OK, "which cost nothing");
}

#[tokio::test]
async fn r29_an_opaque_token_works_and_says_nothing() {
    let mut stage = Stage::set(&[("token_form", "opaque")]).await;
    let tokens = stage.tokens().await;
    assert!(tokens.access.starts_with("lk_tok_") && tokens.access.len() == 58, "{}", tokens.access);
    assert!(stage.works(&tokens).await);
    for bad in [
        tokens.access[..57].to_owned(),
        format!("{}x", tokens.access),
        crate::support::mistyped(&tokens.access),
        tokens.refresh.clone(),
    ] {
        let refused = stage.portal.with_key(&bad, "GET", "/api/v1/whoami", "").await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::UNAUTHORIZED, "invalid_token"), "{bad}");
    }
    let body = encoded(&[("token", &tokens.access)]);
    let known = stage.portal.oauth("/oauth/introspect", stage.authorization.as_deref(), &body).await.json();
    assert_eq!((&known["active"], &known["scope"]), (&json!(true), &json!(SCOPES.join(" "))));
    stage.portal.oauth("/oauth/revoke", stage.authorization.as_deref(), &body).await;
    assert!(!stage.works(&tokens).await, "rfc7009_2: at once");
    let other = stage.tokens().await;
    assert!(stage.works(&other).await);
    stage.portal.clock.advance(Duration::minutes(15));
    assert!(!stage.works(&other).await, "it ends by itself");
    let fields = [("token_form", "opaque")];
    stage.ada.sign_in_again("ada@example.org").await;
    let machine = stage.ada.service_account(&stage.application.clone(), "development", &["read:posts"], &fields).await;
    let own = stage.portal.token_of(&machine).await;
    assert!(own.starts_with("lk_tok_"));
    assert_eq!(stage.portal.with_key(&own, "GET", "/api/v1/posts", "").await.status, StatusCode::OK);
}

/// A client that signs, on a stage.
async fn signing(fields: &[(&str, &str)]) -> (Stage, Holder) {
    let holder = Holder::new();
    let keys = holder.jwks();
    let own = [("auth_method", "private_key_jwt"), ("keys", keys.as_str())];
    let stage = Stage::set(&[&own, fields].concat()).await;
    assert!(stage.authorization.is_none(), "there is no secret");
    (stage, holder)
}

const ASSERTION: (&str, &str) = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");

pub(crate) async fn asks_with(stage: &Stage, assertion: &str, more: &[(&str, &str)]) -> Answer {
    let pairs = [&[ASSERTION, ("client_assertion", assertion)], more].concat();
    stage.portal.oauth("/oauth/introspect", None, &encoded(&pairs)).await
}

#[tokio::test]
async fn rfc7523_3_a_client_signs_for_itself() {
    let (stage, holder) = signing(&[]).await;
    let token = ("token", "anything");
    let good = |change: fn(&mut Value)| holder.assertion(&stage.portal, &stage.client_id, change);
    let answer = asks_with(&stage, &good(|_| ()), &[token]).await;
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!({"active": false})));
    let changes: [fn(&mut Value); 16] = [
        |claims| claims["iss"] = json!("lkc_01234567890123456789"),
        |claims| claims["aud"] = json!(format!("{ORIGIN}/oauth/token")),
        |claims| claims["aud"] = json!([ORIGIN]),
        |claims| claims["aud"] = json!([ORIGIN, "https://other.example"]),
        |claims| claims["exp"] = json!(claims["iat"].as_i64().unwrap() - 1),
        |claims| claims["exp"] = json!(claims["iat"].as_i64().unwrap() + 3_600),
        |claims| claims["exp"] = json!("2100-01-01"),
        |claims| claims["nbf"] = json!(claims["iat"].as_i64().unwrap() + 60),
        |claims| claims["iat"] = json!(claims["iat"].as_i64().unwrap() + 60),
        |claims| drop(claims.as_object_mut().unwrap().remove("jti")),
        |claims| drop(claims.as_object_mut().unwrap().remove("exp")),
        |claims| claims["jti"] = json!(""),
        |claims| claims["sub"] = json!("lkc_01234567890123456789"),
        |claims| drop(claims.as_object_mut().unwrap().remove("iss")),
        |claims| drop(claims.as_object_mut().unwrap().remove("sub")),
        |claims| drop(claims.as_object_mut().unwrap().remove("aud")),
    ];
    for change in changes {
        let assertion = good(change);
        let answer = asks_with(&stage, &assertion, &[token]).await;
        let claims = Compact::read(&assertion).unwrap().unverified_claims::<Value>().unwrap();
        assert_eq!((answer.status, error(&answer).as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"), "{claims}");
    }
    // What it is must be said by its type where it says one: a token of ours or a proof is no assertion.
    let claims: Value = Compact::read(&good(|_| ())).unwrap().unverified_claims().unwrap();
    for (typ, expected) in [
        ("client-authentication+jwt", StatusCode::OK),
        ("at+jwt", StatusCode::UNAUTHORIZED),
        ("dpop+jwt", StatusCode::UNAUTHORIZED),
    ] {
        let assertion = holder.sign(&json!({"alg": "ES256", "kid": "mine", "typ": typ}), &claims);
        assert_eq!(asks_with(&stage, &assertion, &[token]).await.status, expected, "{typ}");
    }
    let stranger = Holder::new().assertion(&stage.portal, &stage.client_id, |_| ());
    assert_eq!(asks_with(&stage, &stranger, &[token]).await.status, StatusCode::UNAUTHORIZED);
    let unsigned = {
        let assertion = good(|_| ());
        let (signed, _) = assertion.rsplit_once('.').unwrap();
        format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), signed.split_once('.').unwrap().1)
    };
    assert_eq!(asks_with(&stage, &unsigned, &[token]).await.status, StatusCode::UNAUTHORIZED, "r22");
    let other = ("client_id", "lkc_01234567890123456789");
    assert_eq!(asks_with(&stage, &good(|_| ()), &[token, other]).await.status, StatusCode::UNAUTHORIZED, "rfc7521_4_2");
    let named = ("client_id", stage.client_id.as_str());
    assert_eq!(asks_with(&stage, &good(|_| ()), &[token, named]).await.status, StatusCode::OK);
    let secret = ("client_secret", "lk_sec_x");
    assert_eq!(error(&asks_with(&stage, &good(|_| ()), &[token, named, secret]).await), "invalid_request");
    // rfc6749_2_3: one method, enforced.
    let by_name = stage.portal.oauth("/oauth/introspect", None, &encoded(&[token, named])).await;
    assert_eq!(error(&by_name), "invalid_client");
}

#[tokio::test]
async fn r22_an_assertion_that_one_node_took_no_other_takes() {
    let (stage, holder) = signing(&[]).await;
    let other = stage.portal.another_node().await;
    let ask = async |assertion: &str| {
        let body = encoded(&[ASSERTION, ("client_assertion", assertion), ("token", "x")]);
        let form = http::Request::post("/oauth/introspect").header(FORM.0, FORM.1);
        send(&other.app, LOOPBACK, form.body(axum::body::Body::from(body)).unwrap()).await
    };
    let assertion = || holder.assertion(&stage.portal, &stage.client_id, |_| ());
    assert_eq!(ask(&assertion()).await.status, StatusCode::OK, "the other node knows the client");
    let once = assertion();
    assert_eq!(asks_with(&stage, &once, &[("token", "x")]).await.status, StatusCode::OK);
    let again = ask(&once).await;
    assert_eq!((again.status, error(&again).as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn r22_an_assertion_is_taken_once_whoever_sends_it_together() {
    let (stage, holder) = signing(&[]).await;
    for _ in 0..50 {
        let assertion = holder.assertion(&stage.portal, &stage.client_id, |_| ());
        let body = encoded(&[ASSERTION, ("client_assertion", &assertion), ("token", "x")]);
        let tries = (0..8).map(|_| stage.portal.oauth("/oauth/introspect", None, &body));
        let mut taken = 0;
        for answer in join_all(tries).await {
            match answer.status {
                StatusCode::OK => taken += 1,
                status => assert_eq!(status, StatusCode::UNAUTHORIZED),
            }
        }
        assert_eq!(taken, 1);
    }
}

#[tokio::test]
async fn fapi_2_0_the_high_security_switch_sets_and_locks_what_the_profile_demands() {
    let (mut stage, holder) = signing(&[("high_security", "yes")]).await;
    let direct = stage.url(|_| ());
    let refused = stage.grace.get(&direct).await;
    assert_eq!(parameter(&refused, "error").as_deref(), Some("invalid_request"), "5.3.2.2: pushed requests alone");

    let mut parameters = stage.parameters();
    parameters.insert("client_assertion_type", ASSERTION.1.to_owned());
    parameters.insert("client_assertion", holder.assertion(&stage.portal, &stage.client_id, |_| ()));
    let pairs: Vec<_> = parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let pushed = stage.portal.oauth("/oauth/par", None, &encoded(&pairs)).await;
    assert_eq!(pushed.status, StatusCode::CREATED, "{pushed:?}");
    let request_uri = pushed.json()["request_uri"].as_str().unwrap().to_owned();
    let url = format!(
        "/oauth/authorize?{}",
        encoded(&[("client_id", stage.client_id.as_str()), ("request_uri", &request_uri)])
    );
    let code = parameter(&stage.answer(&url, SCOPES, "allow").await, "code").unwrap();
    let redeem = |assertion: String| {
        let code = code.clone();
        vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code),
            ("redirect_uri", crate::stage::REDIRECT.to_owned()),
            ("code_verifier", VERIFIER.to_owned()),
            (ASSERTION.0, ASSERTION.1.to_owned()),
            ("client_assertion", assertion),
        ]
    };
    let sent = |pairs: Vec<(&'static str, String)>| {
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    };
    let unbound = sent(redeem(holder.assertion(&stage.portal, &stage.client_id, |_| ())));
    assert_eq!(error(&stage.portal.oauth("/oauth/token", None, &unbound).await), "invalid_dpop_proof");

    let dpop = Holder::new();
    let nonce = stage.portal.state.services.proofs.nonce(stage.portal.clock_now());
    let ask = async |pairs: Vec<(&'static str, String)>| {
        let proof = dpop.proof(&stage.portal, "POST", "/oauth/token", None, Some(&nonce));
        stage.portal.api("POST", "/oauth/token", &[FORM, ("dpop", &proof)], &sent(pairs)).await
    };
    let tokens = Tokens::of(&ask(redeem(holder.assertion(&stage.portal, &stage.client_id, |_| ()))).await);
    assert_eq!(whoami(&stage.portal, &dpop, &tokens.access).await.status, StatusCode::OK);
    for _ in 0..3 {
        let refresh = vec![
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", tokens.refresh.clone()),
            (ASSERTION.0, ASSERTION.1.to_owned()),
            ("client_assertion", holder.assertion(&stage.portal, &stage.client_id, |_| ())),
        ];
        let again = Tokens::of(&ask(refresh).await);
        assert_eq!(again.refresh, tokens.refresh, "5.3.2.1: it does not rotate");
        assert_ne!(again.access, tokens.access);
    }
    let application = stage.application.clone();
    for (fields, sentence) in [
        (vec![("auth_method", "client_secret_basic")], "High security needs a key of its own"),
        (vec![("signing_algorithm", "RS256")], "High security needs ES256, EdDSA or PS256"),
        (vec![("redirect_uris", "http://127.0.0.1/callback")], "High security needs https"),
        (vec![("without_pkce", "yes")], "outside of high security"),
        (vec![("keys", "")], "Write an https:// address, the JWK Set itself"),
    ] {
        let keys = holder.jwks();
        let mut all = vec![("auth_method", "private_key_jwt"), ("keys", keys.as_str()), ("high_security", "yes")];
        all.extend(fields);
        let page = stage.ada.try_client(&application, SCOPES, &all).await;
        assert!(page.contains(sentence), "{sentence}: {page}");
    }
}

#[tokio::test]
async fn r58_keys_at_an_address_inside_are_not_fetched() {
    let own = [("auth_method", "private_key_jwt"), ("keys", "https://127.0.0.1/jwks.json")];
    let stage = Stage::set(&own).await;
    let assertion = Holder::new().assertion(&stage.portal, &stage.client_id, |_| ());
    let answer = asks_with(&stage, &assertion, &[("token", "x")]).await;
    assert_eq!((answer.status, error(&answer).as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"));
}
