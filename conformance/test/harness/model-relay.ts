/**
 * A relay on top of the model, as small as one gets: the relay under test in the tests of the harness. Its sessions end with their
 * connections, and what waits for credit waits in memory.
 */
import type { Socket } from 'node:net';
import { connect as tcpConnect } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { connect as tlsConnect } from 'node:tls';
import type { FrameInput, ModelFields } from '../../model/codec.ts';
import { buildPayload, concat, decodePayload, integer, readInteger } from '../../model/codec.ts';
import type { ReceiverModel } from '../../model/machine.ts';
import { errorNamed, errorOfCode, frameNamed, limit, registry } from '../../model/registry.ts';
import type { Credential } from '../../peer/credential.ts';
import type { Kit } from '../../testee/kit-files.ts';
import type { ModelFrameView } from './model-endpoint.ts';
import { ModelEndpoint } from './model-endpoint.ts';
import type { ConnectionClass } from './model-server.ts';
import { ModelServerConnection } from './model-server.ts';

/** What a planted fault may change. */
export interface RelayHabits {
  readonly client?: (identity: string) => string;
  readonly open?: (open: Uint8Array) => Uint8Array;
  readonly application?: (name: string) => string;
  readonly opensEarly?: boolean;
  readonly passesEveryCode?: boolean;
  readonly grantsFreely?: boolean;
  readonly judges?: boolean;
  readonly repeats?: boolean;
  readonly ignoresPolicy?: boolean;
  readonly ignoresHops?: boolean;
  readonly ignoresLoops?: boolean;
  readonly leavesOutRoute?: boolean;
  readonly connectsFirst?: boolean;
  readonly cutsNothing?: boolean;
  readonly proxy?: false;
}

const MAX_LENGTH16 = 0xffff;

/** One leg of a channel: how the other leg reaches it. */
interface Leg {
  /** The other leg has something for it. */
  message(message: Uint8Array): void;
  outcome(fields: ModelFields): void;
  end(): void;
  reset(code: number): void;
}

/** The code that may cross a boundary. */
function passedOn(frame: string, code: number, habits: RelayHabits): number {
  const known = errorOfCode(code);
  if (habits.passesEveryCode === true) return code;
  if (known === undefined || !known.in.includes(frame)) {
    return errorNamed(registry.unknownErrors[frame] ?? 'APPLICATION_ERROR').code;
  }
  if (known.name === 'CHANNEL_LIMIT') return errorNamed('BUSY').code;
  return known.boundary ? code : errorNamed('APPLICATION_ERROR').code;
}

/** Puts messages together, and keeps those that wait for credit. */
class Lane {
  readonly #pieces: Uint8Array[] = [];
  readonly waiting: Uint8Array[] = [];
  messages = 0;
  octets = 0;
  ending = false;

  /** A fragment has come; the message that it completes. */
  take(flags: number, fragment: Uint8Array): Uint8Array | undefined {
    this.#pieces.push(fragment);
    return (flags & 2) === 0 ? undefined : concat(...this.#pieces.splice(0));
  }
}

/** Sends messages on a channel of a model endpoint as credit allows. */
abstract class ChannelLeg implements Leg {
  readonly lane = new Lane();
  abstract readonly channel: number;
  abstract send(name: string, input: FrameInput): void;
  abstract allowed(): { readonly messages: bigint; readonly bytes: bigint } | undefined;

  message(message: Uint8Array): void {
    this.lane.waiting.push(message);
    this.pump();
  }

  outcome(fields: ModelFields): void {
    const { last_message: last, verdict } = fields as { readonly last_message: bigint; readonly verdict: number };
    this.send('OUTCOME', { channel: this.channel, fields: { last_message: last, verdict } });
  }

  end(): void {
    this.lane.ending = true;
    this.pump();
  }

  reset(code: number): void {
    if (this.allowed() !== undefined) this.send('RESET', { channel: this.channel, fields: { code } });
  }

  pump(): void {
    const { lane } = this;
    for (;;) {
      const [message] = lane.waiting;
      const limits = this.allowed();
      if (message === undefined || limits === undefined) break;
      const fits = BigInt(lane.octets + message.length) <= limits.bytes && BigInt(lane.messages) < limits.messages;
      if (!fits) return;
      lane.waiting.shift();
      lane.messages += 1;
      lane.octets += message.length;
      const size = registry.header.maxPayloadBytes;
      for (let at = 0; at === 0 || at < message.length; at += size) {
        const fragment = message.subarray(at, at + size);
        const flags = [...(at === 0 ? ['FIRST'] : []), ...(at + size >= message.length ? ['LAST'] : [])];
        this.send('MESSAGE', { channel: this.channel, flags, fields: { fragment } });
      }
      this.taken();
    }
    if (!lane.ending || this.allowed() === undefined) return;
    lane.ending = false;
    this.send('END', { channel: this.channel });
  }

  /** A message has left for the next leg. */
  abstract taken(): void;
}

/** The relay's session with a Hawser application end. */
class ModelTrunk extends ModelEndpoint {
  readonly legs = new Map<number, { readonly leg: ChannelLeg; readonly up: ClientLeg }>();
  readonly #ready: (() => void)[] = [];
  readonly #audience: string;
  #channels = 0;
  #up = false;

  constructor(socket: TLSSocket, credential: Credential, audience: string) {
    super('client', socket, credential);
    this.#audience = audience;
  }

  /** Runs when the session is established. */
  whenReady(run: () => void): void {
    if (this.#up) run();
    else this.#ready.push(run);
  }

  emit(name: string, input: FrameInput): void {
    this.send(name, input);
  }

  creditOf(channel: number): ReturnType<ReceiverModel['credit']> {
    return this.model.credit(channel);
  }

  forward(up: ClientLeg, fields: FrameInput['fields'] & object): void {
    this.#channels += 1;
    const channel = this.#channels;
    const leg = new TrunkLeg(this, channel, up);
    this.legs.set(channel, { leg, up });
    up.other = leg;
    this.send('FORWARD', { channel, fields });
  }

  protected override get strict(): boolean {
    return false;
  }

  protected override before(name: string, octets: Uint8Array): void {
    if (name === 'CHALLENGE') this.frames['CHALLENGE'] = octets;
  }

  protected override act(action: string, { name, channel, flags, fields }: ModelFrameView): void {
    const pair = this.legs.get(channel);
    if (name === 'CHALLENGE') this.sendConnect(this.#audience);
    if (name === 'ACCEPT') {
      this.#up = true;
      for (const run of this.#ready.splice(0)) run();
    }
    if (name === 'PING') this.send('PONG', { fields: { data: fields['data'] as Uint8Array } });
    if (name === 'CLOSE') this.close('NO_ERROR');
    if (pair === undefined) return;
    const { leg, up } = pair;
    if (name === 'OPENED' || name === 'PROVE') up.pass(name, this.payloadOf(name));
    if (name === 'REFUSED') up.refuse(Number(fields['code']), Number(fields['retry_after_ms']));
    if (name === 'CREDIT') leg.pump();
    if (name === 'OUTCOME') up.outcome(fields);
    if (name === 'END') up.end();
    if (name === 'MESSAGE' && action === 'deliver') {
      const message = up.inbox.take(flags, fields['fragment'] as Uint8Array);
      if (message !== undefined) up.message(message);
      const received = this.model.credit(channel)?.received;
      if (received !== undefined) this.#grant(channel, received);
    }
    if (name === 'RESET' && action.startsWith('send RESET')) {
      this.send('RESET', { channel, fields: { code: errorNamed('CHANNEL_CLOSED').code } });
      up.reset(Number(fields['code']));
    }
  }

  /** The payload of the last frame of this name, as it came. */
  payloadOf(name: string): Uint8Array {
    return this.frames[`received ${name}`] ?? new Uint8Array(0);
  }

  protected override overlooks(name: string, octets: Uint8Array): boolean {
    this.frames[`received ${name}`] = octets.slice(registry.header.bytes);
    return false;
  }

  protected override onError(): void {
    // The channels are lost below.
  }

  protected override onClosed(): void {
    for (const { up } of this.legs.values()) up.lost();
  }

  #grant(channel: number, received: { readonly messages: bigint; readonly bytes: bigint }): void {
    const fields = { message_limit: received.messages + 64n, byte_limit: received.bytes + 1_048_576n };
    this.send('CREDIT', { channel, fields });
  }
}

/** The trunk's side of a channel. */
class TrunkLeg extends ChannelLeg {
  readonly channel: number;
  readonly #trunk: ModelTrunk;
  readonly #up: ClientLeg;

  constructor(trunk: ModelTrunk, channel: number, up: ClientLeg) {
    super();
    this.#trunk = trunk;
    this.channel = channel;
    this.#up = up;
  }

  send(name: string, input: FrameInput): void {
    this.#trunk.emit(name, input);
  }

  allowed(): ReturnType<ChannelLeg['allowed']> {
    return this.#trunk.creditOf(this.channel)?.allowed;
  }

  taken(): void {
    this.#up.grant();
  }
}

/** The client's side of a channel. */
class ClientLeg extends ChannelLeg {
  readonly channel: number;
  readonly inbox = new Lane();
  readonly outbox = new Lane();
  other: Leg | undefined;
  readonly #connection: ModelRelayConnection;
  readonly #habits: RelayHabits;

  constructor(connection: ModelRelayConnection, channel: number, habits: RelayHabits) {
    super();
    this.#connection = connection;
    this.channel = channel;
    this.#habits = habits;
  }

  send(name: string, input: FrameInput): void {
    this.#connection.emit(name, input);
  }

  allowed(): ReturnType<ChannelLeg['allowed']> {
    return this.#connection.creditOf(this.channel)?.allowed;
  }

  taken(): void {
    // The application end was granted more when the message came.
  }

  pass(name: string, payload: Uint8Array): void {
    if (name === 'OPENED' && this.#habits.opensEarly === true) return;
    this.send(name, { channel: this.channel, rawPayload: payload });
  }

  refuse(code: number, retryAfterMs: number): void {
    const fields = { code: passedOn('REFUSED', code, this.#habits), retry_after_ms: retryAfterMs };
    this.send('REFUSED', { channel: this.channel, fields });
  }

  override reset(code: number): void {
    super.reset(passedOn('RESET', code, this.#habits));
  }

  lost(): void {
    super.reset(errorNamed('APPLICATION_LOST').code);
  }

  /** Grants the client what the next leg has taken. */
  grant(): void {
    const credit = this.#connection.creditOf(this.channel);
    if (credit === undefined) return;
    const { received, granted } = credit;
    const fields = { message_limit: received.messages + 64n, byte_limit: received.bytes + 1_048_576n };
    if (fields.message_limit <= granted.messages && fields.byte_limit <= granted.bytes) return;
    this.send('CREDIT', { channel: this.channel, fields });
  }

  deliver(flags: number, fragment: Uint8Array): void {
    const message = this.outbox.take(flags, fragment);
    if (message === undefined) return;
    this.other?.message(message);
    if (this.#habits.repeats === true) this.other?.message(message);
    if (this.#habits.grantsFreely === true) this.grant();
    if (this.#habits.judges === true && this.#connection.creditOf(this.channel)?.received.messages === 1n) {
      this.send('OUTCOME', { channel: this.channel, fields: { last_message: 1, verdict: 0 } });
    }
  }

  code(code: number): number {
    return passedOn('RESET', code, this.#habits);
  }
}

/** A leg to a TCP or TLS peer. */
class SocketLeg implements Leg {
  readonly #socket: Socket;
  readonly #framing: string;
  readonly #up: ClientLeg;
  #held = new Uint8Array(0);
  #over = false;

  constructor(socket: Socket, framing: string, up: ClientLeg) {
    this.#socket = socket;
    this.#framing = framing;
    this.#up = up;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('end', () => this.#end());
    socket.on('error', () => this.#lose('APPLICATION_LOST'));
    socket.on('close', () => this.#lose('APPLICATION_LOST'));
  }

  message(message: Uint8Array): void {
    const octets = this.#framed(message);
    if (octets === undefined) {
      this.#lose('FRAMING_INVALID');
      this.#socket.destroy();
      return;
    }
    this.#socket.write(octets, () => this.#up.grant());
  }

  outcome(): void {
    // Such a peer has none to give.
  }

  end(): void {
    this.#socket.end();
  }

  reset(): void {
    this.#over = true;
    this.#socket.destroy();
  }

  #lose(code: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#socket.destroy();
    this.#up.reset(errorNamed(code).code);
  }

  #end(): void {
    if (this.#held.length > 0) this.#lose('FRAMING_INVALID');
    else this.#up.end();
    if (this.#socket.writableEnded) this.#over = true;
    this.#socket.once('finish', () => (this.#over = true));
  }

  #framed(message: Uint8Array): Uint8Array | undefined {
    const { length } = message;
    if (this.#framing === 'length16') return length > MAX_LENGTH16 ? undefined : concat(integer(length, 2), message);
    if (this.#framing === 'length32') return concat(integer(length, 4), message);
    if (this.#framing === 'line') return message.includes(10) ? undefined : concat(message, Uint8Array.of(10));
    return message;
  }

  #take(chunk: Uint8Array): void {
    this.#held = concat(this.#held, chunk) as Uint8Array<ArrayBuffer>;
    for (;;) {
      const cut = this.#cut();
      if (cut === undefined) return;
      this.#up.message(this.#held.slice(cut.from, cut.to));
      this.#held = this.#held.slice(cut.next);
    }
  }

  #cut(): { readonly from: number; readonly to: number; readonly next: number } | undefined {
    const held = this.#held;
    if (this.#framing === 'stream') {
      const to = Math.min(held.length, registry.header.maxPayloadBytes);
      return to === 0 ? undefined : { from: 0, to, next: to };
    }
    if (this.#framing === 'line') {
      const to = held.indexOf(10);
      return to === -1 ? undefined : { from: 0, to, next: to + 1 };
    }
    const size = this.#framing === 'length16' ? 2 : 4;
    if (held.length < size) return undefined;
    const to = size + Number(readInteger(held.subarray(0, size)));
    return held.length < to ? undefined : { from: size, to, next: to };
  }
}

/** A model relay: a class of connections for the model server. */
export function modelRelay(kit: Kit, port: number, habits: RelayHabits = {}): ConnectionClass {
  const trunks = new Map<number, ModelTrunk>();
  const credential = kit.credential('relay');
  const trunkTo = (offset: number): Promise<ModelTrunk> => {
    const known = trunks.get(offset);
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve, reject) => {
      const socket = tlsConnect({
        host: '127.0.0.1',
        port: port + offset,
        cert: credential.certificatePem,
        key: credential.keyPem,
        ca: kit.caPem,
        minVersion: 'TLSv1.3',
        ALPNProtocols: [registry.protocol.alpn],
        checkServerIdentity: () => undefined,
      });
      socket.once('error', reject);
      socket.once('secureConnect', () => {
        const trunk = new ModelTrunk(socket, credential, kit.index.serverIdentity);
        trunks.set(offset, trunk);
        socket.once('close', () => trunks.delete(offset));
        resolve(trunk);
      });
    });
  };
  return class extends ModelRelayConnection {
    constructor(socket: TLSSocket, own: Credential, identity: string | undefined) {
      super(socket, own, identity, { kit, port, habits, trunkTo });
    }
  };
}

interface RelayParts {
  readonly kit: Kit;
  readonly port: number;
  readonly habits: RelayHabits;
  readonly trunkTo: (offset: number) => Promise<ModelTrunk>;
}

class ModelRelayConnection extends ModelServerConnection {
  readonly #parts: RelayParts;
  readonly #legs = new Map<number, ClientLeg>();

  constructor(socket: TLSSocket, credential: Credential, identity: string | undefined, parts: RelayParts) {
    super(socket, credential, identity, parts.kit.caPem);
    this.#parts = parts;
  }

  emit(name: string, input: FrameInput): void {
    if (!this.socket.destroyed) this.send(name, input);
  }

  creditOf(channel: number): ReturnType<ReceiverModel['credit']> {
    return this.model.credit(channel);
  }

  protected override get strict(): boolean {
    return false;
  }

  protected override act(action: string, frame: ModelFrameView): void {
    const { name, channel, flags, fields } = frame;
    const leg = this.#legs.get(channel);
    if (action === 'ask the application end') this.#lead(channel, name, fields);
    else if (name === 'MESSAGE' && action === 'deliver') leg?.deliver(flags, fields['fragment'] as Uint8Array);
    else if (name === 'CREDIT') leg?.pump();
    else if (name === 'OUTCOME') leg?.other?.outcome(fields);
    else if (name === 'END') leg?.other?.end();
    else super.act(action, frame);
    if (name === 'RESET' && action.startsWith('send RESET')) leg?.other?.reset(leg.code(Number(fields['code'])));
  }

  protected override onClosed(): void {
    if (this.#parts.habits.cutsNothing === true) return;
    for (const leg of this.#legs.values()) leg.other?.reset(errorNamed('CANCELLED').code);
  }

  #lead(channel: number, name: string, fields: ModelFields): void {
    const { habits, port } = this.#parts;
    const forwarded = name === 'FORWARD';
    const open = forwarded ? (fields['open'] as Uint8Array) : this.#openPayload;
    const asked = applicationOf(open);
    const application = habits.application?.(asked) ?? asked;
    const client = forwarded ? (fields['client'] as string) : this.peerIdentity;
    const through = forwarded ? [...(fields['route'] as readonly string[]), this.peerIdentity] : [];
    const route = registry.testRoutes.find(({ name: known }) =>
      known.endsWith('*') ? application.startsWith(known.slice(0, -1)) : application === known,
    );
    if (habits.connectsFirst === true && route?.kind === 'tcp') {
      tcpConnect({ host: '127.0.0.1', port: port + route.port }).on('error', () => undefined);
    }
    const hops = (forwarded ? (fields['hop_limit'] as number) : limit('max_hops')) - 1;
    const refusal = this.#refusalOf(route, through, hops);
    if (route === undefined || refusal !== undefined) {
      this.#refuse(channel, refusal ?? 'APPLICATION_REFUSED');
      return;
    }
    const leg = new ClientLeg(this, channel, habits);
    this.#legs.set(channel, leg);
    if (habits.opensEarly === true) this.emit('OPENED', { channel });
    if (route.kind !== 'hawser') {
      this.#dial(leg, route, application, client);
      return;
    }
    const forward = {
      hop_limit: Math.max(0, hops),
      client: habits.client?.(client) ?? client,
      route: habits.leavesOutRoute === true ? [] : through,
      open: habits.open?.(open) ?? open,
    };
    if (buildPayload('FORWARD', forward).length > registry.header.maxPayloadBytes) {
      this.#refuse(channel, 'FRAMING_INVALID');
      return;
    }
    this.#parts
      .trunkTo(route.port)
      .then((trunk) => trunk.whenReady(() => trunk.forward(leg, forward)))
      .catch(() => this.#refuse(channel, 'ROUTE_UNREACHABLE'));
  }

  /** Why nobody is asked; the order is that of section 13.2. */
  #refusalOf(route: TestRoute | undefined, through: readonly string[], hops: number): string | undefined {
    const { habits, kit } = this.#parts;
    const isRelay = /(^relay|\/relay[^/]*$)/.test(this.peerIdentity);
    if (through.length > 0 && !isRelay) return 'APPLICATION_REFUSED';
    if (through.includes(kit.index.relayIdentity) && habits.ignoresLoops !== true) return 'ROUTE_LOOP';
    if (route === undefined || (route.denied === true && habits.ignoresPolicy !== true)) return 'APPLICATION_REFUSED';
    const isTooFar = hops < 0 || through.length > limit('max_hops');
    return route.kind === 'hawser' && isTooFar && habits.ignoresHops !== true ? 'HOP_LIMIT' : undefined;
  }

  #refuse(channel: number, code: string): void {
    this.emit('REFUSED', { channel, fields: { code: errorNamed(code).code } });
  }

  protected override overlooks(name: string, octets: Uint8Array): boolean {
    if (name === 'OPEN') this.frames['OPEN'] = octets;
    return false;
  }

  /** The payload of the OPEN that came last. */
  get #openPayload(): Uint8Array {
    return (this.frames['OPEN'] ?? new Uint8Array(0)).slice(registry.header.bytes);
  }

  #dial(leg: ClientLeg, route: TestRoute, application: string, client: string): void {
    const refuse = (code: string): void => this.#refuse(leg.channel, code);
    const { kit, port, habits } = this.#parts;
    const tcp = tcpConnect({ host: '127.0.0.1', port: port + route.port, allowHalfOpen: true });
    const opened = (socket: Socket): void => {
      socket.removeAllListeners('error');
      leg.other = new SocketLeg(socket, route.framing ?? 'stream', leg);
      if (habits.opensEarly !== true) this.emit('OPENED', { channel: leg.channel });
    };
    const late = setTimeout(() => {
      tcp.destroy();
      refuse('APPLICATION_TIMEOUT');
    }, 5000);
    tcp.once('error', () => {
      clearTimeout(late);
      refuse('ROUTE_UNREACHABLE');
    });
    tcp.once('connect', () => {
      if (route.proxy === true && habits.proxy !== false)
        tcp.write(proxyHeader(this.socket, application, client, kit.index.relayIdentity));
      if (route.kind === 'tcp') {
        clearTimeout(late);
        opened(tcp);
        return;
      }
      const tls = tlsConnect({ socket: tcp, ca: kit.caPem, servername: 'localhost' });
      tls.allowHalfOpen = true;
      tls.once('error', () => {
        clearTimeout(late);
        refuse('ROUTE_UNREACHABLE');
      });
      tls.once('secureConnect', () => {
        clearTimeout(late);
        opened(tls);
      });
    });
  }
}

type TestRoute = (typeof registry.testRoutes)[number];

function applicationOf(open: Uint8Array): string {
  const read = decodePayload(frameNamed('OPEN'), open);
  return 'fields' in read ? (read.fields['application'] as string) : '';
}

function proxyHeader(client: TLSSocket, application: string, identity: string, relay: string): Uint8Array {
  const tlv = (type: number, text: string): Uint8Array =>
    concat(integer(type, 1), integer(Buffer.byteLength(text), 2), new Uint8Array(Buffer.from(text)));
  const address = (text = '127.0.0.1'): Uint8Array =>
    Uint8Array.from(text.replace('::ffff:', '').split('.').map(Number));
  const body = concat(
    address(client.remoteAddress),
    address(client.localAddress),
    integer(client.remotePort ?? 0, 2),
    integer(client.localPort ?? 0, 2),
    ...registry.proxyTlvs.map(({ type, name }) =>
      tlv(type, name === 'AUTHORITY' ? application : name === 'CLIENT_IDENTITY' ? identity : relay),
    ),
  );
  const signature = Uint8Array.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]);
  return concat(signature, Uint8Array.of(0x21, 0x11), integer(body.length, 2), body);
}
