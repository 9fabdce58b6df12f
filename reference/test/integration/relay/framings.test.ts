import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeMessage } from '../../../node/relay/framing.ts';
import type { Framing } from '../../../node/relay/route.ts';
import { type Kit, createKit } from '../support/kit.ts';
import { endOf, read, startApplicationEnd } from './support/application-end.ts';
import { APPLICATION, messagesOf, startSocketRelay, tcpRoute, tlsRoute } from './support/socket-relay.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

/** What `max_message_bytes` is unless declared otherwise. */
const LARGEST = 1024 * 1024;

const withoutLineFeeds = (octets: Buffer): Buffer => Buffer.from(octets.filter((octet) => octet !== 0x0a));

/** Messages of octets of all kinds that a framing can carry. */
function messagesFor(framing: Framing): Buffer[] {
  const largest = framing === 'length16' ? 65_535 : LARGEST;
  const sizes = [0, 1, 2, 255, 256, 16_384, 65_535, largest, 0, 3];
  return sizes.map((size) => (framing === 'line' ? withoutLineFeeds(randomBytes(size)) : randomBytes(size)));
}

describe('messages to an application end and back [RLY-016]', () => {
  it.each(['length16', 'length32', 'line'] as const)('are the same by framing %s', async (framing) => {
    const end = await startApplicationEnd();
    const { session, records } = await startSocketRelay(kit, tcpRoute(end.port, { framing }));
    const channel = await session.open(APPLICATION);
    const socket = await end.next();
    socket.pipe(socket);
    const received = messagesOf(channel);
    const messages = messagesFor(framing);
    for (const message of messages) await channel.send(message);
    channel.end();
    const back = await received;
    expect(back.map(({ length }) => length)).toEqual(messages.map(({ length }) => length));
    expect(back.every((message, index) => message.equals(messages[index]!))).toBe(true);
    expect(await channel.closed).toEqual({ type: 'closed' });
    const bytes = messages.reduce((sum, { length }) => sum + length, 0);
    const counted = { messagesIn: messages.length, bytesIn: bytes, messagesOut: messages.length, bytesOut: bytes };
    expect(records[0]?.fields({ type: 'closed' }, 0)).toMatchObject(counted);
  });

  it.each(['tcp', 'tls'] as const)('are the same octets by framing stream over %s', async (kind) => {
    const certificate = await kit.authority.issue({ role: 'server', dnsNames: ['localhost'] });
    const end = await startApplicationEnd(kind === 'tls' ? { certificate } : {});
    const route = kind === 'tls' ? tlsRoute(kit, end.port) : tcpRoute(end.port);
    const { session } = await startSocketRelay(kit, route);
    const channel = await session.open(APPLICATION);
    const socket = await end.next();
    socket.pipe(socket);
    const received = messagesOf(channel);
    const messages = messagesFor('stream');
    for (const message of messages) await channel.send(message);
    channel.end();
    expect(Buffer.concat(await received).equals(Buffer.concat(messages))).toBe(true);
    expect(await channel.closed).toEqual({ type: 'closed' });
  });

  it('arrive by the octets that the framing says', async () => {
    const end = await startApplicationEnd();
    const { session } = await startSocketRelay(kit, tcpRoute(end.port, { framing: 'length16' }));
    const channel = await session.open(APPLICATION);
    const socket = await end.next();
    void channel.send(Buffer.from('abc'));
    void channel.send(Buffer.alloc(0));
    expect((await read(socket, 7)).toString('hex')).toBe('00036162630000');
  });

  it('are found however the application end divides its octets', async () => {
    const end = await startApplicationEnd();
    const { session } = await startSocketRelay(kit, tcpRoute(end.port, { framing: 'length32' }));
    const channel = await session.open(APPLICATION);
    const socket = await end.next();
    socket.setNoDelay(true);
    const received = messagesOf(channel);
    const messages = [Buffer.from('first'), Buffer.alloc(0), randomBytes(300)];
    for (const octet of Buffer.concat(messages.flatMap((message) => encodeMessage('length32', message)))) {
      await new Promise((resolve) => socket.write(Uint8Array.of(octet), resolve));
    }
    socket.end();
    channel.end();
    expect(await received).toEqual(messages);
  });
});

describe('what a framing can not carry', () => {
  it.each([
    ['length16', Buffer.alloc(65_536)],
    ['line', Buffer.from('two\nlines')],
  ] as const)('resets the channel by %s, and nothing of it is written [RLY-017]', async (framing, message) => {
    const end = await startApplicationEnd();
    const { session } = await startSocketRelay(kit, tcpRoute(end.port, { framing }));
    const channel = await session.open(APPLICATION);
    const socket = await end.next();
    const octets: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => octets.push(chunk));
    const ended = endOf(socket);
    void channel.send(message);
    expect(await channel.closed).toMatchObject({ type: 'reset', code: 'FRAMING_INVALID', remote: true });
    expect(await ended).toBe('rst');
    expect(octets).toEqual([]);
  });

  it.each([
    ['length16', Buffer.alloc(65_536)],
    ['line', Buffer.from('two\nlines')],
  ] as const)('lets nothing behind it leave, not even the end, by %s [RLY-016] [RLY-019]', async (framing, message) => {
    const end = await startApplicationEnd();
    const { session } = await startSocketRelay(kit, tcpRoute(end.port, { framing }));
    const channel = await session.open(APPLICATION);
    const socket = await end.next();
    const octets: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => octets.push(chunk));
    const ended = endOf(socket);
    void channel.send(message);
    void channel.send(Buffer.from('behind it'));
    channel.end();
    expect(await ended).toBe('rst');
    expect(octets).toEqual([]);
  });

  it.each([
    ['length16', '0401'],
    ['length32', '00000401'],
    ['line', '61'.repeat(1025)],
  ] as const)('resets the channel when the application end sends it by %s [RLY-018]', async (framing, octets) => {
    const end = await startApplicationEnd();
    const client = { parameters: { maxMessageBytes: 1024 } };
    const { session } = await startSocketRelay(kit, tcpRoute(end.port, { framing }), {}, client);
    const channel = await session.open(APPLICATION);
    const socket = await end.next();
    const ended = endOf(socket);
    socket.write(Buffer.from(octets, 'hex'));
    expect(await channel.closed).toMatchObject({ type: 'reset', code: 'FRAMING_INVALID', remote: true });
    expect(await ended).toBe('rst');
  });

  it('is divided by framing stream into what the client takes', async () => {
    const end = await startApplicationEnd();
    const client = { parameters: { maxMessageBytes: 1024 } };
    const { session } = await startSocketRelay(kit, tcpRoute(end.port), {}, client);
    const channel = await session.open(APPLICATION);
    const octets = randomBytes(5000);
    (await end.next()).end(octets);
    expect(Buffer.concat(await messagesOf(channel)).equals(octets)).toBe(true);
  });

  it.each([
    ['length16', '00'],
    ['length16', '000261'],
    ['length32', '000000'],
    ['line', '6162'],
  ] as const)('is a direction that ends within a message: %s %s [RLY-018]', async (framing, octets) => {
    const end = await startApplicationEnd();
    const { session } = await startSocketRelay(kit, tcpRoute(end.port, { framing }));
    const channel = await session.open(APPLICATION);
    const socket = await end.next();
    socket.end(Buffer.from(octets, 'hex'));
    await once(socket, 'finish');
    expect(await channel.closed).toMatchObject({ type: 'reset', code: 'FRAMING_INVALID', remote: true });
  });
});
