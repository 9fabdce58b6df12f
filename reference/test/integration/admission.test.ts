import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { connectClient, expectEcho, startServer } from './support/endpoints.ts';
import { type Kit, createKit } from './support/kit.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

describe('a server cuts, before TLS,', () => {
  it('connections beyond the half-open ones of an address, and takes new ones when these are gone', async () => {
    const { port, log } = await startServer(kit, { limits: { maxHalfOpenPerAddress: 2 } });
    const waiting = [connectTcp(port, '127.0.0.1'), connectTcp(port, '127.0.0.1')];
    for (const socket of waiting) {
      onTestFinished(() => void socket.destroy());
      await once(socket, 'connect');
    }
    await expect(connectClient(kit, port)).rejects.toThrow();
    const line = await log.line('connection refused before TLS');
    expect(line.fields).toMatchObject({ reason: 'too-many-half-open-from-address' });
    for (const socket of waiting) {
      const ended = log.line('TLS handshake failed');
      socket.resetAndDestroy();
      await ended;
    }
    await expectEcho(await connectClient(kit, port));
  });

  it('connections beyond the greatest number', async () => {
    const { port, log } = await startServer(kit, { limits: { maxConnections: 1 } });
    const session = await connectClient(kit, port);
    await expect(connectClient(kit, port)).rejects.toThrow();
    expect((await log.line('connection refused before TLS')).fields).toMatchObject({ reason: 'too-many-connections' });
    await expectEcho(session);
  });

  it('connections that come too fast', async () => {
    const { port, log } = await startServer(kit, { limits: { maxAcceptsPerSecond: 1 } });
    await connectClient(kit, port);
    await expect(connectClient(kit, port)).rejects.toThrow();
    expect((await log.line('connection refused before TLS')).fields).toMatchObject({ reason: 'too-fast' });
  });
});
