import type { Fault } from './fault.ts';
import { fault, faultOfBoth } from './fault.ts';

/** Faults of chapter 6 and annex A. */
export const channelFaults: readonly Fault[] = [
  fault('client-leaves-numbers-out', 'CHN-001', 'numbers its channels 2, 4, 6', [
    'core/channel-set',
    'this.#lastNumber += 1;',
    'this.#lastNumber += 2;',
  ]),
  fault('server-takes-any-channel-number', 'CHN-002', 'takes channel numbers with gaps', [
    'core/channel-set',
    'if (number !== this.#lastOpened + 1) {',
    'if (number <= this.#lastOpened) {',
  ]),
  ...faultOfBoth('ignores-frames-of-closed-channels', 'CHN-003', 'ignores a message on a channel that is not open', [
    'core/channel-set',
    'if (cell.error !== undefined) {',
    "if (cell.error !== undefined && type === FRAME_TYPE.MESSAGE) return { next: state, action: 'discard' }; if (cell.error !== undefined) {",
  ]),
  fault('client-reuses-the-nonce-of-open', 'CHN-004', 'sends the same nonce in each OPEN', [
    'core/channels',
    'const nonce = this.#options.random(FIELDS.OPEN.nonce.bytes);',
    'const nonce = new Uint8Array(FIELDS.OPEN.nonce.bytes).fill(7);',
  ]),
  fault('server-answers-open-twice', 'CHN-005', 'sends OPENED twice', [
    'core/channels',
    'this.#outbox.sequenced(FRAME_TYPE.OPENED, 0, number, payload);',
    'this.#outbox.sequenced(FRAME_TYPE.OPENED, 0, number, payload); this.#outbox.sequenced(FRAME_TYPE.OPENED, 0, number, payload);',
  ]),
  fault('server-hands-over-another-identity', 'CHN-006', 'tells the application end another identity', [
    'node/server/pending-request',
    'this.identity = forwarded?.client ?? peer;',
    "this.identity = channel.application === 'test/identity' ? 'spiffe://hawser.test/someone' : (forwarded?.client ?? peer);",
  ]),
  fault(
    'server-tells-unknown-applications',
    'CHN-007',
    'refuses an application that does not exist with a code of its own',
    [
      'node/server/channel-requests',
      "return isAllowed ? undefined : 'APPLICATION_REFUSED';",
      "return isAllowed ? undefined : isKnown ? 'APPLICATION_REFUSED' : 'APPLICATION_ERROR';",
    ],
  ),
  fault('server-has-room-for-everything', 'CHN-009', 'opens more channels than it granted', [
    'core/channel-set',
    'if (this.held >= maxChannels)',
    'if (false)',
  ]),
  fault('client-sends-before-opened', 'CHN-010', 'sends an empty message right behind OPEN', [
    'core/channels',
    'this.#outbox.sequenced(FRAME_TYPE[name], 0, number, heldOpen);',
    'this.#outbox.sequenced(FRAME_TYPE[name], 0, number, heldOpen); this.#outbox.sequenced(FRAME_TYPE.MESSAGE, 3, number, new Uint8Array(0));',
  ]),
  fault('server-forgets-to-begin', 'CHN-012', 'sends the first fragment of a long message without FIRST', [
    'core/message-scheduler',
    'const flags = (first ? FIRST : 0) | (last ? LAST : 0);',
    'const flags = (first && last ? FIRST : 0) | (last ? LAST : 0);',
  ]),
  ...faultOfBoth('takes-fragments-out-of-place', 'CHN-013', 'takes a fragment that continues nothing', [
    'core/channel-receiver',
    'if (first === assembly.incomplete) {',
    'if (false) {',
  ]),
  ...faultOfBoth('takes-empty-fragments', 'CHN-014', 'takes empty fragments', [
    'core/channel-receiver',
    'if (fragment.length === 0 && !(first && last)) {',
    'if (false) {',
  ]),
  ...faultOfBoth('alters-long-messages', 'CHN-015', 'loses the last octet of a message of several fragments', [
    'core/message-assembly',
    'const message = this.#buffer.subarray(0, this.#length);',
    'const message = this.#buffer.subarray(0, this.#length - 1);',
  ]),
  ...faultOfBoth('delivers-fragments', 'CHN-016', 'delivers each fragment as a message', [
    'core/channel-receiver',
    'if (!first || !last) {',
    'if (false) {',
  ]),
  fault('client-sends-messages-of-any-size', 'CHN-017', 'sends a message that is larger than the server takes', [
    'core/channels',
    'if (payload.length > peerMaxMessageBytes) {',
    'if (false) {',
  ]),
  // Not of the server: the reference grants no octet beyond its largest message, so CREDIT_EXCEEDED comes first.
  fault('client-takes-messages-of-any-size', 'CHN-018', 'takes a message that is larger than it declared', [
    'core/channel-receiver',
    'if (assembly.length + fragment.length > this.#options.maxMessageBytes) {',
    'if (false) {',
  ]),
  ...faultOfBoth(
    'sends-without-credit',
    'CHN-020',
    'sends messages without credit',
    ['core/credit', 'return this.#messages < this.#messageLimit;', 'return true;'],
    ['core/credit', 'return this.#byteLimit - this.#bytes;', 'return Infinity;'],
  ),
  ...faultOfBoth('takes-messages-without-credit', 'CHN-021', 'takes messages beyond the credit it granted', [
    'core/credit',
    'if (messages > this.#messageLimit || bytes > this.#byteLimit)',
    'if (false)',
  ]),
  fault('server-takes-credit-back', 'CHN-022', 'takes a CREDIT that lowers a limit', [
    'core/credit',
    'if (messageLimit < this.#messageLimit || byteLimit < this.#byteLimit)',
    'if (false)',
  ]),
  fault('server-takes-idle-credit', 'CHN-022', 'takes a CREDIT that raises nothing', [
    'core/credit',
    'if (!restated && messageLimit === this.#messageLimit && byteLimit === this.#byteLimit)',
    'if (false)',
  ]),
  ...faultOfBoth('lets-long-messages-starve', 'CHN-024', 'grants no octets while a message is incomplete', [
    'core/credit',
    'this.#neededBytes = behind + this.#maxMessageBytes;',
    '',
  ]),
  fault(
    'server-grants-for-nothing',
    'CHN-026',
    'grants further credit although nothing is consumed',
    [
      'core/channel-receiver',
      "this.#emit({ type: 'message-received', channel: channel.number, number, data, redelivered });",
      "this.#emit({ type: 'message-received', channel: channel.number, number, data, redelivered }); receive.consume(1, data.length); this.#options.grants.schedule(channel);",
    ],
    ['core/channels', 'if (!channel.receive.consume(messages, bytes)) {', 'if (false) {'],
  ),
  ...faultOfBoth('ends-with-half-a-message', 'CHN-027', 'takes END while a message is incomplete', [
    'core/channel-receiver',
    'if (channel.assembly.incomplete) {',
    'if (false) {',
  ]),
  fault('server-sends-after-end', 'CHN-028', 'sends a message after END', [
    'core/channels',
    'this.#outbox.sequenced(FRAME_TYPE.END, 0, number, encodeEnd());',
    'this.#outbox.sequenced(FRAME_TYPE.END, 0, number, encodeEnd()); this.#outbox.sequenced(FRAME_TYPE.MESSAGE, 3, number, new Uint8Array(0));',
  ]),
  ...faultOfBoth('never-answers-reset', 'CHN-029', 'forgets a channel at RESET without answering', [
    'core/channel-receiver',
    'this.#options.outbox.sequenced(FRAME_TYPE.RESET, 0, number, answer);',
    ';',
  ]),
  fault('server-sends-after-reset', 'CHN-030', 'sends END behind its RESET', [
    'core/channels',
    'this.#outbox.sequenced(FRAME_TYPE.RESET, 0, number, encodeReset({ code: ERROR_CODE[code] }));',
    'this.#outbox.sequenced(FRAME_TYPE.RESET, 0, number, encodeReset({ code: ERROR_CODE[code] })); this.#outbox.sequenced(FRAME_TYPE.END, 0, number, encodeEnd());',
  ]),
  fault(
    'server-loses-count-after-reset',
    'CHN-031',
    'does not count the messages that it discards after its RESET',
    [
      'core/channels',
      'this.#receiver.receive(frame);',
      "this.discarded = frame.type === FRAME_TYPE.MESSAGE && this.#set.get(frame.channel)?.state.name === 'reset-sent'; this.#receiver.receive(frame);",
    ],
    ['core/session', 'if (!isSequenced(frame.type))', 'if (!isSequenced(frame.type) || this.channels.discarded)'],
  ),
  fault('server-ends-the-session-with-a-channel', 'CHN-032', 'ends the session when a channel is reset', [
    'core/channel-receiver',
    "const answered = action === 'send RESET(CHANNEL_CLOSED)';",
    "const answered = action === 'send RESET(CHANNEL_CLOSED)'; if (answered) throw violation('INTERNAL_ERROR', 'CHN-032', FRAME_TYPE.RESET, '');",
  ]),
  fault('server-echoes-something-else', 'APP-001', 'answers test/echo with an altered message', [
    'node/server/test-applications',
    'return channel.send(message);',
    'return channel.send(message.length > 0 ? Uint8Array.from(message, (octet, index) => (index === 0 ? octet ^ 1 : octet)) : message);',
  ]),
  fault('server-miscounts', 'APP-001', 'counts one message too many in test/sink', [
    'node/server/test-applications',
    'let messages = 0;',
    'let messages = 1;',
  ]),
  fault('server-starts-its-pattern-late', 'APP-001', 'sends another pattern from test/source', [
    'node/server/test-applications',
    'const start = message % PATTERN_PERIOD;',
    'const start = (message + 1) % PATTERN_PERIOD;',
  ]),
  fault('server-takes-source-without-data', 'APP-003', 'sends from test/source without being told how much', [
    'node/server/test-applications',
    'if (data?.length !== 8) {',
    'if (data?.length !== 8) { request.accept(); channel.end(); return; } if (false) {',
  ]),
];
