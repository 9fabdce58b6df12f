import { equal } from '../../model/codec.ts';
import type { ParameterInput } from '../../model/codec.ts';
import type { Kit } from '../../testee/kit-files.ts';
import type { Finding } from '../failure.ts';
import { fail } from '../failure.ts';
import type { Place } from '../listen-on.ts';
import type { PeerOptions } from '../peer.ts';
import type { ReceivedFrame } from '../received-frame.ts';
import type { ServerAttempt, ServerListenOptions, ServerPeer } from '../server-peer.ts';
import { ServerListener, ServerMemory } from '../server-peer.ts';
import type { WireLog } from '../wire-log.ts';
import type { ChannelEnd } from './channel-end.ts';
import { Signal } from './signal.ts';
import { Trunk } from './trunk.ts';
import type { TrunkGrants } from './trunk-grants.ts';
import { grantsOf } from './trunk-grants.ts';

/** What a case gives to the trunk that it has for itself. */
export interface SoloOptions {
  readonly kit: Kit;
  readonly place: Place;
  readonly stepMs: number;
  readonly peerOptions: (log: WireLog) => PeerOptions;
  readonly listen?: Partial<ServerListenOptions>;
}

/** How the harness accepts a session of the relay on it. */
export interface SoloGrants extends TrunkGrants {
  /** Parameters of CHALLENGE. */
  readonly challenge?: readonly ParameterInput[];
}

/** A trunk that one case has for itself: it says what the session is granted, and may break it in any way. */
export class SoloTrunk {
  readonly peers: ServerPeer[] = [];
  readonly ends: ChannelEnd[] = [];
  readonly #listener: ServerListener;
  readonly #memory: ServerMemory;
  readonly #stepMs: number;
  readonly #signal = new Signal();
  #taken = 0;
  #trunk: Trunk | undefined;

  private constructor(listener: ServerListener, memory: ServerMemory, stepMs: number) {
    this.#listener = listener;
    this.#memory = memory;
    this.#stepMs = stepMs;
  }

  /** Listens at the place of the trunk. */
  static async listen({ kit, place, stepMs, peerOptions, listen }: SoloOptions): Promise<SoloTrunk> {
    const memory = new ServerMemory();
    const options = { credential: kit.credential('server'), caPem: kit.caPem, ...listen };
    return new SoloTrunk(await ServerListener.listen(options, peerOptions, stepMs, memory, place), memory, stepMs);
  }

  /** The trunk session, once accepted. */
  get trunk(): Trunk {
    if (this.#trunk === undefined) throw new TypeError('no trunk session was accepted');
    return this.#trunk;
  }

  /** How many TCP connections have come. */
  get connections(): number {
    return this.#listener.connections;
  }

  /** What is different for the connections that come from now on. */
  change(options: Partial<ServerListenOptions>): void {
    this.#listener.change(options);
  }

  /** The next attempt of the relay to connect: its TLS, or how that ended. */
  nextAttempt(withinMs?: number): Promise<ServerAttempt> {
    return this.#listener.nextAttempt(withinMs);
  }

  /** The next TLS connection of the relay, on which nothing was sent yet. */
  async connected(withinMs?: number): Promise<ServerPeer> {
    const peer = await this.#listener.accept(withinMs);
    this.peers.push(peer);
    return peer;
  }

  /**
   * Accepts a session. A relay that wants to attach one of an earlier case is told that it is unknown, and comes again.
   *
   * @returns the CONNECT.
   */
  async accept(grants: SoloGrants = {}): Promise<ReceivedFrame> {
    for (;;) {
      const peer = await this.connected();
      peer.sendChallenge(grants.challenge);
      const connect = await peer.expectConnect();
      if (connect.integer('mode') !== 0n && this.#memory.find(connect.bytes('session_id')) === undefined) {
        peer.sendReject('RESUME_REFUSED');
        await peer.expectEnd();
        continue;
      }
      if (connect.integer('mode') !== 0n) fail('CONNECT in mode new', connect.text, 'CNT-057');
      peer.sendAccept({ parameters: grantsOf(connect, grants) });
      this.#trunk = new Trunk(peer, {
        stepMs: this.#stepMs,
        onForward: (end) => {
          this.ends.push(end);
          this.#signal.notify();
        },
        onArrival: () => undefined,
      });
      return connect;
    }
  }

  /** The next FORWARD that has come. */
  async forwarded(requirement = 'RLY-003', withinMs: number = this.#stepMs): Promise<ChannelEnd> {
    const end = await this.#signal.find(() => this.ends[this.#taken], withinMs);
    if (end === undefined) fail('FORWARD on the trunk', `none within ${withinMs} ms`, requirement);
    this.#taken += 1;
    return end;
  }

  /** Cuts the connection of the trunk without a word. */
  cut(): void {
    this.trunk.peer.destroy();
  }

  /**
   * Waits for the relay to attach the session to another connection, and accepts that.
   *
   * @param holds - what the harness says to hold of what the relay has sent; everything by default.
   * @returns the CONNECT.
   */
  async resumed(withinMs: number, holds?: bigint): Promise<ReceivedFrame> {
    const { trunk } = this;
    const former = trunk.peer;
    const peer = await this.connected(withinMs);
    peer.answerAcks = former.answerAcks;
    peer.sendChallenge();
    const connect = await peer.expectConnect();
    const own = connect.integer('mode') === 1n && equal(connect.bytes('session_id'), former.session?.id ?? NONE);
    if (!own) fail('CONNECT in mode resume for the session of the trunk', connect.text, 'RLY-031');
    if (holds !== undefined) former.receivedSeq = holds;
    trunk.adopt(peer);
    peer.sendAcceptResume(former);
    former.destroy();
    return connect;
  }

  /** What is wrong and no step has come upon. */
  get leftover(): Finding | undefined {
    return [...this.ends, ...this.peers].map((source) => source.leftover).find((finding) => finding !== undefined);
  }

  /** Ends the session, so that the relay makes another one for the next case, and stops listening. */
  async close(): Promise<void> {
    await this.#trunk?.peer.farewell();
    for (const peer of this.peers) peer.destroy();
    await this.#listener.close();
  }
}

const NONE = new Uint8Array(0);
