import type { ConformanceCase } from '../cases/case.ts';
import { KitIssuance } from '../testee/kit.ts';
import type { Outcome } from './case-run.ts';
import { judge, runCase } from './case-run.ts';
import { knownFailureOf } from './known-failing.ts';
import { formatReplayToken } from './replay-token.ts';
import type { RunOptions } from './run-options.ts';
import type { SanityExchange } from './sanity.ts';
import { knownGoodExchange, sessionAlone } from './sanity.ts';
import { caseSeed, SeededRandom } from './seeded-random.ts';
import type { CaseResult, Verdict } from './verdict.ts';

/** Cases that wait for time to pass do little else: many can wait at once. */
const TIMING_JOBS = 24;
/** Where no estimate stands, a case takes less than this. */
const UNREMARKABLE_MS = 100;
/** How long an implementation that has died may take to come back, by itself or with help. */
const COMING_BACK_MS = 8000;
const KNOCK_MS = 100;

/**
 * Runs cases against one implementation and judges each.
 *
 * A known-good exchange stands before and after each case; the one after a case is the one before the next. Where it fails, the
 * case, and those that ran beside it, are judged again alone, so that a death is laid at the right door.
 *
 * @returns the results, in the order of the cases.
 */
export async function runCases(options: RunOptions): Promise<readonly CaseResult[]> {
  return new Runner(options).run();
}

/** A case after which, or beside which, the implementation was gone; with its outcome, where it ran. */
interface Suspect {
  readonly entry: ConformanceCase;
  readonly outcome?: Outcome;
}

class Runner {
  readonly #options: RunOptions;
  readonly #issuance: KitIssuance;
  readonly #results = new Map<string, CaseResult>();
  #suspects: Suspect[] = [];
  #sanity: SanityExchange = knownGoodExchange;
  #baseBroken = false;
  #runningCheck: Promise<boolean> = Promise.resolve(true);
  #nextCheck: Promise<boolean> | undefined;
  #recovery: Promise<void> | undefined;
  #gone = false;
  #exchanges = 0;

  constructor(options: RunOptions) {
    this.#options = options;
    this.#issuance = new KitIssuance(options.kit.directory);
  }

  async run(): Promise<readonly CaseResult[]> {
    const { cases, attachment } = this.#options;
    const first = await this.#firstExchange();
    if (first.verdict === 'setup-failed' || first.verdict === 'died') {
      for (const entry of cases) this.#report(entry, first);
      return this.#ordered();
    }
    this.#baseBroken = !isGood(first);

    // Cases on a reload change what the implementation trusts: nothing else may run beside them.
    const alone = cases.filter((entry) => entry.features?.includes('reload') === true);
    const others = longestFirst(cases.filter((entry) => !alone.includes(entry)));
    const waiting = others.filter(({ timing }) => timing === true);
    const working = others.filter(({ timing }) => timing !== true);
    const concurrent = attachment.role !== 'client' || this.#concurrent(await attachment.driver.process());
    const timingJobs = concurrent ? TIMING_JOBS : 1;
    // Those that wait longest bound the run from below: everything else has to fit beside them.
    const waited = this.#lane(waiting, timingJobs, false);
    if (!concurrent) await waited;
    await Promise.all([waited, this.#lane(working, concurrent ? this.#options.jobs : 1, true)]);
    await this.#lane(alone, 1, true);
    await this.#judgeSuspects(timingJobs);
    return this.#ordered();
  }

  /**
   * The first exchange may come upon a machine that is still busy with starting things: it gets a second try. Where the whole
   * exchange fails and a session alone comes about, that is what the others are from now on: the cases shall find out what
   * is wrong.
   */
  async #firstExchange(): Promise<Outcome> {
    let outcome = await this.#exchange();
    if (!isGood(outcome)) outcome = await this.#exchange();
    if (isGood(outcome)) return outcome;
    this.#sanity = sessionAlone;
    const lesser = await this.#exchange();
    return isGood(lesser) ? lesser : outcome;
  }

  #concurrent(driver: { readonly description: { readonly unsupported: readonly string[] } }): boolean {
    return ![...driver.description.unsupported, ...this.#options.attachment.unsupported].includes('concurrent');
  }

  async #lane(cases: readonly ConformanceCase[], jobs: number, sandwich: boolean): Promise<void> {
    const queue = [...cases];
    const worker = async (): Promise<void> => {
      for (let entry = queue.shift(); entry !== undefined; entry = queue.shift()) {
        await this.#recovery;
        if (this.#gone) {
          this.#suspects.push({ entry });
          continue;
        }
        const outcome = await this.#runRepeatedly(entry);
        if (this.#baseBroken) {
          this.#report(entry, withoutGoodPeer(outcome));
        } else if (
          isSuspect(outcome) ||
          (sandwich && outcome.verdict !== 'unsupported' && !(await this.#stillGood()))
        ) {
          this.#suspects.push({ entry, outcome });
          await this.#recover();
        } else {
          this.#report(entry, outcome);
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(jobs, cases.length) }, worker));
  }

  /** Whether a good peer is served. One exchange answers for all cases that ended before it began. */
  #stillGood(): Promise<boolean> {
    if (this.#nextCheck !== undefined) return this.#nextCheck;
    const check = this.#runningCheck.then(async () => {
      this.#nextCheck = undefined;
      return isGood(await this.#exchange());
    });
    this.#nextCheck = check;
    this.#runningCheck = check;
    return check;
  }

  /** Waits until the implementation is back; cases of all lanes wait with it. */
  #recover(): Promise<void> {
    this.#recovery ??= this.#comeBack().then(() => {
      this.#recovery = undefined;
    });
    return this.#recovery;
  }

  /**
   * One after the other, each between two known-good exchanges of its own. Those that wait for time to pass were most likely
   * only bystanders: they get a second run side by side before that.
   */
  async #judgeSuspects(timingJobs: number): Promise<void> {
    const bystanders = this.#suspects.filter(({ entry }) => entry.timing === true);
    await this.#judgeAlone(this.#suspects.filter((suspect) => !bystanders.includes(suspect)));
    this.#suspects = [];
    if (this.#gone) {
      await this.#judgeAlone(bystanders);
      return;
    }
    await this.#lane(
      bystanders.map(({ entry }) => entry),
      timingJobs,
      false,
    );
    await this.#judgeAlone(this.#suspects);
  }

  async #judgeAlone(suspects: readonly Suspect[]): Promise<void> {
    for (const { entry, outcome: first } of suspects) {
      const before = await this.#comeBack();
      if (before !== undefined) {
        const ranBefore = first !== undefined && first.verdict !== 'setup-failed';
        this.#report(entry, ranBefore ? died(first, before) : before);
        continue;
      }
      const outcome = await this.#runRepeatedly(entry);
      const after = await this.#exchange();
      const stands = outcome.verdict === 'unsupported' || (isGood(after) && outcome.verdict !== 'died');
      this.#report(entry, stands ? outcome : died(outcome, after));
    }
  }

  /** Brings the implementation back if it has gone; the answer is why it does not come. */
  async #comeBack(): Promise<Outcome | undefined> {
    const { attachment } = this.#options;
    // Once it has stayed away, it is not waited for again.
    const deadline = performance.now() + (this.#gone ? 0 : COMING_BACK_MS);
    for (let attempt = 0; ; attempt += 1) {
      const outcome = await this.#exchange();
      if (isGood(outcome)) return undefined;
      if (attempt === 0 && attachment.role !== 'client') await attachment.revive?.();
      else if (performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, KNOCK_MS));
      else {
        this.#gone = true;
        return { ...outcome, verdict: 'setup-failed', ...notServing(outcome) };
      }
    }
  }

  #exchange(): Promise<Outcome> {
    this.#exchanges += 1;
    const random = new SeededRandom(this.#options.seed ^ this.#exchanges);
    return judge(this.#options.attachment, this.#contextOptions(random), this.#sanity);
  }

  async #runRepeatedly(entry: ConformanceCase): Promise<Outcome> {
    const outcome = await this.#runOnce(entry);
    for (let run = 1; run < this.#options.repeat; run += 1) {
      const next = await this.#runOnce(entry);
      if (next.verdict === outcome.verdict) continue;
      const worse = outcome.verdict === 'pass' ? next : outcome;
      const detail = `run ${run + 1} of ${this.#options.repeat} was ${next.verdict}, an earlier one ${outcome.verdict}`;
      return { ...worse, detail, flaky: true };
    }
    return outcome;
  }

  #runOnce(entry: ConformanceCase): Promise<Outcome> {
    const random = new SeededRandom(this.#seedOf(entry));
    const path = this.#options.replay?.path;
    const options = { ...this.#contextOptions(random), ...(path === undefined ? {} : { replayPath: path }) };
    return runCase(entry, this.#options.attachment, options);
  }

  #contextOptions(random: SeededRandom): Parameters<typeof judge>[1] {
    const { kit, stepMs, deep } = this.#options;
    return { kit, issuance: this.#issuance, random, stepMs, deep, baseBroken: this.#baseBroken };
  }

  #seedOf(entry: ConformanceCase): number {
    return this.#options.replay?.seed ?? caseSeed(this.#options.seed, entry.id);
  }

  #report(entry: ConformanceCase, outcome: Outcome): void {
    const seed = this.#seedOf(entry);
    const path = outcome.path ?? this.#options.replay?.path;
    const known = knownFailureOf(this.#options.knownFailing, entry.id, new Date());
    const verdict = finalVerdict(outcome, known !== undefined);
    const detail = known === undefined ? outcome.detail : `listed as a known failure: ${known.reason}`;
    const result: CaseResult = {
      id: entry.id,
      role: entry.role,
      title: entry.title,
      requirements: entry.requirements,
      level: entry.level ?? 'MUST',
      stimulus: entry.stimulus,
      expectation: entry.expectation,
      timing: entry.timing === true,
      verdict,
      durationMs: Math.round(outcome.durationMs * 10) / 10,
      seed,
      replay: formatReplayToken({ caseId: entry.id, seed, ...(path === undefined ? {} : { path }) }),
      ...(outcome.finding === undefined ? {} : { finding: outcome.finding }),
      ...(detail === undefined ? {} : { detail }),
      wire: verdict === 'pass' || verdict === 'unsupported' ? [] : outcome.wire,
      testeeLog: verdict === 'pass' || verdict === 'unsupported' ? [] : outcome.testeeLog,
    };
    this.#results.set(entry.id, result);
    this.#options.onResult?.(result);
  }

  #ordered(): readonly CaseResult[] {
    return this.#options.cases.flatMap(({ id }) => this.#results.get(id) ?? []);
  }
}

function longestFirst(cases: readonly ConformanceCase[]): readonly ConformanceCase[] {
  const length = ({ estimateMs = UNREMARKABLE_MS }: ConformanceCase): number => estimateMs;
  return cases.toSorted((a, b) => length(b) - length(a));
}

function isGood({ verdict }: Outcome): boolean {
  return verdict === 'pass' || verdict === 'pass-lenient';
}

/** Whether the testee may have gone, so that nothing can be said yet. */
function isSuspect({ verdict }: Outcome): boolean {
  return verdict === 'setup-failed' || verdict === 'died';
}

function died(outcome: Outcome, after: Outcome): Outcome {
  const why =
    after.finding === undefined
      ? (after.detail ?? 'unknown')
      : `${after.finding.expected}, but: ${after.finding.actual}`;
  return {
    ...outcome,
    verdict: 'died',
    finding: { expected: 'a good peer is still served after this case', actual: why },
    wire: [...outcome.wire, ...after.wire],
  };
}

function notServing(outcome: Outcome): Pick<Outcome, 'detail'> {
  const why =
    outcome.finding === undefined
      ? outcome.detail
      : `expected ${outcome.finding.expected}; got ${outcome.finding.actual}`;
  return { detail: `the implementation no longer serves a good peer: ${why ?? 'unknown'}` };
}

/** A right answer of an implementation that gives no good peer a session proves nothing. */
function withoutGoodPeer(outcome: Outcome): Outcome {
  if (!isGood(outcome)) return outcome;
  const finding = { expected: 'a good peer is served too', actual: 'not even a plain session comes about' };
  return { ...outcome, verdict: 'dependency-failed', finding };
}

function finalVerdict(outcome: Outcome, known: boolean): Verdict {
  if (outcome.flaky === true) return 'flaky';
  if (!known) return outcome.verdict;
  if (outcome.verdict === 'pass') return 'unexpected-pass';
  return outcome.verdict === 'fail' || outcome.verdict === 'died' || outcome.verdict === 'pass-lenient'
    ? 'known-failing'
    : outcome.verdict;
}
