/**
 * Makes what a server of releases holds, in `dist/release/`: archives, their
 * checksums, the signature of those, and the install.sh that knows the key.
 *
 *     deno task release --key FILE [--target x86_64|arm64 ...] [--base-url URL]
 *     deno task release --new-key DIR
 *
 * The key may also be named by `PLEXD_RELEASE_KEY_FILE`. A build that is not on
 * Deno's own base runtime needs `--any-base`, and its version says so.
 *
 * @see docs/install.md, "What the server holds"
 *
 * @module
 */
import { parseArgs } from "node:util";
import { BuildError } from "./build/build_error.ts";
import { makeRelease } from "./build/release.ts";
import { makeKey, readKey } from "./build/release_key.ts";
import { runTask, say } from "./build/say.ts";
import { ownTarget, targetOf } from "./build/target.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    key: { type: "string" },
    target: { type: "string", multiple: true },
    "base-url": { type: "string" },
    "new-key": { type: "string" },
    "any-base": { type: "boolean" },
  },
});

Deno.exit(
  await runTask(async () => {
    const newKey = values["new-key"];
    if (newKey !== undefined) {
      await makeKey(newKey);
      say(`${newKey}/release.key: keep it where nobody else can read it`);
      say(`${newKey}/release-key.pem: its public half; put it into install.sh`);
      say("  and src/host/release_keys.ts, then commit those");
      return;
    }
    const keyFile = values.key ?? Deno.env.get("PLEXD_RELEASE_KEY_FILE");
    if (!keyFile) {
      throw new BuildError(
        "A release is signed, and no key was named",
        "name it with --key FILE or PLEXD_RELEASE_KEY_FILE; --new-key DIR makes one",
      );
    }
    await makeRelease({
      targets: values.target?.map(targetOf) ?? [ownTarget()],
      key: await readKey(keyFile),
      baseUrl: values["base-url"],
      anyBase: values["any-base"] === true,
    }, say);
  }),
);
