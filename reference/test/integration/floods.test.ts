import { beforeAll, describe, expect, it } from 'vitest';
import { FLAG } from '../../core/index.ts';
import { encodeCredit } from '../../core/frames/credit.ts';
import { connectClient, expectEcho, startServer } from './support/endpoints.ts';
import { type Kit, createKit } from './support/kit.ts';
import { type EstablishedRawClient, establishRaw } from './support/raw-peer.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

const FRAMES_SENT = 10_000;
const WHOLE = FLAG.MESSAGE.FIRST | FLAG.MESSAGE.LAST;

/** An unknown type that may be ignored. */
const IGNORABLE = Buffer.from('9b000000000000000000000000000000', 'hex');

const FLOODS: readonly {
  readonly name: string;
  readonly code: string;
  readonly write: (client: EstablishedRawClient, index: number) => void;
}[] = [
  { name: 'PING', code: 'RATE_EXCEEDED', write: (client) => client.write('PING', new Uint8Array(8)) },
  { name: 'ignorable', code: 'RATE_EXCEEDED', write: (client) => client.socket.write(IGNORABLE) },
  {
    name: 'empty MESSAGE',
    code: 'CREDIT_EXCEEDED',
    write: (client) => client.write('MESSAGE', new Uint8Array(0), WHOLE, 1),
  },
  {
    name: 'CREDIT without change',
    code: 'CREDIT_INVALID',
    write: (client) =>
      client.write('CREDIT', encodeCredit({ messageLimit: 1_000_000, byteLimit: 1_000_000_000 }), 0, 1),
  },
  {
    name: 'OPEN of one channel after the other',
    code: 'CHANNEL_INVALID',
    write: (client) =>
      client.write('OPEN', Buffer.concat([new Uint8Array(32), Buffer.from('0001780000', 'hex')]), 0, 9),
  },
];

describe(`${FRAMES_SENT.toLocaleString('en')} frames in a row`, () => {
  it.each(FLOODS)('of $name end in $code, in little memory, other sessions undisturbed', async ({ code, write }) => {
    const { port, server } = await startServer(kit);
    const other = await connectClient(kit, port);
    const client = await establishRaw(kit, port);
    await client.open('test/hold');
    const before = process.memoryUsage();
    for (let index = 0; index < FRAMES_SENT; index++) write(client, index);
    expect(await client.reader.code('CLOSE')).toBe(code);
    await client.reader.ended;
    const after = process.memoryUsage();
    // What the flooding test itself queues is part of it.
    expect(after.heapUsed + after.external - before.heapUsed - before.external).toBeLessThan(64 * 1024 * 1024);
    await expectEcho(other);
    expect(server.sessions).toHaveLength(1);
  });

  it('of CREDIT that raises a limit each time are taken, and nothing is sent for them', async () => {
    const { port } = await startServer(kit);
    const client = await establishRaw(kit, port);
    await client.open('test/hold');
    const frames = client.reader.frames.length;
    for (let index = 1; index <= FRAMES_SENT; index++) {
      client.write('CREDIT', encodeCredit({ messageLimit: 1_000 + index, byteLimit: 2_000_000_000 }), 0, 1);
    }
    client.write('PING', new Uint8Array(8));
    await client.reader.frame('PONG');
    expect(client.reader.frames.slice(frames).map(({ name }) => name)).toEqual(['PONG']);
  });
});
