import { describe, expect, it } from 'vitest';
import { createClientConnection } from '../../../core/index.ts';
import { clientOptions, exchange, openPair, takeEvents } from './pair.ts';
import { eventsOf, frame } from './wire.ts';

describe('an attempt of a client', () => {
  it('has failed by any REJECT, also by one of a server that goes away', () => {
    const client = createClientConnection(clientOptions());
    const [closed] = eventsOf(client.receive(frame('REJECT', '0302 00000014 0000'), 0), 'closed');
    expect(closed).toMatchObject({ outcome: 'error', error: { wireName: 'SHUTTING_DOWN', retryAfterMs: 20 } });
  });
});

describe('a resumable session', () => {
  it('takes the cursor of a CLOSE that leaves it detached for an acknowledgement', () => {
    const continuity = { retentionMs: 1000, custody: 'received' } as const;
    const pair = openPair({ continuity }, {}, { retentionMs: 1000 });
    pair.client.sendMessage(1, new Uint8Array(1), 0);
    pair.server.receive(Buffer.concat(pair.client.takeOutput()), 0);
    // Its ACK is lost; only CLOSE arrives.
    pair.server.takeOutput();
    pair.server.detach('NO_ERROR', 0);
    exchange(pair);
    const accepted = { type: 'messages-settled', channel: 1, first: 1, last: 1, outcome: 'accepted', verdict: 0 };
    expect(takeEvents(pair).client).toMatchObject([accepted, { type: 'closed', session: 'detached' }]);
    expect(pair.client.session?.gapAt(1)).toEqual({ first: 2, last: 2 });
  });
});
