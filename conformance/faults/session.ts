import type { Fault } from './fault.ts';
import { fault, faultOfBoth } from './fault.ts';

/** Faults of chapter 5. */
export const sessionFaults: readonly Fault[] = [
  ...faultOfBoth('never-answers-ping', 'SES-004', 'never answers PING', [
    'core/control',
    'this.#write(FRAME_TYPE.PONG, encodePong({ data }));',
    ';',
  ]),
  fault('server-answers-with-its-own-data', 'SES-004', 'answers PING with zeros', [
    'core/control',
    'encodePong({ data })',
    'encodePong({ data: new Uint8Array(8) })',
  ]),
  ...faultOfBoth('takes-any-pong', 'SES-007', 'takes a PONG that answers no PING', [
    'core/control',
    'if (ping === undefined) {',
    "if (ping === undefined) { return { purpose: 'liveness', sendCursor: 0 }; } if (false) {",
  ]),
  fault('server-refuses-ping-trains', 'SES-009', 'ends the session at the tenth PING', [
    'core/rate-budget',
    'this.#tokens = this.#capacity;',
    'this.#capacity = Math.min(this.#capacity, 10); this.#perMs = 0; this.#tokens = this.#capacity;',
  ]),
  fault('server-takes-ping-floods', 'SES-010', 'answers PINGs without limit', [
    'core/control',
    'if (this.#received.take(this.#now))',
    'if (true)',
  ]),
  fault('server-talks-after-close', 'SES-011', 'sends a PING behind CLOSE', [
    'core/session',
    'output.frame(FRAME_TYPE.CLOSE, endSession ? FLAG.CLOSE.END_SESSION : 0, 0, 0, encodeClose(close));',
    'output.frame(FRAME_TYPE.CLOSE, endSession ? FLAG.CLOSE.END_SESSION : 0, 0, 0, encodeClose(close)); output.frame(FRAME_TYPE.PING, 0, 0, 0, new Uint8Array(8));',
  ]),
  ...faultOfBoth('never-answers-close', 'SES-012', 'ends the connection after CLOSE without a CLOSE of its own', [
    'core/connection-engine',
    "this.#sendClose('NO_ERROR', ends);",
    'this.#ending.endOutput(this.#now);',
  ]),
  ...faultOfBoth('ignores-final-cursors', 'SES-013', 'does not check the cursors of CLOSE', [
    'core/session',
    'if (receiveCursor <= this.#outbox.sent && (discarding || sendCursor === this.#cursor))',
    'if (true)',
  ]),
  fault('server-cuts-at-once', 'SES-014', 'resets the connection right after CLOSE', [
    'node/connection/socket-pump',
    'socket.end();',
    'socket.end(() => socket.resetAndDestroy());',
  ]),
  fault(
    'client-takes-truncation-for-an-end',
    'SES-016',
    'reports a lost connection as closed in order',
    [
      'core/connection-engine',
      'this.#ending.fail(new TransportError(code, this.#state.name, message, { cause }));',
      ';',
    ],
    [
      'core/connection-engine',
      "this.#enter('transport lost');",
      "this.#enter('transport lost'); this.#end(true); return this.takeEvents();",
    ],
  ),
  ...faultOfBoth('keeps-the-session', 'SES-017', 'sends CLOSE without END_SESSION', [
    'core/session',
    'output.frame(FRAME_TYPE.CLOSE, endSession ? FLAG.CLOSE.END_SESSION : 0, 0, 0, encodeClose(close));',
    'output.frame(FRAME_TYPE.CLOSE, 0, 0, 0, encodeClose(close));',
  ]),
  fault('server-goes-on-after-close', 'SES-029', 'goes on with the session after a CLOSE without END_SESSION', [
    'core/connection-engine',
    "case 'send CLOSE':",
    "case 'send CLOSE': if (this.#decoder.flags === 0) return;",
  ]),
  ...faultOfBoth('is-silent', 'SES-019', 'sends nothing when it has nothing to say', [
    'core/control',
    "if ((step === 'suspect' || step === 'ping') && !this.pingWithin('liveness', sendCursor))",
    'if (false)',
  ]),
  fault('server-counts-octets-as-life', 'SES-022', 'takes single octets for a sign of life', [
    'core/connection-engine',
    'this.#decoder.push(bytes);',
    'this.#decoder.push(bytes); this.#control?.heard();',
  ]),
  ...faultOfBoth('waits-forever', 'SES-022', 'never gives a silent peer up', [
    'core/liveness',
    'if (this.#suspect && silence >= this.#downAfterMs)',
    'if (false)',
  ]),
  ...faultOfBoth('works-for-a-suspect-peer', 'SES-021', 'begins messages while its peer is SUSPECT', [
    'core/connection-engine',
    'this.#carried()?.suspect();',
    ';',
  ]),
  fault('server-keeps-revoked-clients', 'SES-026', 'lets a session go on after the client was revoked', [
    'node/server/server-connection',
    'await this.#authority?.evaluate(trust);',
    ';',
  ]),
  fault(
    'server-keeps-expired-clients',
    'SES-027',
    'lets a session go on after the certificate of the client has expired',
    ['node/connection/authority', 'if (left > 0)', 'if (true)'],
  ),
  fault('client-keeps-revoked-servers', 'SES-026', 'lets a session go on after the server was revoked', [
    'node/session/session',
    'await this.#link?.updateTrust(trust);',
    ';',
  ]),
  fault(
    'client-ends-sessions-of-the-revoked',
    'CNT-014',
    'ends the session with its connection when the server was revoked',
    [
      'node/session/session',
      'pump.handle(connection.detach(code, pump.now(), error));',
      'pump.handle(connection.close(code, pump.now(), error));',
    ],
  ),
  fault('client-ends-all-at-new-lists', 'SES-025', 'ends every session when lists are loaded', [
    'node/connection/authority',
    "if (verdict.ok || this.#over || verdict.reason.startsWith('crl-'))",
    'if (this.#over)',
  ]),
  fault(
    'client-keeps-expired-servers',
    'SES-027',
    'lets a session go on after the certificate of the server has expired',
    ['node/connection/authority', 'if (left > 0)', 'if (true)'],
  ),
];
