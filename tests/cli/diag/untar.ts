/** The files of a compressed archive, by name. */
export async function untar(path: string): Promise<Map<string, string>> {
  const packed = await Deno.readFile(path);
  const stream = new Blob([packed]).stream()
    .pipeThrough(new DecompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const text = (from: number, length: number) =>
    new TextDecoder().decode(bytes.subarray(from, from + length));
  const files = new Map<string, string>();
  for (let at = 0; bytes[at] !== 0;) {
    const name = text(at, 100).replace(/\0.*$/s, "");
    const size = Number.parseInt(text(at + 124, 11), 8);
    files.set(name, text(at + 512, size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}
