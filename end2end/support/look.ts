// Looks at a page as axe does, and keeps a picture of it when LATCHKEY_SCREENSHOTS names a folder.
import AxeBuilder from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";

export const THEMES = ["light", "dark"] as const;
export const WIDTHS = [360, 1280];

/** Looks at a page in both themes, on a phone and on a desk. */
export async function check(page: Page, path: string) {
  for (const theme of THEMES) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 800 });
      await page.goto(path);
      await look(page, `${path} ${theme} ${width}`);
    }
  }
}

/** Looks at what is on the page now. */
export async function look(page: Page, what: string) {
  const folder = process.env.LATCHKEY_SCREENSHOTS;
  if (folder) {
    await page.evaluate(() => document.fonts.ready);
    const name = what.replace(/[0-9a-f-]{36}/g, "id").replace(/[^\w]+/g, "-");
    await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
  }
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(
    violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" | ")}`),
    what,
  ).toEqual([]);
  const excess = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(excess, `${what} is wider than the screen`).toBeLessThanOrEqual(0);
}
