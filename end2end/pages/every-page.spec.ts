// Every page, in both themes, on a phone and on a desk: nothing for axe to find, nothing wider than the screen.
import { check, look, THEMES, WIDTHS } from "../support/look";
import { createApplication, createKey, mistyped, paste, signUp, test } from "../support/portal";

const PUBLIC = [
  "/",
  "/docs",
  "/docs/first-key",
  "/docs/keys",
  "/docs/demo-api",
  "/docs/errors",
  "/docs/usage-and-logs",
  "/docs/operating",
  "/signup",
  "/login",
  "/setup?token=x",
  "/design",
  "/nowhere",
];

for (const path of PUBLIC) {
  test(`everybody's page ${path}`, async ({ page }) => check(page, path));
}

test("the portal's pages, empty", async ({ page }) => {
  test.setTimeout(180_000);
  await signUp(page);
  await check(page, "/dashboard");
  await check(page, "/apps");
  await check(page, "/apps/new");
  const environment = await createApplication(page);
  for (const part of ["keys", "keys/new", "usage", "logs", "logs?path=nothing"]) await check(page, `${environment}/${part}`);
});

test("the portal's pages, full", async ({ page }) => {
  test.setTimeout(240_000);
  await signUp(page);
  const environment = await createApplication(page);
  for (const theme of THEMES) {
    await page.emulateMedia({ colorScheme: theme });
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 800 });
      await page.goto(`${environment}/keys/new`);
      await createKey(page, `Web backend ${theme} ${width}`);
      await look(page, `new key ${theme} ${width}`);
    }
  }
  await page.goto(`${environment}/keys/new`);
  const { key, curl } = await createKey(page);
  await paste(curl);
  await paste(curl.replace("whoami", "posts"));
  const refused = await paste(curl.replace(key, mistyped(key)));
  await page.waitForTimeout(2_000);
  for (const path of [
    "/dashboard",
    `${environment}/keys`,
    `${environment}/usage`,
    `${environment}/usage?range=90d`,
    `${environment}/logs`,
    `/logs/${refused.requestId}`,
    "/account/sessions",
  ]) {
    await check(page, path);
  }
  await page.goto(`${environment}/keys`);
  const revoke = await page.getByRole("link", { name: "Revoke Web backend", exact: true }).getAttribute("href");
  await check(page, revoke ?? "");
});
