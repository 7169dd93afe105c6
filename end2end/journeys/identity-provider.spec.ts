// An admin adds another provider; a person links their identity there, and signs in by it.
import { expect, test } from "@playwright/test";
import { look, THEMES, WIDTHS } from "../support/look";
import { PASSWORD, signUp, someone } from "../support/portal";
import { provider } from "../support/provider";
import { startServer } from "../support/server";

test("a provider is added, an identity is linked, and its button signs in", async ({ browser }, info) => {
  test.setTimeout(180_000);
  const portal = await startServer();
  const javaScriptEnabled = info.project.use.javaScriptEnabled;
  const context = await browser.newContext({ baseURL: portal.url, javaScriptEnabled });
  const page = await context.newPage();
  const name = "Other desk";
  const { server, url, asked } = await provider("ada");
  const lookEverywhere = async (what: string) => {
    // Axe is a script itself.
    if (javaScriptEnabled === false) return;
    for (const theme of THEMES) {
      await page.emulateMedia({ colorScheme: theme });
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 800 });
        await look(page, `${what} ${theme} ${width}`);
      }
    }
  };
  const admin = someone();
  await page.goto(portal.setup);
  await page.getByLabel("Your name").fill(admin.name);
  await page.getByLabel("E-mail").fill(admin.email);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Create admin account" }).click();
  await page.getByRole("link", { name: "Identity providers" }).first().click();
  await page.getByRole("link", { name: "Add a provider" }).first().click();
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByRole("radio", { name: /^OAuth 2/ }).check();
  await page.getByLabel("Client id").fill("latchkey");
  await page.getByLabel("Client secret").fill("secret");
  await page.getByLabel("Scopes").fill("read:user");
  await page.getByLabel("Why", { exact: true }).fill("our people are there");
  await page.getByRole("button", { name: "Add it" }).click();
  await expect(page.getByRole("alert")).toContainText("another look");
  await page.getByLabel("Authorization endpoint").fill(`${url}/authorize`);
  await page.getByLabel("Token endpoint").fill(`${url}/token`);
  await page.getByLabel("Userinfo endpoint").fill(`${url}/user`);
  await page.getByLabel("Subject member").fill("id");
  await page.getByLabel("Client secret").fill("secret");
  await page.getByRole("button", { name: "Add it" }).click();
  await expect(page.getByRole("status")).toContainText("Added");
  await page.getByRole("link", { name }).click();
  await expect(page.getByRole("heading", { name })).toBeVisible();
  await lookEverywhere("identity provider");
  await page.getByRole("button", { name: "Sign out" }).first().click();

  const person = await signUp(page);
  await page.goto("/account/sign-in-methods");
  await page.getByRole("button", { name: `Link ${name}` }).click();
  await expect(page.getByRole("heading", { name: `Let ${name} open this account?` })).toBeVisible();
  await lookEverywhere("sign-in methods to confirm");
  await page.getByRole("button", { name: "Link it" }).click();
  await expect(page.getByRole("status")).toContainText("Linked");
  await page.getByRole("button", { name: "Sign out" }).first().click();

  await page.goto("/login?next=%2Fapps");
  await page.getByRole("button", { name: `Sign in with ${name}` }).click();
  await expect(page).toHaveURL("/apps");
  await expect(page.locator("body")).toContainText(person.email);
  expect(asked.at(-1)?.get("code_challenge_method")).toBe("S256");

  await page.goto("/account/sign-in-methods");
  await page.getByRole("button", { name: `Unlink ${name}` }).click();
  await page.getByRole("button", { name: "Sign out" }).first().click();
  await page.goto("/login");
  await page.getByRole("button", { name: `Sign in with ${name}` }).click();
  await expect(page.getByRole("status")).toContainText("does not open an account here yet");
  server.close();
  await context.close();
  await portal.stop();
});
