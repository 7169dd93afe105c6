// The log as it comes: a failure shows within a second or two, also after the line dropped.
import { createApplication, createKey, expect, mistyped, paste, signUp, test } from "../support/portal";

test("a failure shows as it comes, and a pause loses nothing", async ({ page, context }) => {
  await signUp(page);
  const environment = await createApplication(page);
  const { key, curl } = await createKey(page);
  await page.goto(`${environment}/logs?view=live`);
  await expect(page.getByText("waiting for the next request")).toBeVisible();
  const first = await paste(curl.replace(key, mistyped(key)));
  const row = page.getByRole("row", { name: /401 bad_checksum/ });
  await expect(row).toHaveCount(1, { timeout: 2_500 });
  await expect(row.getByRole("link")).toHaveAttribute("href", `/logs/${first.requestId}`);
  await page.getByRole("button", { name: "Pause" }).click();
  await paste(curl);
  await page.waitForTimeout(1_500);
  await expect(page.getByRole("row", { name: /200 GET/ })).toHaveCount(0);
  await page.getByRole("button", { name: "Go on" }).click();
  await expect(page.getByRole("row", { name: /200 GET/ })).toHaveCount(1, { timeout: 4_000 });
  await expect(row).toHaveCount(1);
  // The line is opened again by the browser itself.
  await context.setOffline(true);
  await page.waitForTimeout(500);
  await context.setOffline(false);
  await paste(curl);
  await expect(page.getByRole("row", { name: /200 GET/ })).toHaveCount(2, { timeout: 10_000 });
});
