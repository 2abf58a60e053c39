/** Certificates for tests, made by openssl in a folder of their own. */
export interface Certificates {
  /** PEM of the authority that issued the others. */
  readonly ca: string;
  /** For `localhost` and 127.0.0.1. */
  readonly server: { readonly cert: string; readonly key: string };
  readonly client: { readonly cert: string; readonly key: string };
}

/**
 * Whether tests that need certificates can run. In CI they must: a missing
 * openssl fails them there.
 */
export const CAN_MAKE_CERTIFICATES = Deno.env.has("CI") || hasOpenssl();

function hasOpenssl(): boolean {
  try {
    return new Deno.Command("openssl", { args: ["version"] }).outputSync()
      .success;
  } catch {
    // deno-lint-ignore no-console -- Says why tests are ignored.
    console.warn("Tests of certificates are skipped: there is no openssl");
    return false;
  }
}

/** Runs `work` with certificates that no system trusts. */
export async function withCertificates(
  work: (certificates: Certificates) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const ca = await issue(folder, "ca", "CA:TRUE");
    const alt = "DNS:localhost,IP:127.0.0.1,DNS:plexd.test";
    await work({
      ca: ca.cert,
      server: await issue(folder, "server", "CA:FALSE", alt),
      client: await issue(folder, "client", "CA:FALSE"),
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function issue(
  folder: string,
  name: string,
  constraint: string,
  alt?: string,
): Promise<{ readonly cert: string; readonly key: string }> {
  const [cert, key] = [`${folder}/${name}.pem`, `${folder}/${name}.key`];
  const isCa = name === "ca";
  const { success, stderr } = await new Deno.Command("openssl", {
    args: [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
      "-nodes",
      "-days",
      "2",
      "-subj",
      `/CN=${name}`,
      "-addext",
      `basicConstraints=critical,${constraint}`,
      ...(alt ? ["-addext", `subjectAltName=${alt}`] : []),
      ...(isCa
        ? []
        : ["-CA", `${folder}/ca.pem`, "-CAkey", `${folder}/ca.key`]),
      "-keyout",
      key,
      "-out",
      cert,
    ],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return {
    cert: await Deno.readTextFile(cert),
    key: await Deno.readTextFile(key),
  };
}
