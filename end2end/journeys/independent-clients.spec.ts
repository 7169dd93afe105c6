// Client libraries that know nothing of this server but the standards.
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import { allow, app, registerClient } from "../support/app";
import { createApplication, expect, signUp, test } from "../support/portal";

const SCOPE = "openid profile email offline_access read:posts";
const INSECURE = { [oauth.allowInsecureRequests]: true };

/** Runs a request again with the nonce that the first answer named, as RFC 9449 has it. */
async function withNonce<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    // The library keeps the nonce by itself.
    if (error instanceof Error && (error.cause as { error?: string } | undefined)?.error === "use_dpop_nonce") return ask();
    if (oauth.isDPoPNonceError(error)) return ask();
    throw error;
  }
}

test("openid-client signs a person in, refreshes, introspects and revokes", async ({ page, baseURL }) => {
  const { server, redirect, came } = await app();
  const person = await signUp(page);
  const environment = await createApplication(page);
  const { id, secret } = await registerClient(page, environment, "client", async () => {});
  const config = await openid.discovery(
    new URL(baseURL ?? ""),
    id,
    { id_token_signed_response_alg: "ES256" },
    openid.ClientSecretBasic(secret),
    { execute: [openid.allowInsecureRequests] },
  );
  const verifier = openid.randomPKCECodeVerifier();
  const [state, nonce] = [openid.randomState(), openid.randomNonce()];
  const url = openid.buildAuthorizationUrl(config, {
    redirect_uri: redirect,
    scope: SCOPE,
    state,
    nonce,
    max_age: "3600",
    code_challenge: await openid.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
  });
  const back = await allow(page, url, came);
  server.close();
  const tokens = await openid.authorizationCodeGrant(config, back, {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
    maxAge: 3600,
    idTokenExpected: true,
  });
  const subject = tokens.claims()?.sub ?? "";
  const told = await openid.fetchUserInfo(config, tokens.access_token, subject);
  expect(told).toMatchObject({ sub: subject, name: person.name, email: person.email });
  const again = await openid.refreshTokenGrant(config, tokens.refresh_token ?? "");
  expect(again.claims()?.sub).toBe(subject);
  const known = await openid.tokenIntrospection(config, again.access_token);
  expect(known).toMatchObject({ active: true, client_id: id, sub: subject });
  await openid.tokenRevocation(config, again.refresh_token ?? "");
  expect((await openid.tokenIntrospection(config, again.access_token)).active).toBe(false);
  await expect(openid.fetchUserInfo(config, again.access_token, subject)).rejects.toThrow();
});

test("openid-client holds bound tokens for an app that can keep no secret", async ({ page, baseURL }) => {
  const { server, redirect, came } = await app();
  await signUp(page);
  const environment = await createApplication(page);
  const { id } = await registerClient(page, environment, "client", async () => {
    await page.getByLabel("No secret").check();
    await page.getByLabel("Binds its tokens to a key").check();
  });
  const config = await openid.discovery(
    new URL(baseURL ?? ""),
    id,
    { id_token_signed_response_alg: "ES256" },
    openid.None(),
    { execute: [openid.allowInsecureRequests] },
  );
  const DPoP = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair("ES256"));
  const verifier = openid.randomPKCECodeVerifier();
  const url = openid.buildAuthorizationUrl(config, {
    redirect_uri: redirect,
    scope: SCOPE,
    dpop_jkt: await DPoP.calculateThumbprint(),
    code_challenge: await openid.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
  });
  const back = await allow(page, url, came);
  server.close();
  const tokens = await openid.authorizationCodeGrant(config, back, { pkceCodeVerifier: verifier }, undefined, { DPoP });
  expect(tokens.token_type).toBe("dpop");
  const whoami = new URL("/api/v1/whoami", baseURL);
  const call = () => openid.fetchProtectedResource(config, tokens.access_token, whoami, "GET", undefined, undefined, { DPoP });
  expect((await withNonce(call)).status).toBe(200);
  const stolen = await fetch(whoami, { headers: { authorization: `Bearer ${tokens.access_token}` } });
  expect(stolen.status).toBe(401);
  const again = await openid.refreshTokenGrant(config, tokens.refresh_token ?? "", undefined, { DPoP });
  expect(again.token_type).toBe("dpop");
});

test("oauth4webapi signs for itself, pushes its request and proves its key", async ({ page, baseURL }) => {
  const { server, redirect, came } = await app();
  await signUp(page);
  const environment = await createApplication(page);
  const keys = await oauth.generateKeyPair("ES256", { extractable: true });
  const jwk = await crypto.subtle.exportKey("jwk", keys.publicKey);
  const { id } = await registerClient(page, environment, "client", async () => {
    await page.getByLabel("A key of its own").check();
    await page.getByLabel("Its public keys").fill(JSON.stringify({ keys: [{ ...jwk, kid: "one" }] }));
    await page.getByLabel("Pushes its requests").check();
    await page.getByLabel("Binds its tokens to a key").check();
  });
  const issuer = new URL(baseURL ?? "");
  const found = await oauth.discoveryRequest(issuer, INSECURE);
  const as = await oauth.processDiscoveryResponse(issuer, found);
  const client: oauth.Client = { client_id: id };
  const authentication = oauth.PrivateKeyJwt({ key: keys.privateKey, kid: "one" });
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair("ES256"));
  const options = { DPoP, ...INSECURE };
  const verifier = oauth.generateRandomCodeVerifier();
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
  const parameters = {
    response_type: "code",
    redirect_uri: redirect,
    scope: SCOPE,
    state,
    nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
  };
  const pushed = await withNonce(async () =>
    oauth.processPushedAuthorizationResponse(
      as,
      client,
      await oauth.pushedAuthorizationRequest(as, client, authentication, parameters, options),
    ),
  );
  const url = new URL(as.authorization_endpoint ?? "");
  url.search = new URLSearchParams({ client_id: id, request_uri: pushed.request_uri }).toString();
  const back = await allow(page, url, came);
  server.close();
  const validated = oauth.validateAuthResponse(as, client, back, state);
  const tokens = await withNonce(async () =>
    oauth.processAuthorizationCodeResponse(
      as,
      client,
      await oauth.authorizationCodeGrantRequest(as, client, authentication, validated, redirect, verifier, options),
      { expectedNonce: nonce, requireIdToken: true },
    ),
  );
  const subject = oauth.getValidatedIdTokenClaims(tokens)?.sub ?? "";
  const told = await withNonce(async () =>
    oauth.processUserInfoResponse(as, client, subject, await oauth.userInfoRequest(as, client, tokens.access_token, options)),
  );
  expect(told.sub).toBe(subject);
  const posts = await withNonce(() =>
    oauth.protectedResourceRequest(tokens.access_token, "GET", new URL("/api/v1/posts", baseURL), undefined, undefined, options),
  );
  expect(posts.status).toBe(200);
  const again = await withNonce(async () =>
    oauth.processRefreshTokenResponse(
      as,
      client,
      await oauth.refreshTokenGrantRequest(as, client, authentication, tokens.refresh_token ?? "", options),
    ),
  );
  expect(again.token_type).toBe("dpop");
});

test("oauth4webapi gets a machine its token", async ({ page, baseURL }) => {
  await signUp(page);
  const environment = await createApplication(page);
  const { id, secret } = await registerClient(page, environment, "service account", async () => {
    await page.getByLabel("Secret in the body").check();
  });
  const issuer = new URL(baseURL ?? "");
  const found = await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...INSECURE });
  const as = await oauth.processDiscoveryResponse(issuer, found);
  const client: oauth.Client = { client_id: id };
  const answer = await oauth.clientCredentialsGrantRequest(as, client, oauth.ClientSecretPost(secret), { scope: "read:posts" }, INSECURE);
  const tokens = await oauth.processClientCredentialsResponse(as, client, answer);
  const posts = await oauth.protectedResourceRequest(tokens.access_token, "GET", new URL("/api/v1/posts", baseURL), undefined, undefined, INSECURE);
  expect(posts.status).toBe(200);
});
