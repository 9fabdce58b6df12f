import { describe, expect, it } from 'vitest';
import { createClientConnection } from '../../../core/index.ts';
import { clientOptions } from './pair.ts';
import { eventsOf, frame } from './wire.ts';

describe('an attempt of a client', () => {
  it('has failed by any REJECT, also by one of a server that goes away', () => {
    const client = createClientConnection(clientOptions());
    const [closed] = eventsOf(client.receive(frame('REJECT', '0302 00000014 0000'), 0), 'closed');
    expect(closed).toMatchObject({ outcome: 'error', error: { wireName: 'SHUTTING_DOWN', retryAfterMs: 20 } });
  });
});
