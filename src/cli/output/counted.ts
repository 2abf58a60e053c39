/** A number and its noun: `1 report`, `2 reports`, `0 entries`. */
export function counted(
  count: number,
  one: string,
  many: string = `${one}s`,
): string {
  return `${count} ${count === 1 ? one : many}`;
}
