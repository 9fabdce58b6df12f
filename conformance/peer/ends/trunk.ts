import { toHex } from '../../model/codec.ts';
import { parameterNamed } from '../../model/registry.ts';
import type { Finding } from '../failure.ts';
import { fail } from '../failure.ts';
import type { Arrival } from '../peer.ts';
import type { ReceivedFrame } from '../received-frame.ts';
import type { ServerPeer } from '../server-peer.ts';
import { ChannelEnd } from './channel-end.ts';
import { Mutex } from './mutex.ts';
import { Signal } from './signal.ts';

/** What a trunk needs from whoever listens. */
export interface TrunkOptions {
  readonly stepMs: number;
  /** A channel was asked for. */
  readonly onForward: (end: ChannelEnd) => void;
  /** Something that belongs to no channel: CLOSE, the end of the connection, a finding. */
  readonly onArrival: (arrival: Arrival, trunk: Trunk) => void;
}

/** A session that the relay has with the harness, over one connection after the other: channels of many clients at once. */
export class Trunk {
  /** The connection that carries it, or did last. */
  peer: ServerPeer;
  readonly channels: Map<number, ChannelEnd> = new Map();
  /** The CONNECT with which the session was made. */
  readonly connect: ReceivedFrame;
  readonly #options: TrunkOptions;
  readonly #turn = new Mutex();
  readonly #signal = new Signal();
  readonly #pongs = new Set<string>();
  #lastChannel: number | undefined;

  constructor(peer: ServerPeer, options: TrunkOptions) {
    if (peer.connect === undefined) throw new TypeError('CONNECT was not received');
    this.peer = peer;
    this.connect = peer.connect;
    this.#options = options;
    this.adopt(peer);
  }

  /** What a parameter of the relay is, declared or by default. */
  relayParameter(name: string): number {
    return Number(this.connect.parameter(name) ?? parameterNamed(name).default);
  }

  /** Goes on with another connection. */
  adopt(peer: ServerPeer): void {
    this.peer = peer;
    peer.diversion = (arrival) => this.#take(peer, arrival);
  }

  /** Waits until the relay has processed everything that was sent before; what it sent before that was read. */
  async barrier(requirement?: string): Promise<void> {
    const release = await this.#turn.acquire();
    try {
      const data = this.peer.random(8);
      this.peer.send('PING', { fields: { data } });
      const found = await this.#signal.find(() => this.#pongs.delete(toHex(data)) || undefined, this.#options.stepMs);
      if (found === undefined) fail('PONG on the trunk', `nothing within ${this.#options.stepMs} ms`, requirement);
    } finally {
      release();
    }
  }

  /** Whether a RESET on the channel has a meaning. */
  mayReset(channel: number): boolean {
    return this.peer.established && !this.peer.socket.destroyed && this.peer.maySend('RESET', channel);
  }

  /** The session is over: its channels are lost. */
  lose(text: string): void {
    for (const end of this.channels.values()) end.lose(text);
  }

  #take(peer: ServerPeer, arrival: Arrival): boolean {
    // Before ACCEPT whoever establishes the session reads for itself; and so does a case that speaks on a connection that was left.
    if (peer !== this.peer || !peer.established) return false;
    if (arrival.type === 'frame') return this.#takeFrame(arrival.frame);
    if (arrival.type === 'finding' && this.#accuse(arrival.finding)) return true;
    this.#options.onArrival(arrival, this);
    return false;
  }

  #takeFrame(frame: ReceivedFrame): boolean {
    this.#lastChannel = frame.channel;
    if (frame.name === 'PONG') {
      this.#pongs.add(toHex(frame.bytes('data')));
      this.#signal.notify();
      return true;
    }
    if (['PING', 'ACK', 'IGNORABLE'].includes(frame.name)) return true;
    if (frame.channel === 0) {
      this.#options.onArrival({ type: 'frame', frame }, this);
      return false;
    }
    if (frame.name === 'FORWARD') {
      const end = new ChannelEnd(this, frame, this.#options.stepMs);
      this.channels.set(frame.channel, end);
      this.#options.onForward(end);
      return true;
    }
    const end = this.channels.get(frame.channel);
    end?.take(frame);
    return end !== undefined;
  }

  #accuse(finding: Finding): boolean {
    const end = this.channels.get(this.#lastChannel ?? 0);
    end?.accuse(finding);
    return end !== undefined;
  }
}
