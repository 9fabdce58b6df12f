/** must-fail.json: vectors whose expectation is wrong on purpose, so that a consumer can prove that its loader notices. */
import type { Vector } from './ids.ts';

interface Control {
  readonly kind: string;
  /** Comment of the vector that is made wrong. */
  readonly of: string;
  readonly comment: string;
  readonly change: (vector: Vector) => Readonly<Record<string, unknown>>;
}

function without(vector: Vector, ...names: readonly string[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(vector).filter(([name]) => !names.includes(name)));
}

const claim =
  (layer: string, name: 'error' | 'reason', value: string, more: object = {}) =>
  (vector: Vector): Readonly<Record<string, unknown>> => ({
    ...without(vector, 'expected', 'result'),
    result: 'invalid',
    layer,
    [name]: value,
    ...more,
  });
const deny =
  (expected: unknown) =>
  (vector: Vector): Readonly<Record<string, unknown>> => ({
    ...without(vector, 'layer', 'error', 'reason', 'index', 'parameters', 'session', 'result'),
    result: 'valid',
    expected,
  });
const expect =
  (changes: object) =>
  (vector: Vector): Readonly<Record<string, unknown>> => ({
    ...vector,
    expected: { ...(vector['expected'] as object), ...changes },
  });

const CONTROLS: readonly Control[] = [
  {
    kind: 'frames',
    of: 'PING: ordinary',
    comment: 'a good frame is called invalid',
    change: claim('frame', 'error', 'FRAME_MALFORMED'),
  },
  {
    kind: 'frames',
    of: 'PING: one octet behind the last field',
    comment: 'a malformed frame is called valid',
    change: deny({ name: 'PING' }),
  },
  {
    kind: 'frames',
    of: 'PING: channel 1',
    comment: 'the wrong error is named',
    change: (vector) => ({ ...vector, error: 'SEQUENCE_INVALID' }),
  },
  { kind: 'frames', of: 'PONG: ordinary', comment: 'another frame is named', change: expect({ name: 'PING' }) },
  {
    kind: 'parameters',
    of: 'CHALLENGE: liveness_interval_ms = 200',
    comment: 'another value is expected',
    change: (vector) => ({ ...vector, expected: [{ id: 1, name: 'liveness_interval_ms', value: 201 }] }),
  },
  {
    kind: 'parameters',
    of: 'CHALLENGE: liveness_interval_ms = 199',
    comment: 'a parameter out of range is called valid',
    change: deny([{ id: 1, name: 'liveness_interval_ms', value: 199 }]),
  },
  {
    kind: 'streams',
    of: 'server: PONG with other data',
    comment: 'the error is expected one step too early',
    change: (vector) => ({ ...vector, index: 0 }),
  },
  {
    kind: 'streams',
    of: 'server: a message in three fragments',
    comment: 'another message is expected',
    change: expect({ delivered: [{ channel: 1, message: '00' }] }),
  },
  {
    kind: 'streams',
    of: 'client: CREDIT that raises nothing',
    comment: 'an error is called valid',
    change: deny({
      connection: 'established',
      channels: { 1: 'open' },
      cursors: { receive: 1, send: 1 },
      delivered: [],
    }),
  },
  {
    kind: 'streams',
    of: 'server: ACK: of the same frame twice',
    comment: 'an ACK of nothing is called valid',
    change: deny({
      connection: 'established',
      channels: { 1: 'open' },
      cursors: { receive: 1, send: 2 },
      delivered: [],
    }),
  },
  {
    kind: 'streams',
    of: 'client: resumed: a message that was delivered is not delivered again',
    comment: 'a message of the former connection is expected again',
    change: expect({
      delivered: [
        { channel: 1, message: '61' },
        { channel: 1, message: '62' },
      ],
    }),
  },
  {
    kind: 'streams',
    of: 'server: resumed: CONNECT with attempt 0',
    comment: 'a stale attempt is called a gap',
    change: (vector) => ({ ...vector, error: 'RESUME_GAP' }),
  },
  {
    kind: 'outcomes',
    of: 'sender, without verdicts: last fragment is that of the cursor',
    comment: 'a message that was accepted is called unknown',
    change: (vector) => ({ ...vector, expected: [{ outcome: 'unknown' }] }),
  },
  {
    kind: 'outcomes',
    of: 'sender, with verdicts: rejected',
    comment: 'another verdict is expected',
    change: (vector) => ({ ...vector, expected: [{ outcome: 'rejected', verdict: 2 }] }),
  },
  {
    kind: 'outcomes',
    of: 'sender, with verdicts: two verdicts on one message',
    comment: 'a second verdict is called valid',
    change: deny([{ outcome: 'accepted' }, { outcome: 'unknown' }]),
  },
  {
    kind: 'resumption',
    of: 'server: the client has missed one ACCEPT',
    comment: 'the epoch of the client is raised instead of that of the session',
    change: expect({ epoch: 3 }),
  },
  {
    kind: 'resumption',
    of: 'server: cursor one below what was acknowledged',
    comment: 'another gap is expected',
    change: (vector) => ({
      ...vector,
      parameters: { ...(vector['parameters'] as object), gap_first: 4 },
    }),
  },
  {
    kind: 'resumption',
    of: 'client: the epoch that was stated',
    comment: 'an epoch that is not raised is called valid',
    change: deny({ epoch: 3, again: { first: 16, last: 17 } }),
  },
  {
    kind: 'transcripts',
    of: 'CONNECT: ed25519 signs',
    comment: 'another transcript hash is expected',
    change: expect({ transcriptHash: '00'.repeat(32) }),
  },
  {
    kind: 'transcripts',
    of: 'CONNECT: ecdsa-p256 signs',
    comment: 'a good signature is called invalid',
    change: claim('signature', 'error', 'SIGNATURE_INVALID'),
  },
  {
    kind: 'streams',
    of: 'client: open_signature without PROVE',
    comment: 'a signature that nobody has asked for is called valid',
    change: deny({
      connection: 'established',
      channels: { 1: 'open' },
      cursors: { receive: 1, send: 1 },
      delivered: [],
    }),
  },
  {
    kind: 'proofs',
    of: 'PROOF: ed25519 signs',
    comment: 'a good proof is called invalid',
    change: claim('signature', 'error', 'PROOF_INVALID'),
  },
  {
    kind: 'proofs',
    of: 'OPENED: ed25519 signs',
    comment: 'another signed content is expected',
    change: expect({ signedContent: '20'.repeat(120) }),
  },
  {
    kind: 'proofs',
    of: 'OPENED: altered: an ignored parameter',
    comment: 'a damaged opening is called valid',
    change: deny({ transcriptHash: '00'.repeat(32), signedContent: '20'.repeat(120) }),
  },
  {
    kind: 'evidence',
    of: 'ed25519 at both ends, recorded by the client',
    comment: 'a good record is called invalid',
    change: claim('evidence', 'reason', 'accept-signature'),
  },
  {
    kind: 'evidence',
    of: 'a bit of session_id',
    comment: 'a damaged record is called valid',
    change: deny({ clientIdentity: 'spiffe://example.test/client', serverIdentity: 'spiffe://example.test/server' }),
  },
  {
    kind: 'certificates',
    of: 'client: no intermediate',
    comment: 'a good chain is called invalid',
    change: claim('certificate', 'reason', 'expired'),
  },
  {
    kind: 'certificates',
    of: 'client: leaf revoked by the root',
    comment: 'a revoked certificate is called valid',
    change: deny({ identity: 'spiffe://example.test/client' }),
  },
  {
    kind: 'certificates',
    of: 'client: one URI',
    comment: 'another identity is expected',
    change: expect({ identity: 'spiffe://example.test/other' }),
  },
];

/** Makes the controls from the vectors of the other files. */
export function mustFailVectors(files: ReadonlyMap<string, readonly Vector[]>): {
  readonly description: string;
  readonly drafts: readonly Omit<Vector, 'id'>[];
} {
  const drafts = CONTROLS.map(({ kind, of, comment, change }) => {
    const vector = files.get(kind)?.find((candidate) => candidate.comment === of);
    if (vector === undefined) throw new TypeError(`${kind} has no vector "${of}"`);
    const { requirements } = vector;
    return { comment: `${kind}: ${comment}`, requirements, flags: ['MustFail'], kind, vector: change(vector) };
  });
  return {
    description:
      'Vectors of the other files with wrong expectations. A consumer that passes one of them checks nothing.',
    drafts,
  };
}
