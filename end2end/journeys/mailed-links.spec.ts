// What people do with the mails that they get: confirm an address, take another, choose a new password, join a team.
import { linkIn, mailTo } from "../support/mail";
import { expect, PASSWORD, signIn, signUp, someone, test } from "../support/portal";

const NEW_PASSWORD = "copper lanterns drift inland";

test("an address is confirmed, and another one taken", async ({ page }) => {
  const person = await signUp(page);
  await page.goto("/account/profile");
  await expect(page.getByText("not confirmed")).toBeVisible();
  await page.goto(linkIn(await mailTo(person.email, "Confirm your address"), "/verify-email"));
  await page.getByRole("button", { name: "Confirm" }).click();
  await expect(page).toHaveURL("/account/profile");
  await expect(page.getByText("confirmed", { exact: true })).toBeVisible();

  const other = someone().email;
  await page.getByLabel("New e-mail").fill(other);
  await page.getByRole("button", { name: "Change address" }).click();
  await expect(page.getByRole("status")).toContainText("We wrote to both addresses");
  await mailTo(person.email, "Your address is about to change");
  await page.goto(linkIn(await mailTo(other, "Confirm your new address"), "/verify-email"));
  await page.getByRole("button", { name: "Take it" }).click();
  await expect(page.getByRole("status")).toContainText("Your new address is in force");
  for (const told of [person.email, other]) await mailTo(told, "Your address was changed");
  await page.getByRole("button", { name: "Sign out" }).click();
  await signIn(page, other);
  await expect(page).toHaveURL("/dashboard");
});

test("a forgotten password is replaced, and every other browser signed out", async ({ page, browser, baseURL }) => {
  const person = await signUp(page);
  const context = await browser.newContext({ baseURL });
  const elsewhere = await context.newPage();
  await elsewhere.goto("/login");
  await elsewhere.getByRole("link", { name: "Forgot your password?" }).click();
  await elsewhere.getByLabel("E-mail").fill(person.email);
  await elsewhere.getByRole("button", { name: "Mail me a link" }).click();
  await expect(elsewhere.getByRole("status")).toContainText("If an account has this address");
  const link = linkIn(await mailTo(person.email, "Choose a new password"), "/reset");
  await elsewhere.goto(link);
  await elsewhere.getByLabel("New password").fill("password1234");
  await elsewhere.getByRole("button", { name: "Change password" }).click();
  await expect(elsewhere.locator("#password-error")).toContainText("easy to guess");
  await elsewhere.getByLabel("New password").fill(NEW_PASSWORD);
  await elsewhere.getByRole("button", { name: "Change password" }).click();
  await expect(elsewhere).toHaveURL("/login");
  await elsewhere.goto(link);
  await expect(elsewhere.getByRole("heading", { name: "This link is not good any more" })).toBeVisible();
  await page.goto("/dashboard");
  await expect(page).toHaveURL(/\/login/);
  await signIn(page, person.email, PASSWORD);
  await expect(page.getByRole("alert")).toBeVisible();
  await signIn(page, person.email, NEW_PASSWORD);
  await expect(page).toHaveURL("/dashboard");
  await mailTo(person.email, "Your password was changed");
  await context.close();
});

test("somebody is invited to a team, joins, and leaves what they made", async ({ page, browser, baseURL }) => {
  await signUp(page);
  await page.goto("/teams");
  await page.getByLabel("Name").fill("Bookshop");
  await page.getByRole("button", { name: "Create team" }).click();
  await expect(page.getByRole("heading", { name: "Bookshop", level: 1 })).toBeVisible();
  const team = new URL(page.url()).pathname;
  const guest = someone();
  await page.getByLabel("E-mail").fill(guest.email);
  await page.getByRole("button", { name: "Send invitation" }).click();
  await expect(page.getByRole("status")).toContainText("on its way");
  await expect(page.getByRole("row").filter({ hasText: guest.email })).toBeVisible();

  const link = linkIn(await mailTo(guest.email, "invites you to the team Bookshop"), "/invitation");
  const context = await browser.newContext({ baseURL });
  const theirs = await context.newPage();
  await theirs.goto(link);
  await expect(theirs.getByText(`with ${guest.email}`)).toBeVisible();
  await signUp(theirs, guest);
  await theirs.goto(link);
  await theirs.getByRole("button", { name: "Join the team" }).click();
  await expect(theirs).toHaveURL(team);
  await theirs.getByRole("button", { name: "Leave the team" }).click();
  await expect(theirs).toHaveURL("/teams");
  await expect(theirs.getByRole("link", { name: "Bookshop" })).toHaveCount(0);
  await page.goto(team);
  await page.getByRole("button", { name: "Leave the team" }).click();
  await expect(page.getByRole("alert")).toContainText("The team would have no owner");
  await context.close();
});
