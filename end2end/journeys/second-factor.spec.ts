// What is asked for beside a password: an app's codes, recovery codes, passkeys; and what an admin asks of everybody.
import { createHmac } from "node:crypto";
import { expect, signIn, signUp, test } from "../support/portal";

/** The code that an app shows (RFC 6238), so many steps from now. */
function code(secret: string, steps = 0): string {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret.replace(/ /g, "")].map((letter) => letters.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const mac = createHmac("sha1", key).update(counter).digest();
  const at = mac[19] & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

test("an app is set up, asked for, and replaced by a recovery code", async ({ page, browser, baseURL }) => {
  const person = await signUp(page);
  await page.goto("/account/security");
  await page.getByRole("link", { name: "Set up an app" }).click();
  await expect(page.getByRole("img", { name: "The secret of your app" })).toBeVisible();
  const secret = await page.locator(".seed").innerText();
  await page.getByLabel("Code").fill("000000");
  await page.getByRole("button", { name: "Turn on" }).click();
  await expect(page.locator("#code-error")).toBeVisible();
  expect(await page.locator(".seed").innerText()).toBe(secret);
  await page.getByLabel("Code").fill(code(secret));
  await page.getByRole("button", { name: "Turn on" }).click();
  await expect(page.getByRole("status").first()).toContainText("Your app is set up");
  const codes = (await page.locator(".secret-value code").innerText()).split("\n");
  expect(codes).toHaveLength(10);
  await page.getByRole("link", { name: "I have stored it" }).click();
  await expect(page.getByText("10 left")).toBeVisible();

  const other = await browser.newContext({ baseURL });
  const elsewhere = await other.newPage();
  await signIn(elsewhere, person.email);
  await expect(elsewhere).toHaveURL("/second-factor");
  await elsewhere.goto("/dashboard");
  await expect(elsewhere).toHaveURL(/\/login/);
  await elsewhere.goto("/second-factor");
  await elsewhere.getByLabel("Code").fill(code(secret, 1));
  await elsewhere.getByRole("button", { name: "Go on" }).click();
  await expect(elsewhere).toHaveURL("/dashboard");
  await elsewhere.getByRole("button", { name: "Sign out" }).click();
  await signIn(elsewhere, person.email);
  await elsewhere.getByLabel("Code").fill(codes[0].toUpperCase());
  await elsewhere.getByRole("button", { name: "Go on" }).click();
  await expect(elsewhere).toHaveURL("/dashboard");
  await elsewhere.goto("/account/security");
  await expect(elsewhere.getByText("9 left")).toBeVisible();
  await other.close();
});

test.describe("passkeys", () => {
  // They are for names: this machine's, not its number.
  test.use({ baseURL: async ({}, use) => use((process.env.LATCHKEY_TEST_URL ?? "").replace("127.0.0.1", "localhost")) });

  test("a passkey is made, signs its person in, and is removed", async ({ page, context, javaScriptEnabled }) => {
    test.skip(!javaScriptEnabled, "there is no passkey without scripts");
    const session = await context.newCDPSession(page);
    await session.send("WebAuthn.enable");
    await session.send("WebAuthn.addVirtualAuthenticator", {
      options: {
        protocol: "ctap2",
        transport: "internal",
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
    const person = await signUp(page);
    await page.goto("/account/security");
    await page.getByRole("link", { name: "Add a passkey" }).click();
    await page.getByLabel("What you call it").fill("Laptop");
    await page.getByRole("button", { name: "Make the passkey" }).click();
    await expect(page).toHaveURL("/account/security");
    await expect(page.getByRole("status").first()).toContainText("Your passkey is added");
    await expect(page.getByRole("row").filter({ hasText: "Laptop" })).toHaveCount(1);

    // Beside the password.
    await page.getByRole("button", { name: "Sign out" }).click();
    await signIn(page, person.email);
    await expect(page).toHaveURL("/second-factor");
    await page.getByRole("button", { name: "Use a passkey" }).click();
    await expect(page).toHaveURL("/dashboard");

    // In its place.
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.goto("/login?next=%2Faccount%2Fsecurity");
    await page.getByRole("link", { name: "Sign in with a passkey" }).click();
    await page.getByRole("button", { name: "Use a passkey" }).click();
    await expect(page).toHaveURL("/account/security");
    await page.getByRole("button", { name: "Remove Laptop" }).click();
    await expect(page.getByRole("status").first()).toContainText("opens nothing here any more");
    await expect(page.getByRole("row").filter({ hasText: "Laptop" })).toHaveCount(0);
  });
});
