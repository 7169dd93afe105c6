//! The `openidconnect` crate, which knows nothing of this server but the standards, signs a person in.

use crate::{
    stage::{REDIRECT, Stage, parameter},
    support::{LOOPBACK, ORIGIN, Portal, START},
};
use axum::body::Body;
use latchkey_core::clock::{Clock, SystemClock};
use openidconnect::{
    AuthenticationFlow, AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse, IssuerUrl,
    Nonce, OAuth2TokenResponse, PkceCodeChallenge, RedirectUrl, Scope, TokenResponse,
    core::{CoreClient, CoreProviderMetadata, CoreResponseType, CoreUserInfoClaims},
};
use std::{convert::Infallible, pin::Pin};

type Asking<'a> = Pin<Box<dyn Future<Output = Result<HttpResponse, Infallible>> + 'a>>;

impl Stage {
    /// Carries a request of the library's to the server.
    fn carry(&self, request: HttpRequest) -> Asking<'_> {
        let (mut parts, body) = request.into_parts();
        // In this process a request has a path alone.
        parts.uri = parts.uri.path_and_query().unwrap().as_str().parse().unwrap();
        let request = http::Request::from_parts(parts, Body::from(body));
        Box::pin(async move {
            let answer = self.portal.send_from(LOOPBACK, request).await;
            let mut response = http::Response::new(answer.body.to_vec());
            *response.status_mut() = answer.status;
            *response.headers_mut() = answer.headers;
            Ok(response)
        })
    }
}

#[tokio::test]
async fn the_openidconnect_crate_signs_a_person_in() {
    for algorithm in ["ES256", "EdDSA", "RS256", "PS256"] {
        let scopes = ["openid", "profile", "email", "read:posts"];
        let portal = Portal::start().await;
        // The library looks at the clock on the wall.
        portal.clock.advance(SystemClock.now() - START);
        let mut stage = Stage::build(portal, &scopes, &[("signing_algorithm", algorithm)]).await;
        let issuer = IssuerUrl::new(ORIGIN.to_owned()).unwrap();
        let http = |request| stage.carry(request);
        let metadata = CoreProviderMetadata::discover_async(issuer, &http).await.unwrap();
        let secret = ClientSecret::new(stage.secret.clone());
        let client = CoreClient::from_provider_metadata(metadata, ClientId::new(stage.client_id.clone()), Some(secret))
            .set_redirect_uri(RedirectUrl::new(REDIRECT.to_owned()).unwrap());
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = AuthenticationFlow::<CoreResponseType>::AuthorizationCode;
        let mut asked =
            client.authorize_url(flow, CsrfToken::new_random, Nonce::new_random).set_pkce_challenge(challenge);
        for scope in &scopes[1..] {
            asked = asked.add_scope(Scope::new((*scope).to_owned()));
        }
        let (url, sent, nonce) = asked.url();
        let page = format!("{}?{}", url.path(), url.query().unwrap());
        let answer = stage.answer(&page, &scopes, "allow").await;
        assert_eq!(parameter(&answer, "state").as_ref(), Some(sent.secret()));
        let code = AuthorizationCode::new(parameter(&answer, "code").unwrap());

        let http = |request| stage.carry(request);
        let redeemed = client.exchange_code(code).unwrap().set_pkce_verifier(verifier);
        let tokens = redeemed.request_async(&http).await.unwrap();
        let id_token = tokens.id_token().unwrap();
        let checks = client.id_token_verifier();
        let claims = id_token.claims(&checks, &nonce).unwrap();
        let subject = claims.subject().clone();
        assert_eq!(subject.as_str(), stage.grace_id().await, "{algorithm}");
        let person: CoreUserInfoClaims =
            client.user_info(tokens.access_token().clone(), Some(subject)).unwrap().request_async(&http).await.unwrap();
        assert_eq!(person.email().map(|email| email.as_str()), Some("grace@example.org"));
    }
}
