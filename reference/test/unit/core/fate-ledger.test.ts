import { describe, expect, it } from 'vitest';
import type { MessageRange } from '../../../core/index.ts';
import { FateLedger, joinRanges, type RunHolder } from '../../../core/fate-ledger.ts';

function channel(number: number): RunHolder {
  return { number, run: undefined };
}

describe('FateLedger', () => {
  it('keeps messages until their last fragment is within a cursor [SES-018]', () => {
    const ledger = new FateLedger();
    const one = channel(1);
    ledger.sent(one, 1, 10);
    ledger.sent(one, 2, 11);
    ledger.sent(one, 3, 12);
    ledger.received(9);
    expect(ledger.ranges()).toEqual([{ channel: 1, first: 1, last: 3 }]);
    ledger.received(11);
    expect(ledger.ranges()).toEqual([{ channel: 1, first: 3, last: 3 }]);
    ledger.received(12);
    expect(ledger.ranges()).toEqual([]);
  });

  it('finds the place of a cursor in a regular pattern', () => {
    for (let cursor = 0; cursor <= 60; cursor += 1) {
      const ledger = new FateLedger();
      const channels = [channel(1), channel(2)];
      // Two channels in turn, three fragments to each message: 3, 6, 9, ...
      for (let message = 0; message < 20; message += 1) {
        ledger.sent(channels[message % 2]!, Math.floor(message / 2) + 1, 3 * (message + 1));
      }
      ledger.received(cursor);
      const known = Math.floor(cursor / 3);
      const ranges = [
        { channel: 1, first: Math.ceil(known / 2) + 1, last: 10 },
        { channel: 2, first: Math.floor(known / 2) + 1, last: 10 },
      ];
      expect(ledger.ranges()).toEqual(ranges.filter(({ first }) => first <= 10));
    }
  });

  it('goes on with a channel whose earlier messages are forgotten', () => {
    const ledger = new FateLedger();
    const one = channel(1);
    ledger.sent(one, 1, 1);
    ledger.received(1);
    ledger.sent(one, 2, 2);
    expect(ledger.ranges()).toEqual([{ channel: 1, first: 2, last: 2 }]);
  });

  it('forgets messages out of the middle, and finds the place of a cursor among the rest', () => {
    for (let cursor = 0; cursor <= 22; cursor += 1) {
      const ledger = new FateLedger();
      const [one, two] = [channel(1), channel(2)];
      for (let number = 1; number <= 10; number += 1) {
        ledger.sent(one, number, 2 * number);
        ledger.sent(two, number, 2 * number + 1);
      }
      ledger.forget({ channel: 1, first: 4, last: 6 });
      ledger.forget({ channel: 1, first: 10, last: 12 });
      ledger.received(cursor);
      const left = (channel: number, first: number, last: number): MessageRange[] => {
        const known = Math.floor((cursor - channel + 1) / 2);
        const range = { channel, first: Math.max(first, known + 1), last };
        return range.first <= last ? [range] : [];
      };
      expect(ledger.ranges()).toEqual([...left(1, 1, 3), ...left(1, 7, 9), ...left(2, 1, 10)]);
    }
  });

  it('remembers any number of regular messages as one entry', () => {
    const ledger = new FateLedger();
    const one = channel(1);
    for (let number = 1; number <= 100_000; number += 1) ledger.sent(one, number, 2 * number);
    expect(ledger.wantsBarrier).toBe(false);
    expect(ledger.full).toBe(false);
  });

  it('wants to know more, and at last is full, when there is no pattern', () => {
    const ledger = new FateLedger();
    let seq = 0;
    const send = (entries: number): void => {
      for (let entry = 0; entry < entries; entry += 1) ledger.sent(channel(1), 1, (seq += 1));
    };
    send(1023);
    expect(ledger.wantsBarrier).toBe(false);
    send(1);
    expect(ledger.wantsBarrier).toBe(true);
    expect(ledger.full).toBe(false);
    send(65_536 - 1024);
    expect(ledger.full).toBe(true);
    ledger.received(seq - 1);
    expect([ledger.full, ledger.wantsBarrier]).toEqual([false, false]);
  });
});

describe('joinRanges', () => {
  it('joins what touches, by channel', () => {
    expect(
      joinRanges([
        { channel: 2, first: 1, last: 1 },
        { channel: 1, first: 4, last: 9 },
        { channel: 1, first: 1, last: 2 },
        { channel: 1, first: 3, last: 3 },
        { channel: 1, first: 11, last: 11 },
      ]),
    ).toEqual([
      { channel: 1, first: 1, last: 9 },
      { channel: 1, first: 11, last: 11 },
      { channel: 2, first: 1, last: 1 },
    ]);
  });
});
