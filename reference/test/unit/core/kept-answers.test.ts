import { describe, expect, it } from 'vitest';
import { encodeFrame } from '../../../core/frames/header.ts';
import { encodeReset } from '../../../core/frames/reset.ts';
import { ERROR_CODE, LIMITS } from '../../../core/registry.gen.ts';
import { exchange, openPair, outputOf, type Pair, takeEvents } from './pair.ts';
import { framesIn } from './wire.ts';

const MAX_CHANNELS = 2000;

function keptPair(): Pair {
  const continuity = { retentionMs: 1000, custody: 'received' } as const;
  return openPair({ continuity }, {}, { retentionMs: 1000, maxChannels: MAX_CHANNELS });
}

function opensOf(pair: Pair): number {
  return framesIn(outputOf(pair.client)).filter(({ name }) => name === 'OPEN').length;
}

describe('a client in a resumable session', () => {
  it('holds OPEN back while too many answers are missing or not acknowledged [CNT-060]', () => {
    const pair = keptPair();
    for (let n = 0; n < LIMITS.max_pending_opens + 5; n += 1) pair.client.openChannel('a', {}, 0);
    const sent = outputOf(pair.client);
    expect(framesIn(sent).filter(({ name }) => name === 'OPEN')).toHaveLength(LIMITS.max_pending_opens);
    pair.server.receive(sent, 0);
    // Two answers have come, and the next thing that the client says acknowledges them.
    for (const channel of [2, 3]) pair.server.refuse(channel, 'APPLICATION_REFUSED', 0, 0);
    pair.client.receive(outputOf(pair.server), 0);
    expect(opensOf(pair)).toBe(2);
  });

  it('counts a channel that it has reset until the answer to that is acknowledged [CNT-060]', () => {
    const pair = keptPair();
    for (let n = 0; n < LIMITS.max_pending_opens + 1; n += 1) pair.client.openChannel('a', {}, 0);
    pair.server.receive(outputOf(pair.client), 0);
    pair.server.opened(2, {}, 0);
    pair.client.resetChannel(2, 'CANCELLED', 0);
    const reset = outputOf(pair.client);
    // OPENED was on its way when RESET was sent: it is not the answer.
    pair.client.receive(outputOf(pair.server), 0);
    expect(opensOf(pair)).toBe(0);
    pair.server.receive(reset, 0);
    pair.client.receive(outputOf(pair.server), 0);
    expect(opensOf(pair)).toBe(1);
  });
});

describe('answers that nobody acknowledges', () => {
  /** The server gets RESETs on a closed channel from a client of which nothing else comes any more. */
  function resets(pair: Pair, count: number, seq: number): void {
    const payload = encodeReset({ code: ERROR_CODE.CANCELLED });
    for (let n = 0; n < count; n += 1) pair.server.receive(encodeFrame('RESET', payload, 0, 1, seq + n), 0);
  }

  it('end the session when there are too many [CNT-061]', () => {
    const pair = keptPair();
    pair.client.endChannel(1, 0);
    exchange(pair);
    pair.server.endChannel(1, 0);
    exchange(pair);
    takeEvents(pair);
    resets(pair, LIMITS.max_kept_answers + MAX_CHANNELS, 3);
    expect(pair.server.error).toBeUndefined();
    resets(pair, 1, 3 + LIMITS.max_kept_answers + MAX_CHANNELS);
    expect(pair.server.error).toMatchObject({ wireName: 'RATE_EXCEEDED', requirement: 'CNT-061' });
  });
});
