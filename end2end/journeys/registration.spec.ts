// An app registers itself, signs a person in, and leads them out again.
import { createHash, randomBytes } from "node:crypto";
import { allow, app } from "../support/app";
import { createApplication, expect, signUp, test } from "../support/portal";

test("an app registers itself with a token, signs a person in, and asks them to sign out", async ({ page, baseURL }) => {
  const { server, redirect, came } = await app();
  await signUp(page);
  const environment = await createApplication(page);
  await page.goto(`${environment}/clients`);
  await page.getByLabel("Whoever has the token").check();
  await page.getByRole("button", { name: "Save" }).click();
  const token = await page.locator(".secret-value code").innerText();
  const register = (bearer: string) =>
    fetch(new URL("/oauth/register", baseURL), {
      method: "POST",
      headers: { authorization: `Bearer ${bearer}`, "content-type": "application/json" },
      body: JSON.stringify({
        client_name: "Wandering app",
        redirect_uris: [redirect],
        post_logout_redirect_uris: [redirect],
        token_endpoint_auth_method: "none",
        id_token_signed_response_alg: "ES256",
        scope: "openid profile",
      }),
    });
  // Every character counts; the last one may be an "x" already.
  expect((await register(`${token.slice(0, -1)}${token.endsWith("x") ? "y" : "x"}`)).status).toBe(401);
  const registered = await register(token);
  expect(registered.status).toBe(201);
  const { client_id } = (await registered.json()) as { client_id: string };
  await page.goto(`${environment}/clients`);
  await expect(page.getByRole("link", { name: "Wandering app", exact: true })).toBeVisible();

  const verifier = randomBytes(32).toString("base64url");
  const ask = new URL("/oauth/authorize", baseURL);
  ask.search = new URLSearchParams({
    response_type: "code",
    client_id,
    redirect_uri: redirect,
    scope: "openid profile",
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
  }).toString();
  await page.goto(ask.href);
  await expect(page.locator("main")).toContainText("Nobody has verified it");
  const code = (await allow(page, ask, came)).searchParams.get("code") ?? "";
  const redeemed = await fetch(new URL("/oauth/token", baseURL), {
    method: "POST",
    body: new URLSearchParams({ grant_type: "authorization_code", code, redirect_uri: redirect, code_verifier: verifier, client_id }),
  });
  const { id_token } = (await redeemed.json()) as { id_token: string };

  const leave = new URL("/oauth/logout", baseURL);
  leave.search = new URLSearchParams({ id_token_hint: id_token, post_logout_redirect_uri: redirect, state: "bye" }).toString();
  await page.goto(leave.href);
  await expect(page.locator("main")).toContainText("Wandering app asks whether you want to sign out");
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL(`${redirect}?state=bye`);
  server.close();
  await page.goto("/dashboard");
  await expect(page).toHaveURL(/\/login\?/);
});
