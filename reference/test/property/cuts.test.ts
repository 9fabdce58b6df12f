import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { Continuity } from './continuity.ts';
import { begin, checkClose, checkRest } from './continuity-checks.ts';
import { CUTS } from './continuity-commands.ts';
import { runs } from './runs.ts';

// Many runs on a busy machine.
vi.setConfig({ testTimeout: 3_600_000 });

describe('a session whose connections are cut', () => {
  it('delivers every message once and in order, and settles it once, wherever the cut is [CNT-010] [CNT-030] [CNT-042]', () => {
    const totals = { resumed: 0, delivered: 0, superseded: 0, stale: 0 };
    fc.assert(
      fc.property(
        fc.record({
          grease: fc.boolean(),
          messages: fc.constantFrom(0, 1, 3, 64),
          bytes: fc.constantFrom(0, 1, 100, 30_000, 1_048_576),
        }),
        fc.commands([...CUTS], { maxCommands: 120, size: 'max' }),
        (options, steps) => {
          const real = new Continuity({ ...options, custody: { client: 'received', server: 'received' } });
          begin(real);
          fc.modelRun(() => ({ model: {}, real }), steps);
          real.quiesce();
          checkRest(real);
          checkClose(real);
          for (const name of Object.keys(totals) as (keyof typeof totals)[]) totals[name] += real.counts[name];
        },
      ),
      runs(60),
    );
    // The runs were about something.
    expect(
      Object.entries(totals).filter(([, count]) => count === 0),
      JSON.stringify(totals),
    ).toEqual([]);
  });
});
