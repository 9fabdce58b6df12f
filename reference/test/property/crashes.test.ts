import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { Continuity, SIDES } from './continuity.ts';
import { begin, checkClose, checkRest, checkStores } from './continuity-checks.ts';
import { crashOf, WRITES } from './continuity-commands.ts';
import { runs } from './runs.ts';

// Many runs on a busy machine.
vi.setConfig({ testTimeout: 3_600_000 });

describe('a session whose programs crash', () => {
  it('acknowledges and sends nothing that it has not stored, and has each effect once [CNT-006] [CNT-011] [CNT-012] [CNT-044]', () => {
    const totals = { resumed: 0, delivered: 0, redelivered: 0, crashes: 0 };
    fc.assert(
      fc.property(
        fc.record({
          grease: fc.boolean(),
          messages: fc.constantFrom(0, 1, 3, 64),
          bytes: fc.constantFrom(0, 1, 100, 30_000, 1_048_576),
          custody: fc.constantFrom(
            { client: 'stored', server: 'stored' } as const,
            { client: 'stored', server: 'received' } as const,
            { client: 'received', server: 'stored' } as const,
          ),
        }),
        fc.commands([...WRITES, crashOf(SIDES), crashOf(SIDES)], { maxCommands: 120, size: 'max' }),
        (options, steps) => {
          const real = new Continuity(options);
          begin(real);
          fc.modelRun(() => ({ model: {}, real }), steps);
          real.quiesce();
          checkRest(real);
          checkStores(real);
          checkClose(real);
          totals.crashes += real.client.crashes + real.server.crashes;
          totals.resumed += real.counts.resumed;
          totals.delivered += real.counts.delivered;
          totals.redelivered += real.counts.redelivered;
        },
      ),
      runs(60),
    );
    // The runs were about something.
    expect(Object.entries(totals).filter(([, count]) => count === 0)).toEqual([]);
  });
});
