import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { MisuseError } from '../../../core/index.ts';
import { type Channel, type ChannelEnd, ChannelDuplex } from '../../../node/index.ts';

const LOST = new MisuseError('HAWSER_ERR_MISUSE_CHANNEL_ENDED', 'The channel was reset.');

/** The side of a channel that the stream sees, with a peer that takes what it is told to take. */
class FakeChannel implements Pick<Channel, 'send' | 'end' | 'reset' | 'closed' | 'onMessage' | 'onEnd'> {
  readonly sent: string[] = [];
  ended = false;
  resets = 0;
  onMessage: Channel['onMessage'];
  onEnd: Channel['onEnd'];
  close: (end: ChannelEnd) => void = () => undefined;
  readonly closed = new Promise<ChannelEnd>((resolve) => (this.close = resolve));
  /** What `send` waits for. */
  room: Promise<void> = Promise.resolve();

  send(message: Uint8Array): Promise<void> {
    this.sent.push(Buffer.from(message).toString());
    return this.room;
  }

  end(): void {
    this.ended = true;
  }

  reset(): void {
    this.resets += 1;
  }

  /** A message of the peer; the promise settles when it is consumed. */
  message(text: string): Promise<void> {
    return Promise.resolve(this.onMessage?.(Buffer.from(text), 1, false));
  }
}

async function connected(maxMessageBytes = 4): Promise<{ channel: FakeChannel; stream: ChannelDuplex }> {
  const channel = new FakeChannel();
  const stream = new ChannelDuplex(() => Promise.resolve({ channel: channel as unknown as Channel, maxMessageBytes }));
  while (channel.onMessage === undefined) await turn();
  return { channel, stream };
}

/** Everything up to the end of the direction; an iterator would destroy the stream there. */
async function readAll(stream: ChannelDuplex): Promise<string> {
  let text = '';
  stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await once(stream, 'end');
  return text;
}

describe('a channel as a stream of octets', () => {
  it('divides what is written into messages that the peer takes', async () => {
    const { channel, stream } = await connected();
    stream.write('0123456789');
    stream.end('ab');
    await once(stream, 'finish');
    expect(channel.sent).toEqual(['0123', '4567', '89', 'ab']);
    expect(channel.ended).toBe(true);
  });

  it('joins messages, of which an empty one is nothing, and ends with END', async () => {
    const { channel, stream } = await connected();
    const all = readAll(stream);
    for (const text of ['one', '', 'two']) void channel.message(text);
    channel.onEnd?.();
    expect(await all).toBe('onetwo');
    expect(stream.destroyed).toBe(false);
  });

  it('goes on with one direction when the other has ended', async () => {
    const { channel, stream } = await connected();
    stream.end();
    await once(stream, 'finish');
    const all = readAll(stream);
    void channel.message('late');
    channel.onEnd?.();
    const closed = once(stream, 'close');
    expect(await all).toBe('late');
    await closed;
    expect(channel.resets).toBe(0);
  });

  it('can be written to before the channel is open', async () => {
    const channel = new FakeChannel();
    let open: () => void = () => undefined;
    const opened = new Promise<void>((resolve) => (open = resolve));
    const stream = new ChannelDuplex(async () => {
      await opened;
      return { channel: channel as unknown as Channel, maxMessageBytes: 4 };
    });
    stream.end('early');
    await turn();
    expect(channel.sent).toEqual([]);
    open();
    await once(stream, 'finish');
    expect(channel.sent).toEqual(['earl', 'y']);
  });

  it('is destroyed with the reason when the channel can not be opened', async () => {
    const stream = new ChannelDuplex(() => Promise.reject(LOST));
    expect(await once(stream, 'error')).toEqual([LOST]);
  });

  it('writes no further than the channel takes', async () => {
    const { channel, stream } = await connected();
    let room: () => void = () => undefined;
    channel.room = new Promise((resolve) => (room = resolve));
    stream.write('01234567');
    await turn();
    expect(channel.sent).toEqual(['0123']);
    room();
    while (channel.sent.length < 2) await turn();
  });

  it('consumes a message only when its octets have been asked for', async () => {
    const { channel, stream } = await connected();
    const octets = 'x'.repeat(stream.readableHighWaterMark);
    let consumed = 0;
    const consume = (): number => (consumed += 1);
    void channel.message(octets).then(consume);
    void channel.message(octets).then(consume);
    await turn();
    expect(consumed).toBe(0);
    stream.read();
    while (consumed < 2) await turn();
  });

  it.each<ChannelEnd>([
    { type: 'reset', code: 'APPLICATION_LOST', remote: true, error: LOST },
    { type: 'session-ended', error: LOST },
  ])('is destroyed with the reason by $type', async (end) => {
    const { channel, stream } = await connected();
    channel.close(end);
    expect(await once(stream, 'error')).toEqual([LOST]);
  });

  it('resets the channel when it is destroyed, and consumes what it holds', async () => {
    const { channel, stream } = await connected();
    const held = channel.message('x'.repeat(stream.readableHighWaterMark));
    stream.destroy();
    await held;
    expect(channel.resets).toBe(1);
  });
});
