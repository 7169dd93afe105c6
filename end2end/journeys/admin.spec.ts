// The first admin, by the one-time link of the terminal, once; and what an admin sees.
import { check } from "../support/look";
import type { Page } from "@playwright/test";
import { createApplication, expect, paste, PASSWORD, signIn, signUp, someone, test } from "../support/portal";

test("the one-time link makes an admin, who sees a stranger's failure; it works once", async ({ page }, info) => {
  const link = process.env.LATCHKEY_TEST_SETUP ?? "";
  // One server serves both runs, so the second finds the link spent, and says so.
  const first = info.project.name === "scripts on";
  test.skip(!first, "there is one link");
  test.setTimeout(600_000);
  await page.goto(link);
  const admin = someone();
  await page.getByLabel("Your name").fill(admin.name);
  await page.getByLabel("E-mail").fill(admin.email);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Create admin account" }).click();
  await expect(page).toHaveURL("/dashboard");
  const refused = await paste(`curl ${process.env.LATCHKEY_TEST_URL}/api/v1/posts`);
  expect(refused.status).toBe(401);
  await suspend(page);
  await page.waitForTimeout(2_000);
  await page.getByRole("link", { name: "Failures" }).first().click();
  await page.getByRole("link", { name: `Open request ${refused.requestId}` }).click();
  await expect(page.locator(".trace-failed")).toContainText("none was sent");

  await check(page, "/admin/failures");
  for (const view of ["failures", "addresses", "networks", "routes", "reasons", "live"]) {
    await check(page, `/admin/failures?view=${view}`);
  }
  await check(page, "/admin/overview");
  await check(page, "/admin/usage");
  await check(page, "/admin/lockouts");
  await keepOut(page);
  await check(page, "/admin/outbox");
  await check(page, "/admin/settings");
  await check(page, "/admin/audit");
  await check(page, "/admin/signing-keys");
  await check(page, "/admin/apps");
  await check(page, "/admin/identity-providers");
  await check(page, "/admin/identity-providers/new");
  await check(page, "/admin/apis");
  await check(page, "/admin/apis/new");
  await registerApi(page);
  await check(page, `/logs/${refused.requestId}`);
  await check(page, "/admin/failures?reason=revoked&address=192.0.2.1");

  await page.getByRole("button", { name: "Sign out" }).click();
  await page.goto(link);
  const second = someone();
  await page.getByLabel("Your name").fill(second.name);
  await page.getByLabel("E-mail").fill(second.email);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Create admin account" }).click();
  await expect(page.getByRole("alert")).toContainText("used or has expired");
  await signIn(page, second.email);
  await expect(page.getByRole("alert")).toBeVisible();
});

/** Puts an API behind the door, with a mistake at first; developers then find its scopes beside the others. */
async function registerApi(page: Page) {
  const field = (name: string) => page.getByLabel(name, { exact: true });
  await page.goto("/admin/apis/new");
  await field("Name").fill("Orders");
  await field("Short name").fill("orders");
  await field("Address").fill("https://api.example.org");
  await page.getByRole("checkbox", { name: "Development" }).check();
  await field("Scopes").fill("orders:read See orders");
  await field("Policies").fill("GET /v1/orders orders:reed");
  await page.getByRole("button", { name: "Register it" }).click();
  await expect(page.getByText("orders:reed is none of the scopes")).toBeVisible();
  await expect(field("Address")).toHaveValue("https://api.example.org");
  await expect(page.getByRole("checkbox", { name: "Development" })).toBeChecked();
  await field("Policies").fill("GET /v1/orders orders:read production 60/1m\nGET /health public");
  await page.getByRole("button", { name: "Register it" }).click();
  await expect(page).toHaveURL("/admin/apis/orders");
  const row = page.getByRole("row").filter({ hasText: "/v1/orders" });
  await expect(row).toContainText("orders:read");
  await expect(row).toContainText("60/1m");
  await check(page, "/admin/apis/orders");

  await createApplication(page, "Shop");
  await page.getByRole("checkbox", { name: /orders:read/ }).check();
  await page.getByLabel("Name", { exact: true }).fill("Order reader");
  await page.getByRole("button", { name: "Create key" }).click();
  await expect(page.getByRole("heading", { name: "Your new key, shown once" })).toBeVisible();
}

/** An account is suspended for a reason and reinstated, and of a key that is sought only the public id goes on. */
async function suspend(page: Page) {
  await check(page, "/admin/accounts");
  await check(page, "/admin/credentials");
  await page.getByLabel("Key, hint, client id or name").fill("Authorization: Bearer lk_dev_7Gq2abcdEFGH_secret");
  await page.getByRole("button", { name: "Find" }).click();
  await expect(page).toHaveURL("/admin/credentials?q=7Gq2abcdEFGH");
  const elsewhere = await page.context().browser()?.newContext({ baseURL: process.env.LATCHKEY_TEST_URL });
  const other = await elsewhere?.newPage();
  if (!elsewhere || !other) throw new Error("there is no other browser");
  const { email } = await signUp(other);
  await page.goto(`/admin/accounts?text=${encodeURIComponent(email)}`);
  await page.getByRole("link", { name: email }).click();
  await page.getByLabel("Why", { exact: true }).fill("it sends spam");
  await page.getByRole("button", { name: "Suspend", exact: true }).last().click();
  await expect(page.getByText("it sends spam")).toBeVisible();
  await other.goto("/dashboard");
  await signIn(other, email);
  await expect(other.getByRole("alert")).toContainText("This account is suspended");
  await elsewhere.close();
  await check(page, new URL(page.url()).pathname);
  await page.getByLabel("Why", { exact: true }).fill("we talked");
  await page.getByRole("button", { name: "Reinstate", exact: true }).click();
  await expect(page.getByRole("status")).toContainText("Reinstated");
}

/** Somebody is kept out from where they try, for a reason, and let in again. */
async function keepOut(page: Page) {
  await page.goto("/admin/blocks?network=203.0.113.0%2F24");
  await page.getByLabel("For how many hours").fill("2");
  await page.getByRole("button", { name: "Keep out" }).click();
  await expect(page.locator("#reason-error, #reason:invalid")).toHaveCount(1);
  await page.getByLabel("Why", { exact: true }).fill("it tries keys that nobody has");
  await page.getByRole("button", { name: "Keep out" }).click();
  await expect(page.getByRole("cell", { name: "203.0.113.0/24", exact: true })).toBeVisible();
  await check(page, "/admin/blocks");
  for (const path of ["/admin/alerts", "/admin/alerts/rules/lockouts", "/admin/alerts/webhooks/new"]) await check(page, path);
  await page.goto("/admin/blocks");
  await page.getByLabel("Why 203.0.113.0/24 is let in again").fill("it was a test");
  await page.getByRole("button", { name: "Let in" }).click();
  await expect(page.getByText("Nobody is kept out")).toBeVisible();
}
