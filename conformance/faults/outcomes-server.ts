import type { Fault } from './fault.ts';
import { fault } from './fault.ts';

/** Faults of a server in sections 6.5 and 12.6 to 12.8, and in annex A. */
export const outcomesServerFaults: readonly Fault[] = [
  fault('server-accepts-everything', 'CNT-039', 'sends every verdict as accepted', [
    'core/verdict-sender',
    'encodeOutcome({ lastMessage: last, verdict })',
    'encodeOutcome({ lastMessage: last, verdict: 0 })',
  ]),
  fault('server-loses-verdicts', 'CNT-039', 'sends only the last of the verdicts that are due', [
    'core/verdict-sender',
    'const verdicts = channel.verdictsDue;',
    'const verdicts = channel.verdictsDue.slice(-1);',
  ]),
  fault('server-repeats-verdicts', 'CNT-039', 'sends every verdict twice', [
    'core/verdict-sender',
    'channel.verdictsSent = last;',
    'channel.verdictsSent = last; this.#outbox.sequenced(FRAME_TYPE.OUTCOME, 0, channel.number, payload);',
  ]),
  fault('server-rejects-silently', 'CNT-039', 'sends no verdict on rejected messages', [
    'node/session/channel',
    'this.#consume(bytes, number, error.verdict);',
    ';',
  ]),
  fault('server-judges-ahead', 'CNT-040', 'stretches a verdict over everything that was received', [
    'core/verdict-sender',
    'encodeOutcome({ lastMessage: last, verdict })',
    'encodeOutcome({ lastMessage: channel.receive.messages, verdict })',
  ]),
  fault('server-judges-what-is-held', 'CNT-040', 'accepts a message when nobody is there to take it', [
    'node/server/test-applications',
    'const hold = (_channel, request) => request.accept();',
    'const hold = (channel, request) => { request.accept(); consumeAll(channel); };',
  ]),
  fault(
    'server-judges-without-being-asked',
    'CNT-040',
    'sends verdicts on channels without outcomes',
    ['core/channels', 'if (channel?.kind.outcomes === true)', 'if (channel !== undefined)'],
    ['node/session/channel', 'this.#settles = start.outcomes || host.core.resumable;', 'this.#settles = true;'],
    [
      'core/channel-receiver',
      'const follows = this.#options.journal !== undefined || channel.kind.outcomes;',
      'const follows = true;',
    ],
  ),
  fault('server-takes-verdicts-unasked', 'CNT-041', 'takes a verdict on a channel without outcomes', [
    'core/channel-receiver',
    'if (!kind.outcomes || lastMessage <= verdictsReceived',
    'if (lastMessage <= verdictsReceived',
  ]),
  fault('server-takes-verdicts-twice', 'CNT-041', 'takes a second verdict on a message', [
    'core/channel-receiver',
    'lastMessage <= verdictsReceived || ',
    '',
  ]),
  fault('server-takes-verdicts-on-nothing', 'CNT-041', 'takes a verdict on a message that it has only begun', [
    'core/channel-receiver',
    'lastMessage > sentMessages)',
    'lastMessage > channel.send.messages)',
  ]),
  fault('server-closes-unsettled', 'CHN-009', 'forgets a channel that waits for verdicts', [
    'core/channels',
    "if (channel.state.name !== 'settling' || !channel.allSettled)",
    "if (channel.state.name !== 'settling')",
  ]),
  fault('server-settles-for-ever', 'CHN-009', 'keeps a channel on which every message is settled', [
    'core/channels',
    "if (channel.state.name !== 'settling' || !channel.allSettled)",
    "if (channel.state.name !== 'settling' || channel.kind.outcomes)",
  ]),
  fault('server-drains-at-once', 'CNT-045', 'ends a connection as soon as it has sent DRAIN', [
    'core/connection-engine',
    'this.#drain = { at, code };',
    'this.#drain = { at: now, code };',
  ]),
  fault(
    'server-refuses-after-drain',
    'CNT-045',
    'refuses what a client opens before it has seen DRAIN',
    [
      'core/channel-receiver',
      'const { request, forwarded, octets } = readRequest(type, payload);',
      "const { request, forwarded, octets } = readRequest(type, payload); if (this.drained) throw violation('FRAME_UNEXPECTED', 'CNT-046', FRAME_TYPE.OPEN, 'came after DRAIN');",
    ],
    [
      'core/connection-engine',
      'this.#drain = { at, code };',
      'this.#drain = { at, code }; this.#session.channels.receiver.drained = true;',
    ],
  ),
  fault('server-drains-for-ever', 'CNT-048', 'does not end a connection at the deadline of DRAIN', [
    'core/connection-engine',
    'else if (this.#drain !== undefined && this.#now >= this.#drain.at) {',
    'else if (this.#drain !== undefined && this.#now < 0) {',
  ]),
  fault('server-drains-the-session', 'CNT-048', 'ends the session at the deadline of DRAIN', [
    'core/connection-engine',
    'this.#emitAll(this.detach(this.#drain.code, this.#now));',
    'this.#emitAll(this.close(this.#drain.code, this.#now));',
  ]),
  fault('server-extends-drain', 'CNT-049', 'sends a DRAIN that gives more time than an earlier one', [
    'core/connection-engine',
    'if (this.#drain !== undefined && this.#drain.at <= at)',
    'if (false)',
  ]),
  fault('server-never-expires', 'CNT-053', 'does not end a connection at its deadline', [
    'core/connection-engine',
    'else if (this.#now >= this.#expiresAt && this.#session?.resumable === true) {',
    'else if (false) {',
  ]),
  fault('server-expires-early', 'CNT-053', 'ends a connection when half of its time is over', [
    'core/connection-engine',
    'this.#expiresAt = now + deadlineMs;',
    'this.#expiresAt = now + deadlineMs / 2;',
  ]),
  fault('server-expires-the-session', 'CNT-053', 'ends the session with its connection at the deadline', [
    'core/connection-engine',
    "this.#sendClose('CONNECTION_EXPIRED', false);",
    "this.#sendClose('CONNECTION_EXPIRED', true);",
  ]),
  fault('server-expires-once', 'CNT-053', 'keeps no deadline of a connection to which a session was attached', [
    'core/connection-engine',
    'this.#expiresAt = this.#now + granted;',
    ';',
  ]),
  fault('server-retains-for-less', 'APP-008', 'grants half of the retention that is asked for', [
    'node/server/server-sessions',
    'const retentionMs = Math.min(askedMs, maxRetentionMs);',
    'const retentionMs = Math.min(Math.floor(askedMs / 2), maxRetentionMs);',
  ]),
  fault('server-retains-few', 'APP-008', 'keeps forty sessions of one identity', [
    'node/server/server-sessions',
    '< maxDetachedPerClient ?',
    '< 40 ?',
  ]),
  fault('server-grants-its-own-deadline', 'APP-009', 'grants no deadline that a client asks for after a resumption', [
    'core/connection-engine',
    'const granted = earlier(this.#connect?.peer.deadlineMs ?? 0, deadlineMs);',
    'const granted = deadlineMs;',
  ]),
  fault('server-has-one-class', 'CHN-035', 'treats all channels alike', [
    'core/message-scheduler',
    'this.#ready[channel.kind.priority].push(channel);',
    'this.#ready[1].push(channel);',
  ]),
  fault('server-sends-in-order-of-credit', 'CHN-035', 'sends everything of a channel before the next one', [
    'core/message-scheduler',
    'this.#ready[channel.kind.priority].push(channel);',
    'this.#ready[1].unshift(channel);',
  ]),
  fault('server-starves-bulk', 'CHN-036', 'lets a class out only when no higher one has anything', [
    'core/message-scheduler',
    'if (this.#ready[lower].length > 0 && this.#passedOver[lower] >= LIMITS.priority_share_frames)',
    'if (false)',
  ]),
  fault('server-counts-octets-for-turns', 'CHN-036', 'counts turns of octets instead of fragments', [
    'core/message-scheduler',
    'if (this.#count(turn) || this.#outranked(turn))',
    'if (this.#count(turn) && false)',
  ]),
  fault('server-answers-every-drain', 'APP-001', 'answers every message of test/drain', [
    'node/server/test-applications',
    'drained = true;',
    'drained = false;',
  ]),
  fault('server-detaches-for-good', 'APP-001', 'ends the session in test/detach', [
    'node/server/test-applications',
    'request.session.detach()',
    "request.session.close('NO_ERROR')",
  ]),
  fault('server-reads-verdicts-backwards', 'APP-001', 'takes the octets of a verdict in the wrong order', [
    'node/server/test-applications',
    'message.byteOffset, 2).getUint16(0);',
    'message.byteOffset, 2).getUint16(0, true);',
  ]),
];
