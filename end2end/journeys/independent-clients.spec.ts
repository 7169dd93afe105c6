// Journey 5: libraries that know nothing of this server but its address sign people in, act for them, and stop.
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import type { Page } from "@playwright/test";
import { createApplication, expect, signUp, test } from "../support/portal";

// Nobody listens there, and nobody ever can (RFC 2606): the address that the browser is led to is all that an app needs.
const REDIRECT = "https://reader.example/callback";
const NAME = "Reading list";
const SCOPE = "openid profile email offline_access read:posts";
// Both libraries talk to https alone unless they are told otherwise.
const insecure = { [oauth.allowInsecureRequests]: true };

interface Registered {
  id: string;
  secret: string;
}

/** Makes an application and one OAuth client of it, and reads what the portal tells of it. */
async function register(page: Page, hasSecret: boolean, describe: () => Promise<void>): Promise<Registered> {
  const environment = await createApplication(page);
  await page.goto(`${environment}/clients/new`);
  // To the letter: what a scope tells is called a name, too.
  await page.getByLabel("Name", { exact: true }).fill(NAME);
  await page.getByLabel("Where people are led back to").fill(REDIRECT);
  await describe();
  await page.getByRole("button", { name: "Create OAuth client" }).click();
  return registered(page, hasSecret);
}

/** Reads the page that creating ends on. */
async function registered(page: Page, hasSecret: boolean): Promise<Registered> {
  const head = page.locator(".page-head");
  await expect(head).toContainText(/lkc_\w{20}/);
  const id = /lkc_\w{20}/.exec(await head.innerText())?.[0] ?? "";
  return { id, secret: hasSecret ? await page.locator(".secret-value code").innerText() : "" };
}

/** The person is sent to the server, allows what the app asks for, and is led back to it. */
async function allow(page: Page, ask: URL): Promise<URL> {
  await page.goto(ask.href);
  await expect(page.getByRole("heading", { name: `Let ${NAME} act for you?` })).toBeVisible();
  const led = page.waitForRequest((request) => request.url().startsWith(`${REDIRECT}?`));
  await page.getByRole("button", { name: "Allow" }).click();
  return new URL((await led).url());
}

/** What openid-client finds out by itself. It looks at the signature of an ID token only when it is told to. */
function discover(baseURL: string | undefined, id: string, authentication: openid.ClientAuth) {
  const execute = [openid.allowInsecureRequests, openid.enableNonRepudiationChecks];
  const metadata = { id_token_signed_response_alg: "ES256" };
  return openid.discovery(new URL("/", baseURL), id, metadata, authentication, { execute });
}

/** Sends the person away with everything that a careful app sends, and redeems what they bring back. */
async function signInByOpenidClient(page: Page, config: openid.Configuration, DPoP?: openid.DPoPHandle) {
  const checks = {
    pkceCodeVerifier: openid.randomPKCECodeVerifier(),
    expectedState: openid.randomState(),
    expectedNonce: openid.randomNonce(),
  };
  const ask = openid.buildAuthorizationUrl(config, {
    redirect_uri: REDIRECT,
    scope: SCOPE,
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    code_challenge: await openid.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
    code_challenge_method: "S256",
    // Whoever reads the code on its way cannot redeem it without the key.
    ...(DPoP && { dpop_jkt: await DPoP.calculateThumbprint() }),
  });
  const back = await allow(page, ask);
  return openid.authorizationCodeGrant(config, back, checks, undefined, { DPoP });
}

test("openid-client signs a person in, goes on without them, and ends what it was given", async ({ page, baseURL }) => {
  const person = await signUp(page);
  const { id, secret } = await register(page, true, async () => {
    await page.getByLabel("Secret in the header").check();
  });
  const config = await discover(baseURL, id, openid.ClientSecretBasic(secret));
  expect(config.serverMetadata().supportsPKCE()).toBe(true);

  const tokens = await signInByOpenidClient(page, config);
  const subject = tokens.claims()?.sub ?? "";
  expect([tokens.token_type, tokens.scope?.split(" ").sort()]).toEqual(["bearer", SCOPE.split(" ").sort()]);
  expect(await openid.fetchUserInfo(config, tokens.access_token, subject)).toMatchObject(person);

  const next = await openid.refreshTokenGrant(config, tokens.refresh_token ?? "");
  expect(next.refresh_token).not.toBe(tokens.refresh_token);
  expect(next.claims()?.sub).toBe(subject);
  expect(await openid.tokenIntrospection(config, next.access_token)).toMatchObject({
    active: true,
    iss: baseURL,
    sub: subject,
    client_id: id,
  });

  await openid.tokenRevocation(config, next.refresh_token ?? "");
  await expect(openid.fetchUserInfo(config, next.access_token, subject)).rejects.toMatchObject({
    status: 401,
    cause: [{ scheme: "bearer", parameters: { error: "invalid_token" } }],
  });
  expect(await openid.tokenIntrospection(config, next.access_token)).toEqual({ active: false });
  await expect(openid.refreshTokenGrant(config, next.refresh_token ?? "")).rejects.toMatchObject({ error: "invalid_grant" });
});

test("openid-client without a secret binds its tokens to a key", async ({ page, baseURL }) => {
  const person = await signUp(page);
  const { id } = await register(page, false, async () => {
    await page.getByLabel("No secret").check();
    await page.getByLabel("Binds its tokens to a key").check();
  });
  const config = await discover(baseURL, id, openid.None());
  const key = await openid.randomDPoPKeyPair("ES256");
  const DPoP = openid.getDPoPHandle(config, key);

  const tokens = await signInByOpenidClient(page, config, DPoP);
  expect(tokens.token_type).toBe("dpop");
  const subject = tokens.claims()?.sub ?? "";
  expect(await openid.fetchUserInfo(config, tokens.access_token, subject, { DPoP })).toMatchObject(person);

  const whoami = new URL("/api/v1/whoami", baseURL);
  const call = (token: string, DPoP?: openid.DPoPHandle) =>
    openid.fetchProtectedResource(config, token, whoami, "GET", undefined, undefined, { DPoP });
  // A new handle on the same key knows no nonce yet: the API itself must tell it one.
  const answer = await call(tokens.access_token, openid.getDPoPHandle(config, key));
  expect(answer.status).toBe(200);
  expect(await answer.json()).toMatchObject({ account: { id: subject }, client: { id, name: NAME } });

  const thief = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair("ES256"));
  await expect(call(tokens.access_token)).rejects.toMatchObject({ status: 401 });
  await expect(call(tokens.access_token, thief)).rejects.toMatchObject({
    status: 401,
    cause: [{ scheme: "dpop", parameters: { error: "invalid_token" } }],
  });
  const refresh = tokens.refresh_token ?? "";
  await expect(openid.refreshTokenGrant(config, refresh, undefined, { DPoP: thief })).rejects.toMatchObject({
    error: "invalid_grant",
  });
  const next = await openid.refreshTokenGrant(config, refresh, undefined, { DPoP });
  expect((await call(next.access_token, DPoP)).status).toBe(200);
});

/** Asks again where the server wanted its nonce in the proof: the handle has kept it from the first answer. */
async function withNonce<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error;
    return ask();
  }
}

test("oauth4webapi signs for itself, pushes its request, and holds the key of its tokens", async ({ page, baseURL }) => {
  const person = await signUp(page);
  const own = await oauth.generateKeyPair("ES256");
  const jwk = { ...(await crypto.subtle.exportKey("jwk", own.publicKey)), kid: "own" };
  const { id } = await register(page, false, async () => {
    await page.getByLabel("A key of its own").check();
    await page.getByLabel("Its public keys", { exact: true }).fill(JSON.stringify({ keys: [jwk] }));
    await page.getByLabel("High security").check();
  });
  const issuer = new URL("/", baseURL);
  const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
  const client: oauth.Client = { client_id: id, id_token_signed_response_alg: "ES256" };
  const authentication = oauth.PrivateKeyJwt({ key: own.privateKey, kid: "own" });
  const key = await oauth.generateKeyPair("ES256");
  const DPoP = oauth.DPoP(client, key);
  const bound = { ...insecure, DPoP };

  const [verifier, state, nonce] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState(), oauth.generateRandomNonce()];
  const parameters = {
    response_type: "code",
    redirect_uri: REDIRECT,
    scope: SCOPE,
    state,
    nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
  };
  const pushed = await withNonce(async () => {
    const response = await oauth.pushedAuthorizationRequest(as, client, authentication, parameters, bound);
    return oauth.processPushedAuthorizationResponse(as, client, response);
  });
  const ask = new URL(as.authorization_endpoint ?? "");
  ask.search = new URLSearchParams({ client_id: id, request_uri: pushed.request_uri }).toString();
  const back = oauth.validateAuthResponse(as, client, await allow(page, ask), state);

  const tokens = await withNonce(async () => {
    const response = await oauth.authorizationCodeGrantRequest(as, client, authentication, back, REDIRECT, verifier, bound);
    const checks = { expectedNonce: nonce, requireIdToken: true };
    const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, checks);
    await oauth.validateApplicationLevelSignature(as, response, insecure);
    return tokens;
  });
  expect(tokens.token_type).toBe("dpop");
  const subject = oauth.getValidatedIdTokenClaims(tokens)?.sub ?? "";

  const told = await withNonce(async () => {
    const response = await oauth.userInfoRequest(as, client, tokens.access_token, bound);
    return oauth.processUserInfoResponse(as, client, subject, response);
  });
  expect(told).toMatchObject(person);

  const whoami = new URL("/api/v1/whoami", baseURL);
  const call = (token: string, DPoP?: oauth.DPoPHandle) =>
    withNonce(() => oauth.protectedResourceRequest(token, "GET", whoami, undefined, undefined, { ...insecure, DPoP }));
  // A new handle on the same key knows no nonce yet: the API itself must tell it one.
  const answer = await call(tokens.access_token, oauth.DPoP(client, key));
  expect(answer.status).toBe(200);
  expect(await answer.json()).toMatchObject({ account: { id: subject }, client: { id, name: NAME } });
  await expect(call(tokens.access_token)).rejects.toMatchObject({ status: 401 });

  const next = await withNonce(async () => {
    const response = await oauth.refreshTokenGrantRequest(as, client, authentication, tokens.refresh_token ?? "", bound);
    return oauth.processRefreshTokenResponse(as, client, response);
  });
  // The profile keeps the refresh token as it is: the client proves each time that it is itself.
  expect(next.refresh_token).toBe(tokens.refresh_token);
  expect(oauth.getValidatedIdTokenClaims(next)?.sub).toBe(subject);
  expect((await call(next.access_token, DPoP)).status).toBe(200);
});

test("oauth4webapi gets tokens for a machine", async ({ page, baseURL }) => {
  await signUp(page);
  const environment = await createApplication(page);
  await page.goto(`${environment}/service-accounts/new`);
  await page.getByLabel("Name", { exact: true }).fill("Nightly import");
  await page.getByLabel("Secret in the body").check();
  await page.getByRole("button", { name: "Create service account" }).click();
  const { id, secret } = await registered(page, true);

  const issuer = new URL("/", baseURL);
  // A machine has nobody to sign in: it looks where OAuth without OpenID Connect does.
  const described = await oauth.discoveryRequest(issuer, { ...insecure, algorithm: "oauth2" });
  const as = await oauth.processDiscoveryResponse(issuer, described);
  const client: oauth.Client = { client_id: id };
  const token = async (secret: string) => {
    const authentication = oauth.ClientSecretPost(secret);
    const response = await oauth.clientCredentialsGrantRequest(as, client, authentication, { scope: "read:posts" }, insecure);
    return oauth.processClientCredentialsResponse(as, client, response);
  };
  const given = await token(secret);
  expect([given.token_type, given.scope, given.refresh_token]).toEqual(["bearer", "read:posts", undefined]);
  const whoami = new URL("/api/v1/whoami", baseURL);
  const answer = await oauth.protectedResourceRequest(given.access_token, "GET", whoami, undefined, undefined, insecure);
  expect(answer.status).toBe(200);
  expect(await answer.json()).toMatchObject({ client: { id, name: "Nightly import" }, scopes: ["read:posts"] });
  await expect(token("not the secret")).rejects.toMatchObject({ status: 401, error: "invalid_client" });
});
