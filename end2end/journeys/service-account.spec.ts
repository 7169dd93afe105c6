// Journey 4: a machine gets a token and calls the API with it.
import { createApplication, expect, paste, signUp, test } from "../support/portal";

test("a service account gets a token, changes its secret with no downtime, and is revoked", async ({ page }) => {
  await signUp(page);
  const environment = await createApplication(page);
  await page.getByRole("link", { name: "Service accounts" }).first().click();
  await page.getByRole("link", { name: "Create service account" }).first().click();
  await page.getByLabel("Name").fill("Nightly import");
  await page.getByRole("button", { name: "Create service account" }).click();
  await expect(page.getByRole("heading", { name: "Your new client secret, shown once" })).toBeVisible();
  const secret = await page.locator(".secret-value code").innerText();
  const line = (await page.getByRole("region", { name: "curl example" }).innerText()).replaceAll("\\\n", " ");
  const token = async (secret: string) => {
    const answer = await paste(line.replace("$LATCHKEY_SECRET", secret));
    return { status: answer.status, token: answer.status === 200 ? (JSON.parse(answer.body).access_token as string) : "" };
  };
  const first = await token(secret);
  expect(first.status).toBe(200);
  const whoami = `${new URL(page.url()).origin}/api/v1/whoami`;
  const call = (token: string) => paste(`curl -H "Authorization: Bearer ${token}" ${whoami}`);
  const answer = await call(first.token);
  expect(answer.status).toBe(200);
  expect(JSON.parse(answer.body).client.name).toBe("Nightly import");

  await page.getByRole("button", { name: "Add a second secret" }).click();
  const next = await page.locator(".secret-value code").innerText();
  expect((await token(next)).status).toBe(200);
  await page.getByRole("link", { name: "I have stored it" }).click();
  await page.getByRole("button", { name: "End" }).last().click();
  await expect(page.getByRole("status").first()).toContainText("Ended");
  expect((await token(secret)).status).toBe(401);
  expect((await token(next)).status).toBe(200);

  await page.getByRole("link", { name: "Revoke" }).click();
  await page.getByRole("button", { name: "Revoke service account" }).click();
  await expect(page).toHaveURL(`${environment}/service-accounts`);
  await expect(page.getByRole("row", { name: /Nightly import/ })).toContainText("Revoked");
  expect((await call(first.token)).status).toBe(401);
  expect((await token(next)).status).toBe(401);
});
