import assert from "node:assert/strict";
import { checkBaseUrl } from "../../src/uplink/base_url.ts";

const good = [
  { text: "https://api.example.com", href: "https://api.example.com" },
  { text: "https://api.example.com///", href: "https://api.example.com" },
  {
    text: "https://api.example.com/plexd/",
    href: "https://api.example.com/plexd",
  },
  { text: "http://localhost:8443", href: "http://localhost:8443" },
  { text: "http://127.0.0.1:8443/", href: "http://127.0.0.1:8443" },
  { text: "http://127.9.9.9", href: "http://127.9.9.9" },
  { text: "http://[::1]:1", href: "http://[::1]:1" },
];
for (const { text, href } of good) {
  Deno.test(`checkBaseUrl() takes ${text}`, () => {
    assert.deepEqual(checkBaseUrl(text, false), { href, exposed: false });
  });
}

const bad = [
  "",
  "api.example.com",
  "ftp://api.example.com",
  "file:///etc/passwd",
  "https://user:hunter2@api.example.com",
  "https://api.example.com/?token=hunter2",
  "https://api.example.com/#hunter2",
  "http://api.example.com",
  "http://10.0.0.1",
  "http://localhost.example.com",
  "http://127.0.0.1.example.com",
  "http://0.0.0.0",
];
for (const text of bad) {
  Deno.test(`checkBaseUrl() refuses "${text}" and quotes no secret of it`, () => {
    assert.throws(() => checkBaseUrl(text, false), (error) => {
      assert.ok(error instanceof RangeError);
      assert.doesNotMatch(error.message, /hunter2/);
      return true;
    });
  });
}

Deno.test("checkBaseUrl() takes plain http to another host when that is allowed, and says so", () => {
  assert.deepEqual(checkBaseUrl("http://10.0.0.1:80", true), {
    href: "http://10.0.0.1",
    exposed: true,
  });
});
