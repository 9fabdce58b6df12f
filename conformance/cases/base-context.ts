import { ConformanceFailure, DependencyFailure, UnsupportedFeature } from '../peer/failure.ts';
import type { Finding } from '../peer/failure.ts';
import type { Peer, PeerOptions } from '../peer/peer.ts';
import type { RecordTapOptions } from '../peer/record-tap.ts';
import { RecordTap } from '../peer/record-tap.ts';
import { WireLog } from '../peer/wire-log.ts';
import type { SeededRandom } from '../runner/seeded-random.ts';
import type { Kit } from '../testee/kit-files.ts';
import type { KitIssuance } from '../testee/kit.ts';

/** What the runner gives to the context of every case. */
export interface ContextOptions {
  readonly kit: Kit;
  readonly issuance: KitIssuance;
  readonly random: SeededRandom;
  /** How long one step may take, in milliseconds. */
  readonly stepMs: number;
  /** Features that the implementation under test does not have. */
  readonly unsupported: ReadonlySet<string>;
  /** Whether the deep profile was asked for. */
  readonly deep: boolean;
  /** Whether a plain session is known to fail: steps that only build on one then fail at once. */
  readonly baseBroken: boolean;
  /** Path to the shrunk counterexample of a property. */
  readonly replayPath?: string;
}

/** What a case works with, whichever role is under test. One context serves one run of one case. */
export abstract class BaseContext {
  readonly kit: Kit;
  readonly issuance: KitIssuance;
  readonly random: SeededRandom;
  readonly stepMs: number;
  readonly deep: boolean;
  readonly replayPath: string | undefined;
  /** Right actions with wrong codes. */
  readonly lenient: Finding[] = [];
  readonly logs: WireLog[] = [];
  /** Continues {@link replayPath}: set by a property that found a counterexample. */
  foundPath: string | undefined;
  /** Further words for the report. */
  detail: string | undefined;
  readonly #options: ContextOptions;
  readonly #peers: Peer[] = [];
  readonly #taps: RecordTap[] = [];

  protected constructor(options: ContextOptions) {
    this.#options = options;
    this.kit = options.kit;
    this.issuance = options.issuance;
    this.random = options.random;
    this.stepMs = options.stepMs;
    this.deep = options.deep;
    this.replayPath = options.replayPath;
  }

  /** Random octets, the same for the same seed. */
  bytes(length: number): Uint8Array {
    return this.random.bytes(length);
  }

  /** Whether the implementation under test has a feature. */
  has(feature: string): boolean {
    return !this.#options.unsupported.has(feature);
  }

  /** Ends the case as unsupported unless the implementation under test has the feature. */
  need(feature: string): void {
    if (!this.has(feature)) throw new UnsupportedFeature(feature);
  }

  /** Runs a step that the case only builds on: its failure says nothing about the requirements of the case. */
  async dependency<T>(step: string, run: () => Promise<T>): Promise<T> {
    if (this.#options.baseBroken) {
      const finding = { expected: 'a plain session', actual: 'none: see the cases of establishment' };
      throw new DependencyFailure(step, new ConformanceFailure(finding));
    }
    try {
      return await run();
    } catch (error) {
      throw error instanceof ConformanceFailure ? new DependencyFailure(step, error) : error;
    }
  }

  /** What the peers noticed by themselves and no step has come upon. */
  get leftover(): Finding | undefined {
    return this.#peers.map((peer) => peer.leftover).find((finding) => finding !== undefined);
  }

  /** Cuts every connection and forgets it, so that a property can begin another run. */
  async restart(): Promise<void> {
    await this.dispose();
    this.#peers.length = 0;
    this.logs.length = 0;
    this.lenient.length = 0;
  }

  /** Cuts everything that is still open. */
  async dispose(): Promise<void> {
    for (const peer of this.#peers) peer.destroy();
    await Promise.all(this.#taps.splice(0).map((tap) => tap.close()));
  }

  protected async tapTo(host: string, port: number, options: RecordTapOptions): Promise<RecordTap> {
    const tap = await RecordTap.listen(host, port, options);
    this.#taps.push(tap);
    return tap;
  }

  protected newLog(title: string): WireLog {
    const log = new WireLog(title);
    this.logs.push(log);
    return log;
  }

  protected track(peer: Peer): void {
    this.#peers.push(peer);
  }

  protected peerOptions(log: WireLog): PeerOptions {
    return {
      log,
      stepMs: this.stepMs,
      random: (length) => this.random.bytes(length),
      onLenient: (finding) => this.lenient.push(finding),
    };
  }
}
