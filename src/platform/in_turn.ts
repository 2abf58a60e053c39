const last = new WeakMap<object, Promise<unknown>>();

/**
 * Does `work` on `subject` once all earlier work on it is over, failed or not:
 * for steps that plan on what is there, wait, and then put the plan to use.
 */
export function inTurn<Result>(
  subject: object,
  work: () => Promise<Result>,
): Promise<Result> {
  const before = last.get(subject) ?? Promise.resolve();
  const result = before.then(work);
  last.set(subject, result.catch(() => {}));
  return result;
}
