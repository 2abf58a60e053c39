import type { Http, Target } from "./http.ts";

/**
 * The way of this runtime to a target. Deno's own is the only one that is loaded
 * there for a socket, as a command line that asks one question has no time for
 * more. It sends plain HTTP through a proxy of the environment, though, which
 * would read the bearer; `node:http` goes to the target itself.
 */
export async function runtimeHttp(target: Target): Promise<Http> {
  const isPlainTcp = typeof target !== "string" &&
    new URL(target.url).protocol === "http:";
  return "Deno" in globalThis && !isPlainTcp
    ? (await import("./deno_http.ts")).denoHttp
    : (await import("./node_http.ts")).nodeHttp;
}
