import { beforeAll, describe, expect, it } from 'vitest';
import type { Application, Channel, OutcomeRange } from '../../node/index.ts';
import { MemoryStore, type SessionStore } from '../../store/index.ts';
import { CutProxy } from './support/cut-proxy.ts';
import { connectClient, startServer } from './support/endpoints.ts';
import { type Kit, createKit } from './support/kit.ts';
import { storeError, withMethods } from './support/stores.ts';
import { until } from './support/waiting.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

const METHODS = ['count', 'create', 'attach', 'commit', 'detached', 'end', 'load'] as const;
type Method = (typeof METHODS)[number];

/** Which calls of the server's store are rejected: the `nth` of a method, and `others` that come behind it. */
interface Fault {
  readonly method: Method;
  readonly nth: number;
  readonly others: number;
  /** Whether they have their effect all the same. */
  readonly landed: boolean;
}

/** Who ends the session: an end, or the server while no connection carries it. */
const CLOSERS = ['client', 'server', 'server, detached'] as const;
type Closer = (typeof CLOSERS)[number];

/** A memory that calls itself stable storage. */
class StoredMemory extends MemoryStore {
  override readonly custody = 'stored' as never;
}

/** What a store was asked for, and the same store with a fault. */
function faulty(inner: SessionStore, fault: Fault | undefined): { store: SessionStore; calls: Map<Method, number> } {
  const calls = new Map<Method, number>();
  let failures = 0;
  const wrap = (method: Method): ((...args: never[]) => Promise<unknown>) => {
    const call = inner[method].bind(inner) as (...args: never[]) => Promise<unknown>;
    return async (...args) => {
      const nth = (calls.get(method) ?? 0) + 1;
      calls.set(method, nth);
      if (fault?.method === method && fault.nth === nth) failures = 1 + fault.others;
      if (failures === 0) return call(...args);
      failures -= 1;
      if (fault?.landed === true) await call(...args);
      throw storeError();
    };
  };
  return { store: withMethods(inner, Object.fromEntries(METHODS.map((method) => [method, wrap(method)]))), calls };
}

/** What one end of the channel has sent, been told and been given. */
class Ledger {
  readonly outcomes = new Map<number, string[]>();
  readonly received: number[] = [];
  sent = 0;

  follow(channel: Channel): void {
    channel.onMessage = (_, number) => void this.received.push(number);
    channel.onOutcome = ({ first, last, outcome }: OutcomeRange) => {
      for (let number = first; number <= last; number += 1) {
        this.outcomes.set(number, [...(this.outcomes.get(number) ?? []), outcome.type]);
      }
    };
  }

  send(channel: Channel | undefined): void {
    void channel?.send(Buffer.from('message'));
    this.sent = Math.max(this.sent, channel?.sentMessages ?? 0);
  }

  get settled(): boolean {
    return this.outcomes.size >= this.sent;
  }

  /** Each message has one outcome, which is true of what the other end was given. */
  check(other: Ledger): void {
    const numbers = Array.from({ length: this.sent }, (_, index) => index + 1);
    expect([...this.outcomes.keys()].sort((a, b) => a - b)).toEqual(numbers);
    for (const number of numbers) {
      const [outcome, ...others] = this.outcomes.get(number) ?? [];
      expect(others).toEqual([]);
      const deliveries = other.received.filter((one) => one === number).length;
      const possible = { accepted: [1], 'not-delivered': [0], unknown: [0, 1] }[outcome ?? ''];
      expect(possible, `deliveries of message ${number}, which is ${outcome}`).toContain(deliveries);
    }
  }
}

/** Messages both ways, a cut, a resumption, an end. Returns how often each method of the store was called. */
async function run(closer: Closer, fault: Fault | undefined): Promise<ReadonlyMap<Method, number>> {
  const inner = new StoredMemory();
  const { store, calls } = faulty(inner, fault);
  const [near, far] = [new Ledger(), new Ledger()];
  let end: Channel | undefined;
  const application: Application = (channel, request) => {
    request.accept();
    end = channel;
    far.follow(channel);
    if (!request.restored) far.send(channel);
  };
  const { port, server } = await startServer(kit, {
    continuity: { store },
    applications: new Map([['exchange', application]]),
  });
  const proxy = await CutProxy.start(port);
  const session = await connectClient(kit, proxy.port, { continuity: { retentionMs: 60_000, reconnectBoundMs: 1 } });
  const exchange = async (channel: Channel): Promise<void> => {
    near.send(channel);
    far.send(end);
    await until(() => (near.settled && far.settled) || session.state === 'ended');
  };
  const channel = await session.open('exchange', { outcomes: true });
  near.follow(channel);
  await exchange(channel);
  proxy.cut();
  await until(() => session.state !== 'attached');
  await exchange(channel);
  const [held] = server.sessions;
  if (closer === 'client') await session.close();
  else if (closer === 'server') await held?.close();
  else {
    proxy.cut();
    near.send(channel);
    far.send(end);
    await until(() => held === undefined || held.state === 'detached' || held.state === 'ended');
    await held?.close();
  }
  await session.closed;
  await until(() => server.sessions.length === 0);
  near.check(far);
  far.check(near);
  // Nothing is left that could rise again.
  await until(async () => (await inner.list('server')).length === 0);
  return calls;
}

/** Kinds of faults; what needs two calls in a row is what a server does with a session that has no connection. */
const KINDS = CLOSERS.flatMap((closer) =>
  (closer === 'server, detached' ? [0, 1] : [0]).flatMap((others) =>
    [false, true].map((landed) => ({ closer, others, landed })),
  ),
);

describe('a session whose store fails at one call', () => {
  it.each(KINDS)(
    'has one outcome for each message, whichever call that is (ended by the $closer; $others more fail; with effect: $landed) [CNT-042]',
    async ({ closer, ...kind }) => {
      const calls = await run(closer, undefined);
      const faults = [...calls].flatMap(([method, count]) =>
        Array.from({ length: count }, (_, index): Fault => ({ method, nth: index + 1, ...kind })),
      );
      const results = await Promise.allSettled(faults.map((fault) => run(closer, fault)));
      const failed = results.flatMap((result, index) =>
        result.status === 'rejected' ? [{ fault: faults[index], reason: String(result.reason) }] : [],
      );
      expect(failed).toEqual([]);
    },
    60_000,
  );
});
