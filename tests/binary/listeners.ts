/**
 * What a process listens on, as the kernel tells it: `127.0.0.1:80` with the
 * address as `/proc` writes it, and paths of sockets. Datagram sockets count.
 */
export function listenersOf(pid: number): string[] {
  const own = socketsOf(pid);
  const table = (name: string) =>
    Deno.readTextFileSync(`/proc/${pid}/net/${name}`).trimEnd().split("\n")
      .slice(1).map((line) => line.trim().split(/\s+/));
  const inet = (name: string, states: readonly string[]) =>
    table(name)
      .filter((row) => states.includes(row[3]!) && own.has(row[9]!))
      .map((row) => `${name} ${portOf(row[1]!)}`);
  // Flag 0x10000: it accepts connections.
  const unix = table("unix")
    .filter((row) => own.has(row[6]!) && row[7] !== undefined)
    .filter((row) => row[3] === "00010000" || row[4] === "0002")
    .map((row) => `unix ${row[7]}`);
  return [
    ...inet("tcp", [LISTEN]),
    ...inet("tcp6", [LISTEN]),
    ...inet("udp", [UNCONNECTED]),
    ...inet("udp6", [UNCONNECTED]),
    ...unix,
  ].sort();
}

const LISTEN = "0A";
const UNCONNECTED = "07";

/** Numbers of the sockets that a process holds. */
function socketsOf(pid: number): Set<string> {
  const numbers = new Set<string>();
  for (const { name } of Deno.readDirSync(`/proc/${pid}/fd`)) {
    try {
      const target = Deno.readLinkSync(`/proc/${pid}/fd/${name}`);
      const number = /^socket:\[(\d+)\]$/.exec(target)?.[1];
      if (number !== undefined) numbers.add(number);
    } catch (error) {
      // It was closed meanwhile.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return numbers;
}

/** `0100007F:1F90` names 127.0.0.1 and port 8080. */
function portOf(address: string): string {
  const [host, port] = address.split(":");
  return `${host} ${Number.parseInt(port!, 16)}`;
}
