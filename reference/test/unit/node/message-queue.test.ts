import { describe, expect, it } from 'vitest';
import { MisuseError } from '../../../core/index.ts';
import { MessageQueue, type QueuedMessage } from '../../../node/session/message-queue.ts';

const message = (number: number): QueuedMessage => ({ data: Uint8Array.of(number), number, redelivered: false });
const error = new MisuseError('HAWSER_ERR_MISUSE_TEST', 'A test.');

describe('MessageQueue', () => {
  it('keeps the order, whether the reader or the message comes first', async () => {
    const queue = new MessageQueue();
    queue.push(message(1));
    queue.push(message(2));
    expect((await queue.next())?.number).toBe(1);
    expect((await queue.next())?.number).toBe(2);
    const third = queue.next();
    const fourth = queue.next();
    queue.push(message(3));
    queue.push(message(4));
    expect([(await third)?.number, (await fourth)?.number]).toEqual([3, 4]);
    expect(queue.empty).toBe(true);
  });

  it('gives what waits before the end', async () => {
    const queue = new MessageQueue();
    queue.push(message(1));
    queue.end();
    expect((await queue.next())?.number).toBe(1);
    expect(await queue.next()).toBeUndefined();
    expect(queue.take()).toBeUndefined();
  });

  it('discards what waits when it fails, and rejects readers', async () => {
    const queue = new MessageQueue();
    queue.push(message(1));
    queue.fail(error);
    await expect(queue.next()).rejects.toBe(error);
    const other = new MessageQueue();
    const reader = other.next();
    other.fail(error);
    await expect(reader).rejects.toBe(error);
  });

  it('has one end: a failure after it changes nothing', async () => {
    const queue = new MessageQueue();
    queue.push(message(1));
    queue.end();
    queue.fail(error);
    expect((await queue.next())?.number).toBe(1);
    expect(await queue.next()).toBeUndefined();
  });
});
