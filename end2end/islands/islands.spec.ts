// What scripts make quicker.
import { createApplication, createKey, expect, signUp, test } from "../support/portal";

test("the landing page calls this very server and shows the answer", async ({ page }) => {
  await page.goto("/");
  await page.getByRole("link", { name: "Run it" }).click();
  await expect(page.getByRole("status", { name: "Answer" })).toContainText('HTTP 200');
  await expect(page.getByRole("status", { name: "Answer" })).toContainText('{"status":"ok"}');
  await expect(page).toHaveURL("/");
});

test("a key is copied by one press", async ({ page, context, baseURL }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: baseURL });
  await signUp(page);
  await createApplication(page);
  const { key } = await createKey(page);
  await page.getByRole("button", { name: "Copy the key" }).click();
  await expect(page.getByRole("button", { name: "Copy the key" })).toHaveText("Copied");
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(key);
});

test("the first journey works with the keyboard alone", async ({ page }) => {
  await page.goto("/signup");
  await page.keyboard.press("Tab");
  await expect(page.locator(":focus")).toHaveText("Skip to the content");
  await page.getByLabel("Your name").focus();
  await page.keyboard.type("Ada");
  await page.keyboard.press("Tab");
  await page.keyboard.type(`keyboard-${Date.now()}@example.org`);
  await page.keyboard.press("Tab");
  await page.keyboard.type("correct horse battery staple");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL("/apps/new");
  await page.keyboard.type("Bookshelf");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/keys\/new$/);
  await page.getByLabel("Name").focus();
  await page.keyboard.type("Laptop");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Your new key, shown once" })).toBeVisible();
});
