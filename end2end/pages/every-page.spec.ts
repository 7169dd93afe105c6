// Every page, in both themes, on a phone and on a desk: nothing for axe to find, nothing wider than the screen.
import { check, look, THEMES, WIDTHS } from "../support/look";
import { createApplication, createKey, mistyped, paste, signUp, test } from "../support/portal";

const PUBLIC = [
  "/",
  "/docs",
  "/docs/first-key",
  "/docs/keys",
  "/docs/oauth",
  "/docs/sign-in",
  "/docs/teams",
  "/docs/leaks",
  "/docs/demo-api",
  "/docs/errors",
  "/docs/usage-and-logs",
  "/docs/alerts",
  "/docs/operating",
  "/docs/gateway",
  "/signup",
  "/signup/mail",
  "/signup/confirm?token=x",
  "/forgot",
  "/reset?token=x",
  "/verify-email?token=x",
  "/invitation?token=x",
  "/login",
  "/login/passkey",
  "/account/deleted",
  "/setup?token=x",
  "/design",
  "/nowhere",
];

for (const path of PUBLIC) {
  test(`everybody's page ${path}`, async ({ page }) => check(page, path));
}

test("the portal's pages, empty", async ({ page }) => {
  test.setTimeout(360_000);
  await signUp(page);
  await check(page, "/dashboard");
  await check(page, "/apps");
  await check(page, "/apps/new");
  const environment = await createApplication(page);
  for (const path of ["/account/tokens", "/account/tokens/new", "/account/authorized-apps", "/account/sign-in-methods", "/account/profile", "/account/data", "/account/data/delete", "/account/notices", "/account/activity", "/teams", "/account/security", "/account/security/app", "/account/security/passkey", "/device", "/oauth/logout"]) await check(page, path);
  for (const part of ["keys", "keys/new", "clients", "clients/new", "service-accounts", "service-accounts/new", "usage", "usage?range=90d", "logs", "logs?text=nothing", "logs?view=failures", "logs?view=live", "settings"]) await check(page, `${environment}/${part}`);
  await check(page, environment.replace(/\/\w+$/, "/usage"));
});

test("the portal's pages, full", async ({ page }) => {
  test.setTimeout(360_000);
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
    "/account/notices",
    "/account/activity",
    "/account/data/delete",
  ]) {
    await check(page, path);
  }
  await page.goto("/teams");
  const team = (await page.locator("a[href^='/teams/']").first().getAttribute("href")) ?? "";
  for (const path of [team, `${team}/audit`]) await check(page, path);
  await page.goto(`${environment}/keys`);
  const own = (await page.getByRole("link", { name: "Web backend", exact: true }).getAttribute("href")) ?? "";
  for (const path of [own, `${own}/revoke`, `${own}/rotate`, `${own}/end`, `${environment}/keys/new?from=${own.split("/").pop()}`]) {
    await check(page, path);
  }
});

test("keys in trouble: a rotation, a leak, a change to confirm, a token", async ({ page, baseURL }) => {
  test.setTimeout(240_000);
  await signUp(page);
  const environment = await createApplication(page);
  const { key, curl } = await createKey(page);
  await paste(curl.replace("whoami", "posts"));
  await page.waitForTimeout(2_000);
  await page.goto(`${environment}/keys`);
  const own = (await page.getByRole("link", { name: "Web backend", exact: true }).getAttribute("href")) ?? "";
  for (const theme of THEMES) {
    await page.emulateMedia({ colorScheme: theme });
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 800 });
      await page.goto(own);
      await page.getByRole("group", { name: "Posts" }).getByLabel("Read").uncheck();
      await page.getByLabel("Limits of its own").fill("many");
      await page.getByRole("button", { name: "Save" }).click();
      await look(page, `key with a wrong field ${theme} ${width}`);
      await page.getByLabel("Limits of its own").fill("20/1s");
      await page.getByRole("button", { name: "Save" }).click();
      await look(page, `key change to confirm ${theme} ${width}`);
    }
  }
  await page.goto(`${own}/rotate`);
  await page.getByRole("button", { name: "Create the new key" }).click();
  await page.getByRole("link", { name: "I have stored it" }).click();
  await paste(`curl -X POST -d '${JSON.stringify({ token: key, url: "https://example.org/x" })}' ${baseURL}/leaks`);
  await page.waitForTimeout(500);
  await check(page, `${environment}/keys`);
  await check(page, own);
  await check(page, "/dashboard");
  await page.goto("/account/tokens/new");
  await page.getByLabel("Name").fill("My script");
  await page.getByRole("button", { name: "Create token" }).click();
  await check(page, "/account/tokens");
  const token = await page.getByRole("link", { name: "My script", exact: true }).getAttribute("href");
  await check(page, token ?? "");
});
