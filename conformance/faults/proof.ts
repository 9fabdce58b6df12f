import type { Fault } from './fault.ts';
import { fault } from './fault.ts';

/** Faults of chapter 13, at servers that take FORWARD and at both ends of a proof. */
export const proofFaults: readonly Fault[] = [
  fault('server-takes-forward-from-anybody', 'RLY-013', 'takes FORWARD from peers that are no relays', [
    'node/server/channel-requests',
    'if (!this.#allows(request, () => policy.acceptsRelay?.(relay) ?? false))',
    'if (false)',
  ]),
  fault('server-takes-the-relay-for-the-client', 'RLY-014', 'tells the application end of the relay as the client', [
    'node/server/pending-request',
    'this.identity = forwarded?.client ?? peer;',
    'this.identity = peer;',
  ]),
  fault('server-turns-the-route-around', 'RLY-014', 'tells the relays of the route in the reverse order', [
    'node/server/pending-request',
    '[...forwarded.route, peer]',
    '[...[...forwarded.route].reverse(), peer]',
  ]),
  fault('server-takes-any-open-in-forward', 'RLY-015', 'takes a FORWARD whose open is no payload of an OPEN', [
    'core/frames/forward',
    'request: decodeOpen(open) };',
    "request: (() => { try { return decodeOpen(open); } catch { return { nonce: new Uint8Array(32), application: 'test/echo', parameters: {} }; } })() };",
  ]),
  fault('server-knows-no-relay-by-its-dns-name', 'APP-011', 'takes a DNS name for no relay in test mode', [
    'node/server/test-applications',
    'const name = path === undefined ? identity :',
    "const name = path === undefined ? '' :",
  ]),
  fault('server-names-no-relay-in-prove', 'APP-001', 'leaves the relay in PROVE empty', [
    'node/server/pending-request',
    "const relay = this.relays.at(-1) ?? '';",
    "const relay = '';",
  ]),
  fault('server-reuses-the-nonce-of-prove', 'RLY-037', 'sends the same nonce in each PROVE', [
    'core/channels',
    'nonce: this.#options.random(FIELDS.PROVE.nonce.bytes)',
    'nonce: new Uint8Array(FIELDS.PROVE.nonce.bytes).fill(7)',
  ]),
  fault('server-takes-the-proof-of-anybody', 'RLY-043', 'takes a PROOF of another identity than that of the client', [
    'node/server/pending-request',
    'if (value !== this.identity) {',
    'if (false) {',
  ]),
  fault('server-takes-any-signature-in-proof', 'RLY-043', 'takes a PROOF whose signature does not verify', [
    'node/server/pending-request',
    'if (this.session.core.isProofSigned(this.#channel.number))',
    'if (true)',
  ]),
  fault('server-takes-proofs-of-servers', 'RLY-043', 'takes a PROOF with a certificate that is only for servers', [
    'node/server/pending-request',
    "const verdict = await judgeChain(chain, 'client', trust(), environment.wallClock());",
    "let verdict = await judgeChain(chain, 'client', trust(), environment.wallClock()); if (!verdict.ok) verdict = await judgeChain(chain, 'server', trust(), environment.wallClock());",
  ]),
  fault('server-says-nothing-of-false-proofs', 'RLY-044', 'refuses a PROOF that does not hold like any other channel', [
    'node/server/pending-request',
    "isRoute ? 'PROOF_UNAVAILABLE' : 'PROOF_INVALID'",
    "isRoute ? 'PROOF_UNAVAILABLE' : 'APPLICATION_REFUSED'",
  ]),
  fault('server-does-not-sign-opened', 'RLY-045', 'sends an OPENED that is not signed', [
    'core/opening',
    'open_signature: signature }',
    'open_signature: undefined }',
  ]),
  fault('server-signs-opened-without-proof', 'RLY-045', 'leaves PROOF out of what it signs in OPENED', [
    'core/transcript',
    'contentOf(PROTOCOL.signatureLabels.opened, open, prove, proof, parameters)',
    'contentOf(PROTOCOL.signatureLabels.opened, open, prove, parameters)',
  ]),
  fault('server-asks-for-proof-behind-two-relays', 'RLY-049', 'asks for proof whatever the route', [
    'node/server/pending-request',
    'if (this.relays.length > 1) {',
    'if (false) {',
  ]),
  fault('server-waits-for-proof', 'RLY-052', 'waits ten times as long for PROOF', [
    'node/server/pending-request',
    'late.by(deadlines.now() + limitMs);',
    'late.by(deadlines.now() + 10 * limitMs);',
  ]),
  fault('client-proves-to-any-application', 'RLY-038', 'does not compare the application identity', [
    'node/session/client-prover',
    'if (identity !== expected) {',
    'if (false) {',
  ]),
  fault('client-forgets-the-configured-application', 'RLY-038', 'compares the application identity with the audience', [
    'node/session/client-prover',
    'const expected = applicationIdentity ?? audience;',
    'const expected = audience;',
  ]),
  fault('client-proves-behind-any-relay', 'RLY-039', 'does not compare the relay in PROVE', [
    'node/session/client-prover',
    "if (relay === audience || (relay === '' && identity === audience))",
    'if (true)',
  ]),
  fault('client-proves-to-others-without-a-relay', 'RLY-039', 'takes a PROVE without a relay from others too', [
    'node/session/client-prover',
    "(relay === '' && identity === audience)",
    "(relay === '')",
  ]),
  fault('client-proves-to-clients', 'RLY-040', 'takes a PROVE with a certificate that is only for clients', [
    'node/session/client-prover',
    "const verdict = await judgeChain(chain, 'server', authority().trust, environment.wallClock());",
    "let verdict = await judgeChain(chain, 'server', authority().trust, environment.wallClock()); if (!verdict.ok) verdict = await judgeChain(chain, 'client', authority().trust, environment.wallClock());",
  ]),
  fault('client-gives-no-reason', 'RLY-041', 'answers a PROVE that does not hold with RESET(CANCELLED)', [
    'node/session/session',
    "channel.fail('PROOF_INVALID', error);",
    "channel.fail('CANCELLED', error);",
  ]),
  fault('client-signs-proof-without-prove', 'RLY-042', 'leaves PROVE out of what it signs', [
    'core/transcript',
    'contentOf(PROTOCOL.signatureLabels.proof, open, prove,',
    'contentOf(PROTOCOL.signatureLabels.proof, open,',
  ]),
  fault('client-signs-proof-like-connect', 'RLY-042', 'signs PROOF with the label of CONNECT', [
    'core/transcript',
    'contentOf(PROTOCOL.signatureLabels.proof,',
    'contentOf(PROTOCOL.signatureLabels.connect,',
  ]),
  fault('client-leaves-prove-unanswered', 'RLY-042', 'does not answer PROVE', [
    'node/session/session',
    'this.core.proof(channel.number, prover.proof, this.now());',
    '',
  ]),
  fault('client-takes-unsigned-openings', 'RLY-046', 'takes an OPENED without a signature behind its PROOF', [
    'core/opening',
    "return 'no-signature';",
    'return undefined;',
  ]),
  fault('client-takes-any-signed-opening', 'RLY-046', 'takes an OPENED whose signature does not verify', [
    'core/opening',
    "? undefined : 'wrong-signature'",
    '? undefined : undefined',
  ]),
  fault(
    'client-opens-without-the-proof-it-demands',
    'RLY-047',
    'takes an OPENED without PROVE where it demands proof',
    ['core/channel-receiver', "return opening.demandProof === true ? 'no-prove' : undefined;", 'return undefined;'],
  ),
  fault('client-overlooks-unasked-signatures', 'RLY-048', 'takes an open_signature without a PROVE before it', [
    'core/channel-receiver',
    "if (action === 'report it' && parameters.open_signature !== undefined) {",
    'if (false) {',
  ]),
];
