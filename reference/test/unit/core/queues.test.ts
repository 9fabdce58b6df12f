import { describe, expect, it } from 'vitest';
import { MessageAssembly } from '../../../core/message-assembly.ts';
import { PingQueue } from '../../../core/ping-queue.ts';
import { SendQueue } from '../../../core/send-queue.ts';

describe('SendQueue', () => {
  it('gives messages in order, in pieces of any size', () => {
    const queue = new SendQueue();
    queue.push(Uint8Array.of(1, 2, 3));
    queue.push(new Uint8Array(0));
    queue.push(Uint8Array.of(4));
    expect([queue.bytes, queue.size, queue.headBytes, queue.begun]).toEqual([4, 3, 3, false]);
    expect(queue.take(2)).toEqual({ fragment: Uint8Array.of(1, 2), last: false });
    expect([queue.bytes, queue.size, queue.headBytes, queue.begun]).toEqual([2, 3, 1, true]);
    expect(queue.take(2)).toEqual({ fragment: Uint8Array.of(3), last: true });
    expect(queue.take(0)).toEqual({ fragment: new Uint8Array(0), last: true });
    expect(queue.take(9)).toEqual({ fragment: Uint8Array.of(4), last: true });
    expect(queue.take(9)).toBeUndefined();
    expect([queue.bytes, queue.size, queue.headBytes]).toEqual([0, 0, undefined]);
  });

  it('gives a whole message as it was given', () => {
    const queue = new SendQueue();
    const message = new Uint8Array(10);
    queue.push(message);
    expect(queue.take(10)!.fragment).toBe(message);
  });

  it('keeps its order over any mixture of coming and going', () => {
    const queue = new SendQueue();
    let pushed = 0;
    let taken = 0;
    for (let round = 0; round < 300; round += 1) {
      for (let count = 0; count < round % 7; count += 1) queue.push(Uint8Array.of((pushed += 1) % 256));
      for (let count = 0; count < round % 5; count += 1) {
        const next = queue.take(1);
        if (next !== undefined) expect(next.fragment[0]).toBe((taken += 1) % 256);
      }
      expect(queue.size).toBe(pushed - taken);
    }
  });
});

describe('MessageAssembly', () => {
  it('gathers fragments, and begins anew', () => {
    const assembly = new MessageAssembly(100);
    assembly.append(Uint8Array.of(1));
    assembly.append(Uint8Array.of(2, 3));
    expect([assembly.incomplete, assembly.length]).toEqual([true, 3]);
    const message = assembly.take();
    expect(message).toEqual(Uint8Array.of(1, 2, 3));
    assembly.append(Uint8Array.of(9));
    expect(message).toEqual(Uint8Array.of(1, 2, 3));
    assembly.clear();
    expect([assembly.incomplete, assembly.length]).toEqual([false, 0]);
  });

  it('holds less than twice what has come in small fragments, and never more than the largest message [CHN-026]', () => {
    const assembly = new MessageAssembly(1000);
    for (let length = 1; length <= 1000; length += 1) {
      assembly.append(Uint8Array.of(length % 256));
      if (length > 1) {
        const held = new MessageAssembly(1000);
        for (let count = 0; count < length; count += 1) held.append(Uint8Array.of(1));
        expect(held.take().buffer.byteLength).toBeLessThan(Math.min(1001, 2 * length));
      }
    }
    expect(assembly.take().buffer.byteLength).toBe(1000);
  });
});

describe('PingQueue', () => {
  it('matches answers in order [SES-007]', () => {
    const queue = new PingQueue();
    const first = queue.add(1, 10, 'asked');
    const second = queue.add(2, 20, 'liveness');
    expect(queue.answer(second)).toBeUndefined();
    expect(queue.answer(first)).toMatchObject({ sentAt: 1, sendCursor: 10, purpose: 'asked' });
    expect(queue.answer(first)).toBeUndefined();
    expect(queue.answer(second)).toMatchObject({ sentAt: 2, sendCursor: 20, purpose: 'liveness' });
    expect(queue.answer(second)).toBeUndefined();
  });

  it('is full with max_outstanding_pings [SES-008]', () => {
    const queue = new PingQueue();
    for (let count = 0; count < 15; count += 1) queue.add(0, 0, 'asked');
    expect(queue.full).toBe(false);
    queue.add(0, 0, 'asked');
    expect(queue.full).toBe(true);
  });
});
