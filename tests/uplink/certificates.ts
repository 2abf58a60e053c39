/** Certificates for tests, made by openssl in a folder of their own. */
export interface Certificates {
  /** PEM of the authority that issued the others. */
  readonly ca: string;
  /** For `localhost` and 127.0.0.1. */
  readonly server: { readonly cert: string; readonly key: string };
  readonly client: { readonly cert: string; readonly key: string };
  /** As that of the server, but its time is over. */
  readonly expired: { readonly cert: string; readonly key: string };
  /** As that of the server, but its time is to come. */
  readonly early: { readonly cert: string; readonly key: string };
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
      expired: await issueFor(folder, "expired", alt, "2024", "2025"),
      early: await issueFor(folder, "early", alt, "2101", "2102"),
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
  await openssl(
    "req",
    "-x509",
    ...NEW_KEY,
    "-days",
    "2",
    "-subj",
    `/CN=${name}`,
    "-addext",
    `basicConstraints=critical,${constraint}`,
    ...(alt ? ["-addext", `subjectAltName=${alt}`] : []),
    ...(isCa ? [] : ["-CA", `${folder}/ca.pem`, "-CAkey", `${folder}/ca.key`]),
    "-keyout",
    key,
    "-out",
    cert,
  );
  return await read(cert, key);
}

/** Issues a certificate for the years from `from` to `to`. */
async function issueFor(
  folder: string,
  name: string,
  alt: string,
  from: string,
  to: string,
): Promise<{ readonly cert: string; readonly key: string }> {
  const [cert, key] = [`${folder}/${name}.pem`, `${folder}/${name}.key`];
  const [request, config] = [`${folder}/${name}.csr`, `${folder}/${name}.cnf`];
  await openssl(
    "req",
    "-new",
    ...NEW_KEY,
    "-subj",
    `/CN=${name}`,
    "-addext",
    "basicConstraints=critical,CA:FALSE",
    "-addext",
    `subjectAltName=${alt}`,
    "-keyout",
    key,
    "-out",
    request,
  );
  await Deno.writeTextFile(`${folder}/${name}.index`, "");
  await Deno.writeTextFile(
    config,
    `[ca]
default_ca = ca_of_tests
[ca_of_tests]
database = ${folder}/${name}.index
new_certs_dir = ${folder}
rand_serial = yes
default_md = sha256
copy_extensions = copy
policy = any
[any]
commonName = supplied
`,
  );
  await openssl(
    "ca",
    "-batch",
    "-notext",
    "-config",
    config,
    "-cert",
    `${folder}/ca.pem`,
    "-keyfile",
    `${folder}/ca.key`,
    "-startdate",
    `${from}0101000000Z`,
    "-enddate",
    `${to}0101000000Z`,
    "-in",
    request,
    "-out",
    cert,
  );
  return await read(cert, key);
}

const NEW_KEY = [
  "-newkey",
  "ec",
  "-pkeyopt",
  "ec_paramgen_curve:prime256v1",
  "-nodes",
];

async function openssl(...args: string[]) {
  const { success, stderr } = await new Deno.Command("openssl", { args })
    .output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

async function read(cert: string, key: string) {
  return {
    cert: await Deno.readTextFile(cert),
    key: await Deno.readTextFile(key),
  };
}
