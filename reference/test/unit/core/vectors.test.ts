import { readFileSync } from 'node:fs';
import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { PeerViolationError } from '../../../core/errors.ts';
import { checkHeader } from '../../../core/frame-check.ts';
import { decodeAccept } from '../../../core/frames/accept.ts';
import { decodeAck } from '../../../core/frames/ack.ts';
import { decodeChallenge } from '../../../core/frames/challenge.ts';
import { decodeClose } from '../../../core/frames/close.ts';
import { decodeConnect } from '../../../core/frames/connect.ts';
import { decodeCredit } from '../../../core/frames/credit.ts';
import { decodeDrain } from '../../../core/frames/drain.ts';
import { decodeEnd } from '../../../core/frames/end.ts';
import { decodeHeader, payloadOf } from '../../../core/frames/header.ts';
import { decodeOpen } from '../../../core/frames/open.ts';
import { decodeOpened } from '../../../core/frames/opened.ts';
import { decodeOutcome } from '../../../core/frames/outcome.ts';
import { decodePing } from '../../../core/frames/ping.ts';
import { decodePong } from '../../../core/frames/pong.ts';
import { decodeRefused } from '../../../core/frames/refused.ts';
import { decodeReject } from '../../../core/frames/reject.ts';
import { decodeReset } from '../../../core/frames/reset.ts';
import {
  type Connection,
  createClientConnection,
  createServerConnection,
  type DeclaredParameters,
  ERROR_NAME,
  type ErrorName,
  type Event,
  FLAG,
  FRAME_NAME,
  type FrameName,
  type MachineState,
  PARAMETER,
  type ParameterName,
} from '../../../core/index.ts';
import { decodeParameters } from '../../../core/parameters.ts';
import { acceptContent, connectContent, exporterContext } from '../../../core/transcript.ts';
import { stateOf } from '../../../core/transitions.ts';
import { verifyEvidence } from '../../../node/evidence.ts';
import { createVerifier } from '../../../node/signatures.ts';
import { clientOptions, createPair, exchange, SERVER_IDENTITY, serverOptions } from './pair.ts';
import { framesFrom, framesIn, hex, octets, type WireFrame } from './wire.ts';

interface Vector {
  readonly id: string;
  readonly comment: string;
  readonly result: 'valid' | 'invalid';
  readonly error?: ErrorName;
}

interface FrameVector extends Vector {
  readonly role: 'client' | 'server';
  readonly state: string;
  readonly due: number;
  readonly frame: string;
  readonly expected?: { readonly name?: FrameName; readonly ignored?: boolean };
}

interface ParameterVector extends Vector {
  readonly frame: FrameName;
  readonly list: string;
  readonly expected?: readonly { readonly id: number; readonly name?: string; readonly value?: unknown }[];
}

interface TranscriptVector extends Vector {
  readonly signed: 'connect' | 'accept';
  readonly exporter: string;
  readonly clientCertificate: string;
  readonly serverCertificate: string;
  readonly challenge: string;
  readonly connect: string;
  readonly accept?: string;
  readonly expected?: { readonly exporterContext: string; readonly signedContent: string };
}

type Step = { readonly receive: string } | { readonly send: string; readonly cause: 'answer' | 'application' };

interface StreamVector extends Vector {
  readonly role: 'client' | 'server';
  readonly state: string;
  readonly own: Readonly<Record<string, number>>;
  readonly peer: Readonly<Record<string, number>>;
  readonly identity?: string;
  readonly verdicts?: { readonly signature?: boolean; readonly peerIdentity?: boolean };
  readonly steps: readonly Step[];
  readonly index?: number;
  readonly expected?: {
    readonly connection: string;
    readonly cursors: { readonly receive: number; readonly send: number };
    readonly delivered: readonly { readonly channel: number; readonly message: string }[];
  };
}

interface EvidenceVector extends Vector {
  readonly record: string;
  readonly trustAnchors: readonly string[];
  readonly reason?: string;
  readonly expected?: { readonly clientIdentity: string; readonly serverIdentity: string };
}

/** The requirement that a record breaks, by the reason that the vector gives. */
const EVIDENCE_REQUIREMENT: Readonly<Record<string, string>> = {
  'not-a-record': 'EST-031',
  'unknown-format': 'EST-031',
  'missing-member': 'EST-031',
  'unknown-member': 'EST-031',
  'invalid-member': 'EST-031',
  'invalid-frame': 'EST-030',
  'audience-mismatch': 'EST-030',
  'connect-signature': 'EST-029',
  'accept-signature': 'EST-029',
  'client-chain': 'EST-029',
  'server-chain': 'EST-029',
};

interface MustFailVector extends Vector {
  readonly kind: string;
  readonly vector: Vector;
}

function vectorsOf(name: string): readonly Vector[] {
  const path = new URL(`../../../../vectors/${name}.json`, import.meta.url);
  return (JSON.parse(readFileSync(path, 'utf8')) as { readonly vectors: readonly Vector[] }).vectors;
}

/** Ids of the vectors that do not come out as they say. */
function failures<Kind extends Vector>(vectors: readonly Kind[], judge: (vector: Kind) => unknown): string[] {
  return vectors.flatMap((vector) => {
    const found = judge(vector);
    const wanted = vector.result === 'valid' ? true : vector.error;
    return found === wanted ? [] : [`${vector.id} ${vector.comment}: ${String(found)} instead of ${String(wanted)}`];
  });
}

/** What a function does: the name of the violation that it finds, or what it returns. */
function outcome(run: () => boolean): unknown {
  try {
    return run();
  } catch (error) {
    if (error instanceof PeerViolationError) return error.wireName;
    throw error;
  }
}

const DECODERS: Readonly<Record<FrameName, (payload: Uint8Array) => unknown>> = {
  CHALLENGE: decodeChallenge,
  CONNECT: decodeConnect,
  ACCEPT: decodeAccept,
  REJECT: decodeReject,
  PING: decodePing,
  PONG: decodePong,
  ACK: decodeAck,
  DRAIN: decodeDrain,
  CLOSE: decodeClose,
  OPEN: decodeOpen,
  OPENED: decodeOpened,
  REFUSED: decodeRefused,
  MESSAGE: (payload) => payload,
  CREDIT: decodeCredit,
  OUTCOME: decodeOutcome,
  END: decodeEnd,
  RESET: decodeReset,
};

function judgeFrame(vector: FrameVector): unknown {
  return outcome(() => {
    const machine = `${vector.role}-connection` as const;
    const state = stateOf(machine, vector.state as MachineState<typeof machine>);
    const bytes = octets(vector.frame);
    const header = decodeHeader(bytes);
    checkHeader(header, state, vector.due);
    const name = FRAME_NAME[header.type];
    if (name !== undefined) DECODERS[name](payloadOf(bytes));
    return name === vector.expected?.name && (name === undefined) === (vector.expected?.ignored ?? false);
  });
}

function judgeParameters(vector: ParameterVector): unknown {
  return outcome(() => {
    const set = decodeParameters(vector.frame, octets(vector.list));
    const known = (vector.expected ?? []).filter(({ name }) => name !== undefined);
    const values = known.map(({ name, value }) => {
      const found = set[name as ParameterName];
      return found instanceof Uint8Array ? hex(found) === value : found === value;
    });
    return values.every(Boolean) && Object.keys(set).length === known.length;
  });
}

/** What is signed in a vector, and the signature. */
function signedIn(vector: TranscriptVector): {
  readonly content: Uint8Array;
  readonly scheme: number;
  readonly signature: Uint8Array;
} {
  const hashOf = (certificate: string): Uint8Array =>
    octets(new X509Certificate(Buffer.from(certificate, 'base64')).fingerprint256.replaceAll(':', ''));
  const bound = {
    exporter: octets(vector.exporter),
    clientLeafHash: hashOf(vector.clientCertificate),
    serverLeafHash: hashOf(vector.serverCertificate),
  };
  const challenge = octets(vector.challenge);
  const connect = octets(vector.connect);
  if (vector.signed === 'connect') {
    const { scheme, signature } = decodeConnect(payloadOf(connect));
    return { content: connectContent(bound, challenge, connect, signature.length), scheme, signature };
  }
  const accept = octets(vector.accept ?? '');
  const { scheme, signature } = decodeAccept(payloadOf(accept));
  return { content: acceptContent(bound, challenge, connect, accept, signature.length), scheme, signature };
}

function judgeTranscript(vector: TranscriptVector): boolean {
  return (
    hex(signedIn(vector).content) === vector.expected?.signedContent &&
    hex(exporterContext(octets(vector.challenge))) === vector.expected.exporterContext
  );
}

function judgeSignature(vector: TranscriptVector): unknown {
  const { content, scheme, signature } = signedIn(vector);
  const certificate = vector.signed === 'connect' ? vector.clientCertificate : vector.serverCertificate;
  const { publicKey } = new X509Certificate(Buffer.from(certificate, 'base64'));
  return createVerifier(publicKey).verify(content, scheme, signature) || 'SIGNATURE_INVALID';
}

function declared(values: Readonly<Record<string, number>>): DeclaredParameters {
  const names: Readonly<Record<string, keyof DeclaredParameters>> = {
    max_message_bytes: 'maxMessageBytes',
    initial_message_credit: 'initialMessageCredit',
    initial_byte_credit: 'initialByteCredit',
  };
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (names[name] === undefined ? [] : [[names[name], value]])),
  );
}

/** The endpoint of a stream, in the state from which the stream goes on. */
function endpointOf(vector: StreamVector): Connection {
  const { role, own, peer, verdicts = {}, identity = SERVER_IDENTITY } = vector;
  const verifier = { verify: () => verdicts.signature ?? true };
  const [clientParameters, serverParameters] =
    role === 'client' ? [declared(own), declared(peer)] : [declared(peer), declared(own)];
  const peerIdentity = verdicts.peerIdentity === false ? 'spiffe://example.test/other' : identity;
  const client = { parameters: clientParameters, audience: identity, peerIdentity, verifier };
  const server = { parameters: serverParameters, identity, verifier };
  if (vector.state !== 'established') {
    return role === 'client'
      ? createClientConnection(clientOptions(client))
      : createServerConnection(serverOptions(server));
  }
  const pair = createPair(client, server);
  const maxChannels = (role === 'server' ? own : peer)['max_channels'];
  exchange(pair, { maxChannels: maxChannels ?? PARAMETER.max_channels.default });
  return role === 'client' ? pair.client : pair.server;
}

/** Has the application do what makes the endpoint send a frame. */
function command(endpoint: Connection, { name, channel, payload }: WireFrame): void {
  switch (name) {
    case 'OPEN': {
      const { application, parameters } = decodeOpen(payload);
      endpoint.openChannel(application, { applicationData: parameters.application_data }, 0);
      break;
    }
    case 'OPENED':
      endpoint.opened(channel, { applicationData: decodeOpened(payload).parameters.application_data }, 0);
      break;
    case 'REFUSED': {
      const { code, retryAfterMs } = decodeRefused(payload);
      endpoint.refuse(channel, ERROR_NAME[code]!, retryAfterMs, 0);
      break;
    }
    case 'MESSAGE':
      endpoint.sendMessage(channel, payload, 0);
      break;
    case 'END':
      endpoint.endChannel(channel, 0);
      break;
    case 'RESET':
      endpoint.resetChannel(channel, ERROR_NAME[decodeReset(payload).code]!, 0);
      break;
    case 'CLOSE':
      endpoint.close(ERROR_NAME[decodeClose(payload).code]!, 0);
      break;
    case 'REJECT': {
      const { code, retryAfterMs } = decodeReject(payload);
      endpoint.reject(ERROR_NAME[code]!, retryAfterMs, 0);
      break;
    }
    case 'ACCEPT':
      endpoint.accept({}, 0);
      break;
    default:
      throw new Error(`No command makes an endpoint send ${name ?? 'this'}.`);
  }
}

/** Frames with nonces or signatures. */
const OWN_PAYLOAD: ReadonlySet<string> = new Set(['CHALLENGE', 'CONNECT', 'ACCEPT', 'OPEN']);

/**
 * Whether an endpoint can be made to play a stream as it is: how it divides messages, what it grants (who declares no
 * credit grants some at once) and what its PINGs hold is its own decision.
 */
function isPlayable({ own, steps }: StreamVector): boolean {
  if (Object.values(own).includes(0)) return false;
  return steps.every((step) => {
    if (!('send' in step)) return true;
    const [sent] = framesIn(octets(step.send));
    if (sent?.name === 'CREDIT' || sent?.name === 'PING') return false;
    return sent?.name !== 'MESSAGE' || sent.flags === (FLAG.MESSAGE.FIRST | FLAG.MESSAGE.LAST);
  });
}

function judgeStream(vector: StreamVector): unknown {
  const endpoint = endpointOf(vector);
  const delivered: unknown[] = [];
  const sent: WireFrame[] = [];
  const note = (events: readonly Event[]): void => {
    for (const event of events) {
      if (event.type === 'message-received') delivered.push({ channel: event.channel, message: hex(event.data) });
      if (event.type === 'connect-received' && vector.verdicts?.peerIdentity === false) {
        endpoint.reject('AUTHENTICATION_FAILED', 0, 0);
      } else if (event.type === 'connect-received' && event.mode === 'resume') endpoint.accept({}, 0);
      if (event.type === 'channel-reset') endpoint.release(event.channel, 0);
    }
  };
  for (const [index, step] of vector.steps.entries()) {
    if ('receive' in step) note(endpoint.receive(octets(step.receive), 0));
    else {
      const [expected] = framesIn(octets(step.send));
      sent.push(...framesFrom(endpoint));
      if (step.cause === 'application') {
        command(endpoint, expected!);
        sent.push(...framesFrom(endpoint));
      } else if (expected!.name === 'REJECT' && endpoint.state === 'deciding') {
        command(endpoint, expected!);
        sent.push(...framesFrom(endpoint));
      }
      const found = sent.filter(({ name }) => name !== 'CREDIT').shift();
      sent.splice(0, found === undefined ? 0 : sent.indexOf(found) + 1);
      if (found?.name !== expected!.name || found?.seq !== expected!.seq || found.channel !== expected!.channel) {
        return `step ${index}: ${found?.name ?? 'nothing'} was sent instead of ${expected!.name ?? '?'}`;
      }
      if (!OWN_PAYLOAD.has(found.name ?? '') && hex(found.payload) !== hex(expected!.payload)) {
        return `step ${index}: another ${found.name ?? '?'} was sent`;
      }
    }
    const code = codeOf(endpoint, sent);
    if (code !== undefined && vector.result === 'invalid')
      return index === vector.index ? code : `step ${index}: ${code}`;
  }
  if (endpoint.error !== undefined && vector.result === 'valid' && endpoint.error instanceof PeerViolationError) {
    return endpoint.error.wireName;
  }
  return checkExpected(endpoint, delivered, vector.expected);
}

/** The code with which an endpoint has ended the connection by itself. */
function codeOf(endpoint: Connection, sent: readonly WireFrame[]): string | undefined {
  const { error } = endpoint;
  if (error !== undefined && 'wireName' in error && !error.code.startsWith('HAWSER_ERR_REMOTE')) {
    return String(error.wireName);
  }
  const frames = endpoint.state === 'closing' ? [...sent, ...framesFrom(endpoint)] : sent;
  const reject = frames.find(({ name }) => name === 'REJECT');
  return reject === undefined ? undefined : ERROR_NAME[decodeReject(reject.payload).code];
}

function checkExpected(
  endpoint: Connection,
  delivered: readonly unknown[],
  expected: StreamVector['expected'],
): unknown {
  if (endpoint.state !== expected?.connection) return `state ${endpoint.state}`;
  if (JSON.stringify(delivered) !== JSON.stringify(expected.delivered)) return 'other messages were delivered';
  if (endpoint.state !== 'established') return true;
  endpoint.close('NO_ERROR', 0);
  const close = framesFrom(endpoint).find(({ name }) => name === 'CLOSE');
  const { receiveCursor, sendCursor } = decodeClose(close!.payload);
  const { receive, send } = expected.cursors;
  return (receiveCursor === receive && sendCursor === send) || `cursors ${receiveCursor} and ${sendCursor}`;
}

describe('the vectors', () => {
  it('of frames come out as they say', () => {
    expect(failures(vectorsOf('frames') as readonly FrameVector[], judgeFrame)).toEqual([]);
  });

  it('of parameters come out as they say', () => {
    expect(failures(vectorsOf('parameters') as readonly ParameterVector[], judgeParameters)).toEqual([]);
  });

  it('of transcripts give the content that is signed', () => {
    const valid = (vectorsOf('transcripts') as readonly TranscriptVector[]).filter(({ result }) => result === 'valid');
    expect(valid.length).toBeGreaterThan(15);
    expect(failures(valid, judgeTranscript)).toEqual([]);
  });

  it('of transcripts verify or not, as they say', () => {
    expect(failures(vectorsOf('transcripts') as readonly TranscriptVector[], judgeSignature)).toEqual([]);
  });

  it('of evidence come out as they say', async () => {
    const wrong: string[] = [];
    for (const { id, comment, record, trustAnchors, result, reason, expected } of vectorsOf(
      'evidence',
    ) as readonly EvidenceVector[]) {
      const anchors = trustAnchors.map((anchor) => new Uint8Array(Buffer.from(anchor, 'base64')));
      const verdict = await verifyEvidence(record, { trustAnchors: anchors, crls: [] });
      const right = verdict.valid
        ? result === 'valid' &&
          verdict.clientIdentity === expected?.clientIdentity &&
          verdict.serverIdentity === expected.serverIdentity
        : reason !== undefined && verdict.requirement === EVIDENCE_REQUIREMENT[reason];
      if (!right) wrong.push(`${id} ${comment}: ${verdict.valid ? 'valid' : verdict.reason}`);
    }
    expect(wrong).toEqual([]);
  });

  it('of streams come out as they say', () => {
    const playable = (vectorsOf('streams') as readonly StreamVector[]).filter(isPlayable);
    expect(playable.length).toBeGreaterThan(200);
    expect(failures(playable, judgeStream)).toEqual([]);
  });

  it('that must fail do', () => {
    const judges: Readonly<Record<string, (vector: never) => unknown>> = {
      frames: judgeFrame,
      parameters: judgeParameters,
      streams: judgeStream,
    };
    const wrong = (vectorsOf('must-fail') as readonly MustFailVector[]).filter(
      ({ kind, vector }) => judges[kind] !== undefined && (kind !== 'streams' || isPlayable(vector as StreamVector)),
    );
    expect(wrong.length).toBeGreaterThan(5);
    for (const { kind, vector } of wrong) {
      expect(failures([vector], judges[kind] as (vector: Vector) => unknown)).toHaveLength(1);
    }
  });
});
