import assert from "node:assert/strict";
import {
  findTrustedFile,
  openTrustedFile,
  UntrustedFileError,
} from "../../src/actions/trusted_file.ts";
import { inActionFolder } from "./real_action.ts";

const swaps: {
  readonly what: string;
  readonly swap: (path: string, other: string) => void;
}[] = [
  {
    what: "another file",
    swap: (path, other) => Deno.renameSync(other, path),
  },
  {
    what: "a link",
    swap(path, other) {
      Deno.removeSync(path);
      Deno.symlinkSync(other, path);
    },
  },
  {
    what: "a pipe",
    swap(path) {
      Deno.removeSync(path);
      new Deno.Command("/usr/bin/mkfifo", { args: [path] }).outputSync();
    },
  },
  {
    what: "the same file, which others may write now",
    swap: (path) => Deno.chmodSync(path, 0o777),
  },
  { what: "nothing", swap: (path) => Deno.removeSync(path) },
];
for (const { what, swap } of swaps) {
  Deno.test(`a file that becomes ${what} after it was checked is not opened`, () =>
    inActionFolder(async ({ script }) => {
      const path = script("#!/bin/sh\n");
      const found = findTrustedFile(path);
      swap(path, script("#!/bin/sh\necho other\n"));
      await assert.rejects(openTrustedFile(found));
    }));
}

Deno.test("findTrustedFile() says where a path really leads", () =>
  inActionFolder(({ dir, script }) => {
    const path = script("#!/bin/sh\n");
    Deno.mkdirSync(`${dir}/a`);
    Deno.symlinkSync(dir, `${dir}/a/up`);
    const { path: real } = findTrustedFile(`${dir}/a/up/a/../script-0`);
    assert.equal(real, path);
    assert.throws(() => findTrustedFile(`${path}/x`), UntrustedFileError);
    assert.throws(() => findTrustedFile("/"), UntrustedFileError);
    return Promise.resolve();
  }));

Deno.test({
  name: "findTrustedFile() refuses what belongs to another user",
  ignore: Deno.uid() !== 0,
  fn: () =>
    inActionFolder(({ script }) => {
      const path = script("#!/bin/sh\n");
      Deno.chownSync(path, 65534, null);
      assert.throws(() => findTrustedFile(path), /belongs to user 65534/);
      return Promise.resolve();
    }),
});
