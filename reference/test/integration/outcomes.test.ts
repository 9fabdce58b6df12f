import { beforeAll, describe, expect, it } from 'vitest';
import { TransportError } from '../../core/index.ts';
import type { Application, Channel, OutcomeRange } from '../../node/index.ts';
import { type RunningServer, connectClient, startServer } from './support/endpoints.ts';
import { type Kit, createKit } from './support/kit.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

const continuity = { retentionMs: 60_000, reconnectBoundMs: 1 };

/** More than the credit that a channel starts with. */
const COUNT = 500;

/** A server with one application end, which is told when the first message has come. */
async function serverWith(
  application: (channel: Channel) => void,
): Promise<RunningServer & { arrived: Promise<void> }> {
  let arrive: () => void = () => undefined;
  const arrived = new Promise<void>((resolve) => (arrive = resolve));
  const end: Application = (channel, request) => {
    request.accept();
    channel.onMessage = () => {
      arrive();
      return new Promise(() => undefined);
    };
    application(channel);
  };
  return { ...(await startServer(kit, { applications: new Map([['it', end]]) })), arrived };
}

/** Outcomes as they are told. */
class Told {
  readonly ranges: OutcomeRange[] = [];
  readonly all: Promise<void>;

  constructor(channel: Channel, count: number) {
    this.all = new Promise((resolve) => {
      channel.onOutcome = (range) => {
        this.ranges.push(range);
        if (range.last === count) resolve();
      };
    });
  }

  /** Types of the outcomes, in their order; each message has one. */
  types(count: number): readonly string[] {
    const ends = this.ranges.map(({ last }) => last);
    expect(this.ranges.map(({ first }) => first)).toEqual([1, ...ends.slice(0, -1).map((last) => last + 1)]);
    expect(ends.at(-1)).toBe(count);
    return [...new Set(this.ranges.map(({ outcome }) => outcome.type))];
  }
}

function sendMany(channel: Channel): void {
  for (let n = 0; n < COUNT; n += 1) void channel.send(new Uint8Array(1000));
}

describe('every message has an outcome [CNT-042]', () => {
  it.each([{ remote: false }, { remote: true }])(
    'on a channel with outcomes that is reset: unknown where it was sent (by the peer: $remote)',
    async ({ remote }) => {
      let far: Channel | undefined;
      const { port, arrived } = await serverWith((channel) => (far = channel));
      const session = await connectClient(kit, port, { continuity });
      const channel = await session.open('it', { outcomes: true });
      const told = new Told(channel, COUNT);
      sendMany(channel);
      const asked = channel.deliver(Uint8Array.of(1));
      await arrived;
      (remote ? far : channel)?.reset();
      expect(await channel.closed).toMatchObject({ type: 'reset', remote });
      expect(await asked).toEqual({ type: 'not-delivered' });
      expect(told.types(COUNT + 1)).toEqual(['unknown', 'not-delivered']);
    },
  );

  it.each([{ remote: false }, { remote: true }])(
    'on a channel without outcomes that is reset: an acknowledgement still accepts (by the peer: $remote)',
    async ({ remote }) => {
      let far: Channel | undefined;
      const { port, arrived } = await serverWith((channel) => (far = channel));
      const session = await connectClient(kit, port, { continuity });
      const channel = await session.open('it');
      const told = new Told(channel, COUNT);
      sendMany(channel);
      await arrived;
      (remote ? far : channel)?.reset();
      expect(await channel.closed).toMatchObject({ type: 'reset', remote });
      await told.all;
      expect(told.types(COUNT)).toEqual(['accepted', 'not-delivered']);
      expect(session.state).toBe('attached');
    },
  );

  it('whoever waits for it is told when the channel is reset, and the session goes on', async () => {
    const { port, arrived } = await serverWith(() => undefined);
    const session = await connectClient(kit, port, { continuity });
    const channel = await session.open('it');
    const outcomes = Array.from({ length: COUNT }, () => channel.deliver(new Uint8Array(1000)));
    await arrived;
    channel.reset();
    const types = (await Promise.all(outcomes)).map(({ type }) => type);
    expect([...new Set(types)]).toEqual(['accepted', 'not-delivered']);
    expect(session.state).toBe('attached');
  });

  it('also when it is acknowledged behind the END of both ends', async () => {
    const { port } = await serverWith((channel) => channel.end());
    const session = await connectClient(kit, port, { continuity });
    const channel = await session.open('it');
    const ended = new Promise<void>((resolve) => (channel.onEnd = resolve));
    channel.onMessage = () => undefined;
    await ended;
    const told = new Told(channel, 3);
    for (let n = 0; n < 3; n += 1) await channel.send(Buffer.from('x'));
    channel.end();
    expect(await channel.closed).toEqual({ type: 'closed' });
    await told.all;
    expect(told.types(3)).toEqual(['accepted']);
  });

  it('also where whoever is told fails behind the end of the channel, which is logged', async () => {
    let far: Channel | undefined;
    const { port, log } = await startServer(kit, {
      applications: new Map([['it', (channel) => void (far = channel)]]),
    });
    const session = await connectClient(kit, port, { continuity });
    const channel = await session.open('it');
    channel.end();
    const received = new Promise<void>((resolve) => (channel.onEnd = resolve));
    channel.onMessage = () => undefined;
    if (far === undefined) throw new Error('the application end was not called');
    const end = far;
    await new Promise<void>((resolve) => (end.onEnd = resolve));
    end.onOutcome = () => Promise.reject(new Error('the application is broken'));
    await end.send(Buffer.from('x'));
    end.end();
    await received;
    const line = await log.line('the application end failed; its channel was over');
    expect(line.fields['err']).toMatchObject({ message: 'the application is broken' });
  });

  it('in the order of the messages when the session is lost', async () => {
    const { port, server, arrived } = await serverWith(() => undefined);
    const session = await connectClient(kit, port);
    const channel = await session.open('it');
    const told = new Told(channel, COUNT);
    sendMany(channel);
    await arrived;
    await server.close();
    expect(await session.closed).toMatchObject({ outcome: 'aborted' });
    expect(told.types(COUNT)).toEqual(['unknown', 'not-delivered']);
  });

  it('accepted where a PING behind it was answered, in a session that is not resumable', async () => {
    const { port } = await serverWith(() => undefined);
    const session = await connectClient(kit, port);
    const channel = await session.open('it');
    const told = new Told(channel, 2);
    const first = channel.deliver(Buffer.from('x'));
    await session.ping();
    const second = channel.deliver(Buffer.from('y'));
    await session.close();
    expect([await first, await second]).toEqual([{ type: 'accepted' }, { type: 'accepted' }]);
    expect(told.types(2)).toEqual(['accepted']);
  });

  it.each(['onOutcome', 'deliver', undefined])(
    'once: what was unknown at the end of a channel is nothing else at the end of the session (told by %s) [SES-018]',
    async (by) => {
      const { port } = await serverWith((channel) => channel.end());
      const session = await connectClient(kit, port);
      const channel = await session.open('it');
      const told: OutcomeRange[] = [];
      if (by === 'onOutcome') channel.onOutcome = (range) => void told.push(range);
      void channel.send(Buffer.from('x'));
      const asked = by === 'deliver' ? channel.deliver(Buffer.from('y')) : channel.send(Buffer.from('y'));
      channel.end();
      await channel.closed;
      const { acceptedMessages, unknownMessages, undeliveredMessages } = await session.close();
      const message = { channel: channel.number };
      expect([...unknownMessages, ...undeliveredMessages]).toEqual([]);
      if (by === 'onOutcome') {
        expect(told).toEqual([{ first: 1, last: 2, outcome: { type: 'unknown' } }]);
        expect(acceptedMessages).toEqual([]);
      } else if (by === 'deliver') {
        expect(await asked).toEqual({ type: 'unknown' });
        expect(acceptedMessages).toEqual([{ ...message, first: 1, last: 1 }]);
      } else expect(acceptedMessages).toEqual([{ ...message, first: 1, last: 2 }]);
    },
  );

  it.each([{ resumable: true }, { resumable: false }])(
    'and what is given to a channel of a session that its owner closes is no message (resumable: $resumable)',
    async ({ resumable }) => {
      const { port } = await serverWith(() => undefined);
      const session = await connectClient(kit, port, resumable ? { continuity } : {});
      const channel = await session.open('it');
      const told: OutcomeRange[] = [];
      channel.onOutcome = (range) => void told.push(range);
      const closed = session.close();
      await expect(channel.send(Buffer.from('x'))).rejects.toBeInstanceOf(TransportError);
      expect(await channel.deliver(Buffer.from('x'))).toEqual({ type: 'not-delivered' });
      expect(channel.sentMessages).toBe(0);
      await closed;
      expect(told).toEqual([]);
    },
  );
});

describe('a session that is closed', () => {
  it('refuses every channel that it is asked for', async () => {
    const { port } = await serverWith(() => undefined);
    const session = await connectClient(kit, port);
    const closed = session.close();
    const opens = await Promise.allSettled(['a', 'b', 'c'].map((name) => session.open(name)));
    const refused = { status: 'rejected', reason: { code: 'HAWSER_ERR_TRANSPORT_SESSION_ENDED' } };
    expect(opens).toMatchObject([refused, refused, refused]);
    expect(() => session.request('d')).toThrow(TransportError);
    await closed;
  });
});
