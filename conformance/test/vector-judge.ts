/** Judges vectors with the naive model. Each judge gives what it found, in the shape in which the vector states its expectation. */
import { X509Certificate } from 'node:crypto';
import {
  checkChannel,
  checkFlags,
  checkSequence,
  checkType,
  decodeParameters,
  decodePayload,
  measureFrame,
} from '../model/decode.ts';
import { decodeFrame, decodeHeader, equal, fromHex, readInteger, toHex } from '../model/codec.ts';
import type { ModelFields, ModelParameter } from '../model/codec.ts';
import { ReceiverModel } from '../model/machine.ts';
import type { Declarations, ModelOptions } from '../model/machine.ts';
import { frameNamed, frameOfType, machineOf, registry } from '../model/registry.ts';
import type { Role } from '../model/registry.ts';
import {
  acceptTranscript,
  connectTranscript,
  exporterContext,
  leafHash,
  openingTranscript,
  proofTranscript,
  sha256,
  signedContent,
  verify,
} from '../model/transcript.ts';
import { verifyRecord } from './naive-evidence.ts';
import type { Vector } from './vector-files.ts';

/** What is compared with the vector: the result with either `expected` or `error`, `index` or `reason`. */
export type Finding = Readonly<Record<string, unknown>> & { readonly result: 'valid' | 'invalid' };

export interface FrameVector extends Vector {
  readonly role: Role;
  readonly state: string;
  readonly due: number;
  readonly frame: string;
}

/** The checks of WIR-027 up to the payload. */
export function judgeFrame({ role, state, due, frame }: FrameVector): Finding {
  const octets = fromHex(frame);
  const measured = measureFrame(octets);
  if ('error' in measured) return { result: 'invalid', error: measured.error };
  const header = decodeHeader(octets);
  if (header === undefined) throw new TypeError('no header');
  const row = frameOfType(header.type);
  const cell = machineOf(role, 'connection').rows.find(
    (entry) => entry.state === state && entry.frame === (row?.name ?? 'IGNORABLE'),
  );
  const early = checkType(header) ?? (row && checkFlags(row, header));
  if (early !== undefined) return { result: 'invalid', error: early.error };
  if (cell?.next === undefined) return { result: 'invalid', error: cell?.error };
  const late =
    (row && checkChannel(row, header)) ?? checkSequence(row, header, row?.sequenced === true ? BigInt(due) : undefined);
  if (late !== undefined) return { result: 'invalid', error: late.error };
  if (row === undefined) return { result: 'valid', expected: { ignored: true } };
  const payload = decodePayload(row, octets.subarray(registry.header.bytes));
  if ('error' in payload) return { result: 'invalid', error: payload.error };
  return { result: 'valid', expected: { name: row.name } };
}

export interface ParameterVector extends Vector {
  readonly frame: string;
  readonly list: string;
}

export function judgeParameters({ frame, list }: ParameterVector): Finding {
  const result = decodeParameters(fromHex(list), frame);
  if ('error' in result) return { result: 'invalid', error: result.error };
  const expected = result.parameters.map(({ id, name, value }) => ({
    id,
    ...(name === undefined ? { ignored: true } : { name }),
    value: typeof value === 'number' ? value : toHex(value),
  }));
  return { result: 'valid', expected };
}

type StreamStep = { readonly receive: string } | { readonly send: string; readonly cause: string };

/** Declarations, with the one that makes a session resumable. */
type StreamDeclarations = Declarations & { readonly session_retention_ms?: number };

export interface StreamVector extends Vector {
  readonly role: Role;
  readonly state: string;
  readonly own: StreamDeclarations;
  readonly peer: StreamDeclarations;
  readonly identity?: string;
  readonly verdicts?: { readonly signature?: boolean; readonly peerIdentity?: boolean };
  readonly resumed?: { readonly sessionId: string; readonly steps: readonly StreamStep[] };
  readonly steps: readonly StreamStep[];
  readonly expected?: { readonly channels: Readonly<Record<string, string>>; readonly session?: string };
}

/** The frames in octets that hold nothing else. */
export function cut(octets: Uint8Array): readonly Uint8Array[] {
  const measured = measureFrame(octets);
  if (!('total' in measured)) return [];
  return [octets.subarray(0, measured.total), ...cut(octets.subarray(measured.total))];
}

interface Delivered {
  readonly channel: number;
  readonly message: string;
}

/** Takes a model through the steps; the error and its step, or undefined. */
function run(model: ReceiverModel, steps: readonly StreamStep[], delivered: Delivered[]): Finding | undefined {
  for (const [index, step] of steps.entries()) {
    if ('send' in step) {
      for (const frame of cut(fromHex(step.send))) {
        const reaction = model.send(frame);
        if ('error' in reaction) throw new TypeError(`step ${index} may not be sent: ${JSON.stringify(reaction)}`);
      }
      continue;
    }
    for (const reaction of model.receiveOctets(fromHex(step.receive))) {
      if ('error' in reaction) return { result: 'invalid', error: reaction.error, index };
      const { channel } = reaction;
      if (channel?.message !== undefined) delivered.push({ channel: channel.number, message: toHex(channel.message) });
    }
  }
  return undefined;
}

/** What the endpoint keeps of the session of the former connection. */
function formerSession(vector: StreamVector, resumable: boolean): Pick<ModelOptions, 'resumes' | 'recall'> {
  const { role, own, peer, resumed } = vector;
  if (resumed === undefined) return {};
  const model = new ReceiverModel(role, { state: 'established', own, peer, resumable });
  const found = run(model, resumed.steps, []);
  if (found !== undefined) throw new TypeError(`the former connection ends with ${JSON.stringify(found)}`);
  // The model numbers the session itself; its id is that of the ACCEPT that is not among the steps.
  const state = { ...model.session, id: fromHex(resumed.sessionId) };
  if (role === 'client') return { resumes: state };
  const stored = { state, ended: model.fate === 'ended' };
  return { recall: (id) => (resumable && equal(id, state.id) ? stored : undefined) };
}

export function judgeStream(vector: StreamVector): Finding {
  const { role, state, own, peer, identity, verdicts, steps, expected } = vector;
  const granted = role === 'client' ? peer : own;
  const resumable = (granted.session_retention_ms ?? 0) > 0;
  const model = new ReceiverModel(role, {
    state,
    own,
    peer,
    resumable: resumable && state === 'established',
    ...(identity === undefined ? {} : { identity }),
    ...(verdicts === undefined ? {} : { verdicts }),
    ...formerSession(vector, resumable),
  });
  const delivered: Delivered[] = [];
  const found = run(model, steps, delivered);
  if (found !== undefined) return found;
  const numbers = Object.keys(expected?.channels ?? {});
  return {
    result: 'valid',
    expected: {
      connection: model.state,
      channels: Object.fromEntries(numbers.map((number) => [number, model.channelState(Number(number))])),
      cursors: { receive: Number(model.cursors.receive), send: Number(model.cursors.send) },
      delivered,
      ...(expected?.session === undefined ? {} : { session: model.fate }),
    },
  };
}

export interface TranscriptVector extends Vector {
  readonly signed: 'connect' | 'accept';
  readonly exporter: string;
  readonly clientCertificate: string;
  readonly serverCertificate: string;
  readonly challenge: string;
  readonly connect: string;
  readonly accept?: string;
}

export function judgeTranscript(vector: TranscriptVector): Finding {
  const { signed, exporter, challenge, connect, accept } = vector;
  const client = Buffer.from(vector.clientCertificate, 'base64');
  const server = Buffer.from(vector.serverCertificate, 'base64');
  const input = {
    exporter: fromHex(exporter),
    clientLeaf: leafHash(client),
    serverLeaf: leafHash(server),
    challenge: fromHex(challenge),
    connect: fromHex(connect),
  };
  const frame = fromHex(signed === 'accept' ? (accept ?? '') : connect);
  const transcript = signed === 'accept' ? acceptTranscript(input, frame) : connectTranscript(input);
  const content = signedContent(signed, transcript);
  const decoded = decodeFrame(frame);
  if (!('fields' in decoded)) throw new TypeError('the frame does not decode');
  const { scheme, signature } = decoded.fields;
  const { publicKey } = new X509Certificate(signed === 'accept' ? server : client);
  if (!verify(Number(scheme), publicKey, content, signature as Uint8Array)) {
    return { result: 'invalid', error: 'SIGNATURE_INVALID' };
  }
  const expected = {
    exporterContext: toHex(exporterContext(input.challenge)),
    clientLeaf: toHex(input.clientLeaf),
    serverLeaf: toHex(input.serverLeaf),
    transcriptHash: toHex(sha256(transcript)),
    signedContent: toHex(content),
  };
  return { result: 'valid', expected };
}

export interface ProofVector extends Vector {
  readonly signed: 'proof' | 'opened';
  readonly open: string;
  readonly prove: string;
  readonly proof: string;
  readonly opened?: string;
}

export function judgeProof({ signed, opened = '', ...hex }: ProofVector): Finding {
  const input = { open: fromHex(hex.open), prove: fromHex(hex.prove) };
  const proof = fromHex(hex.proof);
  const fieldsOf = (name: string, payload: Uint8Array): ModelFields => {
    const read = decodePayload(frameNamed(name), payload);
    if ('error' in read) throw new TypeError(`${name} does not decode: ${read.error}`);
    return read.fields;
  };
  const answer = signed === 'opened' ? fieldsOf('OPENED', fromHex(opened)) : undefined;
  const signature = answer === undefined ? fieldsOf('PROOF', proof) : openSignature(answer);
  const [leaf] = fieldsOf(signed === 'proof' ? 'PROOF' : 'PROVE', signed === 'proof' ? proof : input.prove)[
    'chain'
  ] as readonly Uint8Array[];
  const transcript =
    signed === 'proof' ? proofTranscript(input, proof) : openingTranscript(input, proof, fromHex(opened));
  const content = signedContent(signed, transcript);
  const { publicKey } = new X509Certificate(leaf ?? new Uint8Array(0));
  if (!verify(Number(signature['scheme']), publicKey, content, signature['signature'] as Uint8Array)) {
    return { result: 'invalid', error: 'PROOF_INVALID' };
  }
  return { result: 'valid', expected: { transcriptHash: toHex(sha256(transcript)), signedContent: toHex(content) } };
}

/** Scheme and signature in the parameter of OPENED. */
function openSignature(fields: ModelFields): ModelFields {
  const parameters = fields['parameters'] as readonly ModelParameter[];
  const value = parameters.find(({ name }) => name === 'open_signature')?.value;
  if (!(value instanceof Uint8Array)) throw new TypeError('OPENED has no open_signature');
  return { scheme: Number(readInteger(value.subarray(0, 2))), signature: value.subarray(2) };
}

export interface EvidenceVector extends Vector {
  readonly record: string;
  readonly trustAnchors: readonly string[];
}

export function judgeEvidence({ record, trustAnchors }: EvidenceVector): Finding {
  const verdict = verifyRecord(
    record,
    trustAnchors.map((der) => Buffer.from(der, 'base64')),
  );
  if (verdict.result === 'invalid') return verdict;
  const { clientIdentity, serverIdentity } = verdict;
  return { result: 'valid', expected: { clientIdentity, serverIdentity } };
}

/** The part of a vector that a judge has to find. */
export function expectationOf(vector: Vector): Finding {
  const names = ['expected', 'error', 'index', 'reason', 'parameters', 'session'];
  const stated = Object.entries(vector).filter(([name]) => names.includes(name));
  return { result: vector.result, ...Object.fromEntries(stated) };
}
