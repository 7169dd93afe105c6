// A server for mail on this machine, which keeps what it gets in a folder; and its reader.
import { readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { expect } from "@playwright/test";

/** Takes every mail; the port that it listens on. */
export async function startMailServer(folder: string): Promise<{ port: number; stop: () => void }> {
  let count = 0;
  const keep = (recipient: string, mail: string) => {
    count += 1;
    const name = join(folder, `${String(count).padStart(6, "0")} ${recipient}`);
    // Whoever reads meanwhile sees a whole mail or none.
    writeFileSync(`${name}.part`, mail);
    renameSync(`${name}.part`, `${name}.eml`);
  };
  const converse = (socket: Socket) => {
    let unread = "";
    let recipient = "";
    let mail: string[] | undefined;
    socket.on("error", () => socket.destroy());
    socket.write("220 mail.example.org\r\n");
    socket.on("data", (chunk) => {
      unread += chunk.toString();
      for (let end = unread.indexOf("\r\n"); end >= 0; end = unread.indexOf("\r\n")) {
        const line = unread.slice(0, end);
        unread = unread.slice(end + 2);
        if (mail && line === ".") {
          keep(recipient, mail.join("\n"));
          mail = undefined;
          socket.write("250 taken\r\n");
        } else if (mail) {
          mail.push(line);
        } else if (line.startsWith("DATA")) {
          mail = [];
          socket.write("354 go on\r\n");
        } else {
          recipient = /^RCPT TO:<(.*)>/.exec(line)?.[1] ?? recipient;
          socket.write(line.startsWith("QUIT") ? "221 bye\r\n" : "250 fine\r\n");
        }
      }
    });
  };
  const server = createServer(converse);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || !address) throw new Error("no port for mail");
  return { port: address.port, stop: () => server.close() };
}

/** The text of the newest mail to somebody that has this in it; it is waited for. */
export async function mailTo(recipient: string, what: string): Promise<string> {
  const folder = process.env.LATCHKEY_TEST_MAIL ?? "";
  let found = "";
  await expect
    .poll(
      () => {
        const mails = readdirSync(folder).filter((name) => name.endsWith(` ${recipient}.eml`)).sort().reverse();
        const texts = mails.map((name) => readable(readFileSync(join(folder, name), "utf8")));
        found = texts.find((text) => text.includes(what)) ?? "";
        return found;
      },
      { message: `a mail to ${recipient} with "${what}"`, timeout: 30_000 },
    )
    .not.toBe("");
  return found;
}

/** The link to this page in a mail, as a path. */
export function linkIn(mail: string, page: string): string {
  const link = new RegExp(`https?://[^/\\s]+(${page}\\?token=\\w{32})`).exec(mail);
  expect(link, `${page} in ${mail}`).not.toBeNull();
  return link?.[1] ?? "";
}

/** Quoted-printable undone (RFC 2045 section 6.7). */
function readable(mail: string): string {
  return mail.replace(/=\n/g, "").replace(/=([0-9A-F]{2})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)));
}
