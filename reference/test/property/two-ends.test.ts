import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { Event, MessageReceived } from '../../core/index.ts';
import { type End, INTERVAL_MS, Link } from './link.ts';

// Many runs on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

/** What has to come out of the link: per end and channel, the messages given to it. */
interface Model {
  /** Channels that the client has asked for. */
  asked: number;
}

/** One end's view of one channel, as its owner keeps it. */
interface Side {
  readonly sent: Uint8Array[];
  opened: boolean;
  ended: boolean;
  over: boolean;
}

type SideName = 'client' | 'server';

/** The link with its owners. */
class Real {
  readonly link: Link;
  readonly sides = { client: new Map<number, Side>(), server: new Map<number, Side>() };
  readonly seen = { client: 0, server: 0 };
  /** Messages that an owner holds and has not consumed. */
  readonly held: Record<SideName, MessageReceived[]> = { client: [], server: [] };
  readonly received = { client: new Map<number, Uint8Array[]>(), server: new Map<number, Uint8Array[]>() };
  /** Channels that wait for the application end. */
  readonly waiting: number[] = [];
  /** Channels that one end has abandoned. */
  readonly abandoned = new Set<number>();

  constructor(link: Link) {
    this.link = link;
    link.settle();
    this.update();
  }

  /** Asks for a channel. */
  ask(options: { readonly applicationData?: Uint8Array }): number {
    const channel = this.link.client.connection.openChannel('application', options, this.link.now);
    this.sides.client.set(channel, { sent: [], opened: false, ended: false, over: false });
    return channel;
  }

  /** The application end takes the channel that has waited for the longest time, or refuses it. */
  answer(take: boolean): void {
    const channel = this.waiting.shift();
    if (channel === undefined) return;
    const { connection } = this.link.server;
    const side = this.sides.server.get(channel)!;
    if (side.over) return;
    if (take) {
      connection.opened(channel, {}, this.link.now);
      side.opened = true;
    } else {
      connection.refuse(channel, 'APPLICATION_REFUSED', 0, this.link.now);
      side.over = true;
    }
  }

  end(name: SideName): End {
    return this.link[name];
  }

  /** Lets the owners look at new events. */
  update(): void {
    for (const name of ['client', 'server'] as const) {
      const { events } = this.end(name);
      for (; this.seen[name] < events.length; this.seen[name] += 1) this.#handle(name, events[this.seen[name]]!);
    }
  }

  /** The channels on which an owner may act. */
  open(name: SideName): readonly [number, Side][] {
    return [...this.sides[name]].filter(([, side]) => side.opened && !side.over);
  }

  consumeAll(name: SideName): void {
    for (const { channel, data } of this.held[name].splice(0)) {
      this.end(name).connection.consume(channel, 1, data.length, this.link.now);
    }
  }

  #handle(name: SideName, event: Event): void {
    switch (event.type) {
      case 'channel-requested':
        this.sides.server.set(event.channel, { sent: [], opened: false, ended: false, over: false });
        this.waiting.push(event.channel);
        break;
      case 'channel-opened':
        this.sides.client.get(event.channel)!.opened = true;
        break;
      case 'message-received': {
        const of = this.received[name];
        const messages = of.get(event.channel) ?? [];
        of.set(event.channel, [...messages, event.data.slice()]);
        expect(event.number).toBe(messages.length + 1);
        this.held[name].push(event);
        break;
      }
      case 'channel-refused':
      case 'channel-reset':
      case 'channel-closed': {
        const side = this.sides[name].get(event.channel)!;
        expect(side.over).toBe(false);
        side.over = true;
        if (name === 'server') this.end(name).connection.release(event.channel, this.link.now);
        break;
      }
      case 'closed':
        throw new Error(`${name}: ${event.error?.message ?? 'closed'}`);
      default:
    }
  }
}

type Command = fc.Command<Model, Real>;

/** A command that may run at any time and leaves the checking to the owners. */
function command(name: string, run: (real: Real, model: Model) => void): Command {
  return {
    check: () => true,
    run: (model, real) => {
      run(real, model);
      real.update();
      for (const end of [real.link.client, real.link.server]) {
        expect(end.connection.error).toBeUndefined();
        expect(end.connection.state).toBe('established');
      }
    },
    toString: () => name,
  };
}

const sideName: fc.Arbitrary<SideName> = fc.constantFrom('client', 'server');
const choice = fc.nat({ max: 7 });

const send: fc.Arbitrary<Command> = fc
  .record({
    name: sideName,
    at: choice,
    size: fc.oneof(
      { weight: 6, arbitrary: fc.nat({ max: 100 }) },
      { weight: 2, arbitrary: fc.integer({ min: 4000, max: 20_000 }) },
      { weight: 1, arbitrary: fc.integer({ min: 60_000, max: 65_536 }) },
    ),
    count: fc.integer({ min: 1, max: 5 }),
    octet: fc.nat({ max: 255 }),
  })
  .map(({ name, at, size, count, octet }) =>
    command(`send ${name} #${at} ${count} x ${size}`, (real) => {
      const open = real.open(name).filter(([, side]) => !side.ended);
      const [channel, side] = open[at % open.length] ?? [];
      if (channel === undefined || side === undefined) return;
      for (let index = 0; index < count; index += 1) {
        const payload = new Uint8Array(size).map((_, position) => octet + index + position);
        side.sent.push(payload);
        real.end(name).connection.sendMessage(channel, payload, real.link.now);
      }
    }),
  );

const commands: fc.Arbitrary<Command>[] = [
  fc.boolean().map((data) =>
    command(`open ${String(data)}`, (real, model) => {
      model.asked += 1;
      expect(real.ask(data ? { applicationData: Uint8Array.of(1, 2, 3) } : {})).toBe(model.asked);
    }),
  ),
  fc.boolean().map((take) => command(`answer ${String(take)}`, (real) => real.answer(take))),
  // Most of what happens on a connection.
  ...Array.from({ length: 6 }, () => send),
  fc.record({ name: sideName, at: choice }).map(({ name, at }) =>
    command(`end ${name} #${at}`, (real) => {
      const open = real.open(name).filter(([, side]) => !side.ended);
      const [channel, side] = open[at % open.length] ?? [];
      if (channel === undefined || side === undefined) return;
      side.ended = true;
      real.end(name).connection.endChannel(channel, real.link.now);
    }),
  ),
  fc.record({ name: sideName, at: choice }).map(({ name, at }) =>
    command(`reset ${name} #${at}`, (real) => {
      const all = name === 'client' ? [...real.sides.client].filter(([, side]) => !side.over) : real.open(name);
      const [channel] = all[at % all.length] ?? [];
      if (channel === undefined) return;
      real.abandoned.add(channel);
      real.end(name).connection.resetChannel(channel, 'CANCELLED', real.link.now);
    }),
  ),
  sideName.map((name) => command(`consume ${name}`, (real) => real.consumeAll(name))),
  fc
    .record({ name: sideName, count: fc.oneof(fc.nat({ max: 40 }), fc.constant(5000), fc.constant(100_000)) })
    .map(({ name, count }) => command(`deliver ${name} ${count}`, (real) => real.link.deliver(real.end(name), count))),
  fc
    .record({ name: sideName, limit: fc.constantFrom(1, 1000, 65_536) })
    .map(({ name, limit }) => command(`carry ${name} ${limit}`, (real) => real.link.carry(real.end(name), limit))),
  fc.integer({ min: 1, max: 2 * INTERVAL_MS }).map((ms) => command(`advance ${ms}`, (real) => real.link.advance(ms))),
  fc.constant(
    command('settle', (real) => {
      real.link.settle();
    }),
  ),
  sideName.map((name) =>
    command(`ping ${name}`, (real) => {
      try {
        real.end(name).connection.ping(real.link.now);
      } catch (error) {
        expect(error).toMatchObject({ code: 'HAWSER_ERR_MISUSE_PING_LIMIT' });
      }
    }),
  ),
];

/** Lets both owners consume until nothing moves. */
function drain(real: Real): void {
  do {
    real.consumeAll('client');
    real.consumeAll('server');
    real.link.settle();
    real.update();
  } while (real.held.client.length + real.held.server.length > 0);
}

describe('two ends of one connection', () => {
  it('deliver exactly the messages sent, in order, under any chunking, delay and credit, and come to rest [SES-002] [CHN-015]', () => {
    let delivered = 0;
    fc.assert(
      fc.property(
        fc.record({
          grease: fc.boolean(),
          messages: fc.constantFrom(0, 1, 3, 64),
          bytes: fc.constantFrom(0, 1, 100, 30_000, 1_048_576),
        }),
        fc.commands(commands, { maxCommands: 120, size: 'max' }),
        (options, steps) => {
          const real = new Real(new Link(options));
          const asked = [real.ask({}), real.ask({})].length;
          real.link.settle();
          real.update();
          real.answer(true);
          fc.modelRun(() => ({ model: { asked }, real }), steps);
          drain(real);
          delivered += checkDelivery(real);
          checkEnd(real);
        },
      ),
      { numRuns: 100 },
    );
    // A floor far below the usual number: the runs did carry messages.
    expect(delivered).toBeGreaterThan(300);
  });
});

/**
 * What was received is what was sent: all of it where the channel was not abandoned, a beginning of it where it was.
 *
 * @returns how many messages were received.
 */
function checkDelivery(real: Real): number {
  let delivered = 0;
  for (const [name, other] of [
    ['client', 'server'],
    ['server', 'client'],
  ] as const) {
    for (const [channel, { sent }] of real.sides[name]) {
      const received = real.received[other].get(channel) ?? [];
      const reset = real.abandoned.has(channel);
      if (!reset) expect(received).toHaveLength(sent.length);
      expect(received.every((data, index) => Buffer.compare(data, sent[index]!) === 0)).toBe(true);
      delivered += received.length;
      if (!reset) expect(real.end(name).connection.queuedBytes(channel)).toBe(0);
    }
  }
  return delivered;
}

/** At rest, CLOSE ends both ends in order, and no message is left in doubt. */
function checkEnd(real: Real): void {
  const { link } = real;
  const waiting = real.waiting.length;
  link.note(link.client, link.client.connection.close('NO_ERROR', link.now));
  link.settle();
  for (const { connection, events } of [link.client, link.server]) {
    expect(connection.state).toBe('closed');
    expect(events.at(-1)).toMatchObject({ type: 'closed', outcome: 'orderly', unknownMessages: [] });
    if (waiting === 0) expect(events.at(-1)).toMatchObject({ undeliveredMessages: [] });
    expect(events.filter(({ type }) => type === 'closed')).toHaveLength(1);
  }
}
