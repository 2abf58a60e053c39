import type { Config } from "../config/settings.ts";
import type { Platform } from "../platform/platform.ts";
import { CREDENTIALS_FILE } from "../store/credentials_file.ts";
import type { Membership } from "../store/membership.ts";
import type { Degraded } from "../sync/degraded.ts";
import { buildJoining, buildRejoin, type Rejoin } from "./rejoin.ts";
import type { Settings } from "./reload.ts";
import { type ContactWatch, watchContact } from "./watch_contact.ts";

/** What outlives an identity, but not the settings that it works with. */
export interface Link {
  readonly rejoin: Rejoin;
  /** Joins a node that is not enrolled. */
  readonly joining: Rejoin;
  readonly contact: ContactWatch;
}

/** What {@linkcode linksTo} works with. */
export interface LinkNeeds {
  readonly store: Membership;
  readonly degraded: Degraded;
  readonly io: Platform;
}

/**
 * Gives the link to the control plane: the same one as long as the settings are
 * the same, so that joining anew does not begin to count from zero.
 */
export function linksTo(
  { store, degraded, io }: LinkNeeds,
): (settings: Settings) => Link {
  let known: { readonly settings: Settings; readonly link: Link } | undefined;
  return (settings) => {
    if (known?.settings.client !== settings.client) {
      const { config, client } = settings;
      showInsecureTls(config, degraded);
      const onChange = () => contact.show();
      const rejoin = buildRejoin({ config, store, client, onChange, io });
      const contact = watchContact(degraded, rejoin);
      const joining = buildJoining({
        ...{ config, store, client, io },
        onChange: () => showNotEnrolled({ config, store, degraded }, joining),
      });
      known = { settings, link: { rejoin, joining, contact } };
    }
    return known.link;
  };
}

/** Says what the node waits for, and what became of the last try. */
export function showNotEnrolled(
  { config, store, degraded }: {
    readonly config: Config;
    readonly store: Pick<Membership, "credentials">;
    readonly degraded: Degraded;
  },
  { outcome }: Pick<Rejoin, "outcome">,
): void {
  const file = config["registration.token_file"];
  const wayBack = store.credentials.isSignedOff
    ? `${CREDENTIALS_FILE} was taken away; waiting for it to be put back, for `
    : "waiting for ";
  degraded.raise("not_enrolled", {
    detail: `${wayBack}a bootstrap token in ${file}, or for "plexd join"` +
      (outcome ? `; ${outcome}` : ""),
  });
}

/** Shows for as long as it is so that certificates are not checked. */
function showInsecureTls(config: Config, degraded: Degraded) {
  if (!config["api.tls_insecure_skip_verify"]) {
    return degraded.clear("insecure_tls");
  }
  degraded.raise("insecure_tls", {
    detail: "api.tls_insecure_skip_verify is set: the control plane's " +
      "certificate is not checked",
  });
}
