/** How far an installation goes, and who hears of it. */
export interface Steps {
  /** Nothing is changed. */
  readonly isRehearsal: boolean;
  /**
   * Says what is about to be done, and does it unless this is a rehearsal.
   *
   * @param what Such as `create user plexd`.
   */
  do(what: string, work: () => void | Promise<void>): Promise<void>;
  /** Says something that people should know. */
  tell(line: string): void;
}

/** Steps that are told line by line. */
export function toldSteps(
  isRehearsal: boolean,
  tell: (line: string) => void,
): Steps {
  return {
    isRehearsal,
    async do(what, work) {
      tell(isRehearsal ? `would ${what}` : what);
      if (!isRehearsal) await work();
    },
    tell,
  };
}
