import assert from "node:assert/strict";
import { TABLE } from "../../../src/cli/commands.ts";
import { carriedFiles } from "../../../src/cli/host/carried_files.ts";
import { releaseOf } from "../../../src/host/release_folder.ts";
import { placesBelow, SYSTEM_PLACES } from "../../../src/host/places.ts";

const release = releaseOf(
  "/somewhere/plexd",
  "1.0.0",
  carriedFiles({ table: TABLE, version: "1.0.0" }),
);

Deno.test("a single program installs all that a release does, but its licence", () => {
  const targets = release.files(SYSTEM_PLACES).map(({ target }) => target);
  assert.deepEqual(targets, [
    "/usr/local/bin/plexd",
    "/etc/systemd/system/plexd.service",
    "/etc/systemd/system/plexd@.service",
    "/usr/local/lib/sysusers.d/plexd.conf",
    "/usr/local/lib/tmpfiles.d/plexd.conf",
    "/usr/local/share/man/man1/plexd.1",
    "/usr/local/share/man/man5/plexd-config.5",
    "/usr/local/share/bash-completion/completions/plexd",
    "/usr/local/share/zsh/site-functions/_plexd",
    "/usr/local/share/fish/vendor_completions.d/plexd.fish",
  ]);
});

Deno.test("into a folder go no units, users and folders of the system", () => {
  const files = release.files(placesBelow("/home/me/plexd"));
  for (const { target } of files) {
    assert.ok(target.startsWith("/home/me/plexd/"), target);
    assert.ok(!/systemd|sysusers|tmpfiles/.test(target), target);
  }
  assert.equal(files.length, 6);
});
