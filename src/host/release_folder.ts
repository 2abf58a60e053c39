import { isMissing } from "../store/disk.ts";
import { errorCode } from "../store/store_errors.ts";
import { HostError } from "./host_error.ts";
import type { Places } from "./places.ts";
import type { PlannedFile } from "./placement.ts";
import { runProgram } from "./run_program.ts";
import { isVersion } from "./version_order.ts";

/** What is to be installed. */
export interface Release {
  readonly version: string;
  /** The program and what belongs to it, for these places. */
  files(places: Places): readonly PlannedFile[];
}

/** A file of a release: where it lies in there, and where it goes. */
interface ReleaseFile {
  readonly from: string;
  to(places: Places): string;
  /** For the whole machine alone. */
  readonly isSystem?: boolean;
}

const share = (path: string) => ({ prefix }: Places) =>
  `${prefix}/share/${path}`;

/** Everything but the program, which is the one file that must be there. */
const BESIDE: readonly ReleaseFile[] = [
  ...["plexd.service", "plexd@.service"].map((name) => ({
    from: `systemd/${name}`,
    to: ({ unitDir }: Places) => `${unitDir}/${name}`,
    isSystem: true,
  })),
  ...["sysusers.d", "tmpfiles.d"].map((folder) => ({
    from: `${folder}/plexd.conf`,
    to: ({ prefix }: Places) => `${prefix}/lib/${folder}/plexd.conf`,
    isSystem: true,
  })),
  { from: "man/plexd.1", to: share("man/man1/plexd.1") },
  { from: "man/plexd-config.5", to: share("man/man5/plexd-config.5") },
  {
    from: "completions/plexd.bash",
    to: share("bash-completion/completions/plexd"),
  },
  { from: "completions/_plexd", to: share("zsh/site-functions/_plexd") },
  {
    from: "completions/plexd.fish",
    to: share("fish/vendor_completions.d/plexd.fish"),
  },
  { from: "LICENSE", to: share("doc/plexd/LICENSE") },
];

/**
 * A release that was unpacked into a folder. Its program is asked for its
 * version, so one that does not run on this machine is refused here.
 *
 * @param folder Absolute path.
 * @throws {HostError} kind "refused"
 */
export async function releaseIn(folder: string): Promise<Release> {
  const version = await versionOf(`${folder}/plexd`);
  return {
    version,
    files: (places) => [
      programFile(`${folder}/plexd`, places),
      ...BESIDE
        .filter(({ isSystem }) => places.isSystem || !isSystem)
        .filter(({ from }) => isFile(`${folder}/${from}`))
        .map(({ from, to }) => ({
          source: `${folder}/${from}`,
          target: to(places),
          mode: 0o644,
        })),
    ],
  };
}

/**
 * A single program, and the files that it carries itself.
 *
 * @param program Absolute path of it.
 * @param carried Contents of files by their path in a release.
 */
export function releaseOf(
  program: string,
  version: string,
  carried: Readonly<Record<string, string>>,
): Release {
  return {
    version,
    files: (places) => [
      programFile(program, places),
      ...BESIDE
        .filter(({ isSystem }) => places.isSystem || !isSystem)
        .flatMap(({ from, to }) => {
          const text = carried[from];
          if (text === undefined) return [];
          const source = new TextEncoder().encode(text);
          return [{ source, target: to(places), mode: 0o644 }];
        }),
    ],
  };
}

/** @throws {HostError} kind "refused" unless it is a plexd that runs here. */
export async function versionOf(program: string): Promise<string> {
  try {
    const { code, stdout, stderr } = await runProgram(program, ["--version"]);
    const version = /^plexd version (\S+)$/m.exec(stdout)?.[1] ?? "";
    if (code === 0 && isVersion(version)) return version;
    throw new HostError(
      "refused",
      `${program} does not run on this machine: it ended with ${code}` +
        (stderr === "" ? "" : ` and said: ${stderr.trim().slice(0, 300)}`),
      "plexd needs Linux with glibc on x86_64 or arm64",
    );
  } catch (error) {
    if (error instanceof HostError) throw error;
    const hint = errorCode(error) === "EACCES"
      ? "its folder may be mounted with noexec: set TMPDIR to another one"
      : isMissing(error)
      ? "it has to lie in the folder of an unpacked release"
      : "plexd needs Linux with glibc on x86_64 or arm64";
    throw new HostError("refused", `${program} cannot be run`, hint, error);
  }
}

function programFile(source: string, { program }: Places): PlannedFile {
  return { source, target: program, mode: 0o755 };
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
