// Journey 3, with the app that comes along: it signs a person in, acts for them, and learns that they took it back.
import { expect, test } from "@playwright/test";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { registerClient } from "../support/app";
import { createApplication, signUp } from "../support/portal";

test.use({ baseURL: process.env.LATCHKEY_TEST_URL });

/** Starts the sample app, and says where it is. */
async function sampleApp(server: string, id: string, secret: string) {
  const binary = join(process.env.CARGO_TARGET_DIR ?? "", "debug", "latchkey");
  const app = spawn(binary, ["sample-app", "--server", server, "--listen", "127.0.0.1:0", "--client-id", id], {
    env: { ...process.env, LATCHKEY_SAMPLE_SECRET: secret },
  });
  const url = await new Promise<string>((resolve, reject) => {
    let said = "";
    const read = (chunk: Buffer) => {
      said += chunk.toString();
      const found = /The sample app is at (http:\S+),/.exec(said);
      if (found) resolve(found[1]);
    };
    app.stdout.on("data", read);
    app.stderr.on("data", read);
    app.once("exit", () => reject(new Error(`it did not start: ${said}`)));
  });
  return { app, url };
}

test("the sample app signs in, writes, refreshes, and is stopped", async ({ page, baseURL }) => {
  const person = await signUp(page);
  const environment = await createApplication(page);
  const { id, secret } = await registerClient(page, environment, "client", async () => {});
  const { app, url } = await sampleApp(baseURL ?? "", id, secret);
  await page.goto(url);
  await page.getByRole("button", { name: "Sign in with Latchkey" }).click();
  await expect(page.getByRole("heading", { name: "Let Reading list act for you?" })).toBeVisible();
  await page.getByRole("button", { name: "Allow" }).click();
  await expect(page.getByText(`The app acts for ${person.name}.`)).toBeVisible();
  await page.getByLabel("Title of a post").fill("From the sample app");
  await page.getByRole("button", { name: "Write a post" }).click();
  await expect(page.getByRole("listitem").filter({ hasText: "From the sample app" })).toBeVisible();
  await expect(page.getByText("Write a post: 201 Created")).toBeVisible();
  await page.getByRole("button", { name: "Refresh the token" }).click();
  await expect(page.getByRole("status")).toContainText("a new token");
  await expect(page.locator("main")).not.toContainText(secret);

  await page.goto(`${baseURL}/account/authorized-apps`);
  await page.getByRole("button", { name: /Take back/ }).click();
  await page.goto(url);
  await page.getByRole("button", { name: "Read the posts" }).click();
  await expect(page.getByRole("status")).toContainText("401");
  await expect(page.getByText("Read the posts: 401 Unauthorized")).toBeVisible();
  app.kill();
});
