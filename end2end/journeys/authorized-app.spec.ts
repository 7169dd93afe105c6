// Journey 3: somebody else's app asks to act for a person, does so, and stops when it is told to.
import { createHash, randomBytes } from "node:crypto";
import { app } from "../support/app";
import { createApplication, expect, signUp, test } from "../support/portal";

// A picture of one pixel.
const PIXEL = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGOQSznxHwAEOAJKNKHrggAAAABJRU5ErkJggg==",
  "base64",
);

test("an app asks, is allowed to, acts, and is stopped", async ({ page, baseURL }) => {
  const { server, redirect, came } = await app();
  await signUp(page);
  const environment = await createApplication(page);
  await page.getByRole("link", { name: "OAuth clients" }).first().click();
  await page.getByRole("link", { name: "Create OAuth client" }).first().click();
  await page.getByLabel("Name", { exact: true }).fill("Reading list");
  await page.getByLabel("Where people are led back to").fill("http://127.0.0.1/callback");
  await page.getByRole("button", { name: "Create OAuth client" }).click();
  await expect(page.getByRole("heading", { name: "Your new client secret, shown once" })).toBeVisible();
  const secret = await page.locator(".secret-value code").innerText();
  const id = /lkc_\w{20}/.exec(await page.locator(".page-head").innerText())?.[0] ?? "";
  await page.getByRole("link", { name: "I have stored it" }).click();
  await expect(page).toHaveURL(new RegExp(`${environment}/clients/[\\w-]+$`));
  await expect(page.locator("main")).not.toContainText(secret);

  await page.getByLabel("Picture").setInputFiles({ name: "logo.png", mimeType: "image/png", buffer: PIXEL });
  await page.getByRole("button", { name: "Upload" }).click();
  await expect(page.getByText("This is its logo from now on")).toBeVisible();

  const verifier = randomBytes(32).toString("base64url");
  const ask = new URL("/oauth/authorize", baseURL);
  ask.search = new URLSearchParams({
    response_type: "code",
    client_id: id,
    redirect_uri: redirect,
    scope: "read:posts write:posts",
    state: "xyz",
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
  }).toString();
  await page.goto(ask.href);
  await expect(page.getByRole("heading", { name: "Let Reading list act for you?" })).toBeVisible();
  const width = await page.locator("img.logo").evaluate((image: HTMLImageElement) => image.naturalWidth);
  expect(width, "the logo is shown").toBe(1);
  await page.getByLabel("Create, change and delete posts").uncheck();
  await page.getByRole("button", { name: "Allow" }).click();
  await expect(page.getByRole("heading", { name: "Back in the app" })).toBeVisible();
  const answer = (await came).searchParams;
  server.close();
  expect(answer.get("state")).toBe("xyz");
  expect(answer.get("iss")).toBe(baseURL);

  const redeemed = await fetch(new URL("/oauth/token", baseURL), {
    method: "POST",
    headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}` },
    body: new URLSearchParams({
      grant_type: "authorization_code",
      code: answer.get("code") ?? "",
      redirect_uri: redirect,
      code_verifier: verifier,
    }),
  });
  const tokens = (await redeemed.json()) as { access_token: string; scope: string };
  expect(tokens.scope).toBe("read:posts");
  const call = (method: string) =>
    fetch(new URL("/api/v1/posts", baseURL), { method, headers: { authorization: `Bearer ${tokens.access_token}` } });
  expect((await call("GET")).status).toBe(200);
  expect((await call("POST")).status).toBe(403);

  await page.goto("/account/authorized-apps");
  await expect(page.getByRole("row", { name: /Reading list/ })).toContainText("read:posts");
  await page.getByRole("button", { name: /Take back/ }).click();
  await expect(page.getByRole("status").first()).toContainText("stopped at once");
  await expect(page.getByText("No app acts for you")).toBeVisible();
  expect((await call("GET")).status).toBe(401);
});

test("an app that is denied gets nothing, and a forged request leads nowhere", async ({ page, baseURL }) => {
  const { server, redirect, came } = await app();
  await signUp(page);
  const environment = await createApplication(page);
  await page.goto(`${environment}/clients/new`);
  await page.getByLabel("Name", { exact: true }).fill("Reading list");
  await page.getByLabel("Where people are led back to").fill("http://127.0.0.1/callback");
  await page.getByLabel("No secret").check();
  await page.getByRole("button", { name: "Create OAuth client" }).click();
  const id = /lkc_\w{20}/.exec(await page.locator(".page-head").innerText())?.[0] ?? "";
  const ask = (to: string) => {
    const url = new URL("/oauth/authorize", baseURL);
    url.search = new URLSearchParams({
      response_type: "code",
      client_id: id,
      redirect_uri: to,
      code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
      code_challenge_method: "S256",
    }).toString();
    return url.href;
  };
  await page.goto(ask("https://evil.example/callback"));
  await expect(page.getByRole("heading", { name: "This request cannot be trusted" })).toBeVisible();
  await page.goto(ask(redirect));
  await page.getByRole("button", { name: "Deny" }).click();
  await expect(page.getByRole("heading", { name: "Back in the app" })).toBeVisible();
  expect((await came).searchParams.get("error")).toBe("access_denied");
  server.close();
});
