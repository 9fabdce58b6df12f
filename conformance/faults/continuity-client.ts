import type { Fault } from './fault.ts';
import { fault } from './fault.ts';

/** Faults of a client in chapter 12. */
export const continuityClientFaults: readonly Fault[] = [
  fault('client-takes-more-than-it-asked-for', 'CNT-002', 'takes a longer retention than it asked for', [
    'core/connection-engine',
    'if (retentionMs <= asked && !late)',
    'if (!late)',
  ]),
  fault('client-takes-later-deadlines', 'CNT-002', 'takes a later deadline than it asked for', [
    'core/connection-engine',
    'if (retentionMs <= asked && !late)',
    'if (retentionMs <= asked)',
  ]),
  fault('client-takes-acks-in-any-session', 'CNT-004', 'takes an ACK in a session that is not resumable', [
    'core/session',
    "throw violation('FRAME_UNEXPECTED', 'CNT-004', FRAME_TYPE.ACK, 'came in a session that is not resumable');",
    'return;',
  ]),
  fault('client-never-acknowledges', 'CNT-005', 'acknowledges nothing', [
    'core/session',
    'this.#outbox.unsequenced(FRAME_TYPE.ACK, 0, 0, encodeAck({ receiveCursor: this.#custodyCursor }));',
    ';',
  ]),
  fault('client-takes-equal-acks', 'CNT-007', 'takes an ACK that acknowledges nothing new', [
    'core/session',
    'if (receiveCursor > this.#outbox.sent || receiveCursor <= this.#outbox.acknowledged) {',
    'if (receiveCursor > this.#outbox.sent) {',
  ]),
  fault('client-takes-acks-of-the-future', 'CNT-007', 'takes an ACK of what it has not sent', [
    'core/session',
    'if (receiveCursor > this.#outbox.sent || receiveCursor <= this.#outbox.acknowledged) {',
    'if (receiveCursor <= this.#outbox.acknowledged) {',
  ]),
  fault('client-answers-close-with-end-session', 'CNT-015', 'answers CLOSE without END_SESSION with one that has it', [
    'core/connection-engine',
    "this.#sendClose('NO_ERROR', ends);",
    "this.#sendClose('NO_ERROR', true);",
  ]),
  fault('client-repeats-attempts', 'CNT-018', 'gives each attempt the number 1', [
    'node/client/client-notes',
    'const attempt = this.#attempt;',
    'const attempt = 1;',
  ]),
  fault('client-skips-attempts', 'CNT-018', 'numbers its attempts 2, 4, 6', [
    'node/client/client-notes',
    'this.#attempt += 1;',
    'this.#attempt += 2;',
  ]),
  fault('client-states-the-first-epoch', 'CNT-020', 'always states epoch 1', [
    'core/session',
    'return { sessionId: this.id, epoch: this.#epoch, receiveCursor: this.#custodyCursor };',
    'return { sessionId: this.id, epoch: 1, receiveCursor: this.#custodyCursor };',
  ]),
  fault('client-sends-nothing-again', 'CNT-030', 'does not send again what the server does not hold', [
    'core/outbox',
    'this.#entries = this.#entries.slice(this.#first).filter(({ seq }) => seq > 0);',
    'this.#entries = [];',
  ]),
  fault('client-takes-any-session', 'CNT-031', 'takes an ACCEPT for another session', [
    'core/establishment-client',
    'if (equals(sessionId, request.sessionId) && epoch > request.epoch)',
    'if (epoch > request.epoch)',
  ]),
  fault('client-takes-old-epochs', 'CNT-031', 'takes an ACCEPT whose epoch is not greater', [
    'core/establishment-client',
    'if (equals(sessionId, request.sessionId) && epoch > request.epoch)',
    'if (equals(sessionId, request.sessionId))',
  ]),
  fault('client-takes-any-cursor', 'CNT-032', 'takes an ACCEPT with a cursor that it can not serve', [
    'core/connection-engine',
    'if (session.gapAt(established.receiveCursor) !== undefined) {',
    'if (false) {',
  ]),
  fault('client-does-not-restate-credit', 'CNT-033', 'does not state its credit again', [
    'core/channels',
    "if (channel.state.local.has('send CREDIT'))",
    'if (false)',
  ]),
  fault('client-refuses-restated-credit', 'CNT-034', 'takes credit that is stated again for an error', [
    'core/channels',
    'channel.creditRestated = true;',
    ';',
  ]),
  fault('client-accepts-everything', 'CNT-039', 'sends every verdict as accepted', [
    'core/verdict-sender',
    'encodeOutcome({ lastMessage: last, verdict })',
    'encodeOutcome({ lastMessage: last, verdict: 0 })',
  ]),
  fault('client-takes-verdicts-unasked', 'CNT-041', 'takes a verdict on a channel without outcomes', [
    'core/channel-receiver',
    'if (!kind.outcomes || lastMessage <= verdictsReceived',
    'if (lastMessage <= verdictsReceived',
  ]),
  fault('client-is-sure-without-reason', 'CNT-043', 'reports outcomes although the server has lost its memory', [
    'core/session',
    'fates(peerReceiveCursor, doubt = false) {',
    'fates(peerReceiveCursor) { const doubt = false;',
  ]),
  fault('client-trusts-the-forgetful', 'CNT-064', 'takes for not delivered what the server has forgotten', [
    'core/connection-engine',
    'const forgotten = this.#finalCursor !== undefined && this.#finalCursor < session.acknowledgedCursor;',
    'const forgotten = false;',
  ]),
  fault('client-opens-on-drained-connections', 'CNT-046', 'opens channels behind DRAIN', [
    'core/session',
    "this.channels.obstruct('draining');",
    ';',
  ]),
  fault('client-ignores-drain', 'CNT-047', 'stays until the deadline of DRAIN', [
    'node/client/client-continuity',
    'draining(code) {',
    'draining(code) { return;',
  ]),
  fault('client-ignores-its-deadline', 'CNT-050', 'stays until the server ends the connection', [
    'node/client/client-continuity',
    'deadlineMs === 0 ?',
    'true ?',
  ]),
  fault('client-opens-without-bound', 'CNT-060', 'opens any number of channels that nobody answers', [
    'core/open-window',
    'return this.#pending.size >= LIMITS.max_pending_opens;',
    'return false;',
  ]),
  fault(
    'client-fights-for-its-session',
    'CNT-058',
    'takes back a session that was taken from it',
    ['node/client/client-state', "if (end.code === 'SUPERSEDED' && end.remote)", 'if (false)'],
    [
      'node/client/client-state',
      'if (reloaded && facts.awaitsReload(input.end))',
      "if (input.end.code === 'SUPERSEDED')",
    ],
  ),
  fault('client-keeps-to-old-lists', 'TLS-024', 'judges the servers of a session by the lists that it began with', [
    'node/client/connect',
    'own: this.#current,',
    'own: ((first) => () => first)(this.#own),',
  ]),
  fault('client-gives-up-sessions-of-the-revoked', 'CNT-065', 'ends a session whose server was revoked', [
    'node/client/retry',
    'if (code !== undefined && REFUSALS.has(code))',
    'if (false)',
  ]),
  fault('client-waits-on-after-a-reload', 'CNT-065', 'attempts nothing when its lists were replaced', [
    'node/client/client-continuity',
    "this.#take({ type: 'reloaded' });",
    ';',
  ]),
];
