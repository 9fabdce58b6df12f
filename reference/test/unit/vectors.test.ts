import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Verifier } from '../../core/authentication.ts';
import { PeerViolationError } from '../../core/errors.ts';
import { checkHeader } from '../../core/frame-check.ts';
import { decodeAccept } from '../../core/frames/accept.ts';
import { decodeAck } from '../../core/frames/ack.ts';
import { decodeChallenge } from '../../core/frames/challenge.ts';
import { decodeClose } from '../../core/frames/close.ts';
import { decodeConnect } from '../../core/frames/connect.ts';
import { decodeCredit } from '../../core/frames/credit.ts';
import { decodeDrain } from '../../core/frames/drain.ts';
import { decodeEnd } from '../../core/frames/end.ts';
import { decodeForward } from '../../core/frames/forward.ts';
import { decodeHeader, payloadOf } from '../../core/frames/header.ts';
import { decodeMessage } from '../../core/frames/message.ts';
import { decodeOpen } from '../../core/frames/open.ts';
import { decodeOpened, signedParameters } from '../../core/frames/opened.ts';
import { decodeOutcome } from '../../core/frames/outcome.ts';
import { decodePing } from '../../core/frames/ping.ts';
import { decodePong } from '../../core/frames/pong.ts';
import { decodeProof } from '../../core/frames/proof.ts';
import { decodeProve } from '../../core/frames/prove.ts';
import { decodeRefused } from '../../core/frames/refused.ts';
import { decodeReject } from '../../core/frames/reject.ts';
import { decodeReset } from '../../core/frames/reset.ts';
import { isProofSigned, openedFlaw } from '../../core/opening.ts';
import { decodeParameters } from '../../core/parameters.ts';
import { FRAME_NAME, type FrameName, type MachineState } from '../../core/registry.gen.ts';
import { acceptContent, connectContent, exporterContext, openingContent, proofContent } from '../../core/transcript.ts';
import { stateOf } from '../../core/transitions.ts';
import { createVerifier, verifyEvidence } from '../../node/index.ts';
import { checkChain } from '../../pki/index.ts';
import { sha256Hex } from '../../pki/sha256.ts';
import { hex, octets } from './core/wire.ts';
import { judgeOutcomes, type OutcomeVector } from './outcome-judge.ts';
import { judgeResumption, type ResumptionVector } from './resumption-judge.ts';
import { runStream, type StreamVector } from './vector-driver.ts';

interface Vector {
  readonly id: string;
  readonly comment: string;
  readonly requirements: readonly string[];
  readonly result: 'valid' | 'invalid';
  readonly error?: string;
  readonly reason?: string;
  readonly index?: number;
  readonly expected?: unknown;
}

type Finding = Readonly<Record<string, unknown>> & { readonly result: 'valid' | 'invalid' };

const der = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));

/** The finding, or the error of the registry that is thrown. */
function judged(judge: () => Finding): Finding {
  try {
    return judge();
  } catch (error) {
    if (error instanceof PeerViolationError) return { result: 'invalid', error: error.wireName };
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
  PROVE: decodeProve,
  PROOF: decodeProof,
  FORWARD: decodeForward,
  MESSAGE: (payload) => decodeMessage(0, payload),
  CREDIT: decodeCredit,
  OUTCOME: decodeOutcome,
  END: decodeEnd,
  RESET: decodeReset,
};

interface FrameVector extends Vector {
  readonly role: 'client' | 'server';
  readonly state: string;
  readonly due: number;
  readonly frame: string;
}

function judgeFrame({ role, state, due, frame }: FrameVector): Finding {
  return judged(() => {
    const whole = octets(frame);
    const header = decodeHeader(whole);
    if (role === 'client') {
      checkHeader(header, stateOf('client-connection', state as MachineState<'client-connection'>), due);
    } else {
      checkHeader(header, stateOf('server-connection', state as MachineState<'server-connection'>), due);
    }
    const name = FRAME_NAME[header.type];
    if (name === undefined) return { result: 'valid', expected: { ignored: true } };
    DECODERS[name](payloadOf(whole));
    return { result: 'valid', expected: { name } };
  });
}

interface ParameterVector extends Vector {
  readonly frame: string;
  readonly list: string;
}

/** The core leaves ignored parameters out. */
function judgeParameters({ frame, list }: ParameterVector): Finding {
  return judged(() => {
    const set = decodeParameters(frame as FrameName, octets(list));
    const expected = Object.entries(set).flatMap(([name, value]) => {
      if (value === undefined) return [];
      return [{ name, value: typeof value === 'number' ? value : hex(value) }];
    });
    return { result: 'valid', expected };
  });
}

interface TranscriptVector extends Vector {
  readonly signed: 'connect' | 'accept';
  readonly exporter: string;
  readonly clientCertificate: string;
  readonly serverCertificate: string;
  readonly challenge: string;
  readonly connect: string;
  readonly accept?: string;
}

function judgeTranscript(vector: TranscriptVector): Finding {
  const { signed, accept = '' } = vector;
  const clientLeaf = sha256Hex(der(vector.clientCertificate));
  const serverLeaf = sha256Hex(der(vector.serverCertificate));
  const bound = {
    exporter: octets(vector.exporter),
    clientLeafHash: octets(clientLeaf),
    serverLeafHash: octets(serverLeaf),
  };
  const challenge = octets(vector.challenge);
  const connect = octets(vector.connect);
  const frame = signed === 'connect' ? connect : octets(accept);
  const { scheme, signature } = signed === 'connect' ? decodeConnect(payloadOf(frame)) : decodeAccept(payloadOf(frame));
  const content =
    signed === 'connect'
      ? connectContent(bound, challenge, connect, signature.length)
      : acceptContent(bound, challenge, connect, frame, signature.length);
  const { publicKey } = new X509Certificate(
    der(signed === 'connect' ? vector.clientCertificate : vector.serverCertificate),
  );
  if (!createVerifier(publicKey).verify(content, scheme, signature)) {
    return { result: 'invalid', error: 'SIGNATURE_INVALID' };
  }
  const expected = {
    exporterContext: hex(exporterContext(challenge)),
    clientLeaf,
    serverLeaf,
    transcriptHash: hex(content.subarray(-32)),
    signedContent: hex(content),
  };
  return { result: 'valid', expected };
}

interface ProofVector extends Vector {
  readonly signed: 'proof' | 'opened';
  readonly open: string;
  readonly prove: string;
  readonly proof: string;
  readonly opened?: string;
}

function judgeProof({ signed, opened = '', ...text }: ProofVector): Finding {
  const passed = { open: octets(text.open), prove: octets(text.prove), proof: octets(text.proof) };
  const answer = octets(opened);
  const verifierOf = (leaf: Uint8Array): Verifier => createVerifier(new X509Certificate(leaf).publicKey);
  const holds =
    signed === 'proof' ? isProofSigned(passed, verifierOf) : openedFlaw(passed, answer, verifierOf) === undefined;
  if (!holds) return { result: 'invalid', error: 'PROOF_INVALID' };
  const content =
    signed === 'proof'
      ? proofContent(passed, decodeProof(passed.proof).signature.length)
      : openingContent(passed, signedParameters(answer));
  return { result: 'valid', expected: { transcriptHash: hex(content.subarray(-32)), signedContent: hex(content) } };
}

interface EvidenceVector extends Vector {
  readonly record: string;
  readonly trustAnchors: readonly string[];
}

async function judgeEvidence({ record, trustAnchors }: EvidenceVector): Promise<Finding> {
  const verdict = await verifyEvidence(record, { trustAnchors: trustAnchors.map(der), crls: [] });
  if (!verdict.valid) return { result: 'invalid', requirement: verdict.requirement };
  const { clientIdentity, serverIdentity } = verdict;
  return { result: 'valid', expected: { clientIdentity, serverIdentity } };
}

interface CertificateVector extends Vector {
  readonly role: 'client' | 'server';
  readonly now: string;
  readonly chain: readonly string[];
  readonly trustAnchors: readonly string[];
  readonly revocation: boolean;
  readonly crls: readonly string[];
}

async function judgeCertificate(vector: CertificateVector): Promise<Finding> {
  const verdict = await checkChain(vector.chain.map(der), {
    role: vector.role,
    now: new Date(vector.now),
    trustAnchors: vector.trustAnchors.map(der),
    crls: vector.crls.map(der),
    revocation: vector.revocation ? 'required' : 'if-present',
  });
  if (!verdict.ok) return { result: 'invalid', reason: verdict.reason, requirement: verdict.requirement };
  return { result: 'valid', expected: { identity: verdict.identity.value } };
}

/** What the judge of a kind has to find for a vector. */
function expectationOf(kind: string, vector: Vector): Finding {
  const { result, requirements, error, index, reason, expected } = vector;
  const [requirement] = requirements;
  if (result === 'invalid') {
    switch (kind) {
      case 'streams':
        return { result, error, index };
      case 'evidence':
        return { result, requirement };
      case 'certificates':
        return { result, reason, requirement };
      case 'resumption': {
        const { parameters, session } = vector as Vector & { readonly parameters?: object; readonly session?: unknown };
        return { result, error, ...(parameters === undefined ? {} : { parameters, session }) };
      }
      default:
        return { result, error };
    }
  }
  if (kind === 'parameters') {
    const list = expected as readonly { readonly name?: string; readonly value: unknown }[];
    const known = list.filter(({ name }) => name !== undefined);
    return { result, expected: known.map(({ name, value }) => ({ name, value })) };
  }
  if (kind === 'streams') {
    const { connection, cursors, delivered } = expected as Readonly<Record<string, unknown>>;
    return { result, connection, delivered, ...(connection === 'established' ? { cursors } : {}) };
  }
  return { result, expected };
}

const JUDGES: Readonly<Record<string, (vector: Vector) => Finding | Promise<Finding>>> = {
  frames: (vector) => judgeFrame(vector as FrameVector),
  parameters: (vector) => judgeParameters(vector as ParameterVector),
  streams: (vector) => ({ ...runStream(vector as Vector & StreamVector) }),
  transcripts: (vector) => judgeTranscript(vector as TranscriptVector),
  proofs: (vector) => judgeProof(vector as ProofVector),
  evidence: (vector) => judgeEvidence(vector as EvidenceVector),
  certificates: (vector) => judgeCertificate(vector as CertificateVector),
  outcomes: (vector) => judgeOutcomes(vector as Vector & OutcomeVector),
  resumption: (vector) => judgeResumption(vector as Vector & ResumptionVector),
};

function read(name: string): readonly unknown[] {
  const file = new URL(`../../../vectors/${name}.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly vectors: readonly unknown[] }).vectors;
}

/** What became of a message the reference tells to its sender only. */
const isJudged = (vector: Vector): boolean => !('end' in vector) || vector.end === 'sender';

describe.each(Object.entries(JUDGES))('%s.json', (kind, judge) => {
  const vectors = (read(kind) as readonly Vector[]).filter(isJudged);
  it.each(vectors.map((vector) => [`${vector.id} ${vector.comment}`, vector] as const))('%s', async (_, vector) => {
    expect(await judge(vector)).toEqual(expectationOf(kind, vector));
  });
});

describe('must-fail.json', () => {
  const controls = read('must-fail') as readonly { id: string; comment: string; kind: string; vector: Vector }[];

  it('has controls for every kind', () => {
    expect(new Set(controls.map(({ kind }) => kind))).toEqual(new Set(Object.keys(JUDGES)));
  });

  it.each(controls.map((control) => [`${control.id} ${control.comment}`, control] as const))(
    '%s',
    async (_, control) => {
      const finding = await JUDGES[control.kind]?.(control.vector);
      expect(finding).not.toEqual(expectationOf(control.kind, control.vector));
    },
  );
});
