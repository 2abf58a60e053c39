/** A server of releases on loopback. */
export interface FolderServer extends AsyncDisposable {
  readonly url: string;
  /** Paths that were asked for, in this order. */
  readonly asked: string[];
}

/** Options for {@linkcode serveFolder}. */
export interface ServeOptions {
  /** Answers in place of the file, where it returns something. */
  readonly instead?: (
    path: string,
    file: () => Promise<Uint8Array<ArrayBuffer>>,
  ) => Promise<Response | undefined> | Response | undefined;
}

/** Serves the files of a folder. */
export function serveFolder(
  folder: string,
  options: ServeOptions = {},
): FolderServer {
  const asked: string[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      const path = decodeURIComponent(new URL(request.url).pathname).slice(1);
      asked.push(path);
      const file = () => Deno.readFile(`${folder}/${path}`);
      const answer = await options.instead?.(path, file);
      if (answer) return answer;
      try {
        return new Response(await file());
      } catch {
        return new Response("no such file\n", { status: 404 });
      }
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    asked,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
