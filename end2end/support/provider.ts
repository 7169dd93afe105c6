// Another provider that people sign in with: it knows one person, and signs them in without asking.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** Starts it; what it was asked for last stands in `asked`. */
export async function provider(login: string): Promise<{ server: Server; url: string; asked: URLSearchParams[] }> {
  const asked: URLSearchParams[] = [];
  const json = { "content-type": "application/json" };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    if (url.pathname === "/authorize") {
      asked.push(url.searchParams);
      const back = new URL(url.searchParams.get("redirect_uri") ?? "");
      back.search = new URLSearchParams({ code: "once", state: url.searchParams.get("state") ?? "" }).toString();
      response.writeHead(302, { location: back.href }).end();
    } else if (url.pathname === "/token") {
      response.writeHead(200, json).end(JSON.stringify({ access_token: "opaque", token_type: "bearer" }));
    } else {
      response.writeHead(200, json).end(JSON.stringify({ id: login, login }));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}
