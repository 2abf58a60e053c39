import assert from "node:assert/strict";
import { HostError } from "../../src/host/host_error.ts";
import { readManifest, writeManifest } from "../../src/host/manifest.ts";
import { placesBelow } from "../../src/host/places.ts";
import { systemRandom } from "../../src/platform/random.ts";

async function inPrefix(body: (prefix: string) => void) {
  const prefix = await Deno.makeTempDir();
  try {
    body(prefix);
  } finally {
    await Deno.remove(prefix, { recursive: true });
  }
}

Deno.test("what is installed is noted, and read back", () =>
  inPrefix((prefix) => {
    const places = placesBelow(prefix);
    assert.equal(readManifest(places), undefined);
    const files = { [`${prefix}/bin/plexd`]: "00" };
    writeManifest(places, { version: "1.0.0", files }, systemRandom);
    const { version, files: noted } = readManifest(places)!;
    assert.deepEqual({ version, noted }, { version: "1.0.0", noted: files });
  }));

Deno.test("a list that leads elsewhere is refused: files are removed by it", () =>
  inPrefix((prefix) => {
    const places = placesBelow(prefix);
    for (
      const file of ["/etc/passwd", `${prefix}/../passwd`, "bin/plexd", prefix]
    ) {
      const files = { [file]: "00" };
      writeManifest(places, { version: "1.0.0", files }, systemRandom);
      assert.throws(() => readManifest(places), HostError, file);
    }
    Deno.writeTextFileSync(places.manifest, "{");
    assert.throws(() => readManifest(places), /cannot be used: .* not JSON/);
  }));
