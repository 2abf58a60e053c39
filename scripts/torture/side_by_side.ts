/** Works through a list, several at a time, each worker with a number. */
export async function sideBySide<Item>(
  items: readonly Item[],
  workers: number,
  work: (item: Item, worker: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: workers }, async (_, worker) => {
    while (next < items.length) await work(items[next++]!, worker);
  }));
}
