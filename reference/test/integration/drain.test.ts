import { beforeAll, describe, expect, it } from 'vitest';
import { connectClient, startServer } from './support/endpoints.ts';
import { type Kit, createKit } from './support/kit.ts';
import { connectRaw, establishRaw, rawTlsOptions } from './support/raw-peer.ts';
import { TestClock, testEnvironment } from './support/test-clock.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

describe('draining', () => {
  it('ends every session with SHUTTING_DOWN and takes no new connection', async () => {
    const { server, port } = await startServer(kit);
    const sessions = await Promise.all([connectClient(kit, port), connectClient(kit, port)]);
    const channel = await sessions[0].open('test/hold');
    expect(await server.drain(60_000)).toBe(0);
    for (const session of sessions) {
      expect(await session.closed).toMatchObject({ outcome: 'orderly', code: 'SHUTTING_DOWN', remote: true });
    }
    expect(await channel.closed).toMatchObject({ type: 'session-ended' });
    await expect(connectClient(kit, port)).rejects.toMatchObject({ code: 'HAWSER_ERR_TRANSPORT_UNREACHABLE' });
    expect(server.sessions).toEqual([]);
  });

  it('rejects what is not established with SHUTTING_DOWN', async () => {
    const { server, port } = await startServer(kit);
    const { reader } = await connectRaw(rawTlsOptions(kit, port));
    await reader.frame('CHALLENGE');
    const drained = server.drain(60_000);
    expect(await reader.code('REJECT')).toBe('SHUTTING_DOWN');
    await drained;
  });

  it('cuts what has not closed at the deadline, and says how many', async () => {
    const clock = new TestClock();
    const { server, port } = await startServer(kit, { environment: testEnvironment(clock) });
    const { reader, socket } = await establishRaw(kit, port);
    // It reads, and neither answers nor closes.
    socket.allowHalfOpen = true;
    const drained = server.drain(1_000);
    expect(await reader.code('CLOSE')).toBe('SHUTTING_DOWN');
    clock.advance(1_000);
    expect(await drained).toBe(1);
  });

  it('ends when it is told twice', async () => {
    const { server, port } = await startServer(kit);
    const { reader, socket } = await establishRaw(kit, port);
    socket.allowHalfOpen = true;
    const drained = server.drain(60_000);
    expect(await reader.code('CLOSE')).toBe('SHUTTING_DOWN');
    await server.close();
    expect(await drained).toBe(0);
  });
});
