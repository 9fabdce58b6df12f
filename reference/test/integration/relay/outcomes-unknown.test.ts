import { beforeAll, describe, expect, it } from 'vitest';
import type { OutcomeRange } from '../../../node/index.ts';
import { type Kit, createKit } from '../support/kit.ts';
import { startApplicationEnd } from './support/application-end.ts';
import { APPLICATION, messagesOf, startSocketRelay, tcpRoute } from './support/socket-relay.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

describe.each([
  ['a session of one connection', {}],
  ['a resumable session', { continuity: { retentionMs: 60_000, reconnectBoundMs: 1 } }],
])('a channel with outcomes to a TCP peer, in %s', (_what, client) => {
  it('gives credit without a verdict, and ends by RESET(NO_ERROR), each message unknown [RLY-030] [RLY-054]', async () => {
    const end = await startApplicationEnd();
    const { session } = await startSocketRelay(kit, tcpRoute(end.port, { framing: 'length16' }), {}, client);
    const channel = await session.open(APPLICATION, { outcomes: true });
    const told: OutcomeRange[] = [];
    channel.onOutcome = (range) => void told.push(range);
    const socket = await end.next();
    socket.pipe(socket);
    const received = messagesOf(channel);
    // More than the credit that the channel starts with.
    const count = 300;
    for (let number = 1; number <= count; number += 1) await channel.send(Buffer.from(String(number)));
    channel.end();
    expect((await received).map(String)).toEqual(Array.from({ length: count }, (_, index) => String(index + 1)));
    expect(await channel.closed).toMatchObject({ type: 'reset', code: 'NO_ERROR', remote: true });
    expect(told).toEqual([{ first: 1, last: count, outcome: { type: 'unknown' } }]);
  });
});
