import { beforeAll, describe, expect, it } from 'vitest';
import { RemoteError } from '../../core/index.ts';
import { connectClient, expectEcho, startServer } from './support/endpoints.ts';
import { CLIENT_IDENTITY, type Kit, SERVER_IDENTITY, createKit, issue } from './support/kit.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

describe('a session over real TLS', () => {
  it('is established with both identities, and carries messages both ways', async () => {
    const { port, server } = await startServer(kit);
    const session = await connectClient(kit, port);
    expect(session.peerIdentity).toBe(SERVER_IDENTITY);
    await expectEcho(session);
    expect(server.sessions.map(({ id, peerIdentity }) => [id, peerIdentity])).toEqual([[session.id, CLIENT_IDENTITY]]);
    const end = await session.close();
    expect(end).toMatchObject({ outcome: 'orderly', code: 'NO_ERROR', unknownMessages: [], undeliveredMessages: [] });
  });

  it('keeps order and octets of messages of every size up to the limit', async () => {
    const { port } = await startServer(kit, { parameters: { maxMessageBytes: 2_000_000 } });
    const session = await connectClient(kit, port, { parameters: { maxMessageBytes: 2_000_000 } });
    const channel = await session.open('test/echo');
    const sizes = [0, 1, 15, 16, 4095, 4096, 16_367, 16_368, 16_369, 65_536, 300_000, 2_000_000, 0, 7];
    const messages = sizes.map((size, index) => new Uint8Array(size).fill(index + 1));
    const answers = channel[Symbol.asyncIterator]();
    const sent = (async () => {
      for (const message of messages) await channel.send(message);
      channel.end();
    })();
    for (const message of messages) {
      const { value } = await answers.next();
      expect(Buffer.compare(value ?? new Uint8Array(1), message)).toBe(0);
    }
    expect(await answers.next()).toEqual({ done: true, value: undefined });
    await sent;
    expect(await channel.closed).toEqual({ type: 'closed' });
  });

  it.each(['ecdsa-p256', 'ecdsa-p384', 'ed25519', 'rsa-2048'] as const)('works with %s keys', async (keyAlgorithm) => {
    const server = await issue(kit.authority, { role: 'server', uris: [SERVER_IDENTITY], keyAlgorithm });
    const client = await issue(kit.authority, { role: 'client', uris: [CLIENT_IDENTITY], keyAlgorithm });
    const { port } = await startServer(kit, { credential: server });
    await expectEcho(await connectClient(kit, port, { credential: client }));
  });

  it('carries any number of messages one after the other', async () => {
    const { port } = await startServer(kit);
    const channel = await (await connectClient(kit, port)).open('test/echo');
    const answers = channel[Symbol.asyncIterator]();
    for (let index = 0; index < 2_000; index++) {
      await channel.send(Uint8Array.of(index));
      expect((await answers.next()).value?.[0]).toBe(index % 256);
    }
  });

  it('does not let a sender of empty messages outrun the credit', async () => {
    const { port } = await startServer(kit);
    const session = await connectClient(kit, port);
    const channel = await session.open('test/hold');
    let sent = 0;
    const sender = (async () => {
      for (; sent < 10_000; sent++) await channel.send(new Uint8Array(0));
    })();
    const outcome = expect(sender).rejects.toMatchObject({ code: 'HAWSER_ERR_MISUSE_CHANNEL_ENDED' });
    await session.ping();
    // The credit of 64, and what the channel queues.
    expect(sent).toBeLessThan(1_000);
    channel.reset();
    await outcome;
  });

  it('carries many channels at once', async () => {
    const { port } = await startServer(kit);
    const session = await connectClient(kit, port);
    await Promise.all(Array.from({ length: 16 }, () => expectEcho(session)));
  });

  it('gives refusals and resets their names', async () => {
    const { port } = await startServer(kit);
    const session = await connectClient(kit, port);
    await expect(session.open('no/such')).rejects.toMatchObject({ code: 'HAWSER_ERR_REMOTE_APPLICATION_REFUSED' });
    await expect(session.open('test/refuse')).rejects.toBeInstanceOf(RemoteError);
    const channel = await session.open('test/reset');
    await channel.send(Buffer.from('x'));
    expect(await channel.closed).toMatchObject({ type: 'reset', code: 'APPLICATION_ERROR', remote: true });
    await expectEcho(session);
  });

  it('hands application data to the application end and its answer back', async () => {
    const { port } = await startServer(kit);
    const session = await connectClient(kit, port);
    const channel = await session.open('test/data', { applicationData: Buffer.from('request') });
    expect(Buffer.from(channel.applicationData ?? []).toString()).toBe('request');
  });
});
