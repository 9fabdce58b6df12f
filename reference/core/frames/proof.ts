import { PayloadReader } from '../payload-reader.ts';
import { encodedListBytes, PayloadWriter } from '../payload-writer.ts';
import { FIELDS } from '../registry.gen.ts';

const { chain: chainField, signature: signatureField } = FIELDS.PROOF;

/** PROOF: the client's end-to-end proof, signed by the client (chapter 13.7). */
export interface Proof {
  /** DER certificates of the client, leaf first. */
  readonly chain: readonly Uint8Array[];
  readonly scheme: number;
  readonly signature: Uint8Array;
}

/** Writes the payload of PROOF. */
export function encodeProof({ chain, scheme, signature }: Proof): Uint8Array {
  return new PayloadWriter(encodedListBytes(chain) + 2 + 2 + signature.length)
    .opaques16(chain, chainField)
    .u16(scheme)
    .opaque16(signature)
    .end();
}

/**
 * Reads the payload of PROOF.
 *
 * @throws PeerViolationError
 */
export function decodeProof(payload: Uint8Array): Proof {
  const reader = new PayloadReader('PROOF', payload);
  const chain = reader.opaques16(chainField);
  const scheme = reader.u16();
  const signature = reader.opaque16(signatureField);
  reader.end();
  return { chain, scheme, signature };
}
