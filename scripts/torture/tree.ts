import { makeFolders } from "../../src/store/folders.ts";
import { MEMORY_ROOT } from "./reopen.ts";

const folders = namesOfFolders();

/** Paths of a membership's folders, for a disk in memory. */
export function emptyFolders(): readonly string[] {
  return folders;
}

/** The store's own list, by making them once for real. */
function namesOfFolders(): string[] {
  const root = Deno.makeTempDirSync({ prefix: "plexd-folders-" });
  try {
    makeFolders(root);
    return [root, ...below(root)]
      .map((path) => path.replace(root, MEMORY_ROOT));
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}

function below(folder: string): string[] {
  return [...Deno.readDirSync(folder)]
    .filter(({ isDirectory }) => isDirectory)
    .map(({ name }) => `${folder}/${name}`)
    .flatMap((path) => [path, ...below(path)]);
}
