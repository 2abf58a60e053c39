import { isoTime } from "./clock.ts";

/**
 * What the runtime says of a call before it comes to why it failed: the address,
 * which stands elsewhere, and in which of its layers.
 */
const FETCH_PREAMBLE =
  /(?:fetch failed: )?error sending request .*?client error \(\w+\): (?:(?:tcp connect|dns) error: )?/;

/** The number of what the words before it have said. */
const SYSTEM_NUMBER = / \(os error \d+\)/g;

/** Said of an answer in plain text, as to https:// on a port of http://. */
const NO_TLS = "received corrupt message of type InvalidContentType";

/** Counts the seconds, so that the same failure has other words each time. */
const WRONG_TIME =
  /certificate (?:expired|not valid yet): verification time \d+ \(UNIX\), but certificate is not valid (after|before) (\d{1,11}) \(\d+ seconds (?:ago|in future)\)/g;

/** A certificate may be for hundreds of names; three tell whose it is. */
const OTHER_NAMES = /(certificate is only valid for(?: [^ ,]+,){3}) .*/s;

const OTHER_WORDS: Readonly<Record<string, string>> = {
  [NO_TLS]: "what answers there does not speak TLS",
  "certificate: UnknownIssuer":
    "certificate: its issuer is not known to this machine",
  "certificate: Other(OtherError(CaUsedAsEndEntity))":
    "certificate: it is one of an authority, not of a server",
  "unsuccessful tunnel": "the proxy refuses to connect there",
  "unexpected eof while tunneling": "the proxy hung up",
  "proxy authentication required": "the proxy wants a name and a password",
};

/**
 * The runtime's words about a failed call, as an engineer needs to hear them:
 * short, bounded, and the same for the same failure.
 */
export function inPlainWords(text: string): string {
  let plain = text.replace(FETCH_PREAMBLE, "").replaceAll(SYSTEM_NUMBER, "")
    .replaceAll(WRONG_TIME, (_all, side: string, seconds: string) => {
      const time = isoTime(Number(seconds) * 1_000);
      const says = side === "after"
        ? "it expired at"
        : "it is not valid before";
      return `${says} ${time}, by this machine's clock`;
    })
    .replace(OTHER_NAMES, "$1 …");
  for (const [said, meant] of Object.entries(OTHER_WORDS)) {
    plain = plain.replaceAll(said, meant);
  }
  return plain;
}
