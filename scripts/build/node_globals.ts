/**
 * Packages that are written for Node. From source the runtime gives them Node's
 * globals; in a bundle they would get those of the web, whose timers are numbers.
 */
const NODE_PIECE = /^undici_library/;

/** One line, so that a source map needs one more line, too. */
const GLOBALS = "import{clearInterval,clearTimeout,setImmediate,setInterval," +
  'setTimeout}from"node:timers";\n';

/** A piece of a bundle, with its source map. */
interface Mapped {
  readonly text: string;
  readonly map: string | undefined;
}

/** The piece, with Node's timers where it is a package that counts on them. */
export function withNodeGlobals(name: string, { text, map }: Mapped): Mapped {
  if (!NODE_PIECE.test(name)) return { text, map };
  return {
    text: GLOBALS + text,
    map: map?.replace('"mappings":"', '"mappings":";'),
  };
}
