import type { KeyObject } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { FieldInput, FrameInput, ParameterInput } from '../model/codec.ts';
import { buildFrame } from '../model/codec.ts';
import type { Role } from '../model/registry.ts';
import { registry } from '../model/registry.ts';
import type { SignatureLabel, TranscriptInput } from '../model/transcript.ts';
import {
  acceptTranscript,
  connectTranscript,
  exporterContext,
  schemeOfKey,
  sign,
  signedContent,
  verify,
  withSignature,
} from '../model/transcript.ts';
import { fail } from './failure.ts';
import type { ReceivedFrame } from './received-frame.ts';

/** What may be wrong about a signed frame, on purpose. Everything absent is as it should be. */
export interface SigningOptions {
  /** Fields of the frame. */
  readonly fields?: Readonly<Record<string, FieldInput>>;
  readonly parameters?: readonly ParameterInput[];
  /** Everything else about the frame: flags, channel, trailing octets. */
  readonly frame?: FrameInput;
  /** Replaces the key that signs; the scheme follows unless it is given. */
  readonly key?: KeyObject;
  readonly scheme?: number;
  readonly label?: SignatureLabel;
  /** Replaces parts of what the transcript is made of. */
  readonly transcript?: Partial<TranscriptInput>;
  /** Changes the signature. */
  readonly signature?: (signature: Uint8Array) => Uint8Array;
  /** Changes the frame after it was signed. */
  readonly afterSigning?: (frame: Uint8Array) => Uint8Array;
}

/** The TLS exporter value of the connection for a CHALLENGE (section 4.1). */
export function exporterValue(socket: TLSSocket, challenge: Uint8Array): Uint8Array {
  const { exporterBytes, exporterLabel } = registry.protocol;
  return socket.exportKeyingMaterial(exporterBytes, exporterLabel, Buffer.from(exporterContext(challenge)));
}

/** Builds CONNECT or ACCEPT and signs it, as right or as wrong as the options say. */
export function buildSigned(
  name: 'CONNECT' | 'ACCEPT',
  ownKey: KeyObject,
  transcript: Omit<TranscriptInput, 'connect'> & { readonly connect?: Uint8Array },
  fields: Readonly<Record<string, FieldInput>>,
  options: SigningOptions,
): Uint8Array {
  const key = options.key ?? ownKey;
  const scheme = options.scheme ?? schemeOfKey(key)?.id ?? UNDEFINED_SCHEME;
  const parameters = options.parameters ?? fields['parameters'] ?? [];
  const unsigned = buildFrame(name, {
    ...options.frame,
    fields: { ...fields, parameters, scheme, ...options.fields, signature: Uint8Array.of(0) },
  });
  const placeholder = withSignature(unsigned, new Uint8Array(signatureBytes(key)));
  const label = options.label ?? (name === 'CONNECT' ? 'connect' : 'accept');
  const input: TranscriptInput = { connect: placeholder, ...transcript, ...options.transcript };
  const octets = name === 'CONNECT' ? connectTranscript(input) : acceptTranscript(input, placeholder);
  const content = signedContent(label, octets);
  const signature = schemeOfKey(key) === undefined ? new Uint8Array(64) : sign(key, content).signature;
  const signed = withSignature(placeholder, options.signature?.(signature) ?? signature);
  return options.afterSigning?.(signed) ?? signed;
}

/** Fails unless the signature in a CONNECT or ACCEPT is that of the peer's leaf key over the right transcript. */
export function requireSignature(
  frame: ReceivedFrame,
  peerRole: Role,
  peerKey: KeyObject,
  input: TranscriptInput,
): void {
  const label = peerRole === 'client' ? 'connect' : 'accept';
  const transcript = peerRole === 'client' ? connectTranscript(input) : acceptTranscript(input, frame.octets);
  const scheme = Number(frame.integer('scheme'));
  const own = schemeOfKey(peerKey);
  if (own?.id !== scheme) {
    fail(`a signature with ${own?.name ?? 'a scheme of its key'}`, `scheme 0x${scheme.toString(16)}`, 'EST-003');
  }
  if (verify(scheme, peerKey, signedContent(label, transcript), frame.bytes('signature'))) return;
  fail(`a signature of ${frame.name} that verifies over the transcript of section 4.2`, 'one that does not', 'EST-001');
}

/** Stands where the key of a certificate has no scheme: a number that the registry does not define. */
const UNDEFINED_SCHEME = 0x0603;

function signatureBytes(key: KeyObject): number {
  const fixed = schemeOfKey(key)?.signatureBytes;
  const bits = key.asymmetricKeyDetails?.modulusLength;
  return fixed ?? (bits === undefined ? 64 : Math.ceil(bits / 8));
}
