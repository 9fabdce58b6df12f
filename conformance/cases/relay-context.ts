import { randomBytes } from 'node:crypto';
import type { ParameterInput } from '../model/codec.ts';
import { buildPayload } from '../model/codec.ts';
import { limit } from '../model/registry.ts';
import type { ClientPeer, Target } from '../peer/client-peer.ts';
import type { ApplicationEnds } from '../peer/ends/application-ends.ts';
import type { ChannelEnd } from '../peer/ends/channel-end.ts';
import { requireEnd } from '../peer/ends/shared-trunk.ts';
import type { SocketEnd } from '../peer/ends/socket-end.ts';
import type { SocketEnds } from '../peer/ends/socket-ends.ts';
import { SoloTrunk } from '../peer/ends/solo-trunk.ts';
import type { Finding } from '../peer/failure.ts';
import { fail } from '../peer/failure.ts';
import type { ServerListenOptions } from '../peer/server-peer.ts';
import type { ContextOptions } from './base-context.ts';
import type { EstablishOptions } from './server-context.ts';
import { ServerContext } from './server-context.ts';

/** What is asked for with OPEN; everything absent is plain. */
export interface AskOptions {
  readonly data?: Uint8Array;
  /** Parameters of OPEN besides the data. */
  readonly more?: readonly ParameterInput[];
  /** Replaces the nonce, which is fresh otherwise. */
  readonly nonce?: Uint8Array;
}

/** What is asked for with FORWARD, by the harness as another relay. */
export interface PassOptions extends AskOptions {
  readonly client?: string;
  readonly route?: readonly string[];
  readonly hopLimit?: number;
}

/** A channel that was asked for. */
export interface Asked {
  readonly peer: ClientPeer;
  readonly channel: number;
  readonly nonce: Uint8Array;
  /** The payload of OPEN. */
  readonly open: Uint8Array;
}

/** A channel with the harness at both ends: a client, and an application end behind a trunk. */
export interface Led extends Asked {
  readonly end: ChannelEnd;
}

/** A channel with the harness at both ends: a client, and a TCP or TLS peer. */
export interface Dialled extends Asked {
  readonly end: SocketEnd;
}

/** An application behind the trunk that all cases share. */
export const SHARED_APPLICATION = 'test/end';

/** An application behind the trunk that one case at a time has for itself. */
export const SOLO_APPLICATION = 'solo/end';

/** For whom the harness asks where it plays a relay. */
export const FAR_CLIENT = 'spiffe://hawser.test/far-client';

/**
 * The relay under test, as a case sees it. The harness plays its clients, which is what a {@link ServerContext} does, and its
 * application ends.
 */
export class RelayContext extends ServerContext {
  readonly ends: ApplicationEnds;
  readonly #asked: Uint8Array[] = [];
  readonly #channels: ChannelEnd[] = [];
  readonly #sockets: SocketEnd[] = [];
  #solo: SoloTrunk | undefined;
  /** Findings of the shared trunk that are older than this case. */
  readonly #oldFindings: number;

  constructor(
    target: Target,
    reload: (() => Promise<void>) | undefined,
    ends: ApplicationEnds,
    options: ContextOptions,
  ) {
    super(target, reload, options);
    this.ends = ends;
    this.#oldFindings = ends.trunk.findings.length;
  }

  /** Sends OPEN. */
  ask(peer: ClientPeer, application: string, options: AskOptions = {}): Asked {
    const { nonce, open } = this.#payload(application, options);
    const channel = nextChannel(peer);
    peer.send('OPEN', { channel, rawPayload: open });
    return { peer, channel, nonce, open };
  }

  /** Sends FORWARD, right unless the options say otherwise. */
  pass(peer: ClientPeer, application: string, options: PassOptions = {}): Asked {
    const { nonce, open } = this.#payload(application, options);
    const { client = FAR_CLIENT, route = [], hopLimit = limit('max_hops') - 1 } = options;
    const channel = nextChannel(peer);
    peer.send('FORWARD', { channel, fields: { hop_limit: hopLimit, client, route, open } });
    return { peer, channel, nonce, open };
  }

  /** The application end behind the shared trunk that was asked for. Its absence fails the case. */
  async endOf(asked: Asked, requirement?: string): Promise<ChannelEnd> {
    return this.#keep(await requireEnd(this.ends.trunk, asked.nonce, this.stepMs, requirement));
  }

  /** Whether the relay has asked for an application end with the nonce of this OPEN. */
  wasForwarded({ nonce }: Asked): boolean {
    return this.ends.trunk.has(nonce);
  }

  /** An open channel to an application end behind the shared trunk. */
  async led(options: EstablishOptions & AskOptions & { readonly application?: string } = {}): Promise<Led> {
    const { application = SHARED_APPLICATION, data, more, nonce, ...rest } = options;
    const peer = await this.established(rest);
    return this.ledOn(peer, application, {
      ...(data === undefined ? {} : { data }),
      ...(more === undefined ? {} : { more }),
      ...(nonce === undefined ? {} : { nonce }),
    });
  }

  /** The same in a session that is there. */
  async ledOn(peer: ClientPeer, application: string = SHARED_APPLICATION, options: AskOptions = {}): Promise<Led> {
    return this.dependency(`opening ${application}`, () => this.#lead(this.ask(peer, application, options)));
  }

  /** An open channel that the harness, as a relay, has asked for with FORWARD. */
  async passedOn(peer: ClientPeer, application: string = SHARED_APPLICATION, options: PassOptions = {}): Promise<Led> {
    return this.dependency(`opening ${application}`, () => this.#lead(this.pass(peer, application, options)));
  }

  /** Asks for a TCP or TLS peer and waits for the connection. Its absence fails the case. */
  async dial(peer: ClientPeer, application: string, options: AskOptions | PassOptions = {}): Promise<Dialled> {
    const ends = this.socketsOf(application);
    const release = await ends.turn.acquire();
    try {
      ends.clear();
      const asked = 'client' in options ? this.pass(peer, application, options) : this.ask(peer, application, options);
      return { ...asked, end: this.keepSocket(await ends.next('RLY-003')) };
    } finally {
      release();
    }
  }

  /** An open channel to a TCP or TLS peer. */
  async dialled(
    application: string,
    options: EstablishOptions & AskOptions & { readonly on?: ClientPeer } = {},
  ): Promise<Dialled> {
    const { data, more, nonce: _, on, ...rest } = options;
    const peer = on ?? (await this.established(rest));
    return this.dependency(`opening ${application}`, async () => {
      const dialled = await this.dial(peer, application, {
        ...(data === undefined ? {} : { data }),
        ...(more === undefined ? {} : { more }),
      });
      if (application === 'relay/tls') await this.secure(dialled.end);
      await peer.expect('OPENED', { channel: dialled.channel, requirement: 'RLY-005' });
      return dialled;
    });
  }

  /** Goes on with TLS on a connection of the relay. A handshake that does not come about fails the case. */
  async secure(end: SocketEnd, as = 'servers/localhost'): Promise<void> {
    if ((await end.secure(this.kit.credential(as))) === 'refused') fail('a TLS handshake', 'none', 'RLY-003');
  }

  /** Where the connections for an application of the test routes come in. */
  socketsOf(application: string): SocketEnds {
    return application.startsWith('relay/tls') ? this.ends.tls : this.ends.tcp;
  }

  /** A connection that the case has taken: it is cut when the case is over. */
  keepSocket(end: SocketEnd): SocketEnd {
    this.#sockets.push(end);
    this.logs.push(end.log);
    return end;
  }

  /**
   * Runs what must not make the relay connect to its TCP peer. A channel that may is opened behind it, and has to be the first
   * connection that comes.
   */
  async withoutConnection(peer: ClientPeer, requirement: string, run: () => Promise<void>): Promise<void> {
    const { tcp } = this.ends;
    const release = await tcp.turn.acquire();
    try {
      tcp.clear();
      await run();
      const { channel } = this.ask(peer, 'relay/stream');
      const end = this.keepSocket(await tcp.next('RLY-003'));
      await peer.expect('OPENED', { channel });
      const witness = this.bytes(16);
      peer.sendMessage(channel, witness);
      await end.expectOctets(witness, requirement);
      if (tcp.waiting > 0) fail('one connection to the application end', `${1 + tcp.waiting}`, requirement);
    } finally {
      release();
    }
  }

  /**
   * Waits for the trunk that one case at a time has for itself, listens there, and has the case use it. `idle` leaves its port
   * closed.
   */
  async solo(run: (solo: SoloTrunk) => Promise<void>, listen: Partial<ServerListenOptions> = {}): Promise<void> {
    const release = await this.ends.soloTurn.acquire();
    const solo = await SoloTrunk.listen({
      kit: this.kit,
      place: this.ends.at('solo'),
      stepMs: this.stepMs,
      peerOptions: (log) => {
        this.logs.push(log);
        return this.peerOptions(log);
      },
      listen,
    });
    this.#solo = solo;
    try {
      await run(solo);
    } finally {
      for (const end of solo.ends) this.logs.push(end.log);
      await solo.close();
      release();
    }
  }

  /** Has the port of that trunk for itself, at which then nobody listens. */
  async withoutSolo(run: () => Promise<void>): Promise<void> {
    const release = await this.ends.soloTurn.acquire();
    try {
      await run();
    } finally {
      release();
    }
  }

  override get leftover(): Finding | undefined {
    const sources = [...this.#channels, ...(this.#solo === undefined ? [] : [this.#solo])];
    return (
      super.leftover ??
      sources.map(({ leftover }) => leftover).find((finding) => finding !== undefined) ??
      this.ends.trunk.findings[this.#oldFindings]
    );
  }

  override async dispose(): Promise<void> {
    for (const nonce of this.#asked.splice(0)) this.ends.trunk.forget(nonce);
    for (const end of this.#sockets.splice(0)) end.destroy();
    this.#channels.length = 0;
    await super.dispose();
  }

  #payload(application: string, { data, more = [], nonce = freshNonce() }: AskOptions): Pick<Asked, 'nonce' | 'open'> {
    this.#asked.push(nonce);
    const parameters = [...(data === undefined ? [] : [{ id: 'application_data', value: data }]), ...more];
    return { nonce, open: buildPayload('OPEN', { nonce, application, parameters }) };
  }

  async #lead(asked: Asked): Promise<Led> {
    const end = await this.endOf(asked);
    end.sendOpened();
    await asked.peer.expect('OPENED', { channel: asked.channel, requirement: 'RLY-005' });
    return { ...asked, end };
  }

  #keep(end: ChannelEnd): ChannelEnd {
    this.#channels.push(end);
    this.logs.push(end.log);
    return end;
  }
}

/** Not from the seed: a relay tells channels apart by it, those of an earlier run of the same case too. */
function freshNonce(): Uint8Array {
  return new Uint8Array(randomBytes(32));
}

function nextChannel(peer: ClientPeer): number {
  const channel = peer.nextChannel;
  peer.nextChannel += 1;
  return channel;
}
