import { MisuseError } from '../errors.ts';
import { PayloadReader } from '../payload-reader.ts';
import { encodedListBytes, PayloadWriter } from '../payload-writer.ts';
import { FIELDS } from '../registry.gen.ts';
import { encodeText } from '../text.ts';

const { nonce: nonceField, relay: relayField, chain: chainField } = FIELDS.PROVE;

/** PROVE: the application end asks the client for end-to-end proof (chapter 13.7). */
export interface Prove {
  /** 32 octets. */
  readonly nonce: Uint8Array;
  /** Identity of the peer from which the application end has FORWARD; empty where it has OPEN. */
  readonly relay: string;
  /** DER certificates of the application end, leaf first. */
  readonly chain: readonly Uint8Array[];
}

/**
 * Writes the payload of PROVE.
 *
 * @throws MisuseError `HAWSER_ERR_MISUSE_FIELD` for a value that no PROVE can hold.
 */
export function encodeProve({ nonce, relay, chain }: Prove): Uint8Array {
  const relayText = encodeText(relay);
  if (relayText === undefined || relayText.length > relayField.max) {
    throw new MisuseError('HAWSER_ERR_MISUSE_FIELD', 'PROVE names a relay in at most 2,048 octets of plain text.');
  }
  return new PayloadWriter(nonceField.bytes + 2 + relayText.length + encodedListBytes(chain))
    .bytes(nonce, nonceField.bytes)
    .opaque16(relayText)
    .opaques16(chain, chainField)
    .end();
}

/**
 * Reads the payload of PROVE.
 *
 * @throws PeerViolationError
 */
export function decodeProve(payload: Uint8Array): Prove {
  const reader = new PayloadReader('PROVE', payload);
  const nonce = reader.bytes(nonceField.bytes);
  const relay = reader.text16(relayField);
  const chain = reader.opaques16(chainField);
  reader.end();
  return { nonce, relay, chain };
}
