import type { Fault } from './fault.ts';
import { fault, faultOfBoth } from './fault.ts';

const LIBRARY_JUDGES_NOTHING: readonly [string, string, string] = [
  'node/connection/peer-gate',
  'if (!socket.authorized) {',
  'if (false) {',
];
const CLIENT_LETS_ALL_IN: readonly [string, string, string] = [
  'node/connection/tls-options',
  'rejectUnauthorized: true,',
  'rejectUnauthorized: false,',
];

/** Faults of chapters 2, 4 and 7. */
export const establishmentFaults: readonly Fault[] = [
  fault('server-speaks-tls-1.2', 'TLS-001', 'accepts TLS 1.2', [
    'node/connection/tls-options',
    "minVersion: 'TLSv1.3',\n        // [TLS-005]",
    "minVersion: 'TLSv1.2',\n        // [TLS-005]",
  ]),
  fault('server-takes-no-alpn', 'TLS-003', 'serves a client that offered no ALPN', [
    'node/connection/peer-gate',
    'if (socket.alpnProtocol !== PROTOCOL.alpn) {',
    'if (false) {',
  ]),
  fault('client-takes-no-alpn', 'TLS-004', 'goes on although ALPN selected nothing', [
    'node/connection/peer-gate',
    'if (socket.alpnProtocol !== PROTOCOL.alpn) {',
    'if (false) {',
  ]),
  fault(
    'server-resumes-tls',
    'TLS-006',
    'serves a client on a resumed TLS connection',
    ['node/connection/peer-gate', 'if (socket.isSessionReused()) {', 'if (false) {'],
    ['node/connection/tls-options', 'secureOptions: constants.SSL_OP_NO_TICKET,', 'secureOptions: 0,'],
  ),
  fault(
    'server-takes-any-authority',
    'TLS-011',
    'serves a client whose certificate another authority issued',
    LIBRARY_JUDGES_NOTHING,
    [
      'pki/certification-path',
      'return ended(missingIssuer(current, depth, intermediates, namedAnchors.length > 0));',
      'return { ok: true, paths: paths.length > 0 ? paths : [[...path, trustAnchors[0]]] };',
    ],
  ),
  fault(
    'server-takes-expired-certificates',
    'TLS-012',
    'does not look at the validity of certificates',
    LIBRARY_JUDGES_NOTHING,
    ['pki/chain-check', 'if (now > certificate.notAfter) {', 'if (false) {'],
  ),
  fault(
    'client-takes-expired-certificates',
    'TLS-012',
    'does not look at the validity of certificates',
    LIBRARY_JUDGES_NOTHING,
    CLIENT_LETS_ALL_IN,
    ['pki/chain-check', 'if (now > certificate.notAfter) {', 'if (false) {'],
  ),
  fault('server-takes-server-certificates', 'TLS-013', 'does not ask for clientAuth', LIBRARY_JUDGES_NOTHING, [
    'pki/leaf-profile',
    'if (leaf.extendedKeyUsages?.includes(wanted) === true)',
    'if (true)',
  ]),
  fault(
    'client-takes-client-certificates',
    'TLS-014',
    'does not ask for serverAuth',
    LIBRARY_JUDGES_NOTHING,
    CLIENT_LETS_ALL_IN,
    ['pki/leaf-profile', 'if (leaf.extendedKeyUsages?.includes(wanted) === true)', 'if (true)'],
  ),
  fault(
    'server-takes-authorities',
    'TLS-015',
    'serves a client whose leaf is a CA certificate',
    LIBRARY_JUDGES_NOTHING,
    ['pki/leaf-profile', 'if (leaf.basicConstraints?.authority !== true)', 'if (true)'],
  ),
  fault('server-takes-small-keys', 'TLS-017', 'serves a client with RSA of 1024 bits', LIBRARY_JUDGES_NOTHING, [
    'pki/leaf-profile',
    'if (bits === undefined || bits >= LIMITS.min_rsa_bits)',
    'if (true)',
  ]),
  fault('server-takes-the-first-of-two-uris', 'TLS-021', 'takes the first URI of several for the identity', [
    'pki/identity',
    'if (others.length > 0) {',
    'if (false) {',
  ]),
  fault('server-takes-common-names', 'TLS-022', 'takes the common name for the identity', [
    'pki/identity',
    'const [only, ...others] = names;',
    "const [only, ...others] = names.length > 0 ? names : [{ value: leaf.subject.replace('CN=', '').split(',')[0].replaceAll(' ', '-') }];",
  ]),
  fault(
    'server-ignores-revocation',
    'TLS-024',
    'serves a client whose certificate is revoked',
    LIBRARY_JUDGES_NOTHING,
    ['pki/chain-check', 'if (!revocation.ok)', 'if (false)'],
  ),
  fault('server-waits-for-the-client', 'EST-006', 'sends CHALLENGE only after the client has spoken', [
    'core/connection-engine',
    'this.#output.raw(role.establishment.challenge);',
    ';',
  ]),
  fault('server-reuses-its-nonce', 'EST-007', 'sends the same nonce in each CHALLENGE', [
    'core/establishment-server',
    'const serverNonce = options.random(FIELDS.CHALLENGE.server_nonce.bytes);',
    'const serverNonce = new Uint8Array(FIELDS.CHALLENGE.server_nonce.bytes).fill(7);',
  ]),
  fault('server-speaks-before-accept', 'EST-008', 'sends a PING behind CHALLENGE', [
    'core/connection-engine',
    'this.#output.raw(role.establishment.challenge);',
    'this.#output.raw(role.establishment.challenge), this.#output.frame(0x10, 0, 0, 0, new Uint8Array(8));',
  ]),
  fault('client-skips-the-audience', 'EST-009', 'does not compare the identity of the server with its audience', [
    'core/establishment-client',
    'if (peerIdentity !== audience) {',
    'if (false) {',
  ]),
  fault('client-reuses-its-nonce', 'EST-011', 'sends the same nonce in each CONNECT', [
    'core/establishment-client',
    'clientNonce: random(client_nonce.bytes),',
    'clientNonce: new Uint8Array(client_nonce.bytes).fill(7),',
  ]),
  fault('client-sends-before-accept', 'EST-013', 'sends a PING right behind CONNECT', [
    'core/connection-engine',
    'this.#output.raw(connect);',
    'this.#output.raw(connect); this.#output.frame(0x10, 0, 0, 0, new Uint8Array(8));',
  ]),
  fault('server-skips-the-signature', 'EST-005', 'does not verify the signature of CONNECT', [
    'core/establishment-server',
    'if (!verifier.verify(content, connect.scheme, connect.signature)) {',
    'if (false) {',
  ]),
  fault('client-skips-the-signature', 'EST-022', 'does not verify the signature of ACCEPT', [
    'core/establishment-client',
    'if (!this.#options.verifier.verify(content, accept.scheme, accept.signature)) {',
    'if (false) {',
  ]),
  fault('server-ignores-the-exporter', 'EST-005', 'also takes a signature without the exporter value', [
    'core/establishment-server',
    'if (!verifier.verify(content, connect.scheme, connect.signature)) {',
    'if (!verifier.verify(content, connect.scheme, connect.signature) && !verifier.verify(connectContent({ ...this.#bound, exporter: new Uint8Array(32) }, this.challenge, frame, connect.signature.length), connect.scheme, connect.signature)) {',
  ]),
  fault(
    'server-ignores-the-leaf-hashes',
    'EST-005',
    'also takes a signature with the leaf hashes in each other’s place',
    [
      'core/establishment-server',
      'if (!verifier.verify(content, connect.scheme, connect.signature)) {',
      'if (!verifier.verify(content, connect.scheme, connect.signature) && !verifier.verify(connectContent({ ...this.#bound, clientLeafHash: this.#bound.serverLeafHash, serverLeafHash: this.#bound.clientLeafHash }, this.challenge, frame, connect.signature.length), connect.scheme, connect.signature)) {',
    ],
  ),
  fault('server-takes-the-other-label', 'EST-005', 'also takes a signature made with the label of ACCEPT', [
    'core/establishment-server',
    'if (!verifier.verify(content, connect.scheme, connect.signature)) {',
    'if (!verifier.verify(content, connect.scheme, connect.signature) && !verifier.verify(acceptContent(this.#bound, this.challenge, new Uint8Array(0), frame, connect.signature.length), connect.scheme, connect.signature)) {',
  ]),
  fault('server-takes-any-scheme', 'EST-004', 'does not look at the signature scheme', [
    'node/connection/signatures',
    'scheme === algorithm.scheme &&',
    'true &&',
  ]),
  fault('server-ignores-the-audience', 'EST-016', 'does not compare the audience with its own identity', [
    'core/establishment-server',
    'if (connect.audience !== identity) {',
    'if (false) {',
  ]),
  fault(
    'server-judges-the-audience-first',
    'EST-015',
    'answers AUDIENCE_MISMATCH before it has verified the signature',
    [
      'core/establishment-server',
      'const content = connectContent(this.#bound, this.challenge, frame, connect.signature.length);',
      "const content = connectContent(this.#bound, this.challenge, frame, connect.signature.length); if (connect.audience !== identity) throw new IncompatibleError('HAWSER_ERR_INCOMPATIBLE_AUDIENCE', 'AUDIENCE_MISMATCH', 'EST-016', identity, connect.audience, '');",
    ],
  ),
  fault(
    'server-resumes-anything',
    'EST-018',
    'grants a new session to a CONNECT that asks to resume',
    ['node/server/server-connection', 'else if (resume !== undefined) {', 'else if (false) {'],
    ['core/connection-engine', "if (connect.mode === 'resume')", 'if (false)'],
  ),
  fault('server-reuses-session-ids', 'EST-019', 'gives each session the same id', [
    'core/connection-engine',
    'grant.sessionId ?? random(FIELDS.ACCEPT.session_id.bytes);',
    'new Uint8Array(FIELDS.ACCEPT.session_id.bytes).fill(7);',
  ]),
  fault('server-starts-at-epoch-2', 'EST-020', 'states epoch 2 for a new session', [
    'core/establishment-server',
    'encodeAccept({ ...decision,',
    'encodeAccept({ ...decision, epoch: decision.epoch === 1 ? 2 : decision.epoch,',
  ]),
  fault('client-takes-any-epoch', 'EST-021', 'takes an ACCEPT of a new session with epoch 2', [
    'core/establishment-client',
    'if (epoch === 1 && receiveCursor === 0)',
    'if (true)',
  ]),
  fault('server-sends-after-reject', 'EST-023', 'sends a PING behind REJECT', [
    'core/connection-engine',
    "this.#output.raw(encodeFrame('REJECT', encodeReject({ code: ERROR_CODE[code], retryAfterMs, parameters })));",
    "this.#output.raw(encodeFrame('REJECT', encodeReject({ code: ERROR_CODE[code], retryAfterMs, parameters }))); this.#output.frame(0x10, 0, 0, 0, new Uint8Array(8));",
  ]),
  fault('server-leaves-without-reject', 'EST-026', 'ends the connection without saying why', [
    'core/connection-engine',
    "this.#output.raw(encodeFrame('REJECT', encodeReject({ code: ERROR_CODE[code], retryAfterMs, parameters })));",
    ';',
  ]),
  fault('client-leaves-without-close', 'EST-027', 'ends the connection without saying why', [
    'core/connection-engine',
    "this.#output.raw(encodeFrame('CLOSE', payload, this.#endsSession ? FLAG.CLOSE.END_SESSION : 0));",
    ';',
  ]),
  fault('client-stays-after-reject', 'EST-032', 'keeps its direction open after REJECT', [
    'core/connection-engine',
    'this.#ending.endOutput(this.#now);',
    "if (this.#role.type !== 'client') this.#ending.endOutput(this.#now);",
  ]),
  ...faultOfBoth('dies-of-unknown-codes', 'ERR-002', 'answers an unknown code in CLOSE with an error', [
    'core/error-codes',
    'const name = ERROR_NAME[wireCode];',
    "const name = ERROR_NAME[wireCode]; if (name === undefined) throw new Error('unknown code');",
  ]),
];
