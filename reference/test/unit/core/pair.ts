import { createHash, createHmac } from 'node:crypto';
import {
  type ClientOptions,
  type Connection,
  type ConnectionOptions,
  createClientConnection,
  createServerConnection,
  type Event,
  type Grant,
  type ServerOptions,
  SIGNATURE_SCHEME,
  type Signer,
  type Verifier,
} from '../../../core/index.ts';

export const SERVER_IDENTITY = 'spiffe://example.org/server';
const SCHEME = SIGNATURE_SCHEME.ed25519.id;

/** A signer that any holder of the name can imitate: 64 octets that depend on the name and on every octet signed. */
export function toySigner(name: string, scheme: number = SCHEME): Signer {
  return {
    scheme,
    signatureBytes: 64,
    sign: (content) => toySignature(name, content),
  };
}

/** Accepts what {@link toySigner} makes for the same name and scheme. */
export function toyVerifier(name: string, scheme: number = SCHEME): Verifier {
  return {
    verify: (content, stated, signature) =>
      stated === scheme && Buffer.compare(toySignature(name, content), signature) === 0,
  };
}

/** Verifies what {@link toySigner} makes for the name that the octets of a leaf spell. */
export function toyLeafVerifier(leaf: Uint8Array): Verifier {
  return toyVerifier(Buffer.from(leaf).toString());
}

function toySignature(name: string, content: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac('sha512', name).update(content).digest());
}

function sha256(text: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(text).digest());
}

/** Octets that look random and are the same in each run. */
export function deterministicRandom(seed: string): (count: number) => Uint8Array {
  let calls = 0;
  return (count) => {
    calls += 1;
    const octets: number[] = [];
    for (let block = 0; octets.length < count; block += 1) octets.push(...sha256(`${seed}/${calls}/${block}`));
    return Uint8Array.from(octets.slice(0, count));
  };
}

const BINDING: ConnectionOptions['binding'] = {
  exporter: (context) => new Uint8Array(createHmac('sha256', 'one TLS connection').update(context).digest()),
  clientLeafHash: sha256('client leaf'),
  serverLeafHash: sha256('server leaf'),
};

export function clientOptions(overrides: Partial<ClientOptions> = {}): ClientOptions {
  return {
    now: 0,
    random: deterministicRandom('client'),
    grease: false,
    binding: BINDING,
    signer: toySigner('client'),
    verifier: toyVerifier('server'),
    audience: SERVER_IDENTITY,
    peerIdentity: SERVER_IDENTITY,
    ...overrides,
  };
}

export function serverOptions(overrides: Partial<ServerOptions> = {}): ServerOptions {
  return {
    now: 0,
    random: deterministicRandom('server'),
    grease: false,
    binding: BINDING,
    signer: toySigner('server'),
    verifier: toyVerifier('client'),
    identity: SERVER_IDENTITY,
    ...overrides,
  };
}

/** Both ends of one connection, joined by calls. */
export interface Pair {
  readonly client: Connection;
  readonly server: Connection;
  /** Events of each end that `exchange` has seen, until they are taken. */
  readonly clientEvents: Event[];
  readonly serverEvents: Event[];
  /** The present, for both ends. */
  now: number;
}

export function createPair(client: Partial<ClientOptions> = {}, server: Partial<ServerOptions> = {}): Pair {
  return {
    client: createClientConnection(clientOptions(client)),
    server: createServerConnection(serverOptions(server)),
    clientEvents: [],
    serverEvents: [],
    now: 0,
  };
}

/** Everything that an end has to write, as one string of octets. */
export function outputOf(connection: Connection): Uint8Array {
  const chunks: Uint8Array[] = [];
  for (let taken = connection.takeOutput(); taken.length > 0; taken = connection.takeOutput()) chunks.push(...taken);
  return new Uint8Array(Buffer.concat(chunks));
}

/** Carries octets back and forth until both ends are silent. A CONNECT is accepted. */
export function exchange(pair: Pair, grant: Grant = {}): void {
  for (let moved = true; moved;) {
    moved = false;
    const toServer = outputOf(pair.client);
    if (toServer.length > 0) {
      moved = true;
      pair.serverEvents.push(...pair.server.receive(toServer, pair.now));
      if (pair.server.state === 'deciding') pair.serverEvents.push(...pair.server.accept(grant, pair.now));
    }
    const toClient = outputOf(pair.server);
    if (toClient.length > 0) {
      moved = true;
      pair.clientEvents.push(...pair.client.receive(toClient, pair.now));
    }
    pair.clientEvents.push(...pair.client.takeEvents());
    pair.serverEvents.push(...pair.server.takeEvents());
  }
}

/** A pair whose session is established. */
export function establishedPair(
  client: Partial<ClientOptions> = {},
  server: Partial<ServerOptions> = {},
  grant: Grant = {},
): Pair {
  const pair = createPair(client, server);
  exchange(pair, grant);
  takeEvents(pair);
  return pair;
}

/** An established pair with channel 1 open. */
export function openPair(
  client: Partial<ClientOptions> = {},
  server: Partial<ServerOptions> = {},
  grant: Grant = {},
): Pair {
  const pair = establishedPair(client, server, grant);
  openChannel(pair);
  return pair;
}

/** Opens a channel from end to end and returns its number. */
export function openChannel(pair: Pair): number {
  const channel = pair.client.openChannel('test/echo', {}, pair.now);
  exchange(pair);
  pair.server.opened(channel, {}, pair.now);
  exchange(pair);
  takeEvents(pair);
  return channel;
}

/** Takes the events that `exchange` has collected. */
export function takeEvents(pair: Pair): { readonly client: readonly Event[]; readonly server: readonly Event[] } {
  return { client: pair.clientEvents.splice(0), server: pair.serverEvents.splice(0) };
}
