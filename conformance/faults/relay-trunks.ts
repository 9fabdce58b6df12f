import type { Fault } from './fault.ts';
import { fault } from './fault.ts';

/** Faults of sections 13.4 to 13.7 toward Hawser application ends. */
export const relayTrunkFaults: readonly Fault[] = [
  fault('relay-acknowledges-for-others', 'RLY-025', 'grants credit for what the application end has not taken', [
    'node/relay/passage',
    'return this.#decision(number);',
    'return undefined;',
  ]),
  fault('relay-sends-messages-twice', 'RLY-029', 'sends each message twice', [
    'node/relay/passage',
    'void to.send(message);',
    'void to.send(message); void to.send(message);',
  ]),
  fault('relay-drops-messages', 'RLY-016', 'loses every third message', [
    'node/relay/passage',
    'if (number > to.sentMessages) {',
    'if (number % 3 === 0) return undefined; if (number > to.sentMessages) {',
  ]),
  fault('relay-turns-verdicts-into-acceptance', 'RLY-028', 'tells rejections as acceptances', [
    'node/relay/passage',
    "if (range?.outcome.type === 'rejected')",
    'if (false)',
  ]),
  fault('relay-judges-by-itself', 'RLY-054', 'accepts each message when the next leg has been given it', [
    'node/relay/passage',
    'return this.#decision(number);',
    'return sent;',
  ]),
  fault('relay-resets-when-a-trunk-is-detached', 'RLY-031', 'gives its channels up when a trunk loses its connection', [
    'node/relay/trunk',
    "session.on('detached', ({ code }) => {",
    "session.on('detached', ({ code }) => { void session.close('SHUTTING_DOWN');",
  ]),
  fault('relay-passes-codes-that-stay', 'RLY-032', 'passes CHANNEL_LIMIT on', [
    'node/relay/channel-pair',
    "if (code === 'CHANNEL_LIMIT')",
    "if (code === 'CHANNEL_LIMIT') return code; if (false)",
  ]),
  fault('relay-has-one-code', 'RLY-032', 'tells every refusal as APPLICATION_ERROR', [
    'node/relay/channel-pair',
    "return ERRORS[code].boundary ? code : 'APPLICATION_ERROR';",
    "return ERRORS[code].frames.includes('REFUSED') ? 'APPLICATION_ERROR' : code;",
  ]),
  fault('relay-forgets-when-to-retry', 'RLY-032', 'leaves retry_after_ms out', [
    'node/relay/channel-pair',
    'request.refuse(passedOn(end.code), end.error.retryAfterMs);',
    'request.refuse(passedOn(end.code));',
  ]),
  fault(
    'relay-keeps-what-clients-reset',
    'RLY-034',
    'does not tell the application end that a client has reset its channel',
    ['node/relay/channel-pair', "else if (end.type === 'reset' && end.remote)", 'else if (false)'],
  ),
  fault('relay-keeps-what-clients-leave', 'RLY-034', 'does not tell the application end that a client is gone', [
    'node/relay/channel-pair',
    "if (end.type === 'session-ended')",
    'if (false)',
  ]),
  fault('relay-cancels-whatever-the-code', 'RLY-034', 'tells every RESET of a client as APPLICATION_ERROR', [
    'node/relay/channel-pair',
    'this.#down.reset(passedOn(end.code));',
    "this.#down.reset('APPLICATION_ERROR');",
  ]),
  fault('relay-loses-trunks-silently', 'RLY-021', 'does not tell clients that a trunk session has ended', [
    'node/relay/channel-pair',
    "this.#endUp('APPLICATION_LOST', request);",
    ';',
  ]),
  fault('relay-goes-on-for-the-revoked', 'RLY-035', 'passes on what waits of a client that was revoked', [
    'node/relay/channel-pair',
    'clientRevoked() {',
    'clientRevoked() { return;',
  ]),
  fault('relay-ends-whole-sessions', 'RLY-036', 'ends the session of a client when one of its channels is reset', [
    'node/relay/channel-pair',
    'this.#endUp(passedOn(end.code), request);',
    "{ this.#endUp(passedOn(end.code), request); void request.session.close('NO_ERROR'); }",
  ]),
  fault('relay-alters-openings', 'RLY-050', 'takes channels with an OPENED of its own', [
    'node/relay/channel-pair',
    'request.accept({ payload: down.openedPayload });',
    'request.accept();',
  ]),
  fault('relay-alters-proofs', 'RLY-050', 'inverts a bit of PROOF', [
    'node/relay/channel-pair',
    'const proof = await request.provePayload(payload);',
    'const proof = Uint8Array.from(await request.provePayload(payload)); proof[proof.length - 1] ^= 1;',
  ]),
  fault('relay-proves-over-two-relays', 'RLY-051', 'passes PROVE on to another relay', [
    'node/relay/channel-pair',
    'if (request.forwarded !== undefined) {',
    'if (false) {',
  ]),
  fault('relay-asks-for-no-retention', 'APP-013', 'asks for no session that is kept', [
    'node/relay/relay',
    'const { retentionMs = 300_000, reconnectBoundMs } = this.#options.trunk ?? {};',
    'const { reconnectBoundMs } = this.#options.trunk ?? {}; const retentionMs = 1000;',
  ]),
  fault('relay-reorders', 'RLY-016', 'turns two messages in a row round, now and then', [
    'node/relay/passage',
    'void to.send(message);',
    'if (number % 4 === 2) this.held = message; else void to.send(message); if (number % 4 === 3) to.send(this.held);',
  ]),
  fault('relay-waits-in-one-line', 'RLY-026', 'passes on one message at a time, of all channels together', [
    'node/relay/passage',
    'from.onMessage = (message, number) => this.#pass(message, number);',
    'from.onMessage = (message, number) => (globalThis.turn = (globalThis.turn ?? Promise.resolve()).then(() => this.#pass(message, number)));',
  ]),
  fault('relay-asks-twice', 'RLY-022', 'passes each request on twice', [
    'node/relay/relay',
    'const session = await trunk.session(this.#limits.connectTimeoutMs);',
    'const session = await trunk.session(this.#limits.connectTimeoutMs); session.forward({ hopLimit: 1, client: request.identity, route: relays, open: request.openPayload });',
  ]),
  fault('relay-lets-go-early', 'RLY-027', 'does not send again what the application end does not hold', [
    'core/outbox',
    'this.#entries = this.#entries.slice(this.#first).filter(({ seq }) => seq > 0);',
    'this.#entries = [];',
  ]),
];
