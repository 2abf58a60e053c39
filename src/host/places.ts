/** Where an installation keeps what. All paths are absolute. */
export interface Places {
  /** The whole machine, with user and unit; otherwise a folder of anybody's. */
  readonly isSystem: boolean;
  /** Programs, manuals and completions go below it. */
  readonly prefix: string;
  readonly program: string;
  /** What the last upgrade has replaced. */
  readonly previous: string;
  /** A program that was there before, and was put there by somebody else. */
  readonly former: string;
  /** What was installed. */
  readonly manifest: string;
  readonly configDir: string;
  readonly configFile: string;
  /** Public key of releases, where the program does not know it itself. */
  readonly releaseKey: string;
  readonly machineKey: string;
  readonly tokenFile: string;
  readonly dataDir: string;
  readonly runDir: string;
  /** Units of this machine; for {@linkcode isSystem} alone. */
  readonly unitDir: string;
}

/** Where programs go unless something else is asked for. */
export const SYSTEM_PREFIX = "/usr/local";

/** The places of an installation for the whole machine. */
export const SYSTEM_PLACES: Places = {
  isSystem: true,
  ...below(SYSTEM_PREFIX),
  configDir: "/etc/plexd",
  configFile: "/etc/plexd/config.yaml",
  releaseKey: "/etc/plexd/release-key.pem",
  machineKey: "/etc/plexd/machine.key",
  tokenFile: "/etc/plexd/bootstrap-token",
  dataDir: "/var/lib/plexd",
  runDir: "/var/run/plexd",
  unitDir: "/etc/systemd/system",
};

/**
 * The places of an installation into one folder, for which no root is needed.
 *
 * @param prefix Absolute path of the folder.
 */
export function placesBelow(prefix: string): Places {
  return {
    isSystem: false,
    ...below(prefix),
    configDir: `${prefix}/etc/plexd`,
    configFile: `${prefix}/etc/plexd/config.yaml`,
    releaseKey: `${prefix}/etc/plexd/release-key.pem`,
    machineKey: `${prefix}/etc/plexd/machine.key`,
    tokenFile: `${prefix}/etc/plexd/bootstrap-token`,
    dataDir: `${prefix}/var/lib/plexd`,
    runDir: `${prefix}/run/plexd`,
    unitDir: `${prefix}/etc/systemd/system`,
  };
}

function below(prefix: string) {
  return {
    prefix,
    program: `${prefix}/bin/plexd`,
    previous: `${prefix}/bin/plexd.previous`,
    former: `${prefix}/bin/plexd.former`,
    manifest: `${prefix}/lib/plexd/installed.json`,
  };
}
