// Starts the very binary that people run, on an empty data folder, and stops it at the end.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startMailServer } from "./mail";

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const listener = createServer();
    listener.once("error", reject);
    listener.listen(0, "127.0.0.1", () => {
      const address = listener.address();
      listener.close(() =>
        typeof address === "object" && address
          ? resolve(address.port)
          : reject(new Error("no port")),
      );
    });
  });
}

/** A server of its own, with the link that makes its first admin. */
export async function startServer(): Promise<{ url: string; setup: string; mails: string; stop: () => Promise<string> }> {
  const target = process.env.CARGO_TARGET_DIR;
  if (!target) throw new Error("run the browser tests by `make test`");
  const folder = mkdtempSync(join(tmpdir(), "latchkey-end2end-"));
  const port = await freePort();
  const mails = join(folder, "mails");
  mkdirSync(mails);
  const mail = await startMailServer(mails);
  const server = spawn(
    join(target, "debug", "latchkey"),
    [
      "serve",
      ...["--listen", `127.0.0.1:${port}`],
      ...["--data", join(folder, "data")],
      // Every test signs up from the same address.
      ...["--attempts-per-minute", "10000"],
      // Mails are read where they arrive. An account is there at once all the same, as with no server for mail.
      ...["--smtp-url", `smtp://127.0.0.1:${mail.port}`],
      ...["--mail-from", "Latchkey <keys@example.org>"],
      ...["--sign-up", "open"],
      // The providers that people sign in with are stood in for on this machine.
      ...["--private-networks", "true"],
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let log = "";
  const ended = new Promise<void>((resolve) => server.once("exit", () => resolve()));
  const setup = await new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      log += chunk.toString();
      const link = /http:\/\/\S+\/setup\?token=\w+/.exec(log);
      if (link) resolve(link[0]);
    };
    server.stdout.on("data", read);
    server.stderr.on("data", read);
    server.once("exit", () => reject(new Error(`the server did not start:\n${log}`)));
  });
  const stop = async () => {
    server.kill("SIGTERM");
    await ended;
    mail.stop();
    rmSync(folder, { recursive: true });
    return log;
  };
  return { url: `http://127.0.0.1:${port}`, setup, mails, stop };
}

export default async function start(): Promise<() => Promise<void>> {
  const { url, setup, mails, stop } = await startServer();
  process.env.LATCHKEY_TEST_URL = url;
  process.env.LATCHKEY_TEST_SETUP = setup;
  process.env.LATCHKEY_TEST_MAIL = mails;
  return async () => writeFileSync(join(import.meta.dirname, "..", "test-results", "server.log"), await stop());
}
