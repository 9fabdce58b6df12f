import { setImmediate as turn } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { connectClient, startServer } from './support/endpoints.ts';
import { type Kit, createKit } from './support/kit.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

const COUNT = 2_000;

describe('a channel with many small messages', () => {
  it.each([
    ['each in a turn of its own', turn],
    ['one right after the other', () => Promise.resolve()],
  ])('goes on when a sender waits for each promise: %s', async (_name, pause) => {
    const { port } = await startServer(kit);
    const channel = await (await connectClient(kit, port)).open('test/sink');
    const answer = channel[Symbol.asyncIterator]();
    for (let sent = 0; sent < COUNT; sent += 1) {
      await channel.send(new Uint8Array(64));
      await pause();
    }
    channel.end();
    const { value } = await answer.next();
    expect(Buffer.from(value ?? []).toString()).toBe(`${COUNT} ${COUNT * 64}`);
  });
});
