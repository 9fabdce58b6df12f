import { MisuseError } from '../errors.ts';
import { PayloadReader } from '../payload-reader.ts';
import { encodedListBytes, PayloadWriter } from '../payload-writer.ts';
import { FIELDS } from '../registry.gen.ts';
import { encodeText } from '../text.ts';
import { decodeOpen, type Open } from './open.ts';

const { client: clientField, route: routeField } = FIELDS.FORWARD;

/** What a relay adds to an OPEN that it passes on. */
export interface Forwarded {
  /** How many further relays may pass the request on. */
  readonly hopLimit: number;
  /** Identity of the client that has sent OPEN. */
  readonly client: string;
  /** Identities of the relays before the sender, first to last. */
  readonly route: readonly string[];
}

/** FORWARD: an OPEN that a relay passes on for the client that it names (chapter 13.2). */
export interface Forward extends Forwarded {
  /** The payload of that OPEN, octet for octet. */
  readonly open: Uint8Array;
}

/**
 * Writes the payload of FORWARD.
 *
 * @throws MisuseError `HAWSER_ERR_MISUSE_FIELD` for a value that no FORWARD can hold.
 */
export function encodeForward({ hopLimit, client, route, open }: Forward): Uint8Array {
  const clientText = identityOctets(client);
  const routeTexts = route.map(identityOctets);
  if (!Number.isInteger(hopLimit) || hopLimit < 0 || hopLimit > 0xff) {
    throw new MisuseError('HAWSER_ERR_MISUSE_FIELD', 'The hop limit of FORWARD is a whole number of 0 to 255.');
  }
  const size = 1 + 2 + clientText.length + encodedListBytes(routeTexts) + open.length;
  return new PayloadWriter(size)
    .u8(hopLimit)
    .opaque16(clientText)
    .opaques16(routeTexts, routeField)
    .bytes(open, open.length)
    .end();
}

/**
 * Reads the payload of FORWARD, and in it that of OPEN: its errors are the errors of an OPEN. [RLY-015]
 *
 * @throws PeerViolationError
 */
export function decodeForward(payload: Uint8Array): Forward & { readonly request: Open } {
  const reader = new PayloadReader('FORWARD', payload);
  const hopLimit = reader.u8();
  const client = reader.text16(clientField);
  const route = reader.texts16(routeField);
  const open = reader.rest();
  return { hopLimit, client, route, open, request: decodeOpen(open) };
}

function identityOctets(identity: string): Uint8Array {
  const octets = encodeText(identity);
  if (octets !== undefined && octets.length >= clientField.min && octets.length <= clientField.max) return octets;
  throw new MisuseError('HAWSER_ERR_MISUSE_FIELD', 'FORWARD names identities of 1 to 2,048 octets of plain text.');
}
