import { defineConfig } from "@playwright/test";

// Debian's Chromium: nothing is downloaded. Its own network chatter is off, so that every request seen is the page's.
const launchOptions = {
  executablePath: process.env.LATCHKEY_CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
  ],
};

export default defineConfig({
  globalSetup: "./support/server.ts",
  outputDir: "test-results",
  reporter: process.env.CI ? [["list"]] : [["dot"]],
  fullyParallel: true,
  workers: 2,
  forbidOnly: true,
  timeout: 60_000,
  use: { launchOptions, trace: "retain-on-failure" },
  projects: [
    { name: "scripts on", testDir: "journeys", use: { javaScriptEnabled: true } },
    { name: "scripts off", testDir: "journeys", use: { javaScriptEnabled: false } },
    { name: "islands", testDir: "islands" },
    { name: "pages", testDir: "pages" },
  ],
});
