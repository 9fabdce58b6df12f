import type { Fault } from './fault.ts';
import { fault, faultOfBoth } from './fault.ts';

/** Faults of sections 12.1 to 12.5, of a server. */
export const continuityServerFaults: readonly Fault[] = [
  fault(
    'server-grants-more-retention',
    'CNT-001',
    'grants a second more retention than was asked for',
    [
      'node/server/server-sessions',
      'const retentionMs = Math.min(askedMs, maxRetentionMs);',
      'const retentionMs = askedMs === 0 ? 0 : askedMs + 1000;',
    ],
    [
      'core/connection-engine',
      'const retentionMs = Math.min(connect.peer.retentionMs, grant.retentionMs ?? 0);',
      'const retentionMs = grant.retentionMs ?? 0;',
    ],
  ),
  fault('server-takes-acks-in-any-session', 'CNT-004', 'takes an ACK in a session that is not resumable', [
    'core/session',
    "throw violation('FRAME_UNEXPECTED', 'CNT-004', FRAME_TYPE.ACK, 'came in a session that is not resumable');",
    'return;',
  ]),
  fault('server-never-acknowledges', 'CNT-005', 'acknowledges nothing', [
    'core/session',
    'this.#outbox.unsequenced(FRAME_TYPE.ACK, 0, 0, encodeAck({ receiveCursor: this.#custodyCursor }));',
    ';',
  ]),
  fault('server-takes-equal-acks', 'CNT-007', 'takes an ACK that acknowledges nothing new', [
    'core/session',
    'if (receiveCursor > this.#outbox.sent || receiveCursor <= this.#outbox.acknowledged) {',
    'if (receiveCursor > this.#outbox.sent) {',
  ]),
  fault('server-takes-acks-of-the-future', 'CNT-007', 'takes an ACK of what it has not sent', [
    'core/session',
    'if (receiveCursor > this.#outbox.sent || receiveCursor <= this.#outbox.acknowledged) {',
    'if (receiveCursor <= this.#outbox.acknowledged) {',
  ]),
  fault(
    'server-ends-sessions-for-errors-of-connections',
    'CNT-014',
    'ends the session for an error of scope connection',
    ['core/connection-engine', "const ends = ERRORS[code].scope !== 'connection';", 'const ends = true;'],
  ),
  fault('server-answers-close-with-end-session', 'CNT-015', 'answers CLOSE without END_SESSION with one that has it', [
    'core/connection-engine',
    "this.#sendClose('NO_ERROR', ends);",
    "this.#sendClose('NO_ERROR', true);",
  ]),
  fault('server-tells-strangers', 'CNT-021', 'tells another identity that a session exists', [
    'node/server/server-sessions',
    'if (held !== undefined && held.peerIdentity !== owner)',
    "if (held !== undefined && held.peerIdentity !== owner) return rejection('ATTEMPT_STALE', {}); if (false)",
  ]),
  fault('server-tells-strangers-of-the-end', 'CNT-021', 'tells another identity that a session has ended', [
    'store/session-table',
    "if (record === undefined || phase === 'gone' || record.header.owner !== owner)",
    "if (record === undefined || phase === 'gone')",
  ]),
  fault('server-takes-any-attempt', 'CNT-023', 'does not compare the numbers of attempts', [
    'store/session-table',
    'if (attempt <= header.attempt)',
    'if (false)',
  ]),
  fault(
    'server-disturbed-by-late-attempts',
    'CNT-023',
    'takes the session from its connection before it looks at the attempt',
    ['node/server/server-sessions', 'late = attempt <= (this.#attempts.get(id) ?? 0);', 'late = false;'],
    ['node/server/server-sessions', 'held.link?.pump.pauseReading();', 'this.#supersede(held);'],
  ),
  fault('server-refuses-lower-epochs', 'CNT-024', 'takes a lower epoch for lost memory', [
    'store/session-table',
    'if (statedEpoch > header.epoch)',
    'if (statedEpoch !== header.epoch)',
  ]),
  fault(
    'server-takes-higher-epochs',
    'CNT-025',
    'takes an epoch that is ahead of its own',
    ['store/session-table', 'if (statedEpoch > header.epoch)', 'if (false)'],
    [
      'core/connection-engine',
      'const noGap = connect.epoch > session.epoch ? NO_GAP : undefined;',
      'const noGap = undefined;',
    ],
  ),
  fault('server-takes-pruned-cursors', 'CNT-025', 'resumes although it has let go of what the client lacks', [
    'core/session',
    'return peerCursor < acknowledged ? { first: peerCursor + 1, last: acknowledged } : undefined;',
    'return undefined;',
  ]),
  fault('server-states-no-gap', 'CNT-026', 'does not say which numbers are missing', [
    'node/server/server-sessions',
    "return rejection('RESUME_GAP', { ...finalCursors(cursors), gap_first: first, gap_last: last });",
    "return rejection('RESUME_GAP', finalCursors(cursors));",
  ]),
  fault(
    'server-skips-epochs',
    'CNT-027',
    'raises the epoch by two',
    [
      'store/session-table',
      'record: { ...record, header: { ...header, epoch: header.epoch + 1, attempt }, endsAt: undefined },',
      'record: { ...record, header: { ...header, epoch: header.epoch + 2, attempt }, endsAt: undefined },',
    ],
    ['node/server/server-sessions', 'before + 1 === epoch', 'before + 2 === epoch'],
  ),
  fault('server-supersedes-with-another-code', 'CNT-029', 'ends the former connection with another code', [
    'core/connection-engine',
    "this.#sendClose(this.#role.type === 'server' ? 'SUPERSEDED' : 'NO_ERROR', false);",
    "this.#sendClose('CONNECTION_EXPIRED', false);",
  ]),
  fault('server-sends-nothing-again', 'CNT-030', 'does not send again what the client does not hold', [
    'core/outbox',
    'this.#entries = this.#entries.slice(this.#first).filter(({ seq }) => seq > 0);',
    'this.#entries = [];',
  ]),
  fault('server-does-not-restate-credit', 'CNT-033', 'does not state its credit again', [
    'core/channels',
    "if (channel.state.local.has('send CREDIT'))",
    'if (false)',
  ]),
  fault('server-refuses-restated-credit', 'CNT-034', 'takes credit that is stated again for an error', [
    'core/channels',
    'channel.creditRestated = true;',
    ';',
  ]),
  fault(
    'server-takes-restated-credit-for-ever',
    'CHN-022',
    'takes equal credit as often as it comes after a resumption',
    ['core/channel-receiver', 'channel.creditRestated = false;', ';'],
  ),
  fault('server-forgets-ended-sessions', 'CNT-036', 'knows nothing of sessions that have ended', [
    'store/session-table',
    "if (phase === 'ended' && cursors !== undefined)",
    "if (phase === 'ended') return { type: 'unknown' }; if (false)",
  ]),
  fault('server-says-ended-for-a-gap', 'CNT-063', 'says of every session that is over that it has ended in order', [
    'node/server/server-sessions',
    'if (request.epoch > epoch || receiveCursor > cursors.sendCursor) {',
    'if (false) {',
  ]),
  fault('server-overlooks-epochs-of-the-ended', 'CNT-063', 'looks at nothing but the cursor when a session is over', [
    'node/server/server-sessions',
    'if (request.epoch > epoch || receiveCursor > cursors.sendCursor) {',
    'if (receiveCursor > cursors.sendCursor) {',
  ]),
  fault('server-takes-credit-of-a-resumption', 'CNT-003', 'goes by the max_message_bytes that a resumption declares', [
    'node/session/session',
    'return { ...peer, livenessIntervalMs, deadlineMs };',
    'return this.#link?.connection.peer ?? peer;',
  ]),
  fault('server-forgets-what-it-sent', 'CNT-010', 'lets go of one frame that was not acknowledged', [
    'core/outbox',
    'this.#entries = this.#entries.slice(this.#first).filter(({ seq }) => seq > 0);',
    'this.#entries = this.#entries.slice(this.#first + 1).filter(({ seq }) => seq > 0);',
  ]),
  fault('server-ends-with-the-connection', 'CNT-013', 'ends a session with its connection', [
    'node/server/server-sessions',
    "if (end.session === 'ended') {",
    'if (true) {',
  ]),
  fault('server-keeps-sessions-for-ever', 'CNT-017', 'keeps a detached session longer than its retention', [
    'store/session-table',
    'if (endsAt === undefined || now < endsAt)',
    'if (endsAt === undefined || (!record.over && now < endsAt + 60_000))',
  ]),
  fault(
    'server-ends-sessions-of-the-revoked',
    'SES-026',
    'ends a session that is kept with the certificate of its client',
    [
      'node/session/session',
      'pump.handle(connection.detach(code, pump.now(), error));',
      'pump.handle(connection.close(code, pump.now(), error));',
    ],
  ),
  ...faultOfBoth('keeps-answers-for-ever', 'CNT-061', 'keeps any number of answers for a peer that acknowledges none', [
    'core/channel-receiver',
    'if (outbox.keptAnswers < maxChannels + LIMITS.max_kept_answers)',
    'if (true)',
  ]),
  fault(
    'server-listens-to-former-connections',
    'CNT-028',
    'processes frames of a connection that has lost its session',
    [
      'node/server/server-sessions',
      'link.pump.handle(link.connection.supersede(link.pump.now())); // [CNT-028] [CNT-029]',
      ';',
    ],
    [
      'core/connection-engine',
      "if (this.#state.name !== 'established' || session?.isCarriedBy(this.#control) === true)",
      'if (true)',
    ],
    ['core/connection-engine', 'this.#carried()?.channelFrame(decoder);', 'this.#session?.channelFrame(decoder);'],
  ),
  fault('server-leaves-former-connections', 'CNT-029', 'leaves the former connection open', [
    'node/server/server-sessions',
    'link.pump.handle(link.connection.supersede(link.pump.now())); // [CNT-028] [CNT-029]',
    ';',
  ]),
  fault('server-drops-final-cursors', 'CNT-035', 'keeps the final cursors for a millisecond', [
    'store/session-table',
    "return record.cursors !== undefined && now < endsAt + record.header.retentionMs ? 'ended' : 'gone';",
    "return record.cursors !== undefined && now < endsAt + 1 ? 'ended' : 'gone';",
  ]),
  fault('server-acknowledges-behind-messages', 'CNT-008', 'acknowledges only when no message waits', [
    'core/session',
    'this.#acknowledge();',
    'if (this.channels.undelivered().length === 0) this.#acknowledge();',
  ]),
];
