/** A file of an archive. */
export interface TarFile {
  /** At most 100 bytes of ASCII. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

const BLOCK = 512;

/**
 * A tar archive as every tar reads it (ustar): plain files for their owner
 * only, of one time.
 *
 * @param atMs Time of all files, ms since the Unix epoch.
 */
export function tarOf(
  files: readonly TarFile[],
  atMs: number,
): Uint8Array<ArrayBuffer> {
  const sizes = files.map(({ bytes }) =>
    BLOCK + Math.ceil(bytes.length / BLOCK) * BLOCK
  );
  const whole = sizes.reduce((sum, size) => sum + size, 2 * BLOCK);
  const archive = new Uint8Array(whole);
  let at = 0;
  files.forEach(({ name, bytes }, index) => {
    archive.set(header(name, bytes.length, atMs), at);
    archive.set(bytes, at + BLOCK);
    at += sizes[index]!;
  });
  return archive;
}

function header(name: string, size: number, atMs: number): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const put = (text: string, at: number) => {
    block.set(new TextEncoder().encode(text), at);
  };
  const octal = (value: number, digits: number) =>
    value.toString(8).padStart(digits, "0");
  put(name, 0);
  put(octal(0o600, 7), 100);
  put(octal(0, 7), 108);
  put(octal(0, 7), 116);
  put(octal(size, 11), 124);
  put(octal(Math.floor(atMs / 1_000), 11), 136);
  // Its own sum counts as blanks.
  put(" ".repeat(8), 148);
  put("0", 156);
  put("ustar\0" + "00", 257);
  const sum = block.reduce((all, byte) => all + byte, 0);
  put(`${octal(sum, 6)}\0 `, 148);
  return block;
}

/** The same bytes, compressed as gzip does it. */
export async function gzipped(
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream()
    .pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
