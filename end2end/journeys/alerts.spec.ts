// Alerts: a program takes them, signed; a rule is changed; each page in both themes, on a phone and on a desk.
import { createHmac } from "node:crypto";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { check } from "../support/look";
import { createApplication, createKey, expect, mistyped, paste, signUp, test } from "../support/portal";

/** Somebody's program on this machine, which keeps what is posted to it. */
async function startTaker() {
  const came: { headers: IncomingHttpHeaders; body: string }[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      came.push({ headers: request.headers, body });
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const address = server.address();
  if (typeof address !== "object" || !address) throw new Error("no port");
  return { came, url: `http://127.0.0.1:${address.port}/hook`, stop: () => server.close() };
}

test("a webhook takes what it is told, and a rule is changed", async ({ page }, info) => {
  test.skip(info.project.name !== "scripts on", "axe, which looks at each page, is a script");
  test.setTimeout(300_000);
  const taker = await startTaker();
  await signUp(page);
  const environment = await createApplication(page);
  const { key, curl } = await createKey(page);
  await page.goto("/teams");
  await page.locator("a[href^='/teams/']").first().click();
  await page.getByRole("link", { name: "Alerts" }).click();
  await expect(page.getByText("Nothing to hear of")).toBeVisible();
  const alerts = new URL(page.url()).pathname;
  await check(page, alerts);

  await page.getByRole("link", { name: "Add a webhook" }).click();
  await page.getByLabel("Name").fill("On call");
  await page.getByLabel("Address").fill("http://me:secret@example.org/");
  await page.getByRole("button", { name: "Add" }).click();
  await expect(page.getByText("Leave out the name and password")).toBeVisible();
  await expect(page.getByLabel("Name")).toHaveValue("On call");
  await check(page, `${alerts}/webhooks/new`);
  await page.getByLabel("Name").fill("On call");
  await page.getByLabel("Address").fill(taker.url);
  await page.getByRole("button", { name: "Add" }).click();
  const secret = await page.locator(".secret-value code").innerText();
  await page.getByRole("link", { name: "I have stored it" }).click();
  const webhook = new URL(page.url()).pathname;
  await page.getByRole("button", { name: "Send a test" }).click();
  await expect.poll(() => taker.came.length).toBe(1);
  const { headers, body } = taker.came[0];
  const signed = createHmac("sha256", Buffer.from(secret.replace("whsec_", ""), "base64"))
    .update(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`)
    .digest("base64");
  expect(headers["webhook-signature"]).toBe(`v1,${signed}`);
  // The answer to the button may still be on its way to the page, when what it sent has come long since.
  await expect(async () => {
    await page.goto(webhook);
    await expect(page.getByText("taken with 204")).toBeVisible({ timeout: 1_000 });
  }).toPass({ timeout: 5_000 });
  await page.getByRole("button", { name: /^Send again/ }).click();
  await expect.poll(() => taker.came.length).toBe(2);
  expect(taker.came[1].headers["webhook-id"]).toBe(headers["webhook-id"]);
  await check(page, webhook);

  await page.goto(alerts);
  await page.getByRole("link", { name: "Change the rule Many refusals" }).click();
  await page.getByLabel("Percent of requests that are refused").fill("many");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Enter a number from 1 to 100")).toBeVisible();
  await page.getByLabel("Percent of requests that are refused").fill("40");
  await page.getByLabel("Of how many requests at least").fill("3");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("The rule Many refusals is saved.")).toBeVisible();
  await check(page, `${alerts}/rules/new_network`);
  for (let time = 0; time < 4; time += 1) await paste(curl.replace(key, mistyped(key)));
  // What lasts is looked for once a minute.
  await expect.poll(() => taker.came.length, { timeout: 90_000, intervals: [1_000] }).toBe(3);
  expect(JSON.parse(taker.came[2].body)).toMatchObject({ type: "alert.raised", data: { kind: "failure_rate" } });
  await page.goto(`${environment}/keys`);
  await expect(page.getByText("Web backend is refused a lot")).toBeVisible();
  await page.goto(alerts);
  await expect(page.getByText("lasts", { exact: true })).toBeVisible();
  await page.getByText("What happened, and what to do").click();
  await check(page, alerts);
  await page.getByRole("link", { name: "Look at it" }).click();
  await expect(page.getByRole("heading", { name: "Web backend" })).toBeVisible();
  taker.stop();
});
