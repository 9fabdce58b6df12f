/** Section 13.3: the PROXY protocol header, version 2. */
import { readInteger } from '../../model/codec.ts';
import { registry } from '../../model/registry.ts';
import { assertEqual, fail } from '../../peer/failure.ts';
import type { SocketEnd } from '../../peer/ends/socket-end.ts';
import type { RelayCase } from '../case.ts';
import { relayCases } from '../case.ts';
import type { Dialled, RelayContext } from '../relay-context.ts';
import { FAR_CLIENT } from '../relay-context.ts';
import type { Case } from './passing.ts';
import { requireSame } from './passing.ts';

const REQUIREMENT = 'RLY-024';
const SIGNATURE = Uint8Array.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]);
/** Version 2 and command PROXY in one octet. */
const VERSION_AND_COMMAND = 0x21;
/** Stream over IPv4 and over IPv6, and how long an address is. */
const FAMILIES: Readonly<Record<number, number>> = { 0x11: 4, 0x21: 16 };
const PORT_BYTES = 2;
/** Checksum, padding and the like belong to the protocol, and say nothing of the client. */
const KINDS = registry.proxyTlvs;

/** What a header says. */
interface ProxyHeader {
  readonly family: number;
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly values: ReadonlyMap<string, string>;
}

/** Reads the header in front of everything else. */
async function readHeader(end: SocketEnd): Promise<ProxyHeader> {
  const start = await end.read(SIGNATURE.length + 4, REQUIREMENT);
  requireSame('the signature', start.subarray(0, SIGNATURE.length), SIGNATURE, REQUIREMENT);
  const [versionAndCommand = 0, family = 0] = start.subarray(SIGNATURE.length);
  assertEqual('version and command', versionAndCommand, VERSION_AND_COMMAND, REQUIREMENT);
  const size = FAMILIES[family];
  if (size === undefined) fail('TCP over IPv4 or IPv6', `family 0x${family.toString(16)}`, REQUIREMENT);
  const body = await end.read(Number(readInteger(start.subarray(-2))), REQUIREMENT);
  const ports = 2 * size;
  const values = new Map<string, string>();
  for (let at = ports + 2 * PORT_BYTES; at < body.length;) {
    const length = Number(readInteger(body.subarray(at + 1, at + 3)));
    const name = KINDS.find(({ type }) => type === body[at])?.name;
    if (name === undefined) fail('the TLVs of the registry', `type 0x${(body[at] ?? 0).toString(16)}`, REQUIREMENT);
    if (values.has(name)) fail(`one ${name}`, 'two', REQUIREMENT);
    values.set(name, Buffer.from(body.subarray(at + 3, at + 3 + length)).toString('utf8'));
    at += 3 + length;
  }
  const address = (octets: Uint8Array): string => (size === 4 ? octets.join('.') : Buffer.from(octets).toString('hex'));
  return {
    family,
    source: address(body.subarray(0, size)),
    destination: address(body.subarray(size, ports)),
    sourcePort: Number(readInteger(body.subarray(ports, ports + PORT_BYTES))),
    destinationPort: Number(readInteger(body.subarray(ports + PORT_BYTES, ports + 2 * PORT_BYTES))),
    values,
  };
}

/** Reads a header and demands what it has to say. */
async function requireHeader(
  context: RelayContext,
  { peer, end }: Dialled,
  application: string,
  client: string,
): Promise<void> {
  const header = await readHeader(end);
  const { socket } = peer;
  if (header.family === 0x11) {
    assertEqual('source address', header.source, socket.localAddress?.replace('::ffff:', ''), REQUIREMENT);
    assertEqual('destination address', header.destination, socket.remoteAddress?.replace('::ffff:', ''), REQUIREMENT);
  }
  assertEqual('source port', header.sourcePort, socket.localPort, REQUIREMENT);
  assertEqual('destination port', header.destinationPort, socket.remotePort, REQUIREMENT);
  assertEqual('AUTHORITY', header.values.get('AUTHORITY'), application, REQUIREMENT);
  assertEqual('CLIENT_IDENTITY', header.values.get('CLIENT_IDENTITY'), client, REQUIREMENT);
  assertEqual('RELAY_IDENTITY', header.values.get('RELAY_IDENTITY'), context.target.identity, REQUIREMENT);
}

const CLIENTS = ['client', 'client-2', 'clients/one-dns'] as const;

const clientCases = CLIENTS.flatMap((as): readonly Case[] => [
  {
    id: `RLY-024/relay-tcp-${as.replace('clients/', '')}`,
    requirements: ['RLY-024', 'RLY-016'],
    title: `the header names the client (${as})`,
    stimulus: `A client with the certificate ${as} of the kit opens relay/proxy and sends a message.`,
    expectation:
      "The application end gets the header with the addresses and ports of the client's connection, the application, the identity of the client and that of the relay; then the message.",
    run: async (context) => {
      const dialled = await context.dialled('relay/proxy', { as });
      const message = context.bytes(30);
      dialled.peer.sendMessage(dialled.channel, message);
      await requireHeader(context, dialled, 'relay/proxy', context.kit.entry(as).identity ?? '');
      await dialled.end.expectOctets(message);
    },
  },
]);

/** Section 13.3, the PROXY protocol. */
export const proxy: readonly RelayCase[] = relayCases([
  ...clientCases,
  {
    id: 'RLY-024/relay-before-anything',
    requirements: ['RLY-024'],
    title: 'the header comes without the client having sent anything',
    stimulus: 'A client opens relay/proxy and sends nothing.',
    expectation: 'The header arrives, and nothing behind it.',
    run: async (context) => {
      const dialled = await context.dialled('relay/proxy');
      await requireHeader(context, dialled, 'relay/proxy', context.kit.index.clientIdentity);
      await dialled.peer.barrier();
      dialled.end.expectNothing('RLY-024');
    },
  },
  {
    id: 'RLY-024/relay-before-tls',
    requirements: ['RLY-024', 'RLY-005'],
    title: 'with TLS the header comes before the handshake',
    stimulus:
      'A client opens relay/tls-proxy. The application end reads the header in clear, and then answers the handshake.',
    expectation:
      'The header stands in front of the ClientHello, TLS comes about behind it, and a message passes inside.',
    run: async (context) => {
      const peer = await context.established();
      const dialled = await context.dial(peer, 'relay/tls-proxy');
      await requireHeader(context, dialled, 'relay/tls-proxy', context.kit.index.clientIdentity);
      await context.secure(dialled.end);
      await peer.expect('OPENED', { channel: dialled.channel, requirement: 'RLY-005' });
      const message = context.bytes(30);
      peer.sendMessage(dialled.channel, message);
      await dialled.end.expectOctets(message);
    },
  },
  {
    id: 'RLY-024/relay-far-client',
    requirements: ['RLY-024', 'RLY-014', 'RLY-007'],
    title: 'behind another relay the header names the far client',
    stimulus: 'A relay sends FORWARD for relay/proxy.',
    expectation:
      'The header has the `client` of the FORWARD, the addresses of the connection that it came on, and the relay under test.',
    run: async (context) => {
      const peer = await context.established({ as: 'clients/relay' });
      const dialled = await context.dial(peer, 'relay/proxy', { client: FAR_CLIENT });
      await peer.expect('OPENED', { channel: dialled.channel });
      await requireHeader(context, dialled, 'relay/proxy', FAR_CLIENT);
    },
  },
  {
    id: 'RLY-024/relay-each-connection',
    requirements: ['RLY-024'],
    title: 'each connection has a header of its own',
    stimulus: 'Two clients open relay/proxy twice each, in turn.',
    expectation: 'Each header has the port and the identity of the client that has asked.',
    run: async (context) => {
      const peers = [await context.established(), await context.established({ as: 'client-2' })];
      const { clientIdentity, secondClientIdentity } = context.kit.index;
      for (let round = 0; round < 2; round += 1) {
        for (const [at, on] of peers.entries()) {
          const dialled = await context.dialled('relay/proxy', { on });
          await requireHeader(context, dialled, 'relay/proxy', at === 0 ? clientIdentity : secondClientIdentity);
        }
      }
    },
  },
  ...(['relay/stream', 'relay/length16', 'relay/line'] as const).map((application): Case => ({
    id: `RLY-024/relay-none-${application.replace('relay/', '')}`,
    requirements: ['RLY-024', 'RLY-016'],
    title: `no header where the route asks for none (${application})`,
    stimulus: `A client opens ${application} and sends nothing; then it sends one octet.`,
    expectation: 'Nothing arrives at the application end before that octet.',
    run: async (context) => {
      const { peer, channel, end } = await context.dialled(application);
      await peer.barrier();
      end.expectNothing('RLY-024');
      peer.sendMessage(channel, Uint8Array.of(0x21));
      const written = { 'relay/stream': [0x21], 'relay/length16': [0, 1, 0x21], 'relay/line': [0x21, 0x0a] }[
        application
      ];
      await end.expectOctets(Uint8Array.from(written), 'RLY-024');
    },
  })),
  {
    id: 'RLY-024/relay-none-tls',
    requirements: ['RLY-024'],
    title: 'no header before TLS where the route asks for none',
    stimulus: 'A client opens relay/tls.',
    expectation: 'The first octet that the application end gets is that of a TLS handshake.',
    run: async (context) => {
      const peer = await context.established();
      const { end } = await context.dial(peer, 'relay/tls');
      const [first] = await end.read(1, 'RLY-024');
      assertEqual('first octet', first, TLS_HANDSHAKE, 'RLY-024');
    },
  },
]);

/** Content type of the TLS record with ClientHello (RFC 9846, section 5.1). */
const TLS_HANDSHAKE = 22;
