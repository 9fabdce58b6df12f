import fc from 'fast-check';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { HawserError } from '../../core/index.ts';
import { type Application, type Channel, type OutcomeRange, type Session, createClient } from '../../node/index.ts';
import type { SessionStore } from '../../store/index.ts';
import { CutProxy } from './support/cut-proxy.ts';
import { type RunningServer, startServer } from './support/endpoints.ts';
import { type Kit, SERVER_IDENTITY, createKit } from './support/kit.ts';
import { StoredMemory, storeError, withMethods } from './support/stores.ts';
import { TestClock, testEnvironment } from './support/test-clock.ts';

vi.setConfig({ testTimeout: 120_000 });

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

const STEPS = {
  /** Links are cut: all, or the newest. */
  cut: 4,
  cutNewest: 2,
  /** The server wants the connection to be left. */
  drain: 3,
  /** The server goes away, and answers with SHUTTING_DOWN; another one has its store. */
  replace: 1,
  /** The next resumption is answered with BUSY, or with RESUME_REFUSED, or takes effect without an answer. */
  busy: 3,
  refuse: 1,
  unanswered: 3,
  /** The client's store rejects once. */
  storeFails: 3,
  rotate: 5,
  detach: 2,
  close: 1,
  send: 6,
  /** The peers get on with it; and time passes. */
  work: 8,
  time: 3,
} as const;

type StepName = keyof typeof STEPS;

interface Step {
  readonly name: StepName;
  readonly amount: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  name: fc.oneof(
    ...Object.entries(STEPS).map(([name, weight]) => ({ arbitrary: fc.constant(name as StepName), weight })),
  ),
  amount: fc.integer({ min: 1, max: 40 }),
});

/** How many turns of the event loop, with five milliseconds of the clock each, something may take. */
const MAX_TURNS = 30_000;

const RETENTION_MS = 60_000;

/** One session between a client and servers that have one store, with everything that was told of it. */
class Storm {
  readonly clock = new TestClock();
  readonly #environment = testEnvironment(this.clock);
  readonly #serverMemory = new StoredMemory();
  readonly #clientStore: SessionStore;
  #clientFailures = 0;
  #nextAttach: 'busy' | 'refuse' | 'unanswered' | undefined;
  #servers: RunningServer[] = [];
  #proxy!: CutProxy;
  #session!: Session;
  #channel!: Channel;
  readonly #promises: Promise<unknown>[] = [];
  #pending = 0;
  #rotations = 0;
  #detaches = 0;
  #mayBeParked = false;
  readonly #told: OutcomeRange[] = [];
  readonly #answers: string[] = [];
  readonly #received: number[] = [];
  #ends = 0;

  constructor() {
    const memory = new StoredMemory();
    const failing =
      <Args extends unknown[], Result>(call: (...args: Args) => Promise<Result>) =>
      (...args: Args): Promise<Result> =>
        this.#clientFailures-- > 0 ? Promise.reject(new Error('EIO: i/o error')) : call(...args);
    this.#clientStore = withMethods(memory, {
      note: failing(memory.note.bind(memory)),
      commit: failing(memory.commit.bind(memory)),
      detached: failing(memory.detached.bind(memory)),
      end: failing(memory.end.bind(memory)),
    });
  }

  async begin(): Promise<void> {
    await this.#startServer();
    this.#proxy = await CutProxy.start(this.#servers[0]?.port ?? 0);
    const client = createClient({
      credential: kit.client,
      ...kit.trust,
      store: this.#clientStore,
      environment: this.#environment,
    });
    this.#session = await client.connect({
      host: '127.0.0.1',
      port: this.#proxy.port,
      audience: SERVER_IDENTITY,
      continuity: { retentionMs: RETENTION_MS, reconnectBoundMs: 50 },
    });
    this.#session.on('closed', () => (this.#ends += 1));
    this.#channel = await this.#session.open('it');
    this.#channel.onOutcome = (range) => void this.#told.push(range);
  }

  async #startServer(): Promise<void> {
    const memory = this.#serverMemory;
    const application: Application = (channel, request) => {
      request.accept();
      channel.onMessage = (_, number, redelivered) => {
        if (!redelivered || !this.#received.includes(number)) this.#received.push(number);
      };
    };
    const store = withMethods(memory, {
      attach: async (...call) => {
        const what = this.#nextAttach;
        this.#nextAttach = undefined;
        if (what === 'busy') throw storeError();
        if (what === 'refuse') return { type: 'unknown' };
        const result = await memory.attach(...call);
        if (what === 'unanswered') this.#proxy.cutNewest();
        return result;
      },
    });
    const environment = this.#environment;
    const applications = new Map([['it', application]]);
    this.#servers.push(await startServer(kit, { applications, environment, continuity: { store } }));
  }

  async take({ name, amount }: Step): Promise<void> {
    switch (name) {
      case 'cut':
        this.#proxy.cut();
        return;
      case 'cutNewest':
        this.#proxy.cutNewest();
        return;
      case 'drain':
        for (const { server } of this.#servers) for (const held of server.sessions) held.drain(amount * 1000);
        return;
      case 'replace': {
        const former = this.#servers.pop();
        await this.#startServer();
        this.#proxy.target = this.#servers.at(-1)?.port ?? 0;
        if (former !== undefined) this.#track(former.server.drain(amount * 100));
        return;
      }
      case 'busy':
      case 'refuse':
      case 'unanswered':
        this.#nextAttach = name;
        return;
      case 'storeFails':
        this.#clientFailures = 1;
        return;
      case 'rotate':
        this.#rotate();
        return;
      case 'detach':
        this.#detaches += 1;
        this.#mayBeParked = true;
        this.#session.detach();
        return;
      case 'close':
        this.#track(this.#session.close());
        return;
      case 'send':
        for (let sent = 0; sent < amount; sent += 1) {
          const outcome = this.#channel.deliver(new Uint8Array(amount * 50));
          this.#track(outcome.then(({ type }) => void this.#answers.push(type)));
        }
        return;
      case 'work':
        for (let turn = 0; turn < amount * 25; turn += 1) await nextTurn();
        return;
      case 'time':
        this.clock.advance(amount * 100);
        return;
    }
  }

  #rotate(): void {
    this.#rotations += 1;
    const detaches = this.#detaches;
    const moved = (): void => {
      if (this.#detaches === detaches) this.#mayBeParked = false;
    };
    const rotated = this.#session.rotate().then(moved, (error: unknown) => {
      if (!(error instanceof HawserError)) throw error;
    });
    this.#track(rotated.finally(() => (this.#rotations -= 1)));
  }

  #track(promise: Promise<unknown>): void {
    this.#pending += 1;
    this.#promises.push(promise);
    const settled = (): void => void (this.#pending -= 1);
    promise.then(settled, settled);
  }

  /** Nothing fails any more: whatever was under way, the session is attached again, or has ended. */
  async calm(): Promise<void> {
    await this.#until(() => this.#rotations === 0);
    this.#nextAttach = undefined;
    this.#clientFailures = 0;
    const isAtRest = (): boolean => ['attached', 'draining', 'ended'].includes(this.#session.state);
    // By itself, unless its owner has left it without a connection.
    if (!this.#mayBeParked) await this.#until(isAtRest);
    // One rotation may fail yet: by a connection that was cut, or a batch that has still to be repeated.
    for (let tries = 0; tries < 3; tries += 1) {
      this.#rotate();
      await this.#until(() => this.#rotations === 0);
      this.clock.advance(1000);
      for (let turn = 0; turn < 20; turn += 1) await nextTurn();
    }
    await this.#until(isAtRest);
  }

  async end(): Promise<void> {
    this.#track(this.#session.close());
    await this.#until(() => this.#pending === 0);
    await Promise.all(this.#promises);
    expect([this.#session.state, this.#ends]).toEqual(['ended', 1]);
    this.#checkOutcomes();
    for (const { server } of this.#servers) await server.close();
  }

  #checkOutcomes(): void {
    const { sentMessages } = this.#channel;
    const ends = this.#told.map(({ last }) => last);
    expect(this.#told.map(({ first }) => first)).toEqual(ends.map((_, n) => (ends[n - 1] ?? 0) + 1));
    expect(ends.at(-1) ?? 0).toBe(sentMessages);
    expect(this.#received).toEqual(this.#received.map((_, n) => n + 1));
    for (const { first, last, outcome } of this.#told) {
      for (let number = first; number <= last; number += 1) {
        if (outcome.type === 'accepted') expect(this.#received).toContain(number);
        if (outcome.type === 'not-delivered') expect(this.#received).not.toContain(number);
      }
    }
    const told = this.#told.flatMap(({ first, last, outcome }) =>
      Array.from({ length: last - first + 1 }, () => outcome.type),
    );
    // What is refused because the session is ending is no message.
    expect(this.#answers.length).toBeGreaterThanOrEqual(told.length);
    for (const type of ['accepted', 'unknown']) {
      expect(this.#answers.filter((one) => one === type)).toHaveLength(told.filter((one) => one === type).length);
    }
  }

  async #until(condition: () => boolean): Promise<void> {
    for (let turn = 0; !condition(); turn += 1) {
      if (turn === MAX_TURNS) throw new Error(`no rest: ${this.#session.state}, ${this.#pending} promises are pending`);
      if (turn % 8 === 0) this.clock.advance(5);
      await nextTurn();
    }
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('a session among cuts, refusals, failures and an owner who changes its mind', () => {
  it('comes to rest, ends once, and gives each message one outcome [CNT-042] [CNT-057]', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
        const storm = new Storm();
        await storm.begin();
        for (const one of steps) await storm.take(one);
        await storm.calm();
        await storm.end();
      }),
      { numRuns: 40 },
    );
  });
});
