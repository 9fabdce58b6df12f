import type { ConformanceCase } from '../cases/case.ts';
import type { ContextOptions } from '../cases/base-context.ts';
import { ClientContext } from '../cases/client-context.ts';
import { RelayContext } from '../cases/relay-context.ts';
import { ServerContext } from '../cases/server-context.ts';
import type { Finding } from '../peer/failure.ts';
import {
  ConformanceFailure,
  DependencyFailure,
  SetupFailure,
  TesteeDied,
  UnsupportedFeature,
} from '../peer/failure.ts';
import type { WireLog } from '../peer/wire-log.ts';
import { DriverFault } from '../testee/driver.ts';
import type { Attachment } from './attachment.ts';
import type { Verdict } from './verdict.ts';

/** What one run of a case came to. */
export interface Outcome {
  readonly verdict: Extract<
    Verdict,
    'pass' | 'pass-lenient' | 'fail' | 'unsupported' | 'setup-failed' | 'dependency-failed' | 'harness-error' | 'died'
  >;
  readonly durationMs: number;
  readonly finding?: Finding;
  readonly detail?: string;
  readonly wire: readonly WireLog[];
  readonly testeeLog: readonly string[];
  /** Path to the shrunk counterexample of a property. */
  readonly path?: string;
  /** An earlier run of the same case ended otherwise. */
  readonly flaky?: true;
}

/** Makes the context for one run against an attached implementation. */
export async function makeContext(
  attachment: Attachment,
  options: Omit<ContextOptions, 'unsupported'>,
): Promise<ServerContext | ClientContext> {
  if (attachment.role !== 'client') {
    const unsupported = new Set(attachment.unsupported);
    if (attachment.reload === undefined) unsupported.add('reload');
    const { reload } = attachment;
    const complete = { ...options, unsupported };
    return attachment.role === 'relay'
      ? new RelayContext(attachment.target(), reload, attachment.ends, complete)
      : new ServerContext(attachment.target(), reload, complete);
  }
  const driver = await attachment.driver.process();
  const unsupported = new Set([...attachment.unsupported, ...driver.description.unsupported]);
  return new ClientContext(driver, { ...options, unsupported });
}

/** Runs something in a fresh context and judges how it ended. */
export async function judge(
  attachment: Attachment,
  options: Omit<ContextOptions, 'unsupported'>,
  body: (context: ServerContext | ClientContext) => Promise<void>,
): Promise<Outcome> {
  const startedAt = performance.now();
  let context: ServerContext | ClientContext | undefined;
  let ending: Pick<Outcome, 'verdict' | 'finding' | 'detail'>;
  try {
    context = await makeContext(attachment, options);
    await body(context);
    const leftover = context.leftover;
    const lenient = context.lenient[0];
    if (leftover !== undefined) ending = { verdict: 'fail', finding: leftover };
    else if (lenient !== undefined) ending = { verdict: 'pass-lenient', finding: lenient };
    else ending = { verdict: 'pass' };
  } catch (error) {
    ending = endingOf(error);
  }
  const testeeLog = attachment.role === 'client' ? [] : (attachment.log?.() ?? []);
  const driverLog = context instanceof ClientContext ? context.driver.log.slice(-20) : [];
  await context?.dispose();
  const detail = context?.detail ?? ending.detail;
  return {
    ...ending,
    ...(detail === undefined ? {} : { detail }),
    durationMs: performance.now() - startedAt,
    wire: context?.logs ?? [],
    testeeLog: [...testeeLog.slice(-20), ...driverLog],
    ...(context?.foundPath === undefined ? {} : { path: context.foundPath }),
  };
}

/** Runs one case. */
export function runCase(
  entry: ConformanceCase,
  attachment: Attachment,
  options: Omit<ContextOptions, 'unsupported'>,
): Promise<Outcome> {
  return judge(attachment, options, async (context) => {
    for (const feature of entry.features ?? []) context.need(feature);
    if (entry.role === 'relay' && context instanceof RelayContext) await entry.run(context);
    else if (entry.role === 'server' && context instanceof ServerContext) await entry.run(context);
    else if (entry.role === 'client' && context instanceof ClientContext) await entry.run(context);
    else throw new TypeError(`${entry.id} is not for a ${attachment.role}`);
  });
}

function endingOf(error: unknown): Pick<Outcome, 'verdict' | 'finding' | 'detail'> {
  if (error instanceof ConformanceFailure) return { verdict: 'fail', finding: error.finding };
  if (error instanceof DependencyFailure) return { verdict: 'dependency-failed', finding: error.finding };
  if (error instanceof UnsupportedFeature) return { verdict: 'unsupported', detail: error.message };
  if (error instanceof SetupFailure) return { verdict: 'setup-failed', detail: error.message };
  if (error instanceof TesteeDied) return { verdict: 'died', detail: error.message };
  if (error instanceof DriverFault) return { verdict: 'harness-error', detail: error.message };
  return { verdict: 'harness-error', detail: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}
