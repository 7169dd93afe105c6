// Starts the very binary that people run, on an empty data folder, and stops it at the end.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

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

export default async function start(): Promise<() => Promise<void>> {
  const target = process.env.CARGO_TARGET_DIR;
  if (!target) throw new Error("run the browser tests by `make test`");
  const folder = mkdtempSync(join(tmpdir(), "latchkey-end2end-"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = spawn(
    join(target, "debug", "latchkey"),
    [
      "serve",
      ...["--listen", `127.0.0.1:${port}`],
      ...["--data", join(folder, "data")],
      // Every test signs up from the same address.
      ...["--attempts-per-minute", "10000"],
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let log = "";
  const ended = new Promise<void>((resolve) => server.once("exit", () => resolve()));
  const setup = new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      log += chunk.toString();
      const link = /http:\/\/\S+\/setup\?token=\w+/.exec(log);
      if (link) resolve(link[0]);
    };
    server.stdout.on("data", read);
    server.stderr.on("data", read);
    server.once("exit", () => reject(new Error(`the server did not start:\n${log}`)));
  });
  process.env.LATCHKEY_TEST_URL = url;
  process.env.LATCHKEY_TEST_SETUP = await setup;
  return async () => {
    server.kill("SIGTERM");
    await ended;
    writeFileSync(join(import.meta.dirname, "..", "test-results", "server.log"), log);
    rmSync(folder, { recursive: true });
  };
}
