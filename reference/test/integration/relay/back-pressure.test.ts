import { setImmediate as turn } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { PARAMETER } from '../../../core/index.ts';
import type { Channel } from '../../../node/index.ts';
import { type Kit, createKit } from '../support/kit.ts';
import { read, startApplicationEnd } from './support/application-end.ts';
import { APPLICATION, startSocketRelay, tcpRoute } from './support/socket-relay.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

const MESSAGE = new Uint8Array(16_000);
/** What kernel buffers of two sockets can hold by far, and by far less than is offered. */
const MOST_OCTETS = 32 * 1024 * 1024;

/** Until a number does not change any more: whatever holds octets is full. */
async function still(value: () => number): Promise<number> {
  for (let same = 0, before = -1; same < 200; same = value() === before ? same + 1 : 0) {
    before = value();
    await turn();
  }
  return value();
}

/** Sends without end, and says how much the transport took. */
function sendEndlessly(channel: Channel): { readonly octets: number } {
  const sent = { octets: 0 };
  const send = async (): Promise<void> => {
    for (;;) {
      await channel.send(MESSAGE);
      sent.octets += MESSAGE.length;
    }
  };
  // It ends with the channel.
  send().catch(() => undefined);
  return sent;
}

describe('an application end that does not read', () => {
  it('holds its own channel back, and no other [RLY-025] [RLY-026]', async () => {
    const end = await startApplicationEnd();
    const { session, records } = await startSocketRelay(kit, tcpRoute(end.port));
    const stalled = await session.open(APPLICATION);
    const silent = await end.next();
    silent.pause();
    const sent = sendEndlessly(stalled);
    const most = await still(() => sent.octets);
    expect(most).toBeLessThan(MOST_OCTETS);
    const other = await session.open(APPLICATION);
    const socket = await end.next();
    socket.pipe(socket);
    const answers = other[Symbol.asyncIterator]();
    await other.send(Buffer.from('not held back'));
    expect(Buffer.from((await answers.next()).value!).toString()).toBe('not held back');
    // What the relay has taken beyond the kernel's buffers is the credit that the channel started with.
    const { bytesIn } = records[0]!.fields({ type: 'closed' }, 0);
    silent.resume();
    let arrived = 0;
    silent.on('data', (chunk: Buffer) => (arrived += chunk.length));
    await read(silent, bytesIn);
    expect(arrived).toBeGreaterThanOrEqual(bytesIn);
    expect(PARAMETER.initial_byte_credit.default).toBeLessThan(bytesIn);
    stalled.reset();
  });
});

describe('a client that does not take messages', () => {
  it('is what the application end waits for [RLY-025] [RLY-026]', async () => {
    const end = await startApplicationEnd();
    const { session, records } = await startSocketRelay(kit, tcpRoute(end.port));
    const channel = await session.open(APPLICATION);
    const socket = await end.next();
    let offered = 0;
    const offer = (): void => {
      while (offered < 2 * MOST_OCTETS) {
        offered += MESSAGE.length;
        if (!socket.write(MESSAGE)) {
          socket.once('drain', offer);
          return;
        }
      }
    };
    offer();
    const passed = (): number => records[0]!.fields({ type: 'closed' }, 0).bytesOut;
    const most = await still(passed);
    // What is granted, each message being what was read at once, and what waits in the channel.
    expect(most).toBeLessThan((PARAMETER.initial_message_credit.default + 4) * 64 * 1024);
    expect(offered).toBeLessThan(2 * MOST_OCTETS);
    let received = 0;
    const all = new Promise<void>((resolve) => {
      channel.onMessage = (message) => {
        received += message.length;
        if (received >= 2 * most) resolve();
      };
    });
    await all;
  });
});
