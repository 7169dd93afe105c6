// An app of somebody else's, as far as a browser sees it.
import type { Page } from "@playwright/test";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "./portal";

/** An app that waits for people to come back to it. */
export async function app(): Promise<{ server: Server; redirect: string; came: Promise<URL> }> {
  let arrive: (url: URL) => void;
  const came = new Promise<URL>((resolve) => (arrive = resolve));
  const server = createServer((request, response) => {
    response.setHeader("content-type", "text/html").end("<!doctype html><title>The app</title><h1>Back in the app</h1>");
    if (request.url?.startsWith("/callback")) arrive(new URL(request.url, redirect));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const redirect = `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`;
  return { server, redirect, came };
}

/** Registers a client on the form; what is different from what the form proposes is filled in by the caller. */
export async function registerClient(page: Page, environment: string, kind: "client" | "service account", fill: () => Promise<void>) {
  await page.goto(`${environment}/${kind === "client" ? "clients" : "service-accounts"}/new`);
  await page.getByLabel("Name", { exact: true }).fill("Reading list");
  if (kind === "client") await page.getByLabel("Where people are led back to").fill("http://127.0.0.1/callback");
  await fill();
  await page.getByRole("button", { name: kind === "client" ? "Create OAuth client" : "Create service account" }).click();
  await expect(page).toHaveURL(/\/(clients|service-accounts)\/[0-9a-f-]{36}$/);
  const shown = page.locator(".secret-value code");
  const secret = (await shown.count()) > 0 ? await shown.innerText() : "";
  const id = /lkc_\w{20}/.exec(await page.locator(".page-head").innerText())?.[0] ?? "";
  return { id, secret };
}

/** Leads the person to the question, lets them allow everything, and says where they came back to. */
export async function allow(page: Page, url: URL, came: Promise<URL>): Promise<URL> {
  await page.goto(url.href);
  await page.getByRole("button", { name: "Allow" }).click();
  await expect(page.getByRole("heading", { name: "Back in the app" })).toBeVisible();
  return came;
}
