import { beforeAll, describe, expect, it } from 'vitest';
import { TIMERS } from '../../core/index.ts';
import type { Application, Channel } from '../../node/index.ts';
import { ChannelEndpoint } from '../../node/session/channel.ts';
import { SessionEndpoint } from '../../node/session/session.ts';
import { RETRY_MS } from '../../node/session/session-journal.ts';
import type { SessionStore } from '../../store/index.ts';
import { connectClient, startServer } from './support/endpoints.ts';
import { type Kit, createKit } from './support/kit.ts';
import { StoredMemory, storeError, withMethods } from './support/stores.ts';
import { TestClock, testEnvironment } from './support/test-clock.ts';
import { until } from './support/waiting.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

const continuity = { retentionMs: 60_000, reconnectBoundMs: 1 };

/** How often a server looks for sessions whose retention is over. */
const SWEEP_MS = 1000;

type Commit = SessionStore['commit'];

/** Whether a batch has nothing to write, and asks only whether the epoch is still the one. */
function onlyConfirms([, , { put, delete: gone }]: Parameters<Commit>): boolean {
  return put.length === 0 && gone.length === 0;
}

interface Waiting {
  readonly session: SessionEndpoint;
  /** What the application end was told and given. */
  readonly told: readonly unknown[];
  /** Lets the store say that its retention is over. */
  readonly expire: () => void;
  /** Lets the store work again. */
  readonly work: () => void;
}

describe('a message that waits for the word of the store [CNT-062]', () => {
  /** A session without a connection, in which a message waits, and behind it an outcome of the server's. */
  async function startWaiting(): Promise<Waiting> {
    const clock = new TestClock();
    let isSlow = false;
    const expired: string[] = [];
    const inner = new StoredMemory();
    const store = withMethods(inner, {
      shared: true,
      commit: async (...call) => {
        if (isSlow && onlyConfirms(call)) throw storeError();
        const result = await inner.commit(...call);
        if (isSlow) clock.advance(TIMERS.epoch_confirmation_ms + 1);
        return result;
      },
      sweep: () => Promise.resolve(expired.splice(0)),
    });
    const told: unknown[] = [];
    const application: Application = (channel, request) => {
      channel.onMessage = (message) => void told.push(Buffer.from(message).toString());
      channel.onOutcome = ({ first, last, outcome }) => void told.push([first, last, outcome.type]);
      request.accept();
      void channel.send(Buffer.from('what becomes of me?'));
    };
    const { port, server } = await startServer(kit, {
      applications: new Map([['take', application]]),
      continuity: { store },
      environment: testEnvironment(clock),
    });
    const client = await connectClient(kit, port, { continuity: { ...continuity, reconnectBoundMs: 60_000 } });
    const channel = await client.open('take', { outcomes: true });
    let decide: () => void = () => undefined;
    await new Promise<void>((resolve) => {
      channel.onMessage = () => {
        resolve();
        return new Promise<void>((decided) => (decide = decided));
      };
    });
    const [session] = server.sessions;
    if (!(session instanceof SessionEndpoint)) throw new Error('The session was not established.');
    await session.stored();
    isSlow = true;
    void channel.send(Buffer.from('waits'));
    decide();
    await until(() => session.link === undefined);
    return {
      session,
      told,
      expire: () => {
        expired.push(session.id);
        clock.advance(SWEEP_MS);
      },
      work: () => {
        isSlow = false;
        clock.advance(RETRY_MS);
      },
    };
  }

  it('does not keep the outcome behind it from being told when the session ends [CNT-042]', async () => {
    const { session, told, expire, work } = await startWaiting();
    expire();
    await session.closed;
    expect(told).toEqual([[1, 1, 'accepted']]);
    work();
  });

  it('is delivered before a server ends its session, which has no connection', async () => {
    const { session, told, work } = await startWaiting();
    const end = session.close();
    work();
    await end;
    expect(told).toEqual(['waits', [1, 1, 'accepted']]);
  });

  it.each(['as it is asked for', 'by a handler that comes late'])(
    'is given %s after its session has ended in order',
    async (how) => {
      const clock = new TestClock();
      let far: Channel | undefined;
      const application: Application = (channel, request) => {
        far = channel;
        request.accept();
        channel.end();
      };
      const { port, server } = await startServer(kit, {
        applications: new Map([['take', application]]),
        continuity: { store: withMethods(new StoredMemory(), { shared: true }) },
        environment: testEnvironment(clock),
      });
      const session = await connectClient(kit, port, { continuity });
      const channel = await session.open('take');
      const [held] = server.sessions;
      const outcomes = ['one', 'two'].map((text) => channel.deliver(Buffer.from(text)));
      channel.end();
      expect(await Promise.all(outcomes)).toEqual([{ type: 'accepted' }, { type: 'accepted' }]);
      await session.close();
      await held?.closed;
      clock.advance(TIMERS.epoch_confirmation_ms + 1);
      const delivered: string[] = [];
      if (far === undefined) throw new Error('The channel was not opened.');
      if (how === 'as it is asked for') {
        for await (const message of far) delivered.push(Buffer.from(message).toString());
      } else {
        const received = far;
        const ended = new Promise<void>((resolve) => (received.onEnd = resolve));
        received.onMessage = (message) => void delivered.push(Buffer.from(message).toString());
        await ended;
      }
      expect(delivered).toEqual(['one', 'two']);
    },
  );
});

describe('messages that have waited for their reader', () => {
  /** A channel of the server that two messages have come on. */
  async function channelWithTwo(): Promise<ChannelEndpoint> {
    let far: Channel | undefined;
    const application: Application = (channel, request) => {
      far = channel;
      request.accept();
    };
    const { port } = await startServer(kit, { applications: new Map([['take', application]]) });
    const session = await connectClient(kit, port, { continuity });
    const channel = await session.open('take', { outcomes: true });
    for (const text of ['one', 'two']) void channel.send(Buffer.from(text));
    await session.ping();
    if (!(far instanceof ChannelEndpoint)) throw new Error('The channel was not opened.');
    return far;
  }

  it('go on waiting where the handler is taken away at one of them', async () => {
    const channel = await channelWithTwo();
    const first: number[] = [];
    channel.onMessage = (_, number) => {
      first.push(number);
      channel.onMessage = undefined;
    };
    expect(first).toEqual([1]);
    const second: number[] = [];
    channel.onMessage = (_, number) => void second.push(number);
    expect(second).toEqual([2]);
  });

  it('are both consumed where two are asked for at once [CNT-039]', async () => {
    const channel = await channelWithTwo();
    const iterator = channel[Symbol.asyncIterator]();
    await Promise.all([iterator.next(), iterator.next()]);
    void iterator.next().catch(() => undefined);
    await until(() => channel.decidedMessages === 2);
  });
});
