import { encodeParameters, type ParameterSet, type RawParameter } from '../parameters.ts';
import { PayloadReader } from '../payload-reader.ts';
import { PayloadWriter } from '../payload-writer.ts';
import { FIELDS } from '../registry.gen.ts';

const { session_id, epoch: epochField, signature: signatureField } = FIELDS.ACCEPT;

/** ACCEPT: the session granted, signed by the server (chapter 4.5). */
export interface Accept {
  /** 16 octets. */
  readonly sessionId: Uint8Array;
  /** From 1. */
  readonly epoch: number;
  readonly receiveCursor: number;
  readonly parameters: ParameterSet;
  readonly scheme: number;
  readonly signature: Uint8Array;
}

/**
 * Writes the payload of ACCEPT.
 *
 * @param ignorable - parameters without meaning. [EXT-003]
 */
export function encodeAccept(accept: Accept, ignorable: readonly RawParameter[] = []): Uint8Array {
  const parameters = encodeParameters(accept.parameters, ignorable);
  const fixed = session_id.bytes + 2 * 8 + 2 + 2 + 2;
  return new PayloadWriter(fixed + parameters.length + accept.signature.length)
    .bytes(accept.sessionId, session_id.bytes)
    .u53(accept.epoch)
    .u53(accept.receiveCursor)
    .opaque16(parameters)
    .u16(accept.scheme)
    .opaque16(accept.signature)
    .end();
}

/**
 * Reads the payload of ACCEPT.
 *
 * @throws PeerViolationError
 */
export function decodeAccept(payload: Uint8Array): Accept {
  const reader = new PayloadReader('ACCEPT', payload);
  const sessionId = reader.bytes(session_id.bytes);
  const epoch = reader.u53();
  reader.check(epoch, epochField, 'epoch');
  const receiveCursor = reader.u53();
  const parameters = reader.parameters();
  const scheme = reader.u16();
  const signature = reader.opaque16(signatureField);
  reader.end();
  return { sessionId, epoch, receiveCursor, parameters, scheme, signature };
}
