import type { CutShape } from './link-proxy.ts';
import type { Random } from './random.ts';

/** What happens to a run, and when. */
export interface Fault {
  /** Not before the applications have done so much. */
  readonly atProgress: number;
  /** Octets that go through the links from then on before it strikes. */
  readonly afterOctets: number;
  readonly strike: Strike;
}

export type Strike =
  /** The server may not be to be reached at first, so that the client goes to another one where there are several. */
  | { readonly type: 'cut'; readonly shape: CutShape; readonly moves: boolean }
  | { readonly type: 'kill'; readonly process: 'client' }
  /** Which of several servers is a share from 0 to below 1. */
  | { readonly type: 'kill'; readonly process: 'server'; readonly which: number }
  /** The server that has the link is stopped, and goes on when another one has long had its session. */
  | { readonly type: 'pause' };

/** How many of each. */
export interface FaultCounts {
  readonly cuts: number;
  readonly clientKills: number;
  readonly serverKills: number;
  readonly pauses: number;
}

/** Share of the faults that follow the one before at once: while a connection is established, or soon after. */
const FOLLOWING = 0.35;
const FOLLOWING_OCTETS = 9 * 1024;
const OCTETS = 160 * 1024;

/** Share of the cuts after which the server is not to be reached at first. */
const MOVES = 0.4;

/** Faults all come while this share of the work is done, so that the rest of the work needs none to end. */
const UNTIL = 0.96;

const SHAPES: readonly CutShape[] = [
  'at once',
  'toward client first',
  'toward server first',
  'half closed',
  'inside a record',
];

/** Draws the faults of a run, in the order in which they strike. */
export function drawFaults(random: Random, counts: FaultCounts, progress: number): readonly Fault[] {
  const strikes: Strike[] = [];
  for (let count = 0; count < counts.cuts; count += 1) {
    strikes.push({ type: 'cut', shape: random.pick(SHAPES), moves: random.share() < MOVES });
  }
  for (let count = 0; count < counts.clientKills; count += 1) strikes.push({ type: 'kill', process: 'client' });
  for (let count = 0; count < counts.serverKills; count += 1) {
    strikes.push({ type: 'kill', process: 'server', which: random.share() });
  }
  for (let count = 0; count < counts.pauses; count += 1) strikes.push({ type: 'pause' });
  const places = strikes.map(() => Math.floor(random.share() * progress * UNTIL)).sort((a, b) => a - b);
  let at = 0;
  return places.map((place): Fault => {
    const follows = random.share() < FOLLOWING;
    if (!follows) at = place;
    const [strike] = strikes.splice(random.below(strikes.length), 1);
    if (strike === undefined) throw new RangeError('There are as many faults as places.');
    return { atProgress: at, afterOctets: random.below(follows ? FOLLOWING_OCTETS : OCTETS), strike };
  });
}

/** Lets faults strike one after another, as the run goes on. */
export class FaultSchedule {
  readonly #faults: readonly Fault[];
  #next = 0;
  #progress = 0;
  #octets = 0;

  constructor(faults: readonly Fault[]) {
    this.#faults = faults;
  }

  /** The applications have done so much. */
  set progress(progress: number) {
    this.#progress = Math.max(this.#progress, progress);
  }

  /** What strikes next. */
  get next(): Strike | undefined {
    return this.#faults[this.#next]?.strike;
  }

  /** How many have struck. */
  get struck(): number {
    return this.#next;
  }

  get total(): number {
    return this.#faults.length;
  }

  /**
   * Octets are about to pass a link.
   *
   * @returns after how many of them a fault strikes; undefined when none does.
   */
  dueWithin(octets: number): number | undefined {
    const fault = this.#faults[this.#next];
    if (fault === undefined || fault.atProgress > this.#progress) return undefined;
    const left = fault.afterOctets - this.#octets;
    if (left < octets) return Math.max(0, left);
    this.#octets += octets;
    return undefined;
  }

  /** The fault that is due; it counts as struck. */
  take(): Strike | undefined {
    const fault = this.#faults[this.#next];
    this.#next += 1;
    this.#octets = 0;
    return fault?.strike;
  }
}
