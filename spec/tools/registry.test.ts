import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { expandMachine } from './machines.ts';
import { SpecificationError } from './problems.ts';
import { createValidator, parseRegistry } from './registry.ts';

const source = readFileSync(new URL('../registry.yaml', import.meta.url), 'utf8');
const validate = createValidator(
  JSON.parse(readFileSync(new URL('../registry.schema.json', import.meta.url), 'utf8')) as object,
);

/** The registry with one passage replaced, which must be there. */
function planted(passage: string | RegExp, replacement: string): string {
  const text = source.replace(passage, replacement);
  expect(text, `the registry no longer contains ${String(passage)}`).not.toBe(source);
  return text;
}

function problemsOf(text: string): readonly string[] {
  try {
    parseRegistry(text, validate);
    return [];
  } catch (error) {
    if (error instanceof SpecificationError) return error.problems;
    throw error;
  }
}

describe('the committed registry', () => {
  it('is valid', () => {
    expect(problemsOf(source)).toEqual([]);
  });

  it('has total machines', () => {
    for (const machine of parseRegistry(source, validate).machines) {
      const table = expandMachine(machine);
      expect(Object.keys(table)).toEqual(machine.states.map(({ name }) => name));
      for (const row of Object.values(table)) expect(Object.keys(row)).toEqual(machine.frames);
    }
  });

  it('lets the default of a state win over that of a frame, and that over the default of the machine', () => {
    const machine = parseRegistry(source, validate).machines.find(({ name }) => name === 'server-channel');
    const table = expandMachine(machine!);
    expect(table['idle']?.['MESSAGE']).toEqual({ error: 'CHANNEL_INVALID' });
    expect(table['open']?.['OPEN']).toEqual({ error: 'CHANNEL_INVALID' });
    expect(table['opening']?.['MESSAGE']).toEqual({ error: 'FRAME_UNEXPECTED' });
  });
});

describe('mistakes in form', () => {
  it.each([
    ['broken YAML', 'protocol:', 'protocol: [', 'registry.yaml: '],
    ['unresolved anchor', 'open: *open', 'open: *nowhere', 'Unresolved alias'],
    ['duplicate key', 'header:\n', 'header:\n  bytes: 16\n', 'Map keys must be unique'],
    [
      'unknown member',
      'alpn: hawser/1',
      'alpn: hawser/1\n  colour: red',
      '/protocol must NOT have additional properties ("colour")',
    ],
    ['missing member', '    initial: awaiting-challenge\n', '', "must have required property 'initial'"],
    ['number out of range', '{ code: 0x0101,', '{ code: 0x10101,', 'must be <= 65535'],
    ['size of an integer', 'name: mode, type: u8,', 'name: mode, type: u8, size: 1,', '/frames/1/fields/0/size'],
    [
      'bytes without size',
      'name: server_nonce, type: bytes, size: 32',
      'name: server_nonce, type: bytes',
      "required property 'size'",
    ],
    [
      'fields of a planned frame',
      'name: PROVE\n    type: 0x23\n    status: stable',
      'name: PROVE\n    type: 0x23\n    status: planned',
      'must NOT have more than 0 items',
    ],
    [
      'range of a planned parameter',
      'name: open_signature, status: stable,',
      'name: open_signature, status: planned,',
      '"min"',
    ],
  ])('%s', (_, passage, replacement, expected) => {
    expect(problemsOf(planted(passage, replacement)).join('\n')).toContain(expected);
  });
});

describe('mistakes in meaning', () => {
  it.each([
    ['number used twice', 'type: 0x02', 'type: 0x01', 'frames: the number 0x01 is used twice'],
    ['number of a planned frame', 'type: 0x23', 'type: 0x11', 'frames: the number 0x11 is used twice'],
    ['name used twice', 'name: PONG', 'name: PING', 'frames: the name PING is used twice'],
    ['parameter id used twice', 'id: 0x0031', 'id: 0x0001', 'parameters: the number 0x01 is used twice'],
    ['error code used twice', 'code: 0x0102', 'code: 0x0101', 'errors: the number 0x101 is used twice'],
    ['two schemes of one key type', 'key: ed25519', 'key: rsa', 'the key type rsa has two schemes'],
    [
      'one label for both roles',
      'server ACCEPT',
      'client CONNECT',
      "the signature label 'Hawser/1 client CONNECT' is used twice",
    ],
    [
      'gap in the header',
      'type: u53, offset: 8',
      'type: u53, offset: 9',
      'header: seq stands at offset 9, the fields before it end at 8',
    ],
    ['size of the header', 'bytes: 16\n', 'bytes: 17\n', 'header: the fields end at 16, bytes says 17'],
    ['field defined twice', 'name: attempt,', 'name: epoch,', 'frame CONNECT: the field epoch is defined twice'],
    ['flag bit used twice', 'bit: 0x02', 'bit: 0x01', 'frame MESSAGE: the bit 0x01 is used twice'],
    [
      'field after the rest',
      '{ name: fragment, type: rest }',
      '{ name: fragment, type: rest }\n      - { name: tail, type: u8 }',
      'frame MESSAGE: fragment takes the rest',
    ],
    [
      'bounds of a field',
      'name: audience, type: text16, min: 1',
      'name: audience, type: text16, min: 4096',
      'audience has min 4096 above max 2048',
    ],
    ['bound beyond the type', 'resume: 1', 'resume: 256', 'mode has the value 256, its type ends at 255'],
    ['two names of a value', 'resume: 1', 'resume: 0', 'mode gives the value 0 two names'],
    ['undefined value', 'zeroWhen: { mode: new }', 'zeroWhen: { mode: fresh }', 'session_id refers to mode: fresh'],
    [
      'undefined field',
      'zeroWhen: { mode: new }',
      'zeroWhen: { scheme: new }',
      'session_id refers to scheme, which is no earlier field',
    ],
    [
      'ignorable parameter',
      'id: 0x0002',
      'id: 0x8002',
      'parameter max_message_bytes: the id 0x8002 has the ignorable bit',
    ],
    ['ignorable frame', 'type: 0x2c', 'type: 0xac', 'frame RESET: the type 0xac has the ignorable bit'],
    [
      'min above max',
      'min: 200, max: 300000',
      'min: 300001, max: 300000',
      'parameter liveness_interval_ms: min 300001 is above max 300000',
    ],
    ['default out of range', 'default: 15000', 'default: 100', 'the default 100 is outside 200 to 300000'],
    ['range beyond the type', 'type: u32, unit: channels', 'type: u8, unit: channels', 'max 65535 does not fit u8'],
    [
      'parameter in a frame without parameters',
      'in: [ACCEPT], section: CHN',
      'in: [PING], section: CHN',
      'max_channels: PING is no stable frame with parameters',
    ],
    [
      'error in a frame without code',
      "in: [REFUSED], doc: 'the client holds",
      "in: [OPENED], doc: 'the client holds",
      'error CHANNEL_LIMIT: OPENED is no stable frame with a code',
    ],
    [
      'unknown codes of a frame forgotten',
      ', RESET: APPLICATION_ERROR',
      '',
      'unknownErrors: nothing is said about RESET',
    ],
    [
      'undefined replacement',
      'CLOSE: INTERNAL_ERROR',
      'CLOSE: NO_SUCH_ERROR',
      'CLOSE refers to the undefined error NO_SUCH_ERROR',
    ],
    [
      'replacement that the frame does not carry',
      'CLOSE: INTERNAL_ERROR',
      'CLOSE: BUSY',
      'BUSY does not occur in CLOSE',
    ],
    [
      'bit mask instead of a bit',
      'frameIgnorableBit: 0x80',
      'frameIgnorableBit: 0xc0',
      'frameIgnorableBit is not one bit',
    ],
    [
      'GREASE beyond the type',
      'greaseFrameTypes: { count: 4 }',
      'greaseFrameTypes: { count: 5 }',
      'greaseFrameTypes reaches 0x117',
    ],
    ['GREASE that is taken', 'type: 0x2c', 'type: 0x9b', 'greaseFrameTypes contains 0x9b, which is RESET'],
    [
      'GREASE parameter that is taken',
      'id: 0x0031',
      'id: 0x801b',
      'greaseParameters contains 0x801b, which is open_signature',
    ],
    [
      'undefined initial state',
      'initial: idle',
      'initial: asleep',
      'client-channel: initial refers to the undefined state asleep',
    ],
    [
      'undefined default error',
      'otherwise: FRAME_UNEXPECTED',
      'otherwise: NOPE',
      'otherwise refers to the undefined error NOPE',
    ],
    [
      'undefined default error of a state',
      'otherwise: CHANNEL_INVALID }',
      'otherwise: NOPE }',
      'state idle refers to the undefined error NOPE',
    ],
    [
      'undefined column with a default',
      'otherwiseFrame: { OPEN:',
      'otherwiseFrame: { KNOCK:',
      'otherwiseFrame refers to the undefined column KNOCK',
    ],
    [
      'undefined next state',
      'PONG: { next: established',
      'PONG: { next: engaged',
      'receive.established.PONG refers to the undefined state engaged',
    ],
    [
      'undefined column',
      "        OPENED: { next: open, do: 'report it' }",
      "        KNOCK: { next: open, do: 'report it' }",
      'receive.opening refers to the undefined column KNOCK',
    ],
    ['row missing', '      idle: {}\n', '', 'client-channel: receive has no row for the state idle'],
    [
      'row too many',
      '      idle: {}\n',
      '      idle: {}\n      busy: {}\n',
      'client-channel: receive refers to the undefined state busy',
    ],
    [
      'column missing',
      'frames: [OPENED, REFUSED, PROVE,',
      'frames: [OPENED, PROVE,',
      'client-channel: the column REFUSED is missing',
    ],
    [
      'planned column',
      /(name: PROVE\n {4}type: 0x23\n {4}status: )stable([\s\S]*?fields:)[\s\S]*?( {2}- name: PROOF)/,
      '$1planned$2 []\n$3',
      'client-channel: the column PROVE is no stable frame',
    ],
    [
      'state defined twice',
      "{ name: closing, doc: 'CLOSE sent;",
      "{ name: established, doc: 'CLOSE sent;",
      'client-connection: the state established is defined twice',
    ],
    [
      'action with an undefined frame',
      "do: 'send PONG'",
      "do: 'send PANG'",
      'receive.established.PING sends PANG, which is no stable frame',
    ],
    [
      'action with an undefined error',
      'send RESET(CHANNEL_CLOSED)',
      'send RESET(GONE)',
      'sends the undefined error GONE',
    ],
    [
      'action with an error of another frame',
      'send RESET(CHANNEL_CLOSED)',
      'send RESET(BUSY)',
      'sends BUSY in RESET, where it does not occur',
    ],
    [
      'local event in an undefined state',
      'from: [opening, proved], next: open }',
      'from: [waiting], next: open }',
      "local 'send OPENED' refers to the undefined state waiting",
    ],
    [
      'local event defined twice',
      "'send END', from: [half-closed-remote]",
      "'send END', from: [open]",
      "local 'send END' in open is defined twice",
    ],
    [
      'unreachable state',
      "{ event: 'send PROOF', from: [proving], next: proved }",
      "{ event: 'send PROOF', from: [proving], next: proving }",
      'client-channel: the state proved can not be reached',
    ],
  ])('%s', (_, passage, replacement, expected) => {
    expect(problemsOf(planted(passage, replacement)).join('\n')).toContain(expected);
  });
});
