// Journey 1: the first key in a minute; and journey 5: why was I refused.
import { createApplication, createKey, expect, mistyped, paste, signUp, test } from "../support/portal";

test("sign up, create an application and a key, paste the shown line, get 200, see it in Usage", async ({ page }) => {
  await page.goto("/");
  await page.getByRole("link", { name: "Get your first key" }).click();
  await signUp(page);
  const environment = await createApplication(page);
  const { key, curl } = await createKey(page);
  expect(key).toMatch(/^lk_dev_[0-9A-Za-z]{12}_[0-9A-Za-z]{38}$/);
  expect(page.url()).not.toContain(key);
  expect(await page.title()).not.toContain(key);

  const answer = await paste(curl);
  expect(answer.status).toBe(200);
  expect(JSON.parse(answer.body)).toMatchObject({
    method: "api_key",
    environment: "development",
    application: { name: "Bookshelf" },
    key: { name: "Web backend" },
  });

  // Two seconds after the answer, and with no second look.
  await page.waitForTimeout(2_000);
  await page.goto(`${environment}/usage`);
  await expect(page.locator(".figures")).toContainText("requests1");
  await page.goto(`${environment}/logs`);
  await expect(page.getByRole("row", { name: /200 GET \/api\/v1\/whoami/ })).toBeVisible();

  // The page that showed the key shows it no more, by whatever way one comes back.
  await page.goto(`${environment}/keys`);
  await expect(page.getByText("Your new key, shown once")).toHaveCount(0);
  expect(await page.content()).not.toContain(key);
  await page.goBack();
  await page.goBack();
  expect(await page.content()).not.toContain(key);
});

test("one changed character is refused, and the owner reads why", async ({ page }) => {
  await signUp(page);
  const environment = await createApplication(page);
  const { key, curl } = await createKey(page);
  const refused = await paste(curl.replace(key, mistyped(key)));
  expect(refused.status).toBe(401);
  expect(JSON.parse(refused.body)).toMatchObject({ code: "invalid_token", request_id: refused.requestId });
  expect(refused.body).not.toContain("checksum");

  await page.waitForTimeout(2_000);
  await page.goto(`${environment}/logs`);
  await page.getByRole("link", { name: `Open request ${refused.requestId}` }).click();
  await expect(page).toHaveURL(`/logs/${refused.requestId}`);
  await expect(page.getByRole("heading", { name: "Why it was refused" })).toBeVisible();
  await expect(page.locator(".trace-failed")).toContainText("checksum");
  await expect(page.locator(".trace-remedy")).toContainText("To fix it:");
  await expect(page.locator(".facts")).toContainText("Web backend");
});

test("a revoked key is refused from then on, after its last day of use was shown", async ({ page }) => {
  await signUp(page);
  const environment = await createApplication(page);
  const { curl } = await createKey(page);
  expect((await paste(curl)).status).toBe(200);
  await page.waitForTimeout(2_000);
  await page.goto(`${environment}/keys`);
  await page.getByRole("link", { name: "Web backend", exact: true }).click();
  await page.getByRole("link", { name: "Revoke", exact: true }).click();
  await expect(page.getByText("would have refused all 1 request of the last 24 hours")).toBeVisible();
  await page.getByRole("button", { name: "Revoke key" }).click();
  await expect(page.getByRole("status").first()).toContainText("Web backend is revoked");
  const refused = await paste(curl);
  expect(refused.status).toBe(401);
  await page.waitForTimeout(2_000);
  await page.goto(`/logs/${refused.requestId}`);
  await expect(page.locator(".trace-failed")).toContainText("revoked");
});
