// What a person reads of themselves: notices, what was changed, and the end of their account.
import { mailTo } from "../support/mail";
import { createApplication, createKey, expect, PASSWORD, paste, signIn, signUp, test } from "../support/portal";

test("a new browser is told of until that is seen, by mail too unless it is not wanted", async ({ page, browser, baseURL }) => {
  const person = await signUp(page);
  await page.goto("/account/notices");
  await page.getByLabel("A browser signs in that is new to your account").uncheck();
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("status")).toContainText("Saved");
  await expect(page.getByLabel("A browser signs in that is new to your account")).not.toBeChecked();
  const elsewhere = await (await browser.newContext({ baseURL })).newPage();
  await signIn(elsewhere, person.email);
  // The browser that somebody signed up with is still theirs, and so is whatever opens the account in its first ten minutes.
  await expect(elsewhere).toHaveURL("/dashboard");
  await elsewhere.context().close();
  await page.goto("/account/security");
  await page.getByLabel("Current password").fill(PASSWORD);
  await page.getByLabel("New password").fill("copper lanterns drift inland");
  await page.getByRole("button", { name: "Change password" }).click();
  await page.goto("/dashboard");
  const notice = page.getByText("Your password was changed");
  await expect(notice).toBeVisible();
  await page.getByRole("button", { name: "Dismiss" }).click();
  await expect(page).toHaveURL("/dashboard");
  await expect(notice).toBeHidden();
  await page.goto("/account/notices");
  await expect(notice).toBeVisible();
  await page.goto("/account/activity");
  await expect(page.getByRole("cell", { name: "Changed the password" })).toBeVisible();
});

test("an account is deleted, with what acts for it", async ({ page }) => {
  const person = await signUp(page);
  await createApplication(page);
  const { curl } = await createKey(page);
  expect((await paste(curl)).status).toBe(200);
  await page.goto("/account/data");
  await page.getByRole("link", { name: "Delete my account …" }).click();
  await expect(page.getByText("1 key that works")).toBeVisible();
  await page.getByLabel("Your e-mail").fill("somebody@example.org");
  await page.getByRole("button", { name: "Delete my account" }).click();
  await expect(page.locator("#email-error")).toContainText("Type the address");
  await page.getByLabel("Your e-mail").fill(person.email);
  await page.getByRole("button", { name: "Delete my account" }).click();
  await expect(page.getByRole("heading", { name: "Your account is deleted" })).toBeVisible();
  expect((await paste(curl)).status).toBe(401);
  await mailTo(person.email, "Your account was deleted");
  await signIn(page, person.email);
  await expect(page.getByRole("alert")).toContainText("is not right");
});
