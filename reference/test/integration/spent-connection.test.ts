import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { Event } from '../../core/index.ts';
import type { Application } from '../../node/index.ts';
import { CutProxy } from './support/cut-proxy.ts';
import { RecordingLog, connectClient, startServer } from './support/endpoints.ts';
import { type Kit, createKit } from './support/kit.ts';
import { happens } from './support/waiting.ts';

/** So many records a connection may carry in this file. */
const RECORDS = vi.hoisted(() => 400);

vi.mock('../../core/registry.gen.ts', async (original) => {
  const registry = await original<typeof import('../../core/registry.gen.ts')>();
  return { ...registry, LIMITS: { ...registry.LIMITS, max_connection_records: RECORDS } };
});

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

describe('a connection that has sent three quarters of its records', () => {
  it('is left, with as many attempts as that takes [CNT-056]', async () => {
    const swallow: Application = (channel) => {
      channel.onMessage = () => undefined;
    };
    const { port } = await startServer(kit, { applications: new Map([['swallow', swallow]]) });
    const gone = await startServer(kit);
    await gone.server.close();
    const proxy = await CutProxy.start(port);
    const log = new RecordingLog();
    const seen: Event['type'][] = [];
    const session = await connectClient(kit, proxy.port, {
      continuity: { retentionMs: 60_000, reconnectBoundMs: 1 },
      log,
      observe: ({ type }) => void seen.push(type),
    });
    proxy.target = gone.port;
    const tried = log.line('the session could not be moved yet').then(() => [...seen]);
    const moved = happens(session, 'attached');
    const channel = await session.open('swallow');
    for (let sent = 0; sent < RECORDS * 0.8; sent += 8) await channel.send(new Uint8Array(8 * 16_384));
    // The server, which has sent as much by and by, has not asked for it yet.
    expect(await tried).not.toContain('draining');
    proxy.target = port;
    await moved;
    expect(session.epoch).toBe(2);
  });
});
