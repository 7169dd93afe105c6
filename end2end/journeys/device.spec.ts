// A device on which nobody can sign in: it shows a code, and its person types that in somewhere else.
import { registerClient } from "../support/app";
import { createApplication, expect, signUp, test } from "../support/portal";

const DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code";

test("a device waits, is allowed to act, and a second one is turned away", async ({ page, baseURL }) => {
  test.setTimeout(120_000);
  await signUp(page);
  const environment = await createApplication(page);
  const { id } = await registerClient(page, environment, "client", async () => {
    await page.getByLabel("No secret").check();
    await page.getByText("More settings").click();
    await page.getByLabel("Also runs where nobody can sign in").check();
  });
  const post = async (path: string, body: Record<string, string>) => {
    const answer = await fetch(new URL(path, baseURL), { method: "POST", body: new URLSearchParams({ client_id: id, ...body }) });
    return (await answer.json()) as Record<string, string>;
  };
  const begin = () => post("/oauth/device_authorization", { scope: "read:posts" });
  const ask = (device: Record<string, string>) => post("/oauth/token", { grant_type: DEVICE_CODE, device_code: device.device_code });

  const device = await begin();
  expect((await ask(device)).error).toBe("authorization_pending");
  await page.goto("/device");
  await page.getByLabel("Code").fill("BCDF-GHJK");
  await page.getByRole("button", { name: "Go on" }).click();
  await expect(page.getByRole("alert")).toContainText("No device waits");
  // As people type it.
  await page.getByLabel("Code").fill(device.user_code.toLowerCase().replace("-", " "));
  await page.getByRole("button", { name: "Go on" }).click();
  await expect(page.getByRole("heading", { name: /Reading list/ })).toBeVisible();
  await page.getByRole("button", { name: "Allow" }).click();
  await expect(page.getByRole("status")).toContainText(/device/i);
  await page.waitForTimeout(5_000);
  const tokens = await ask(device);
  expect(tokens.scope).toBe("read:posts");
  const call = await fetch(new URL("/api/v1/posts", baseURL), { headers: { authorization: `Bearer ${tokens.access_token}` } });
  expect(call.status).toBe(200);

  const second = await begin();
  await page.goto(second.verification_uri_complete);
  await page.getByRole("button", { name: "Deny" }).click();
  await expect(page.getByRole("status")).toBeVisible();
  expect((await ask(second)).error).toBe("access_denied");
});
