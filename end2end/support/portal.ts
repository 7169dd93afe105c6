// What people do in the portal, in their words.
import { test as base, expect, type Page } from "@playwright/test";
import { execFile } from "node:child_process";
import { promisify } from "node:util";

export const PASSWORD = "correct horse battery staple";
let people = 0;

/** A test on the portal, which fails on any error in the console and on any request to another origin. */
export const test = base.extend<{ quiet: void }>({
  baseURL: async ({}, use) => use(process.env.LATCHKEY_TEST_URL),
  quiet: [
    async ({ page, baseURL, javaScriptEnabled }, use) => {
      const faults: string[] = [];
      page.on("console", (message) => {
        const expected = [
          // The browser says so of every answer that is not a success; the tests look at those themselves.
          message.text().startsWith("Failed to load resource"),
          // Without scripts nothing uses the wasm that the page offers.
          !javaScriptEnabled && message.text().includes("latchkey.wasm was preloaded"),
        ];
        if (["error", "warning"].includes(message.type()) && !expected.includes(true)) faults.push(message.text());
      });
      page.on("pageerror", (error) => faults.push(String(error)));
      page.on("request", (request) => {
        // People are led back to an app by a navigation; nothing else leaves the portal.
        const callback = /^(http:\/\/127\.0\.0\.1:\d+|https:\/\/reader\.example)\/callback\?/;
        const led = request.isNavigationRequest() && callback.test(request.url());
        if (!led && !request.url().startsWith(`${baseURL}/`) && !request.url().startsWith("data:") && !request.url().endsWith("/favicon.ico"))
          faults.push(`a request to ${request.url()}`);
      });
      await use();
      expect(faults).toEqual([]);
    },
    { auto: true },
  ],
});
export { expect };

export function someone(): { name: string; email: string } {
  people += 1;
  const mark = `${process.pid}-${Date.now()}-${people}`;
  return { name: "Ada Lovelace", email: `ada-${mark}@example.org` };
}

export async function signUp(page: Page, person = someone()) {
  await page.goto("/signup");
  await page.getByLabel("Your name").fill(person.name);
  await page.getByLabel("E-mail").fill(person.email);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page).toHaveURL("/apps/new");
  return person;
}

export async function signIn(page: Page, email: string, password = PASSWORD) {
  await page.goto("/login");
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

/** Makes an application; the portal leads on to its first key. */
export async function createApplication(page: Page, name = "Bookshelf") {
  await page.goto("/apps/new");
  await page.getByLabel("Name").fill(name);
  await page.getByRole("button", { name: "Create application" }).click();
  await expect(page).toHaveURL(/\/apps\/[\w-]+\/development\/keys\/new$/);
  return new URL(page.url()).pathname.replace("/keys/new", "");
}

/** Makes a key on the page that `createApplication` ends on, and reads what is shown once. */
export async function createKey(page: Page, name = "Web backend") {
  await page.getByLabel("Name").fill(name);
  await page.getByRole("button", { name: "Create key" }).click();
  await expect(page.getByRole("heading", { name: "Your new key, shown once" })).toBeVisible();
  const key = await page.locator(".secret-value code").innerText();
  const curl = await page.getByRole("region", { name: "curl example" }).innerText();
  return { key, curl };
}

const execute = promisify(execFile);

/** Runs a line as a person pastes it into a shell, and reads the status and the body. */
export async function paste(line: string): Promise<{ status: number; body: string; requestId: string }> {
  const { stdout } = await execute("bash", ["-c", line.replace(/^curl /, "curl --silent --include ")]);
  const [head, ...rest] = stdout.split("\r\n\r\n");
  return {
    status: Number(/^HTTP\/\S+ (\d+)/.exec(head)?.[1]),
    body: rest.join("\r\n\r\n"),
    requestId: /x-request-id: (\S+)/i.exec(head)?.[1] ?? "",
  };
}

/** The same key with one character of its secret changed. */
export function mistyped(key: string): string {
  const at = key.length - 12;
  return key.slice(0, at) + (key[at] === "a" ? "b" : "a") + key.slice(at + 1);
}
