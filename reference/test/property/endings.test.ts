import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { Continuity, SIDES } from './continuity.ts';
import { begin, checkComplete, checkOutcomes } from './continuity-checks.ts';
import { WRITES } from './continuity-commands.ts';
import { runs } from './runs.ts';

// Many runs on a busy machine.
vi.setConfig({ testTimeout: 3_600_000 });

/** How the session ends, and what still arrives then. */
interface Ending {
  readonly how: 'client closes' | 'server closes' | 'both close' | 'crossing' | 'retention over' | 'server forgets';
  readonly toClient: number;
  readonly toServer: number;
  readonly cut: boolean;
}

const octets = fc.oneof(fc.constantFrom(0, Infinity), fc.nat({ max: 3000 }));

const ending: fc.Arbitrary<Ending> = fc.record({
  how: fc.constantFrom('client closes', 'server closes', 'both close', 'crossing', 'retention over', 'server forgets'),
  toClient: octets,
  toServer: octets,
  cut: fc.boolean(),
});

/** One end, or both, say that it is over; the client asks until it knows what became of its session. */
function finish(real: Continuity, { how, toClient, toServer, cut }: Ending): void {
  const { client, server } = real;
  const close = (name: 'client' | 'server'): void => {
    const { wire } = real[name];
    if (wire !== undefined) real.note(wire, name, wire[name].close('NO_ERROR', real.now));
  };
  if (how === 'client closes' || how === 'both close' || how === 'crossing') close('client');
  if (how === 'server closes' || how === 'both close') close('server');
  // The server lets go of the connection while the client ends the session.
  if (how === 'crossing' && server.wire !== undefined) {
    real.note(server.wire, 'server', server.wire.server.detach('NO_ERROR', real.now));
  }
  for (const wire of [...real.wires]) {
    real.deliver(wire, 'client', toClient);
    real.deliver(wire, 'server', toServer);
    if (cut) real.cut(wire, 'client', toServer);
  }
  if (how === 'server forgets') {
    for (const wire of [...real.wires]) real.cut(wire, 'server', toClient);
    server.forgetful = true;
  }
  for (let round = 0; client.end === undefined; round += 1) {
    if (round > 60) throw new Error(`The client does not come to its end: ${client.session!.state}.`);
    real.settle();
    if (how === 'retention over') {
      for (const wire of [...real.wires]) real.cut(wire, 'client', 0);
      real.settle();
      real.expire();
    }
    if (client.session!.state === 'attached' && round % 3 === 2) close('client');
    else if (client.session!.state === 'detached') real.resume();
    real.advance(1000);
  }
  for (const wire of [...real.wires]) real.cut(wire, 'client', Infinity);
  real.arrive();
  real.settle();
}

/** Runs sessions to their end, and counts the outcomes of their messages. */
function endSessions(parameters: fc.Parameters<unknown>): ReadonlyMap<string, number> {
  const outcomes = new Map<string, number>();
  fc.assert(
    fc.property(
      fc.record({
        grease: fc.boolean(),
        messages: fc.constantFrom(1, 3, 64),
        bytes: fc.constantFrom(1, 100, 30_000, 1_048_576),
        custody: fc.constantFrom(
          { client: 'received', server: 'received' } as const,
          { client: 'stored', server: 'stored' } as const,
        ),
      }),
      fc.commands([...WRITES], { maxCommands: 80, size: 'max' }),
      ending,
      (options, steps, how) => {
        const real = new Continuity(options);
        begin(real);
        fc.modelRun(() => ({ model: {}, real }), steps);
        finish(real, how);
        checkOutcomes(real);
        checkComplete(real, 'client');
        if (real.server.end !== undefined || real.server.expired) checkComplete(real, 'server');
        for (const name of SIDES) {
          for (const side of real[name].channels.values()) {
            for (const { outcome } of side.results.values()) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
          }
        }
      },
    ),
    parameters,
  );
  return outcomes;
}

describe('a session that ends', () => {
  it('gives each message one outcome, which is what happened at the other end [CNT-042] [CNT-043] [SES-018]', () => {
    endSessions(runs(40));
  });

  it('comes to each of the four outcomes in runs that are always the same', () => {
    const outcomes = endSessions({ numRuns: 40, seed: 1 });
    expect([...outcomes.keys()].sort()).toEqual(['accepted', 'not-delivered', 'rejected', 'unknown']);
  });
});
