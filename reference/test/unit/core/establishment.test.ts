import { describe, expect, it } from 'vitest';
import { type Accept, decodeAccept, encodeAccept } from '../../../core/frames/accept.ts';
import { decodeChallenge } from '../../../core/frames/challenge.ts';
import { decodeClose } from '../../../core/frames/close.ts';
import { type Connect, decodeConnect, encodeConnect } from '../../../core/frames/connect.ts';
import { encodeFrame } from '../../../core/frames/header.ts';
import { decodeReject, encodeReject } from '../../../core/frames/reject.ts';
import {
  type Connection,
  createClientConnection,
  createServerConnection,
  ERROR_CODE,
  GREASE,
  SIGNATURE_SCHEME,
  type ServerOptions,
} from '../../../core/index.ts';
import { acceptContent, connectContent, exporterContext } from '../../../core/transcript.ts';
import {
  clientOptions,
  createPair,
  deterministicRandom,
  establishedPair,
  exchange,
  outputOf,
  SERVER_IDENTITY,
  serverOptions,
  takeEvents,
  toySigner,
  toyVerifier,
} from './pair.ts';
import { codeFrom, eventsOf, frame, framesFrom, framesIn, hex, octets, withCode } from './wire.ts';

/** A CHALLENGE as a client gets it. */
function challengeFrame(overrides: Partial<ServerOptions> = {}): Uint8Array {
  return outputOf(createServerConnection(serverOptions(overrides)));
}

/** A CONNECT for a server's CHALLENGE, signed, with anything in it. */
function signedConnect(challenge: Uint8Array, overrides: Partial<Connect> = {}): Uint8Array {
  const { binding, signer } = clientOptions();
  const connect: Connect = {
    mode: 'new',
    sessionId: new Uint8Array(16),
    epoch: 0,
    attempt: 0,
    receiveCursor: 0,
    clientNonce: new Uint8Array(32).fill(9),
    audience: SERVER_IDENTITY,
    parameters: {},
    scheme: signer.scheme,
    signature: new Uint8Array(64),
    ...overrides,
  };
  const bytes = encodeFrame('CONNECT', encodeConnect(connect));
  const bound = { ...binding, exporter: binding.exporter(exporterContext(challenge)) };
  bytes.set(signer.sign(connectContent(bound, challenge, bytes, 64)), bytes.length - 64);
  return bytes;
}

/** An ACCEPT for a CONNECT, signed, with anything in it. */
function signedAccept(
  challenge: Uint8Array,
  connect: Uint8Array,
  signedBy: string,
  overrides: Partial<Accept>,
): Uint8Array {
  const { binding } = serverOptions();
  const signer = toySigner(signedBy);
  const accept: Accept = {
    sessionId: new Uint8Array(16),
    epoch: 1,
    receiveCursor: 0,
    parameters: {},
    scheme: signer.scheme,
    signature: new Uint8Array(64),
    ...overrides,
  };
  const bytes = encodeFrame('ACCEPT', encodeAccept(accept));
  const bound = { ...binding, exporter: binding.exporter(exporterContext(challenge)) };
  bytes.set(signer.sign(acceptContent(bound, challenge, connect, bytes, 64)), bytes.length - 64);
  return bytes;
}

/** A server that has sent CHALLENGE, and that frame. */
function challengedServer(overrides: Partial<ServerOptions> = {}): { server: Connection; challenge: Uint8Array } {
  const server = createServerConnection(serverOptions(overrides));
  return { server, challenge: outputOf(server) };
}

/** A client that waits for ACCEPT, and the server that has CONNECT. */
function requestedPair(): { client: Connection; server: Connection } {
  const { server, challenge } = challengedServer();
  const client = createClientConnection(clientOptions());
  client.receive(challenge, 0);
  server.receive(outputOf(client), 0);
  return { client, server };
}

describe('a server at first', () => {
  it('sends CHALLENGE without waiting for an octet, and nothing after it [EST-006] [EST-008]', () => {
    const server = createServerConnection(serverOptions({ parameters: { livenessIntervalMs: 500 } }));
    const frames = framesFrom(server);
    expect(frames.map(({ name }) => name)).toEqual(['CHALLENGE']);
    expect(decodeChallenge(frames[0]!.payload).parameters).toEqual({
      liveness_interval_ms: 500,
      max_message_bytes: 1_048_576,
    });
    expect(server.state).toBe('awaiting-connect');
    expect(server.takeOutput()).toEqual([]);
  });

  it('draws its nonce afresh [EST-007]', () => {
    const random = deterministicRandom('one source');
    const nonces = [0, 1].map(() => hex(challengeFrame({ random }).subarray(16, 48)));
    expect(new Set(nonces).size).toBe(2);
  });

  it('puts one GREASE parameter into CHALLENGE and ACCEPT, a client into CONNECT [EXT-003]', () => {
    const pair = createPair({ grease: true }, { grease: true });
    exchange(pair);
    const { challenge, connect, accept } = pair.client.evidence()!;
    const plain = establishedPair().client.evidence()!;
    for (const [greased, ungreased] of [
      [challenge, plain.challenge],
      [connect, plain.connect],
      [accept, plain.accept],
    ] as const) {
      expect(greased.length).toBeGreaterThan(ungreased.length);
    }
    expect(decodeChallenge(challenge.subarray(16)).parameters).toEqual(
      decodeChallenge(plain.challenge.subarray(16)).parameters,
    );
  });
});

describe('a client on CHALLENGE', () => {
  it('sends nothing before it [EST-012]', () => {
    const client = createClientConnection(clientOptions());
    expect(client.takeOutput()).toEqual([]);
    expect(client.state).toBe('awaiting-challenge');
    client.receive(challengeFrame().subarray(0, 40), 0);
    expect(client.takeOutput()).toEqual([]);
  });

  it('sends CONNECT: a new session, its audience, what it declares, signed with its scheme [EST-003]', () => {
    const client = createClientConnection(clientOptions({ parameters: { initialMessageCredit: 3 } }));
    client.receive(challengeFrame(), 0);
    const [connect] = framesFrom(client);
    expect(decodeConnect(connect!.payload)).toMatchObject({
      mode: 'new',
      epoch: 0,
      attempt: 0,
      receiveCursor: 0,
      audience: SERVER_IDENTITY,
      scheme: SIGNATURE_SCHEME.ed25519.id,
      parameters: { initial_message_credit: 3, initial_byte_credit: 1_048_576 },
    });
    expect(client.state).toBe('awaiting-accept');
    expect(client.peer).toMatchObject({ livenessIntervalMs: 15_000, maxChannels: undefined });
  });

  it('draws its nonce afresh [EST-011]', () => {
    const random = deterministicRandom('one source');
    const nonces = [0, 1].map(() => {
      const client = createClientConnection(clientOptions({ random }));
      client.receive(challengeFrame(), 0);
      return hex(decodeConnect(framesFrom(client)[0]!.payload).clientNonce);
    });
    expect(new Set(nonces).size).toBe(2);
  });

  it.each([undefined, 'spiffe://example.org/other', SERVER_IDENTITY.toUpperCase(), `${SERVER_IDENTITY}/`])(
    'sends CLOSE(AUTHENTICATION_FAILED) and no CONNECT to a server that is %s [EST-009] [EST-010]',
    (peerIdentity) => {
      const client = createClientConnection(clientOptions({ peerIdentity }));
      expect(client.receive(challengeFrame(), 0)).toEqual([]);
      const frames = framesFrom(client);
      expect(frames.map(({ name, flags }) => [name, flags])).toEqual([['CLOSE', 1]]);
      expect(decodeClose(frames[0]!.payload)).toEqual({
        code: ERROR_CODE.AUTHENTICATION_FAILED,
        receiveCursor: 0,
        sendCursor: 0,
      });
      expect(client.error).toMatchObject({
        code: 'HAWSER_ERR_INCOMPATIBLE_SERVER_IDENTITY',
        requirement: 'EST-010',
        ours: SERVER_IDENTITY,
        theirs: peerIdentity,
      });
      expect(client.state).toBe('closing');
      expect(client.outputEnded).toBe(true);
    },
  );

  it('reports an error in CHALLENGE with CLOSE [EST-027]', () => {
    const client = createClientConnection(clientOptions());
    client.receive(frame('CHALLENGE', '00'), 0);
    expect(codeFrom(client)).toBe('FRAME_MALFORMED');
  });

  it('ends with REJECT before CHALLENGE: code and time to wait are told, its direction is closed [EST-024] [EST-032]', () => {
    const client = createClientConnection(clientOptions());
    const events = client.receive(frame('REJECT', '0205 00000bb8 0000'), 0);
    expect(events).toEqual([
      { type: 'rejected', code: 'BUSY', wireCode: 0x0205, retryAfterMs: 3000, parameters: {} },
      expect.objectContaining({ type: 'closed', outcome: 'error', code: 'BUSY', remote: true }),
    ]);
    expect(client.error).toMatchObject({ code: 'HAWSER_ERR_REMOTE_BUSY', retryAfterMs: 3000 });
    expect(client.takeOutput()).toEqual([]);
    expect(client.outputEnded).toBe(true);
  });

  it('takes an unknown code of REJECT for AUTHENTICATION_FAILED, and answers nothing [ERR-002] [ERR-003]', () => {
    const client = createClientConnection(clientOptions());
    const [rejected] = client.receive(frame('REJECT', '7777 00000000 0000'), 0);
    expect(rejected).toMatchObject({ code: 'AUTHENTICATION_FAILED', wireCode: 0x7777 });
    expect(client.takeOutput()).toEqual([]);
  });
});

describe('a server on CONNECT', () => {
  it('asks for a decision when signature and audience are right', () => {
    const { server, challenge } = challengedServer();
    const events = server.receive(signedConnect(challenge, { parameters: { liveness_interval_ms: 700 } }), 0);
    expect(events).toEqual([
      {
        type: 'connect-received',
        audience: SERVER_IDENTITY,
        mode: 'new',
        parameters: {
          livenessIntervalMs: 700,
          maxMessageBytes: 1_048_576,
          initialMessageCredit: 64,
          initialByteCredit: 1_048_576,
          maxChannels: undefined,
          custody: 'received',
          retentionMs: 0,
          deadlineMs: 0,
        },
        resume: undefined,
      },
    ]);
    expect(server.state).toBe('deciding');
    expect(server.takeOutput()).toEqual([]);
  });

  it('rejects a signature that does not verify [EST-005] [EST-026]', () => {
    const { server, challenge } = challengedServer();
    const connect = signedConnect(challenge);
    connect[connect.length - 1]! ^= 1;
    server.receive(connect, 0);
    expect(server.error).toMatchObject({ code: 'HAWSER_ERR_PEER_SIGNATURE_INVALID' });
    expect(codeFrom(server)).toBe('SIGNATURE_INVALID');
  });

  it('rejects a signature over other octets: any change of CONNECT, another CHALLENGE, another connection [EST-001]', () => {
    const { server, challenge } = challengedServer();
    const connect = signedConnect(challenge);
    connect[16 + 41]! ^= 1; // a bit of the nonce
    server.receive(connect, 0);
    expect(codeFrom(server)).toBe('SIGNATURE_INVALID');

    const other = challengedServer();
    other.server.receive(signedConnect(challengeFrame({ random: deterministicRandom('other') })), 0);
    expect(codeFrom(other.server)).toBe('SIGNATURE_INVALID');

    const moved = challengedServer({
      binding: { ...serverOptions().binding, exporter: () => new Uint8Array(32) },
    });
    moved.server.receive(signedConnect(moved.challenge), 0);
    expect(codeFrom(moved.server)).toBe('SIGNATURE_INVALID');
  });

  it('rejects a scheme that does not belong to the key [EST-004]', () => {
    const { server, challenge } = challengedServer();
    server.receive(signedConnect(challenge, { scheme: SIGNATURE_SCHEME.ecdsa_secp256r1_sha256.id }), 0);
    expect(codeFrom(server)).toBe('SIGNATURE_INVALID');
  });

  it('judges the signature before the audience [EST-015]', () => {
    const { server, challenge } = challengedServer();
    const connect = signedConnect(challenge, { audience: 'spiffe://example.org/other' });
    connect[connect.length - 1]! ^= 1;
    server.receive(connect, 0);
    expect(codeFrom(server)).toBe('SIGNATURE_INVALID');
  });

  it('rejects another audience [EST-016]', () => {
    const { server, challenge } = challengedServer();
    server.receive(signedConnect(challenge, { audience: 'spiffe://example.org/other' }), 0);
    expect(server.error).toMatchObject({
      code: 'HAWSER_ERR_INCOMPATIBLE_AUDIENCE',
      ours: SERVER_IDENTITY,
      theirs: 'spiffe://example.org/other',
    });
    expect(codeFrom(server)).toBe('AUDIENCE_MISMATCH');
  });

  it.each(['ping', 'grease', 'connect'])('takes nothing between CONNECT and its answer: %s [EST-014]', (what) => {
    const { server, challenge } = challengedServer();
    const connect = signedConnect(challenge);
    server.receive(connect, 0);
    const next = { ping: frame('PING', '00'.repeat(8)), grease: octets('9b'.padEnd(32, '0')), connect }[what]!;
    server.receive(next.subarray(0, 16), 0);
    expect(server.error).toMatchObject({ wireName: 'FRAME_UNEXPECTED' });
    expect(codeFrom(server)).toBe('FRAME_UNEXPECTED');
  });

  it('ends with CLOSE of the client, without an answer [EST-013] [EST-033]', () => {
    const { client, server } = requestedPair();
    client.close('NO_ERROR', 0);
    const close = outputOf(client);
    expect(decodeClose(framesIn(close)[0]!.payload)).toEqual({ code: 0, receiveCursor: 0, sendCursor: 0 });
    const events = server.receive(close, 0);
    expect(events).toMatchObject([{ type: 'closed', code: 'NO_ERROR', remote: true, outcome: 'orderly' }]);
    expect(server.takeOutput()).toEqual([]);
    expect(server.outputEnded).toBe(true);
  });

  it('tells of a failure in its own parts with INTERNAL_ERROR', () => {
    const cause = new Error('no key');
    const { server, challenge } = challengedServer({
      verifier: {
        verify: () => {
          throw cause;
        },
      },
    });
    server.receive(signedConnect(challenge), 0);
    expect(server.error).toMatchObject({ code: 'HAWSER_ERR_INTERNAL', cause });
    expect(codeFrom(server)).toBe('INTERNAL_ERROR');
  });
});

const RESUME = {
  mode: 'resume',
  sessionId: new Uint8Array(16).fill(1),
  epoch: 1,
  attempt: 3,
  receiveCursor: 7,
} as const;

describe('accept', () => {
  it('sends ACCEPT: a session id drawn afresh, epoch 1, cursor 0, the grant [EST-019] [EST-020]', () => {
    const { server } = requestedPair();
    const events = server.accept({ maxChannels: 3, initialByteCredit: 5 }, 0);
    const [accept] = framesFrom(server);
    const { sessionId, epoch, receiveCursor, parameters } = decodeAccept(accept!.payload);
    expect({ epoch, receiveCursor, parameters }).toEqual({
      epoch: 1,
      receiveCursor: 0,
      parameters: { max_channels: 3, initial_message_credit: 64, initial_byte_credit: 5 },
    });
    expect(events).toEqual([{ type: 'established', sessionId, epoch: 1 }]);
    expect(server.session).toMatchObject({ role: 'server', id: sessionId, epoch: 1, resumable: false });
    const { server: another } = requestedPair();
    another.accept({ sessionId: new Uint8Array(16).fill(1) }, 0);
    expect(another.session!.id).not.toEqual(sessionId);
  });

  it('refuses resumption of a session that nobody names [EST-018]', () => {
    const { server, challenge } = challengedServer();
    expect(server.receive(signedConnect(challenge, RESUME), 0)).toMatchObject([
      { mode: 'resume', resume: { sessionId: RESUME.sessionId, epoch: 1, attempt: 3, receiveCursor: 7 } },
    ]);
    server.accept({}, 0);
    expect(decodeReject(framesFrom(server)[0]!.payload)).toEqual({
      code: ERROR_CODE.RESUME_REFUSED,
      retryAfterMs: 0,
      parameters: {},
    });
  });

  it.each(['AUTHENTICATION_FAILED', 'RESUME_REFUSED', 'BUSY', 'ATTEMPT_STALE'] as const)(
    'leaves it to the owner to answer an attempt to resume with %s [EST-017] [CNT-021] [CNT-023]',
    (code) => {
      const { server, challenge } = challengedServer();
      server.receive(signedConnect(challenge, RESUME), 0);
      server.reject(code, 0, 0);
      expect(codeFrom(server)).toBe(code);
    },
  );

  it('is for a server with a CONNECT', () => {
    const { client } = requestedPair();
    expect(() => client.accept({}, 0)).toThrow(withCode('HAWSER_ERR_MISUSE_ROLE'));
    const { server } = challengedServer();
    expect(() => server.accept({}, 0)).toThrow(withCode('HAWSER_ERR_MISUSE_STATE'));
  });

  it('has no effect when the client has gone while the decision was made', () => {
    const { client, server } = requestedPair();
    client.close('SHUTTING_DOWN', 0);
    server.receive(outputOf(client), 0);
    expect(server.accept({}, 0)).toEqual([]);
    expect(server.takeOutput()).toEqual([]);
  });

  it('refuses a grant out of range, and stays where it was', () => {
    const { server } = requestedPair();
    expect(() => server.accept({ maxChannels: 0 }, 0)).toThrow(withCode('HAWSER_ERR_MISUSE_PARAMETER'));
    expect(server.state).toBe('deciding');
  });

  it('ends with INTERNAL_ERROR when the server can not sign', () => {
    const signer = { ...toySigner('server'), sign: () => new Uint8Array(3) };
    const { server, challenge } = challengedServer({ signer });
    server.receive(signedConnect(challenge), 0);
    server.accept({}, 0);
    expect(server.error).toMatchObject({ code: 'HAWSER_ERR_INTERNAL' });
    expect(codeFrom(server)).toBe('INTERNAL_ERROR');
  });
});

describe('reject', () => {
  it('sends REJECT and nothing after it [EST-023]', () => {
    const { server } = requestedPair();
    server.reject('BUSY', 1500, 0);
    const frames = framesFrom(server);
    expect(frames.map(({ name }) => name)).toEqual(['REJECT']);
    expect(decodeReject(frames[0]!.payload)).toEqual({ code: ERROR_CODE.BUSY, retryAfterMs: 1500, parameters: {} });
    expect(server.outputEnded).toBe(true);
    server.receive(frame('PING', '00'.repeat(8)), 0);
    server.close('NO_ERROR', 0);
    expect(server.takeOutput()).toEqual([]);
    expect(server.transportEnded(1)).toMatchObject([{ type: 'closed', outcome: 'error', code: 'BUSY', remote: false }]);
  });

  it('may come before CONNECT', () => {
    const { server } = challengedServer();
    server.reject('SHUTTING_DOWN', 0, 0);
    expect(codeFrom(server)).toBe('SHUTTING_DOWN');
  });

  it('only sends codes that REJECT carries [ERR-001]', () => {
    const { server } = requestedPair();
    expect(() => server.reject('NO_ERROR', 0, 0)).toThrow(withCode('HAWSER_ERR_MISUSE_CODE'));
    server.close('AUTHORITY_REVOKED', 0);
    expect(codeFrom(server)).toBe('SHUTTING_DOWN');
  });
});

describe('a client on ACCEPT', () => {
  it('is established when the signature verifies, and not before [EST-022]', () => {
    const { client, server } = requestedPair();
    server.accept({ maxChannels: 7 }, 0);
    const accept = outputOf(server);
    expect(client.receive(accept.subarray(0, accept.length - 1), 0)).toEqual([]);
    expect(client.session).toBeUndefined();
    const events = client.receive(accept.subarray(accept.length - 1), 0);
    expect(events).toMatchObject([{ type: 'established', epoch: 1 }]);
    expect(client.session).toMatchObject({ role: 'client', id: server.session!.id, epoch: 1 });
    expect(client.peer).toMatchObject({ maxChannels: 7, initialMessageCredit: 64 });
  });

  it.each([
    ['of another server [EST-002]', () => createServerConnection(serverOptions({ signer: toySigner('other') }))],
    [
      'with a scheme that does not belong to the key [EST-004]',
      () => createServerConnection(serverOptions({ signer: toySigner('server', 0x0403) })),
    ],
  ])('closes on a signature %s [EST-005] [EST-027]', (_, createServer) => {
    const server = createServer();
    const client = createClientConnection(clientOptions());
    client.receive(outputOf(server), 0);
    server.receive(outputOf(client), 0);
    server.accept({}, 0);
    expect(client.receive(outputOf(server), 0)).toEqual([]);
    expect(codeFrom(client)).toBe('SIGNATURE_INVALID');
    expect(client.session).toBeUndefined();
  });

  it.each([{ epoch: 2 }, { receiveCursor: 1 }])(
    'takes %j for malformed, once the signature is right [EST-021]',
    (change) => {
      for (const [signedBy, wireName] of [
        ['server', 'FRAME_MALFORMED'],
        ['other', 'SIGNATURE_INVALID'],
      ] as const) {
        const { server, challenge } = challengedServer();
        const client = createClientConnection(clientOptions());
        client.receive(challenge, 0);
        const connect = outputOf(client);
        server.receive(connect, 0);
        client.receive(signedAccept(challenge, connect, signedBy, change), 0);
        expect(client.error).toMatchObject({ wireName });
        expect(codeFrom(client)).toBe(wireName);
      }
    },
  );

  it('takes no CLOSE and no PING instead', () => {
    for (const name of ['CLOSE', 'PING', 'CHALLENGE'] as const) {
      const { client } = requestedPair();
      client.receive(frame(name), 0);
      expect(client.error).toMatchObject({ wireName: 'FRAME_UNEXPECTED', requirement: 'SES-001' });
    }
  });
});

describe('evidence', () => {
  it('is the same at both ends: the frames as they were, and the exporter [EST-029]', () => {
    const { client, server } = establishedPair();
    const { recordedBy, ...material } = client.evidence()!;
    expect(recordedBy).toBe('client');
    expect(server.evidence()).toEqual({ recordedBy: 'server', ...material });
    expect(framesIn(material.connect).map(({ name }) => name)).toEqual(['CONNECT']);
  });

  it('is not there before the session is established', () => {
    const { client, server } = requestedPair();
    expect(client.evidence()).toBeUndefined();
    expect(server.evidence()).toBeUndefined();
  });
});

describe('the establishment deadline', () => {
  const begun = 100;

  it('counts from the TCP connection and ends both ends with ESTABLISHMENT_TIMEOUT [EST-028]', () => {
    const client = createClientConnection(clientOptions({ now: begun }));
    const server = createServerConnection(serverOptions({ now: begun }));
    outputOf(server);
    for (const end of [client, server]) {
      expect(end.nextDeadline()).toBe(begun + 10_000);
      end.tick(begun + 9999);
      expect(end.state).toMatch(/^awaiting/);
      end.tick(begun + 10_000);
      expect(end.error).toMatchObject({ code: 'HAWSER_ERR_TIMEOUT_ESTABLISHMENT' });
      expect(codeFrom(end)).toBe('ESTABLISHMENT_TIMEOUT');
    }
  });

  it('is not moved by octets that come in [EST-028]', () => {
    const { server, challenge } = challengedServer({ now: begun });
    const connect = signedConnect(challenge);
    for (let at = 0; at < 9; at += 1) server.receive(connect.subarray(at, at + 1), begun + at * 1000);
    expect(server.nextDeadline()).toBe(begun + 10_000);
  });

  it('holds while the decision is made', () => {
    const { server } = requestedPair();
    server.tick(10_000);
    expect(codeFrom(server)).toBe('ESTABLISHMENT_TIMEOUT');
  });

  it('is over once the session is established', () => {
    const { client, server } = establishedPair();
    client.tick(10_000);
    server.tick(10_000);
    expect([client.state, server.state]).toEqual(['established', 'established']);
  });
});

describe('options', () => {
  it.each([
    { livenessIntervalMs: 199 },
    { maxMessageBytes: 16_777_217 },
    { initialMessageCredit: -1 },
    { initialByteCredit: 0.5 },
  ])('are refused out of the bounds of the registry: %j', (parameters) => {
    const refused = withCode('HAWSER_ERR_MISUSE_OPTION');
    expect(() => createClientConnection(clientOptions({ parameters }))).toThrow(refused);
    expect(() => createServerConnection(serverOptions({ parameters }))).toThrow(refused);
  });

  it.each(['', 'a'.repeat(2049), 'a\u0000b', '\udc00'])('are refused with the audience %j', (audience) => {
    expect(() => createClientConnection(clientOptions({ audience }))).toThrow(withCode('HAWSER_ERR_MISUSE_OPTION'));
  });
});

describe('a session id', () => {
  it('is a name and no credential: knowing it opens nothing', () => {
    const { server } = establishedPair();
    const { server: fresh, challenge } = challengedServer();
    fresh.receive(signedConnect(challenge, { mode: 'resume', sessionId: server.session!.id, epoch: 1 }), 0);
    fresh.accept({}, 0);
    expect(codeFrom(fresh)).toBe('RESUME_REFUSED');
  });
});

describe('GREASE', () => {
  it('comes as the first frame of a session, from both ends, and is ignored [EXT-004]', () => {
    const pair = createPair({ grease: true }, { grease: true });
    pair.client.receive(outputOf(pair.server), 0);
    pair.server.receive(outputOf(pair.client), 0);
    pair.server.accept({}, 0);
    const fromServer = outputOf(pair.server);
    const { first, step, count } = GREASE.frameType;
    const types = Array.from({ length: count }, (_, n) => first + step * n);
    expect(types).toContain(framesIn(fromServer)[1]!.type);
    expect(eventsOf(pair.client.receive(fromServer, 0), 'established')).toHaveLength(1);
    const fromClient = outputOf(pair.client);
    expect(types).toContain(framesIn(fromClient)[0]!.type);
    expect(pair.server.receive(fromClient, 0)).toEqual([]);
    expect([pair.client.error, pair.server.error]).toEqual([undefined, undefined]);
    takeEvents(pair);
  });

  it('is not sent when it is turned off', () => {
    const { client, server } = establishedPair();
    expect([client.takeOutput(), server.takeOutput()]).toEqual([[], []]);
  });

  it('is signed like everything else: a verifier sees it', () => {
    const pair = createPair({ grease: true, verifier: toyVerifier('server') }, { grease: true });
    exchange(pair);
    expect(pair.client.state).toBe('established');
  });
});

describe('REJECT', () => {
  it('proves nothing about the server: the client reports no identity from it [EST-025]', () => {
    const client = createClientConnection(clientOptions({ peerIdentity: undefined }));
    const events = client.receive(encodeFrame('REJECT', encodeReject({ code: ERROR_CODE.BUSY, retryAfterMs: 0 })), 0);
    expect(Object.keys(events[0]!).sort()).toEqual(['code', 'parameters', 'retryAfterMs', 'type', 'wireCode']);
    expect(events[0]).toMatchObject({ parameters: {} });
  });
});
