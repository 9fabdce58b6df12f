import { randomBytes } from 'node:crypto';
import { toHex } from '../../model/codec.ts';
import { registry } from '../../model/registry.ts';
import type { Kit } from '../../testee/kit-files.ts';
import type { Finding } from '../failure.ts';
import { ConformanceFailure, fail } from '../failure.ts';
import type { Place } from '../listen-on.ts';
import type { Arrival } from '../peer.ts';
import { ServerListener, ServerMemory } from '../server-peer.ts';
import type { ServerPeer } from '../server-peer.ts';
import { WireLog } from '../wire-log.ts';
import type { ChannelEnd } from './channel-end.ts';
import { Signal } from './signal.ts';
import { Trunk } from './trunk.ts';
import { grantsOf } from './trunk-grants.ts';

/** What the harness grants on the shared trunk: many channels, and little credit, so that a case can use it up. */
export const SHARED: { readonly channels: number; readonly messages: number; readonly octets: number } = {
  channels: 4096,
  messages: 16,
  octets: 65_536,
};

const NONCE_BYTES: number =
  registry.frames.find(({ name }) => name === 'OPEN')?.fields.find(({ name }) => name === 'nonce')?.size ?? 32;

/** What passed between all cases and the relay is kept per channel, not as a whole. */
class ForgetfulLog extends WireLog {
  override add(): void {
    // Nothing is kept.
  }
}

/** The trunks that all cases share: whatever sessions the relay makes are accepted, and go on over connection after connection. */
export class SharedTrunk {
  /** What is wrong with what the relay sends on a trunk, but belongs to no channel. */
  readonly findings: Finding[] = [];
  readonly #stepMs: number;
  readonly #memory = new ServerMemory();
  readonly #trunks = new Map<string, Trunk>();
  readonly #asked = new Map<string, ChannelEnd>();
  readonly #abandoned = new Set<string>();
  readonly #signal = new Signal();
  #listener: ServerListener | undefined;
  #open = true;

  private constructor(stepMs: number) {
    this.#stepMs = stepMs;
  }

  /** Listens. */
  static async listen(kit: Kit, place: Place, stepMs: number): Promise<SharedTrunk> {
    const shared = new SharedTrunk(stepMs);
    const options = { credential: kit.credential('server'), caPem: kit.caPem };
    const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
    const listener = await ServerListener.listen(
      options,
      () => ({ log: new ForgetfulLog('trunk'), stepMs, random, onLenient: () => undefined }),
      stepMs,
      shared.#memory,
      place,
    );
    shared.#listener = listener;
    void shared.#serve(listener);
    return shared;
  }

  get port(): number {
    return this.#listener?.port ?? 0;
  }

  /** The application end that was asked for with this nonce; undefined when none comes in time. */
  find(nonce: Uint8Array, withinMs: number): Promise<ChannelEnd | undefined> {
    return this.#signal.find(() => this.#asked.get(toHex(nonce)), withinMs);
  }

  /** Whether anybody has asked with this nonce so far. */
  has(nonce: Uint8Array): boolean {
    return this.#asked.has(toHex(nonce));
  }

  /** Nobody will look for this nonce any more. */
  forget(nonce: Uint8Array): void {
    const key = toHex(nonce);
    this.#asked.get(key)?.release();
    this.#asked.delete(key);
    this.#abandoned.add(key);
  }

  /** Cuts every connection and stops. */
  async close(): Promise<void> {
    this.#open = false;
    await this.#listener?.close();
  }

  async #serve(listener: ServerListener): Promise<void> {
    while (this.#open) {
      const attempt = await listener.nextAttempt(IDLE_MS).catch(() => undefined);
      if (attempt?.type === 'connected') void this.#establish(attempt.peer);
    }
  }

  async #establish(peer: ServerPeer): Promise<void> {
    try {
      peer.sendChallenge();
      const connect = await peer.expectConnect();
      if (connect.integer('mode') === 0n) {
        const { channels, messages, octets } = SHARED;
        peer.sendAccept({ parameters: grantsOf(connect, { channels, messages, octets }) });
        const trunk = new Trunk(peer, {
          stepMs: this.#stepMs,
          onForward: (end) => this.#onForward(end),
          onArrival: (arrival, source) => this.#onArrival(arrival, source),
        });
        if (peer.session !== undefined) this.#trunks.set(toHex(peer.session.id), trunk);
        return;
      }
      const id = connect.bytes('session_id');
      const former = this.#memory.find(id);
      const trunk = this.#trunks.get(toHex(id));
      if (former === undefined || trunk === undefined) {
        peer.sendReject('RESUME_REFUSED');
        await peer.expectEnd();
        return;
      }
      former.destroy();
      trunk.adopt(peer);
      peer.sendAcceptResume(former);
    } catch (error) {
      if (!(error instanceof ConformanceFailure)) throw error;
      this.findings.push(error.finding);
      peer.destroy();
    }
  }

  #onForward(end: ChannelEnd): void {
    const key = toHex(end.open.subarray(0, NONCE_BYTES));
    if (this.#abandoned.has(key)) {
      end.release();
      return;
    }
    const twice = this.#asked.get(key);
    if (twice !== undefined) {
      const actual = `${end.forward.text}, after ${twice.forward.text}`;
      twice.accuse({ requirement: 'RLY-022', expected: 'one FORWARD for one OPEN', actual });
      end.release();
      return;
    }
    this.#asked.set(key, end);
    this.#signal.notify();
  }

  #onArrival(arrival: Arrival, trunk: Trunk): void {
    if (arrival.type === 'finding') this.findings.push(arrival.finding);
    if (arrival.type !== 'frame' || arrival.frame.name !== 'CLOSE') return;
    const ends = arrival.frame.has('END_SESSION');
    trunk.peer.sendClose('NO_ERROR', { flags: ends ? ['END_SESSION'] : [] });
    trunk.peer.socket.end();
    if (!ends) return;
    trunk.lose(`the end of the trunk: ${arrival.frame.text}`);
    for (const [id, other] of this.#trunks) if (other === trunk) this.#trunks.delete(id);
  }
}

/** How often the loop that accepts looks whether it is still wanted. */
const IDLE_MS = 1000;

/** The application end that a case waits for. */
export async function requireEnd(
  shared: SharedTrunk,
  nonce: Uint8Array,
  withinMs: number,
  requirement = 'RLY-003',
): Promise<ChannelEnd> {
  const end = await shared.find(nonce, withinMs);
  return end ?? fail('FORWARD on the trunk', `none within ${withinMs} ms`, requirement);
}
