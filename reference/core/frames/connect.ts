import { MisuseError } from '../errors.ts';
import { encodeParameters, type ParameterSet, type RawParameter } from '../parameters.ts';
import { PayloadReader } from '../payload-reader.ts';
import { PayloadWriter } from '../payload-writer.ts';
import { FIELDS } from '../registry.gen.ts';
import { encodeText } from '../text.ts';

const {
  mode: modeField,
  session_id,
  client_nonce,
  audience: audienceField,
  signature: signatureField,
} = FIELDS.CONNECT;

/** CONNECT: the connection establishment request, signed by the client (chapter 4.4). */
export interface Connect {
  readonly mode: 'new' | 'resume';
  /** 16 octets; zero in mode `new`, like the three numbers. */
  readonly sessionId: Uint8Array;
  readonly epoch: number;
  readonly attempt: number;
  readonly receiveCursor: number;
  readonly clientNonce: Uint8Array;
  readonly audience: string;
  readonly parameters: ParameterSet;
  readonly scheme: number;
  readonly signature: Uint8Array;
}

/**
 * Writes the payload of CONNECT.
 *
 * @param ignorable - parameters without meaning. [EXT-003]
 * @throws MisuseError `HAWSER_ERR_MISUSE_OPTION` for an audience that is not a text of 1 to 2,048 octets.
 */
export function encodeConnect(connect: Connect, ignorable: readonly RawParameter[] = []): Uint8Array {
  const audience = encodeText(connect.audience);
  if (audience === undefined || audience.length < audienceField.min || audience.length > audienceField.max) {
    throw new MisuseError('HAWSER_ERR_MISUSE_OPTION', 'The audience has to be 1 to 2,048 octets of plain text.');
  }
  const parameters = encodeParameters(connect.parameters, ignorable);
  const fixed = 1 + session_id.bytes + 3 * 8 + client_nonce.bytes + 2 + 2 + 2 + 2;
  return new PayloadWriter(fixed + audience.length + parameters.length + connect.signature.length)
    .u8(modeField.values[connect.mode])
    .bytes(connect.sessionId, session_id.bytes)
    .u53(connect.epoch)
    .u53(connect.attempt)
    .u53(connect.receiveCursor)
    .bytes(connect.clientNonce, client_nonce.bytes)
    .opaque16(audience)
    .opaque16(parameters)
    .u16(connect.scheme)
    .opaque16(connect.signature)
    .end();
}

/**
 * Reads the payload of CONNECT.
 *
 * @throws PeerViolationError
 */
export function decodeConnect(payload: Uint8Array): Connect {
  const reader = new PayloadReader('CONNECT', payload);
  const modeNumber = reader.u8();
  reader.check(modeNumber, { max: modeField.values.resume }, 'mode');
  const mode = modeNumber === modeField.values.new ? 'new' : 'resume';
  /** Fields of resumption are zero in mode `new`. [WIR-017] */
  const zeroWhenNew: { readonly max?: number } = mode === 'new' ? { max: 0 } : {};
  const sessionId = reader.bytes(session_id.bytes);
  reader.check(Math.max(...sessionId), zeroWhenNew, 'session_id');
  const epoch = reader.u53();
  reader.check(epoch, zeroWhenNew, 'epoch');
  const attempt = reader.u53();
  reader.check(attempt, zeroWhenNew, 'attempt');
  const receiveCursor = reader.u53();
  reader.check(receiveCursor, zeroWhenNew, 'receive_cursor');
  const clientNonce = reader.bytes(client_nonce.bytes);
  const audience = reader.text16(audienceField);
  const parameters = reader.parameters();
  const scheme = reader.u16();
  const signature = reader.opaque16(signatureField);
  reader.end();
  return {
    mode,
    sessionId,
    epoch,
    attempt,
    receiveCursor,
    clientNonce,
    audience,
    parameters,
    scheme,
    signature,
  };
}
