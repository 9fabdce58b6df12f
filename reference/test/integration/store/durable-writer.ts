/**
 * Commits to a durable store until it is killed: two entries with one number per commit, several sessions at once, and
 * a line with session and number on stdout for each commit that was resolved.
 *
 * Arguments: the directory, then the ids of the sessions.
 */
import { openDurableStore } from '../../../store/index.ts';

const [directory = '', ...ids] = process.argv.slice(2);
const store = await openDurableStore({ directory });
await Promise.all(
  ids.map(async (id) => {
    await store.create(
      { id, role: 'server', owner: 'client', epoch: 1, attempt: 0, retentionMs: 60_000 },
      { put: [], delete: [] },
    );
    for (let number = 0; ; number += 1) {
      const value = new TextEncoder().encode(`${number} `.repeat(1000));
      const put = [
        { key: 'a', value },
        { key: 'b', value },
        { key: `n/${number}`, value: new Uint8Array() },
      ];
      await store.commit(id, 1, { put, delete: number > 9 ? [`n/${number - 10}`] : [] });
      process.stdout.write(`${id} ${number}\n`);
    }
  }),
);
