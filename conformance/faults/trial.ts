import type { ConformanceCase } from '../cases/case.ts';
import type { Attachment } from '../runner/attachment.ts';
import { runCases } from '../runner/run.ts';
import type { CaseResult } from '../runner/verdict.ts';
import type { Kit } from '../testee/kit-files.ts';
import type { Attached } from '../testee/reference.ts';
import { attachReferenceClient, attachReferenceRelay, attachReferenceServer } from '../testee/reference.ts';
import type { Fault } from './fault.ts';

/** How the cases took a faulty implementation. */
export interface Trial {
  readonly fault: Fault;
  /** Cases that ran. */
  readonly ran: readonly string[];
  /** Cases that noticed: they failed, or saw the right action with the wrong code. */
  readonly noticed: readonly string[];
  /** Those of them that decide about the broken requirement. The fault is caught if there is one. */
  readonly named: readonly string[];
  /** Cases that could not judge what came because of a mistake of their own, one line each. */
  readonly stumbled: readonly string[];
}

export interface TrialOptions {
  readonly kit: Kit;
  readonly seed: number;
  readonly stepMs: number;
  readonly jobs: number;
}

/** Runs cases against the reference with one fault in it. */
export async function tryFault(
  fault: Fault,
  cases: readonly ConformanceCase[],
  { kit, seed, stepMs, jobs }: TrialOptions,
): Promise<Trial> {
  const { attachment, stop } = await attach(fault, kit, stepMs);
  try {
    const options = { cases, attachment, kit, seed, stepMs, jobs, repeat: 1, deep: false, knownFailing: [] };
    const results = await runCases(options);
    const noticed = results.filter(hasNoticed);
    return {
      fault,
      ran: results.map(({ id }) => id),
      noticed: noticed.map(({ id }) => id),
      named: noticed.filter(({ requirements }) => requirements.includes(fault.requirement)).map(({ id }) => id),
      stumbled: results
        .filter(({ verdict }) => verdict === 'harness-error')
        .map(({ id, detail }) => `${id}: ${detail}`),
    };
  } finally {
    await stop();
  }
}

/** Starts the reference in the role of the fault, with the fault in it. */
async function attach({ id, role }: Fault, kit: Kit, stepMs: number): Promise<Attached<Attachment>> {
  const nodeArguments = ['--import', new URL(`register.js?fault=${id}`, import.meta.url).href];
  switch (role) {
    case 'server':
      return attachReferenceServer(kit, { nodeArguments });
    case 'client':
      return attachReferenceClient(stepMs, { nodeArguments });
    case 'relay':
      return attachReferenceRelay(kit, stepMs, { nodeArguments });
  }
}

function hasNoticed({ verdict }: CaseResult): boolean {
  return verdict === 'fail' || verdict === 'died' || verdict === 'pass-lenient';
}
