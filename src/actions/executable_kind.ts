import type { FileHandle } from "node:fs/promises";
import { describeError } from "../platform/log.ts";
import {
  findTrustedFile,
  openTrustedFile,
  UntrustedFileError,
} from "./trusted_file.ts";

/** Bytes of which the kernel reads what a file is. */
const HEAD_BYTES = 256;

/** Interpreters that are scripts themselves, as many as the kernel follows. */
const MAX_INTERPRETERS = 4;

const ELF = [0x7f, 0x45, 0x4c, 0x46];
const ELF_64_BIT = 2;
const ELF_LITTLE_ENDIAN = 1;
/** With a fixed address or without: what is executed is one of both. */
const ELF_TYPES = [2, 3];
const ELF_MACHINES = { x86_64: 62, aarch64: 183 } as const;
const ELF_HEADER_BYTES = 64;
/** Of an entry of the table that says what to load. */
const ELF_ENTRY_BYTES = 56;
const ELF_MAX_TABLE_BYTES = 65_536;

/**
 * Makes sure that the kernel itself starts what is in an open file.
 *
 * What it refuses as no executable, the C library hands to `/bin/sh` instead,
 * and says nothing: a script that names no interpreter, and the bytes of a
 * program for another kind of machine. So each such file is refused here. The
 * interpreter is what really runs, so it must be as trusted as the script.
 *
 * @param agentUid Number of the agent's user.
 * @throws {UntrustedFileError}
 */
export async function checkExecutable(
  path: string,
  source: FileHandle,
  agentUid: number,
): Promise<void> {
  await check(path, source, agentUid, 0);
}

async function check(
  path: string,
  source: FileHandle,
  agentUid: number,
  depth: number,
) {
  const buffer = new Uint8Array(HEAD_BYTES);
  const { bytesRead } = await source.read(buffer, 0, HEAD_BYTES, 0);
  const head = buffer.subarray(0, bytesRead);
  if (ELF.every((byte, at) => head[at] === byte)) {
    const { size } = await source.stat();
    if (isForThisMachine(head, size)) return;
    throw new UntrustedFileError(
      `${path} is no whole program for this machine (${Deno.build.arch})`,
    );
  }
  await checkInterpreter(path, interpreterOf(head), agentUid, depth);
}

async function checkInterpreter(
  path: string,
  interpreter: string | undefined,
  agentUid: number,
  depth: number,
) {
  if (!interpreter?.startsWith("/")) {
    throw new UntrustedFileError(
      `${path} is neither a program nor a script whose first line names its ` +
        `interpreter by an absolute path, such as #!/bin/sh`,
    );
  }
  if (depth === MAX_INTERPRETERS) {
    throw new UntrustedFileError(`${path} has too many interpreters`);
  }
  try {
    const file = findTrustedFile(interpreter, agentUid);
    await using source = await openTrustedFile(file);
    await check(interpreter, source, agentUid, depth + 1);
  } catch (error) {
    // Quoted: the end of a line from Windows would not be seen.
    const name = JSON.stringify(interpreter);
    throw new UntrustedFileError(
      `${path} names ${name} as its interpreter: ${describeError(error)}`,
      { cause: error },
    );
  }
}

/** As the kernel reads it: what follows is one argument. */
function interpreterOf(head: Uint8Array): string | undefined {
  const text = new TextDecoder().decode(head);
  const [name, interpreter] = /^#![ \t]*([^ \t\n\0]+)/.exec(text) ?? [];
  // It may go on where the kernel stops reading.
  const isCut = head.length === HEAD_BYTES && name === text;
  return isCut ? undefined : interpreter;
}

/** @see System V ABI, "ELF Header"; the kernel looks at the same members. */
function isForThisMachine(head: Uint8Array, size: number): boolean {
  if (head.length < ELF_HEADER_BYTES) return false;
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const tableAt = Number(view.getBigUint64(32, true));
  const tableBytes = ELF_ENTRY_BYTES * view.getUint16(56, true);
  return head[4] === ELF_64_BIT && head[5] === ELF_LITTLE_ENDIAN &&
    ELF_TYPES.includes(view.getUint16(16, true)) &&
    view.getUint16(18, true) === ELF_MACHINES[Deno.build.arch] &&
    view.getUint16(54, true) === ELF_ENTRY_BYTES &&
    tableBytes > 0 && tableBytes <= ELF_MAX_TABLE_BYTES &&
    tableAt + tableBytes <= size;
}
