import { isIPv4, isIPv6 } from 'node:net';
import { MisuseError, PROXY_TLV } from '../../core/index.ts';
import type { ConnectionAddresses } from '../connection/connection-addresses.ts';

/** What a PROXY protocol header tells an application end. [RLY-024] */
export interface ProxyHeader {
  /** The client's connection to the relay; undefined when it is not known any more. */
  readonly addresses: ConnectionAddresses | undefined;
  /** The name of the application, or what the route has in its place. */
  readonly authority: string;
  readonly clientIdentity: string;
  readonly relayIdentity: string;
}

const SIGNATURE = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a);

/** Version 2, command PROXY. */
const VERSION_AND_COMMAND = 0x21;

/** Address family and protocol by the octets of an address: TCP over IPv4, TCP over IPv6. */
const FAMILY_AND_PROTOCOL: Readonly<Record<number, number>> = { 4: 0x11, 16: 0x21 };

/** No addresses follow: the receiver takes those of its own connection. */
const UNSPECIFIED = 0x00;

/** IPv6 addresses that begin like this stand for the IPv4 address in their last four octets. */
const IPV4_MAPPED = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff);

/** The header, version 2 (section 2.2 of the PROXY protocol's specification). */
export function encodeProxyHeader({ addresses, authority, clientIdentity, relayIdentity }: ProxyHeader): Uint8Array {
  const [family, addressBlock] = addresses === undefined ? [UNSPECIFIED, Buffer.alloc(0)] : encodeAddresses(addresses);
  const body = Buffer.concat([
    addressBlock,
    encodeTlv(PROXY_TLV.AUTHORITY, authority),
    encodeTlv(PROXY_TLV.CLIENT_IDENTITY, clientIdentity),
    encodeTlv(PROXY_TLV.RELAY_IDENTITY, relayIdentity),
  ]);
  return Buffer.concat([SIGNATURE, Uint8Array.of(VERSION_AND_COMMAND, family), uint16(body.length), body]);
}

function encodeAddresses({ remote, local }: ConnectionAddresses): readonly [number, Buffer] {
  const source = addressOctets(remote.address);
  const destination = addressOctets(local.address);
  const family = FAMILY_AND_PROTOCOL[source.length];
  if (family === undefined || source.length !== destination.length) {
    const text = `${remote.address} and ${local.address} are not the ends of one connection: give both from one socket.`;
    throw new MisuseError('HAWSER_ERR_MISUSE_ADDRESS', text);
  }
  return [family, Buffer.concat([source, destination, uint16(remote.port), uint16(local.port)])];
}

/** An IPv6 address that stands for one of IPv4 is that one. */
function addressOctets(address: string): Uint8Array {
  if (isIPv4(address)) return Uint8Array.from(address.split('.'), Number);
  const octets = ipv6Octets(address);
  return IPV4_MAPPED.every((octet, index) => octets[index] === octet) ? octets.subarray(12) : octets;
}

function ipv6Octets(address: string): Uint8Array {
  const [unscoped = ''] = address.split('%');
  if (!isIPv6(unscoped)) throw new MisuseError('HAWSER_ERR_MISUSE_ADDRESS', `${address} is no IP address.`);
  // The URL parser writes a dotted end in hex.
  const groups = new URL(`http://[${unscoped}]`).hostname.slice(1, -1);
  const [head = [], tail = []] = groups.split('::').map((part) => (part === '' ? [] : part.split(':')));
  const zeros = Array<string>(8 - head.length - tail.length).fill('0');
  return Buffer.from([...head, ...zeros, ...tail].map((group) => group.padStart(4, '0')).join(''), 'hex');
}

function encodeTlv(type: number, value: string): Buffer {
  const octets = Buffer.from(value, 'utf8');
  return Buffer.concat([Uint8Array.of(type), uint16(octets.length), octets]);
}

function uint16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}
