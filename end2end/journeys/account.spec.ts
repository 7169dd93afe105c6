// Accounts: what goes wrong says so at its field and loses nothing; sessions end when their owner says so.
import { createApplication, expect, PASSWORD, signIn, signUp, someone, test } from "../support/portal";

test("a weak password is explained, and what was typed stays", async ({ page }) => {
  const person = someone();
  await page.goto("/signup");
  await page.getByLabel("Your name").fill(person.name);
  await page.getByLabel("E-mail").fill(person.email);
  await page.getByLabel("Password").fill("password1234567");
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page).toHaveURL("/signup");
  await expect(page.getByLabel("Password")).toHaveAttribute("aria-invalid", "true");
  await expect(page.locator("#password-error")).not.toBeEmpty();
  await expect(page.getByLabel("E-mail")).toHaveValue(person.email);
  await expect(page.getByLabel("Your name")).toHaveValue(person.name);
  await expect(page.getByLabel("Password")).toHaveValue("");
});

test("a taken address is said at its field", async ({ page, context }) => {
  const person = await signUp(page);
  await context.clearCookies();
  await page.goto("/signup");
  await page.getByLabel("Your name").fill("Eve");
  await page.getByLabel("E-mail").fill(person.email.toUpperCase());
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.locator("#email-error")).toBeVisible();
  await expect(page.getByLabel("E-mail")).toHaveValue(person.email.toUpperCase());
});

test("sign out, sign in again, and be led back to where one wanted to go", async ({ page }) => {
  const person = await signUp(page);
  const environment = await createApplication(page);
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL("/");
  await page.goto(`${environment}/usage`);
  await expect(page).toHaveURL(/\/login\?next=/);
  await page.getByLabel("E-mail").fill(person.email);
  await page.getByLabel("Password").fill("not the password at all");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  const wrong = await page.getByRole("alert").innerText();
  await expect(page.getByLabel("E-mail")).toHaveValue(person.email);
  await page.getByLabel("E-mail").fill("nobody@example.org");
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page.getByRole("alert")).toHaveText(wrong);
  await page.getByLabel("E-mail").fill(person.email);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page).toHaveURL(`${environment}/usage`);
});

test("another session is seen and ended, and is dead at once", async ({ page, browser, baseURL }) => {
  const person = await signUp(page);
  const other = await browser.newContext({ baseURL });
  const elsewhere = await other.newPage();
  await signIn(elsewhere, person.email);
  await expect(elsewhere).toHaveURL("/dashboard");
  await page.goto("/account/sessions");
  const rows = page.getByRole("row").filter({ has: page.getByRole("button", { name: "End" }) });
  await expect(rows).toHaveCount(2);
  await rows.filter({ hasNotText: "this one" }).getByRole("button", { name: "End" }).click();
  await expect(rows).toHaveCount(1);
  await elsewhere.goto("/dashboard");
  await expect(elsewhere).toHaveURL(/\/login/);
  await other.close();
});

test("a form whose page is too old comes back with what was typed", async ({ page, context }) => {
  await signUp(page);
  await page.goto("/apps/new");
  await page.getByLabel("Name").fill("Bookshelf");
  const cookies = await context.cookies();
  await context.clearCookies();
  await context.addCookies(cookies.filter((cookie) => cookie.name !== "latchkey_form"));
  await page.getByRole("button", { name: "Create application" }).click();
  await expect(page).toHaveURL("/apps/new");
  await expect(page.getByRole("alert")).toContainText("expired");
  await expect(page.getByLabel("Name")).toHaveValue("Bookshelf");
  await page.getByRole("button", { name: "Create application" }).click();
  await expect(page).toHaveURL(/\/keys\/new$/);
});

test("a second tab that signed somebody else in does not act for the first", async ({ page, context }) => {
  await signUp(page);
  await createApplication(page, "Of the first");
  const second = await context.newPage();
  await second.goto("/dashboard");
  await second.getByRole("button", { name: "Sign out" }).click();
  await signUp(second);
  // The first tab's form is for an application that is not the second account's.
  await page.getByLabel("Name").fill("Web backend");
  await page.getByRole("button", { name: "Create key" }).click();
  await expect(page.getByText("shown once", { exact: false })).toHaveCount(0);
  await expect(page.getByRole("alert")).toBeVisible();
});

test("a form that is sent twice makes one key", async ({ page, context }) => {
  await signUp(page);
  const environment = await createApplication(page);
  await page.getByLabel("Name").fill("Web backend");
  const form = page.locator("form").filter({ has: page.getByRole("button", { name: "Create key" }) });
  const action = await form.getAttribute("action");
  const fields = await form.locator("input:checked, input[type=hidden], input[type=text]").evaluateAll((inputs) =>
    inputs.map((input) => [(input as HTMLInputElement).name, (input as HTMLInputElement).value]),
  );
  const send = () =>
    context.request.post(action ?? "", {
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        origin: process.env.LATCHKEY_TEST_URL ?? "",
      },
      data: new URLSearchParams(fields as [string, string][]).toString(),
      maxRedirects: 0,
    });
  const answers = await Promise.all([send(), send()]);
  expect(answers.map((answer) => answer.status())).toEqual([303, 303]);
  await page.goto(`${environment}/keys`);
  await expect(page.getByRole("row").filter({ hasText: "Web backend" })).toHaveCount(1);
});

test("the theme is kept, and right in the first byte", async ({ page }) => {
  await page.goto("/docs");
  await page.getByRole("button", { name: "Dark" }).click();
  await expect(page).toHaveURL("/docs");
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  const first = await page.request.get("/login");
  expect(await first.text()).toContain('data-theme="dark"');
});
