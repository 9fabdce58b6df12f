import type { Fault } from './fault.ts';
import { fault, faultOfBoth } from './fault.ts';

/** Faults of chapters 3 and 8. */
export const wireFormatFaults: readonly Fault[] = [
  ...faultOfBoth(
    'takes-oversized-frames',
    'WIR-001',
    'takes a frame of any length that the header can announce',
    ['core/frame-check', 'if (header.length > MAX_PAYLOAD_BYTES) {', 'if (false) {'],
    ['core/decoder', 'if (available < size) {', 'if (false) {} if (available < size) {'],
    ['core/registry.gen', 'MAX_PAYLOAD_BYTES = 16368', 'MAX_PAYLOAD_BYTES = 65535'],
  ),
  fault('server-acts-on-headers', 'WIR-003', 'opens a channel before the last octet of OPEN has come', [
    'core/decoder',
    'if (available < size) {',
    'if (available < size - (this.type === 0x20 ? 1 : 0)) {',
  ]),
  ...faultOfBoth('ignores-unknown-critical-frames', 'WIR-005', 'ignores frames of every unknown type', [
    'core/frame-check',
    'if ((header.type & IGNORABLE_BIT.frameType) === 0) {',
    'if (false) {',
  ]),
  ...faultOfBoth('refuses-ignorable-frames', 'WIR-006', 'ends the session when a type is unknown but ignorable', [
    'core/frame-check',
    'if ((header.type & IGNORABLE_BIT.frameType) === 0) {',
    'if (true) {',
  ]),
  ...faultOfBoth('ignores-undefined-flags', 'WIR-007', 'does not look at flags that the type does not define', [
    'core/frame-check',
    'if ((header.flags & ~rule.flags) !== 0) {',
    'if (false) {',
  ]),
  fault('server-sends-undefined-flags', 'WIR-008', 'sets a flag that PONG does not define', [
    'core/control',
    'this.output.frame(type, 0, 0, 0, payload);',
    'this.output.frame(type, type === FRAME_TYPE.PONG ? 0x80 : 0, 0, 0, payload);',
  ]),
  ...faultOfBoth('ignores-the-channel-of-session-frames', 'WIR-009', 'takes a PING on a channel', [
    'core/frame-check',
    'if ((header.channel !== 0) !== rule.ofChannel) {',
    'if (rule.ofChannel && header.channel === 0) {',
  ]),
  fault('server-numbers-from-two', 'WIR-010', 'leaves out sequence number 1', [
    'core/outbox',
    '#seq = 0;',
    '#seq = 1;',
  ]),
  fault('server-numbers-every-frame', 'WIR-011', 'sends a sequence number with PONG', [
    'core/control',
    'this.output.frame(type, 0, 0, 0, payload);',
    'this.output.frame(type, 0, 0, type === FRAME_TYPE.PONG ? 1 : 0, payload);',
  ]),
  ...faultOfBoth('takes-any-sequence-number', 'WIR-012', 'does not compare the sequence number with the one due', [
    'core/frame-check',
    'if (seq !== (rule.sequenced ? due : 0)) {',
    'if (!rule.sequenced && seq !== 0) {',
  ]),
  ...faultOfBoth('takes-numbers-where-none-belong', 'WIR-013', 'takes a PING with a sequence number', [
    'core/frame-check',
    'if (seq !== (rule.sequenced ? due : 0)) {',
    'if (rule.sequenced && seq !== due) {',
  ]),
  fault('server-fills-short-payloads', 'WIR-014', 'takes what is missing of a CREDIT for zeros', [
    'core/payload-reader',
    'this.#payload = payload;',
    'if (frame === "CREDIT" && payload.length < 16) { const whole = new Uint8Array(16); whole.set(payload); payload = whole; } this.#payload = payload;',
  ]),
  ...faultOfBoth('ignores-trailing-octets', 'WIR-015', 'takes octets after the last field', [
    'core/payload-reader',
    'if (this.#offset !== this.#payload.length)',
    'if (false)',
  ]),
  fault('server-takes-large-integers', 'WIR-016', 'takes a u53 above 2^53 - 1', [
    'core/payload-reader',
    'if (value > Number.MAX_SAFE_INTEGER)',
    'if (false)',
  ]),
  fault('server-takes-values-out-of-bounds', 'WIR-017', 'does not check bounds of fields', [
    'core/payload-reader',
    'if (value < min || value > max)',
    'if (false)',
  ]),
  fault('server-takes-any-text', 'WIR-018', 'takes text that is not well-formed', [
    'core/payload-reader',
    'const text = decodeText(octets);',
    'const text = decodeText(octets) ?? "test/echo";',
  ]),
  fault('server-sends-unsorted-parameters', 'WIR-019', 'sends GREASE in front of its own parameters', [
    'core/parameters',
    '.sort((a, b) => a.id - b.id)',
    '.sort((a, b) => b.id - a.id)',
  ]),
  ...faultOfBoth('takes-parameters-in-any-order', 'WIR-020', 'takes repeated and unsorted parameters', [
    'core/parameters',
    'if (id <= previous) {',
    'if (false) {',
  ]),
  fault('server-cuts-overlong-parameters', 'WIR-021', 'takes a parameter that reaches past its list', [
    'core/parameters',
    'if (end > list.length) {',
    'if (end > list.length) { break; } if (false) {',
  ]),
  ...faultOfBoth('ignores-critical-parameters', 'WIR-022', 'ignores every unknown parameter', [
    'core/parameters',
    'else if ((id & IGNORABLE_BIT.parameter) === 0) {',
    'else if (false) {',
  ]),
  ...faultOfBoth('refuses-ignorable-parameters', 'WIR-023', 'refuses every unknown parameter', [
    'core/parameters',
    'else if ((id & IGNORABLE_BIT.parameter) === 0) {',
    'else if (true) {',
  ]),
  fault('server-takes-parameters-anywhere', 'WIR-024', 'takes a known parameter in the wrong frame', [
    'core/parameters',
    'if (!frames.includes(frame)) {',
    'if (false) {',
  ]),
  fault('server-takes-non-minimal-integers', 'WIR-025', 'takes an integer parameter of eight octets', [
    'core/parameters',
    "if (type !== 'opaque' && octets.length !== INTEGER_BYTES[type]) {",
    "if (type !== 'opaque' && octets.length > 4) octets = octets.subarray(octets.length - 4); if (type !== 'opaque' && octets.length !== INTEGER_BYTES[type]) {",
  ]),
  ...faultOfBoth('takes-parameters-out-of-range', 'WIR-026', 'does not check the range of parameters', [
    'core/parameters',
    'return Number.isInteger(value) && value >= min && value <= max;',
    'return true;',
  ]),
  fault('server-checks-sequence-before-flags', 'WIR-027', 'reports a wrong sequence number before an undefined flag', [
    'core/frame-check',
    'if ((header.flags & ~rule.flags) !== 0) {',
    "if (seq !== (rule.sequenced ? due : 0)) throw violation('SEQUENCE_INVALID', 'WIR-012', type, ''); if ((header.flags & ~rule.flags) !== 0) {",
  ]),
  fault('server-sends-critical-extensions', 'EXT-001', 'sends a frame of an undefined type that may not be ignored', [
    'core/grease',
    'return { type: number, payload: value };',
    'return { type: number & 0x7f, payload: value };',
  ]),
];
