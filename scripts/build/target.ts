import { BuildError } from "./build_error.ts";

/** A machine that plexd is built for. */
export interface Target {
  /** What `deno compile --target` calls it. */
  readonly triple: string;
  /** What releases call it. */
  readonly arch: "amd64" | "arm64";
}

const TARGETS: Readonly<Record<string, Target>> = {
  x86_64: { triple: "x86_64-unknown-linux-gnu", arch: "amd64" },
  arm64: { triple: "aarch64-unknown-linux-gnu", arch: "arm64" },
};

const OTHER_NAMES: Readonly<Record<string, string>> = {
  amd64: "x86_64",
  aarch64: "arm64",
};

/** The architecture of this machine. */
export function ownTarget(): Target {
  return targetOf(Deno.build.arch);
}

/** @throws {BuildError} */
export function targetOf(name: string): Target {
  const target = TARGETS[OTHER_NAMES[name] ?? name];
  if (target) return target;
  throw new BuildError(
    `plexd is not built for ${name}`,
    `--target takes ${Object.keys(TARGETS).join(" or ")}`,
  );
}
