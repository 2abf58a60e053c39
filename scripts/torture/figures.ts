/** What has been tried, and what came of it. */
export class Figures {
  /** Moments at which a process was killed. */
  kills = 0;
  /** Calls that were made to fail. */
  faults = 0;
  /** Failing calls after which a start has rebuilt something, and said so. */
  repairs = 0;
  /** Legal states of a disk after a power cut. */
  states = 0;
  /** Flipped bits and missing ends. */
  damages = 0;
  /** Writes that were acknowledged before a crash and looked for after it. */
  acknowledged = 0;
  /** Requests that were sent to a local API to break it. */
  requests = 0;
  /** Answers to them. */
  answers = 0;
  /** Readers of what comes from a control plane. */
  parsers = 0;
  /** Inputs that were given to them. */
  inputs = 0;
  /** Readers that failed, held what they had read, or read it wrong. */
  readonly misread: string[] = [];
  /** Clients that were silent, slow, or never read. */
  slowClients = 0;
  /** Times that an agent was left without descriptors. */
  exhaustions = 0;
  /** Longest time that listeners did not answer after an attack, in ms. */
  longestOutageMs = 0;
  /** Listeners that did not serve, answers 500, memory beyond its bound. */
  readonly broken: string[] = [];
  /** What else was measured. */
  readonly notes: string[] = [];
  /** Acknowledged writes that were gone, half states and wrong values. */
  readonly losses: string[] = [];
  /** Starts that were refused after a crash. */
  readonly refused: string[] = [];
  /** Failures that had no type of the store's own. */
  readonly untyped: string[] = [];
  /** Parts that could not be run here, and why. */
  readonly skipped: string[] = [];

  get isGood(): boolean {
    return this.#bad.every((list) => list.length === 0);
  }

  get #bad(): readonly (readonly string[])[] {
    return [
      this.losses,
      this.refused,
      this.untyped,
      this.broken,
      this.misread,
    ];
  }

  /** For people: every figure, each thing that went wrong, and the sum. */
  lines(seed: number): string[] {
    const bad = this.#bad.flat();
    return [
      ...this.skipped.map((why) => `skipped: ${why}`),
      ...bad.map((what) => `WRONG: ${what}`),
      `kills                ${this.kills}`,
      `faults injected      ${this.faults}`,
      `told repairs         ${this.repairs}`,
      `power-loss states    ${this.states}`,
      `damaged files tried  ${this.damages}`,
      `acknowledged writes  ${this.acknowledged}`,
      `hostile requests     ${this.requests}`,
      `answers to them      ${this.answers}`,
      `slow clients         ${this.slowClients}`,
      `exhaustions          ${this.exhaustions}`,
      `longest outage       ${this.longestOutageMs.toFixed()} ms`,
      `parsers              ${this.parsers}`,
      `malformed inputs     ${this.inputs}`,
      ...this.notes,
      `misread inputs       ${this.misread.length}`,
      `broken listeners     ${this.broken.length}`,
      `losses               ${this.losses.length}`,
      `refused starts       ${this.refused.length}`,
      `untyped failures     ${this.untyped.length}`,
      `seed                 ${seed}`,
      this.#sum(seed),
    ];
  }

  #sum(seed: number): string {
    const tried = this.kills + this.faults + this.states + this.damages;
    const bad = this.#bad.flat().length;
    return `${bad === 0 ? "ok" : "FAILED"}: ${tried} crashes, faults and ` +
      `damages, ${this.acknowledged} acknowledged writes, ` +
      `${this.losses.length} losses, ${this.refused.length} refused starts, ` +
      `${this.requests} hostile requests, ` +
      `${this.inputs} malformed inputs (--seed ${seed})`;
  }
}
