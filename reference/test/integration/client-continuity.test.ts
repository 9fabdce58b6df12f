import { beforeAll, describe, expect, it } from 'vitest';
import { connectClient, startServer } from './support/endpoints.ts';
import { type Kit, createKit } from './support/kit.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

describe('a client with continuity', () => {
  it('ends a session that it has left without a connection when its retention is over [CNT-017]', async () => {
    const { port } = await startServer(kit);
    const session = await connectClient(kit, port, { continuity: { retentionMs: 60 } });
    session.detach();
    expect(await session.closed).toMatchObject({ session: 'ended', outcome: 'aborted' });
  });
});
