// The first admin, by the one-time link of the terminal, once; and what an admin sees.
import { check } from "../support/look";
import { expect, paste, PASSWORD, signIn, someone, test } from "../support/portal";

test("the one-time link makes an admin, who sees a stranger's failure; it works once", async ({ page }, info) => {
  const link = process.env.LATCHKEY_TEST_SETUP ?? "";
  // One server serves both runs, so the second finds the link spent, and says so.
  const first = info.project.name === "scripts on";
  test.skip(!first, "there is one link");
  test.setTimeout(180_000);
  await page.goto(link);
  const admin = someone();
  await page.getByLabel("Your name").fill(admin.name);
  await page.getByLabel("E-mail").fill(admin.email);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Create admin account" }).click();
  await expect(page).toHaveURL("/dashboard");
  const refused = await paste(`curl ${process.env.LATCHKEY_TEST_URL}/api/v1/posts`);
  expect(refused.status).toBe(401);
  await page.waitForTimeout(2_000);
  await page.getByRole("link", { name: "Failures" }).first().click();
  await page.getByRole("link", { name: `Open request ${refused.requestId}` }).click();
  await expect(page.locator(".trace-failed")).toContainText("none was sent");

  await check(page, "/admin/failures");
  await check(page, "/admin/outbox");
  await check(page, "/admin/signing-keys");
  await check(page, "/admin/apps");
  await check(page, "/admin/identity-providers");
  await check(page, "/admin/identity-providers/new");
  await check(page, "/admin/apis");
  await check(page, "/admin/apis/new");
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
