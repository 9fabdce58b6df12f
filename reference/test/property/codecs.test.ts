import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { PeerViolationError } from '../../core/errors.ts';
import { decodeAccept, encodeAccept } from '../../core/frames/accept.ts';
import { decodeAck, encodeAck } from '../../core/frames/ack.ts';
import { decodeChallenge, encodeChallenge } from '../../core/frames/challenge.ts';
import { decodeClose, encodeClose } from '../../core/frames/close.ts';
import { decodeConnect, encodeConnect } from '../../core/frames/connect.ts';
import { decodeCredit, encodeCredit } from '../../core/frames/credit.ts';
import { decodeDrain, encodeDrain } from '../../core/frames/drain.ts';
import { type Forward, decodeForward, encodeForward } from '../../core/frames/forward.ts';
import { decodeOpen, encodeOpen } from '../../core/frames/open.ts';
import { decodeOpened, encodeOpened } from '../../core/frames/opened.ts';
import { decodeOutcome, encodeOutcome } from '../../core/frames/outcome.ts';
import { decodePing, encodePing } from '../../core/frames/ping.ts';
import { decodePong, encodePong } from '../../core/frames/pong.ts';
import { decodeProof, encodeProof } from '../../core/frames/proof.ts';
import { decodeProve, encodeProve } from '../../core/frames/prove.ts';
import { decodeRefused, encodeRefused } from '../../core/frames/refused.ts';
import { decodeReject, encodeReject } from '../../core/frames/reject.ts';
import { decodeReset, encodeReset } from '../../core/frames/reset.ts';
import { FIELDS, type FrameName, GREASE, PARAMETER, type ParameterName } from '../../core/index.ts';
import type { ParameterSet, RawParameter } from '../../core/parameters.ts';
import { encodeText } from '../../core/text.ts';

// Many runs on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

interface Codec<Value> {
  readonly value: fc.Arbitrary<Value>;
  readonly encode: (value: Value, ignorable: readonly RawParameter[]) => Uint8Array;
  readonly decode: (payload: Uint8Array) => Value;
}

const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const u53 = fc.maxSafeNat();
const octets = (minLength: number, maxLength = minLength): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength, maxLength });
const text = (max: number): fc.Arbitrary<string> =>
  fc
    .string({ unit: 'binary', minLength: 1, maxLength: Math.floor(max / 4) })
    .filter((candidate) => encodeText(candidate) !== undefined);

/** Any of the parameters that a frame may carry. */
function parametersOf(frame: FrameName): fc.Arbitrary<ParameterSet> {
  const names = (Object.keys(PARAMETER) as ParameterName[]).filter((name) =>
    (PARAMETER[name].frames as readonly string[]).includes(frame),
  );
  const values = names.map((name): [string, fc.Arbitrary<number | Uint8Array>] => {
    const { type, min, max } = PARAMETER[name];
    return [name, type === 'opaque' ? octets(min, 64) : fc.integer({ min, max })];
  });
  return fc.record(Object.fromEntries(values), { requiredKeys: [] });
}

const grease: fc.Arbitrary<readonly RawParameter[]> = fc.uniqueArray(
  fc.record({
    id: fc.nat({ max: GREASE.parameter.count - 1 }).map((n) => GREASE.parameter.first + GREASE.parameter.step * n),
    value: octets(0, 16),
  }),
  { selector: ({ id }) => id, maxLength: 3 },
);

function codec<Value>(
  value: fc.Arbitrary<Value>,
  encode: Codec<Value>['encode'],
  decode: Codec<Value>['decode'],
): Codec<unknown> {
  return { value, encode, decode } as unknown as Codec<unknown>;
}

const signature = fc.record({ scheme: u16, signature: octets(1, 1024) });
const connectCommon = fc.record({
  clientNonce: octets(32),
  audience: text(FIELDS.CONNECT.audience.max),
  parameters: parametersOf('CONNECT'),
});
const newSession = fc.constant({
  mode: 'new' as const,
  sessionId: new Uint8Array(16),
  epoch: 0,
  attempt: 0,
  receiveCursor: 0,
});
const oldSession = fc.record({
  mode: fc.constant('resume' as const),
  sessionId: octets(16),
  epoch: u53,
  attempt: u53,
  receiveCursor: u53,
});
const open = fc.record({
  nonce: octets(32),
  application: text(FIELDS.OPEN.application.max),
  parameters: parametersOf('OPEN'),
});
const identity = text(FIELDS.FORWARD.client.max);
const chain = fc.array(octets(1, 64), { minLength: FIELDS.PROOF.chain.min, maxLength: FIELDS.PROOF.chain.max });
const ping = fc.record({ data: octets(8) });

const CODECS: Readonly<Record<Exclude<FrameName, 'MESSAGE' | 'END'>, Codec<unknown>>> = {
  CHALLENGE: codec(
    fc.record({ serverNonce: octets(32), parameters: parametersOf('CHALLENGE') }),
    encodeChallenge,
    decodeChallenge,
  ),
  CONNECT: codec(
    fc
      .tuple(fc.oneof(newSession, oldSession), connectCommon, signature)
      .map(([session, common, signed]) => ({ ...session, ...common, ...signed })),
    encodeConnect,
    decodeConnect,
  ),
  ACCEPT: codec(
    fc
      .tuple(
        fc.record({
          sessionId: octets(16),
          epoch: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
          receiveCursor: u53,
          parameters: parametersOf('ACCEPT'),
        }),
        signature,
      )
      .map(([accept, signed]) => ({ ...accept, ...signed })),
    encodeAccept,
    decodeAccept,
  ),
  REJECT: codec(
    fc.record({ code: u16, retryAfterMs: u32, parameters: parametersOf('REJECT') }),
    encodeReject,
    decodeReject,
  ),
  PING: codec(ping, encodePing, decodePing),
  PONG: codec(ping, encodePong, decodePong),
  ACK: codec(fc.record({ receiveCursor: u53 }), encodeAck, decodeAck),
  DRAIN: codec(fc.record({ code: u16, deadlineMs: u32 }), encodeDrain, decodeDrain),
  CLOSE: codec(fc.record({ code: u16, receiveCursor: u53, sendCursor: u53 }), encodeClose, decodeClose),
  OPEN: codec(open, encodeOpen, decodeOpen),
  OPENED: codec(fc.record({ parameters: parametersOf('OPENED') }), encodeOpened, decodeOpened),
  REFUSED: codec(fc.record({ code: u16, retryAfterMs: u32 }), encodeRefused, decodeRefused),
  PROVE: codec(
    fc.record({ nonce: octets(32), relay: fc.oneof(fc.constant(''), identity), chain }),
    encodeProve,
    decodeProve,
  ),
  PROOF: codec(
    fc.tuple(fc.record({ chain }), signature).map(([certificates, signed]) => ({ ...certificates, ...signed })),
    encodeProof,
    decodeProof,
  ),
  FORWARD: codec<Forward>(
    fc.record({
      hopLimit: fc.nat({ max: 0xff }),
      client: identity,
      route: fc.array(identity, { maxLength: FIELDS.FORWARD.route.max }),
      open: fc.tuple(open, grease).map(([request, ignorable]) => encodeOpen(request, ignorable)),
    }),
    encodeForward,
    (payload) => {
      const { request: _request, ...forward } = decodeForward(payload);
      return forward;
    },
  ),
  CREDIT: codec(fc.record({ messageLimit: u53, byteLimit: u53 }), encodeCredit, decodeCredit),
  OUTCOME: codec(
    fc.record({ lastMessage: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), verdict: u16 }),
    encodeOutcome,
    decodeOutcome,
  ),
  RESET: codec(fc.record({ code: u16 }), encodeReset, decodeReset),
};

describe.each(Object.entries(CODECS))('%s', (_, { value, encode, decode }) => {
  it('is read as it was written, whatever ignorable parameters stand in it', () => {
    fc.assert(
      fc.property(value, grease, (original, ignorable) => {
        expect(decode(encode(original, ignorable))).toEqual(original);
      }),
    );
  });

  it('is not read from a strict prefix, nor with octets after it', () => {
    fc.assert(
      fc.property(
        value,
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        octets(1, 4),
        (original, share, more) => {
          const payload = encode(original, []);
          const prefix = payload.subarray(0, Math.floor(payload.length * share));
          expect(() => decode(prefix)).toThrow(PeerViolationError);
          expect(() => decode(Uint8Array.of(...payload, ...more))).toThrow(PeerViolationError);
        },
      ),
    );
  });

  it('never fails in another way than by a violation, and has one encoding', () => {
    fc.assert(
      fc.property(value, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 4 }), (original, changes) => {
        const payload = encode(original, []);
        for (const [at, octet] of changes) payload[at % payload.length] = octet;
        let decoded: unknown;
        try {
          decoded = decode(payload);
        } catch (error) {
          expect(error).toBeInstanceOf(PeerViolationError);
          return;
        }
        // Ignorable parameters are not kept: without them, what was read is what is written.
        const again = encode(decoded, []);
        if (again.length === payload.length) expect(again).toEqual(payload);
        else expect(decode(again)).toEqual(decoded);
      }),
    );
  });
});
