// Journey 2: rotate a key with no downtime; and what else is done with a key between its making and its end.
import { createApplication, createKey, expect, paste, signUp, test } from "../support/portal";

test("rotate a key: both work, the page says so, and the old one ends by a button", async ({ page }) => {
  await signUp(page);
  const environment = await createApplication(page);
  const { key, curl } = await createKey(page);
  expect((await paste(curl)).status).toBe(200);
  await page.goto(`${environment}/keys`);
  await page.getByRole("link", { name: "Web backend", exact: true }).click();
  await page.getByRole("link", { name: "Rotate", exact: true }).click();
  await page.getByLabel("7 days").check();
  await page.getByRole("button", { name: "Create the new key" }).click();
  await expect(page.getByRole("heading", { name: "Your new key, shown once" })).toBeVisible();
  const next = await page.locator(".secret-value code").innerText();
  expect(next).not.toBe(key);
  await expect(page.getByRole("heading", { name: /is being rotated/ })).toContainText("waiting for first use");

  const again = curl.replace(key, next);
  expect((await paste(again)).status).toBe(200);
  expect((await paste(curl)).status).toBe(200);
  await page.waitForTimeout(2_000);
  await page.goto(`${environment}/keys`);
  const card = page.locator(".rotation");
  await expect(card).toContainText("Both work. The old one ends in");
  await expect(card).toContainText("old key in use");
  await expect(card).toContainText("2 requests");
  await expect(card).toContainText("from 127.0.0.1");
  await page.getByRole("link", { name: "End the old key now" }).click();
  await expect(page.getByText("Ending it would have refused all")).toBeVisible();
  await page.getByRole("button", { name: "End the old key" }).click();
  await expect(page.getByRole("status").first()).toContainText("has ended");
  expect((await paste(curl)).status).toBe(401);
  expect((await paste(again)).status).toBe(200);
});

test("a rotation is called off while the new key was not used", async ({ page }) => {
  await signUp(page);
  const environment = await createApplication(page);
  const { key, curl } = await createKey(page);
  await page.goto(`${environment}/keys`);
  await page.getByRole("link", { name: "Web backend", exact: true }).click();
  await page.getByRole("link", { name: "Rotate", exact: true }).click();
  await page.getByRole("button", { name: "Create the new key" }).click();
  const next = await page.locator(".secret-value code").innerText();
  await page.getByRole("link", { name: "I have stored it" }).click();
  await page.getByRole("button", { name: "Call the rotation off" }).click();
  await expect(page.getByRole("status").first()).toContainText("called off");
  expect((await paste(curl.replace(key, next))).status).toBe(401);
  expect((await paste(curl)).status).toBe(200);
});

test("take a scope away: the page says what that breaks, and asks again", async ({ page }) => {
  await signUp(page);
  const environment = await createApplication(page);
  const { curl } = await createKey(page);
  expect((await paste(curl.replace("whoami", "posts"))).status).toBe(200);
  await page.waitForTimeout(2_000);
  await page.goto(`${environment}/keys`);
  await page.getByRole("link", { name: "Web backend", exact: true }).click();
  await page.getByRole("group", { name: "Posts" }).getByLabel("Read").uncheck();
  await page.getByLabel("Notes").fill("Only writes");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("would have refused all 1 request of the last 24 hours")).toBeVisible();
  await expect(page.getByLabel("Notes")).toHaveValue("Only writes");
  await page.getByRole("button", { name: "Save anyway" }).click();
  await expect(page.getByRole("status").first()).toContainText("Saved");
  expect((await paste(curl.replace("whoami", "posts"))).status).toBe(403);
});

test("switch a key off and on", async ({ page }) => {
  await signUp(page);
  const environment = await createApplication(page);
  const { curl } = await createKey(page);
  await page.goto(`${environment}/keys`);
  await page.getByRole("link", { name: "Web backend", exact: true }).click();
  await page.getByRole("button", { name: "Switch off" }).click();
  await expect(page.getByRole("status").first()).toContainText("is switched off");
  expect((await paste(curl)).status).toBe(401);
  await page.getByRole("button", { name: "Switch on" }).click();
  expect((await paste(curl)).status).toBe(200);
});

test("make a personal access token, use it, revoke it", async ({ page }) => {
  const person = await signUp(page);
  await page.goto("/account/tokens");
  await page.getByRole("link", { name: "Create token" }).first().click();
  await page.getByLabel("Name").fill("My script");
  await page.getByRole("button", { name: "Create token" }).click();
  const token = await page.locator(".secret-value code").innerText();
  expect(token).toMatch(/^lk_pat_[0-9A-Za-z]{12}_[0-9A-Za-z]{38}$/);
  const curl = await page.getByRole("region", { name: "curl example" }).innerText();
  const answer = await paste(curl);
  expect(JSON.parse(answer.body)).toMatchObject({ method: "personal_token", account: { name: person.name } });
  await page.goto("/account/tokens");
  await page.getByRole("link", { name: "My script", exact: true }).click();
  await page.getByRole("link", { name: "Revoke", exact: true }).click();
  await page.getByRole("button", { name: "Revoke key" }).click();
  expect((await paste(curl)).status).toBe(401);
});

test("a found key is reported: its owner sees a banner, and a production key has ended", async ({ page, baseURL }) => {
  await signUp(page);
  const environment = await createApplication(page);
  await page.goto(`${environment.replace("development", "production")}/keys/new`);
  const { key, curl } = await createKey(page);
  const report = JSON.stringify({ token: key, url: "https://example.org/paste/1" });
  const told = await paste(`curl -X POST -H 'Content-Type: application/json' -d '${report}' ${baseURL}/leaks`);
  expect(told.status).toBe(202);
  expect(told.body).not.toContain(key);
  await expect(async () => expect((await paste(curl)).status).toBe(401)).toPass();
  await page.goto("/dashboard");
  await expect(page.getByText(/must not be\. Reported/)).toBeVisible();
  await expect(page.getByText("https://example.org/paste/1")).toBeVisible();
});
