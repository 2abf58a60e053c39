/** What releases call the architectures that the runtime names otherwise. */
const ARCHITECTURES: Readonly<Record<typeof Deno.build.arch, string>> = {
  x86_64: "amd64",
  aarch64: "arm64",
};

/** What releases call the architecture of this machine. */
export function releaseArch(): string {
  return ARCHITECTURES[Deno.build.arch];
}
