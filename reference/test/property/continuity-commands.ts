import fc from 'fast-check';
import { type Continuity, other, type Program, type Side, type SideName, type Wire } from './continuity.ts';

/** A step that may be taken at any time. */
export type Step = fc.Command<object, Continuity>;

function step(name: string, run: (real: Continuity) => void): Step {
  return {
    check: () => true,
    run: (_, real) => run(real),
    toString: () => name,
  };
}

const sideName: fc.Arbitrary<SideName> = fc.constantFrom('client', 'server');
const choice = fc.nat({ max: 7 });

function pick<T>(from: readonly T[], at: number): T | undefined {
  return from[at % from.length];
}

function openSides(program: Program): readonly Side[] {
  return [...program.channels.values()].filter(({ opened, over }) => opened && !over);
}

/** Octets of which each message has others. */
function payloadOf(side: Side, name: SideName, size: number): Uint8Array {
  const seed = side.number * 31 + side.sent.length * 7 + (name === 'client' ? 1 : 2);
  return new Uint8Array(size).map((_, position) => seed + position * 5 + (position >> 8));
}

/** Puts a message on a channel, whatever becomes of it. Behind a RESET that nobody was told of yet it is none of the channel. */
export function sendOn(real: Continuity, name: SideName, side: Side, size: number): void {
  const { session } = real[name];
  if (session?.kindOf(side.number) === undefined) return;
  const payload = payloadOf(side, name, size);
  side.sent.push(payload);
  session.sendMessage(side.number, payload, real.now);
}

const open: fc.Arbitrary<Step> = fc
  .record({ outcomes: fc.boolean(), priority: fc.constantFrom('urgent' as const, 'normal' as const, 'bulk' as const) })
  .map((options) => step(`open ${JSON.stringify(options)}`, (real) => real.open(options)));

const answer: fc.Arbitrary<Step> = fc.nat({ max: 9 }).map((take) =>
  step(`answer ${take}`, ({ server, now }) => {
    const channel = server.waiting.shift();
    const side = channel === undefined ? undefined : server.channels.get(channel);
    if (channel === undefined || side === undefined || side.over || server.session === undefined) return;
    if (take > 0) {
      server.session.opened(channel, {}, now);
      side.opened = true;
    } else {
      server.session.refuse(channel, 'APPLICATION_REFUSED', 0, now);
      side.over = true;
    }
  }),
);

const send: fc.Arbitrary<Step> = fc
  .record({
    name: sideName,
    at: choice,
    size: fc.oneof(
      { weight: 8, arbitrary: fc.nat({ max: 100 }) },
      { weight: 2, arbitrary: fc.integer({ min: 4000, max: 40_000 }) },
      { weight: 1, arbitrary: fc.integer({ min: 60_000, max: 100_000 }) },
    ),
    count: fc.integer({ min: 1, max: 4 }),
  })
  .map(({ name, at, size, count }) =>
    step(`send ${name} #${at} ${count} x ${size}`, (real) => {
      const side = pick(
        openSides(real[name]).filter(({ ended }) => !ended),
        at,
      );
      if (side === undefined) return;
      for (let index = 0; index < count; index += 1) sendOn(real, name, side, size);
    }),
  );

const end: fc.Arbitrary<Step> = fc.record({ name: sideName, at: choice }).map(({ name, at }) =>
  step(`end ${name} #${at}`, (real) => {
    const side = pick(
      openSides(real[name]).filter(({ ended }) => !ended),
      at,
    );
    if (side === undefined) return;
    side.ended = true;
    real[name].session?.endChannel(side.number, real.now);
    real.takeEvents(real[name]);
  }),
);

const reset: fc.Arbitrary<Step> = fc.record({ name: sideName, at: choice }).map(({ name, at }) =>
  step(`reset ${name} #${at}`, (real) => {
    const program = real[name];
    const sides = name === 'client' ? [...program.channels.values()].filter(({ over }) => !over) : openSides(program);
    const side = pick(sides, at);
    if (side === undefined) return;
    real.abandoned.add(side.number);
    side.ended = true;
    program.session?.resetChannel(side.number, 'CANCELLED', real.now);
  }),
);

const decide: fc.Arbitrary<Step> = fc
  .record({
    name: sideName,
    count: fc.integer({ min: 1, max: 6 }),
    from: fc.nat({ max: 5 }),
    verdict: fc.constantFrom(0, 0, 0, 1, 65_535),
  })
  .map(({ name, count, from, verdict }) =>
    step(`decide ${name} ${count} from ${from}: ${verdict}`, (real) => real.decide(real[name], count, from, verdict)),
  );

/** An exchange that nothing disturbs: what was sent is decided on, in any order, and its sender hears of it. */
const exchange: fc.Arbitrary<Step> = fc
  .record({ name: sideName, at: choice, from: fc.nat({ max: 5 }), verdict: fc.constantFrom(0, 1) })
  .map(({ name, at, from, verdict }) =>
    step(`exchange ${name} #${at}, from ${from}: ${verdict}`, (real) => {
      const side = pick(
        openSides(real[other(name)]).filter(({ ended }) => !ended),
        at,
      );
      if (side !== undefined) sendOn(real, other(name), side, 10);
      real.settle();
      real.decide(real[name], real[name].held.length, from, verdict);
      real.settle();
    }),
  );

/** A wire, perhaps one that is about to be left. */
function wireAt(real: Continuity, at: number): Wire | undefined {
  return pick(real.wires, at);
}

const carry: fc.Arbitrary<Step> = fc
  .record({ name: sideName, at: choice, limit: fc.constantFrom(1, 1000, 65_536) })
  .map(({ name, at, limit }) =>
    step(`carry ${name} #${at} ${limit}`, (real) => {
      const wire = wireAt(real, at);
      if (wire !== undefined) real.carry(wire, name, limit);
    }),
  );

const deliver: fc.Arbitrary<Step> = fc
  .record({
    name: sideName,
    at: choice,
    count: fc.oneof(fc.nat({ max: 60 }), fc.constantFrom(500, 5000, 100_000, Infinity)),
  })
  .map(({ name, at, count }) =>
    step(`deliver ${name} #${at} ${count}`, (real) => {
      const wire = wireAt(real, at);
      if (wire !== undefined) real.deliver(wire, name, count);
    }),
  );

/** How much of what is on its way still arrives. */
const arriving = fc.oneof(fc.constantFrom(0, Infinity), fc.nat({ max: 3000 }));

const cut: fc.Arbitrary<Step> = fc.record({ name: sideName, at: choice, arriving }).map((cut) =>
  step(`cut ${cut.name} #${cut.at}, ${cut.arriving} arrive`, (real) => {
    const wire = wireAt(real, cut.at);
    if (wire !== undefined) real.cut(wire, cut.name, cut.arriving);
  }),
);

/** The connection is gone for both ends at once, and with it what was on its way. */
const cutBoth: fc.Arbitrary<Step> = choice.map((at) =>
  step(`cut both #${at}`, (real) => {
    const wire = wireAt(real, at);
    if (wire === undefined) return;
    real.cut(wire, 'client', 0);
    real.cut(wire, 'server', 0);
  }),
);

const resume: fc.Arbitrary<Step> = fc.constant(step('resume', (real) => real.resume()));
/** An attempt comes as far as its CONNECT, or its ACCEPT, and perhaps no further. */
const ask: fc.Arbitrary<Step> = fc
  .constantFrom('connect', 'connect lost', 'connect delayed', 'connect refused', 'accept', 'accept lost')
  .map((how) =>
    step(`ask: ${how}`, (real) => {
      real.resume();
      real.busy = how === 'connect refused';
      const wire = real.attempt;
      if (wire === undefined) return;
      real.deliver(wire, 'client', Infinity);
      real.carry(wire, 'client');
      if (how.startsWith('accept')) real.deliver(wire, 'server', Infinity);
      if (how === 'connect delayed') real.delay(wire);
      else if (how.endsWith('lost')) real.cut(wire, 'client', 0);
    }),
  );

const arrive: fc.Arbitrary<Step> = fc.constant(step('what was delayed arrives', (real) => real.arrive()));

const settle: fc.Arbitrary<Step> = fc.constant(step('settle', (real) => real.settle()));

const detach: fc.Arbitrary<Step> = sideName.map((name) =>
  step(`detach ${name}`, (real) => {
    const { wire } = real[name];
    if (wire !== undefined) real.note(wire, name, wire[name].detach('NO_ERROR', real.now));
  }),
);

const drain: fc.Arbitrary<Step> = fc.integer({ min: 1, max: 3000 }).map((ms) =>
  step(`drain ${ms}`, (real) => {
    const { wire } = real.server;
    if (wire !== undefined) real.note(wire, 'server', wire.server.drain('SHUTTING_DOWN', ms, real.now));
  }),
);

const advance: fc.Arbitrary<Step> = fc
  .oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1000, max: 8000 }))
  .map((ms) => step(`advance ${ms}`, (real) => real.advance(ms)));

const ping: fc.Arbitrary<Step> = sideName.map((name) =>
  step(`ping ${name}`, (real) => {
    const { wire } = real[name];
    if (wire === undefined || wire[name].state !== 'established') return;
    try {
      wire[name].ping(real.now);
    } catch (error) {
      if ((error as { readonly code?: string }).code !== 'HAWSER_ERR_MISUSE_PING_LIMIT') throw error;
    }
  }),
);

const write: fc.Arbitrary<Step> = fc.record({ name: sideName, stored: fc.nat({ max: 3 }) }).map(({ name, stored }) =>
  step(`write ${name}, ${stored} stored`, (real) => {
    real.journal(real[name]);
    for (let count = 0; count < stored; count += 1) real.storeOne(real[name]);
  }),
);

/** Steps of programs that work, on transports that do not. */
export const CUTS: readonly fc.Arbitrary<Step>[] = [
  open,
  answer,
  answer,
  ...Array.from({ length: 5 }, () => send),
  end,
  reset,
  decide,
  decide,
  exchange,
  carry,
  ...Array.from({ length: 5 }, () => deliver),
  cut,
  cutBoth,
  resume,
  ask,
  ask,
  arrive,
  settle,
  detach,
  drain,
  advance,
  ping,
];

/** Steps of programs whose store takes its time. */
export const WRITES: readonly fc.Arbitrary<Step>[] = [...CUTS, ...Array.from({ length: 4 }, () => write)];

/** A crash of one end. */
export function crashOf(names: readonly SideName[]): fc.Arbitrary<Step> {
  return fc
    .record({ name: fc.constantFrom(...names), arriving, written: fc.nat({ max: 2 }) })
    .map(({ name, arriving, written }) =>
      step(`crash ${name}, ${arriving} arrive, ${written} written`, (real) => {
        if (real.options.custody[name] === 'stored') real.crash(name, arriving, written);
      }),
    );
}
