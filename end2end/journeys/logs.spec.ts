// What credentials did: from a column of the chart to its requests, from a failure to what it shares with others, and views that are kept.
import { createApplication, createKey, expect, mistyped, paste, signUp, test } from "../support/portal";

test("figures lead to requests, failures are put together, and a view is kept", async ({ page }) => {
  await signUp(page);
  const environment = await createApplication(page);
  const { key, curl } = await createKey(page);
  expect((await paste(curl)).status).toBe(200);
  for (let time = 0; time < 3; time += 1) {
    expect((await paste(curl.replace(key, mistyped(key)))).status).toBe(401);
  }
  await page.waitForTimeout(2_500);
  await page.goto(`${environment}/usage?range=1h`);
  await expect(page.locator(".figures")).toContainText("requests4");
  await page.getByText("Show as a table").click();
  await page.locator("figure.chart table a").last().click();
  await expect(page).toHaveURL(/\/logs\?since=/);
  await expect(page.getByRole("row", { name: /200 GET \/api\/v1\/whoami/ })).toBeVisible();

  await page.goto(`${environment}/usage`);
  await page.getByRole("link", { name: "see why" }).click();
  const group = page.getByRole("row", { name: /bad_checksum/ });
  await expect(group).toContainText("GET /api/v1/whoami");
  await group.getByRole("link", { name: "Open" }).click();
  await expect(page.getByRole("row", { name: /401 bad_checksum/ })).toHaveCount(3);

  await page.getByText("Keep this view").click();
  await page.getByLabel("Name of the view").fill("Mistyped keys");
  await page.getByRole("button", { name: "Keep", exact: true }).click();
  await page.goto(`${environment}/logs`);
  await page.getByRole("link", { name: "Mistyped keys" }).click();
  await expect(page.getByRole("row", { name: /401 bad_checksum/ })).toHaveCount(3);
  await page.getByRole("button", { name: "Remove the view Mistyped keys" }).click();
  await expect(page.getByRole("link", { name: "Mistyped keys" })).toHaveCount(0);

  const file = page.waitForEvent("download");
  await page.getByRole("link", { name: "CSV" }).click();
  expect((await file).suggestedFilename()).toBe("latchkey-requests.csv");
});
