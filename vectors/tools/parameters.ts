/** parameters.json: parameter lists without their length, in a given frame. */
import { buildParameter, concat, integer, toHex } from '../../conformance/model/codec.ts';
import type { ParameterInput } from '../../conformance/model/codec.ts';
import { frameRows, parameterRows, registry } from '../../conformance/model/registry.ts';
import type { ParameterRow } from '../../conformance/model/registry.ts';
import { octetsFor } from './octet-source.ts';
import { fails, VALID } from './vector.ts';
import type { DraftFile } from './vector.ts';

type Draft = DraftFile['drafts'][number];

const FRAMES = frameRows
  .filter(({ fields }) => fields.some(({ type }) => type === 'parameters'))
  .map(({ name }) => name);
const INTEGERS = parameterRows.filter(({ type }) => type !== 'opaque');
const PLANNED = registry.parameters.filter(({ status }) => status === 'planned');

const idText = (id: number): string => `0x${id.toString(16).padStart(4, '0')}`;
const none = new Uint8Array(0);

const list = (...parameters: readonly ParameterInput[]): Uint8Array => concat(...parameters.map(buildParameter));

/** `parameters` in the order of the list; octets as hexadecimal text, as in JSON. */
function good(
  comment: string,
  frame: string,
  flag: string,
  requirement: string,
  parameters: readonly ParameterInput[],
): Draft {
  const expected = parameters.map(({ id, value }) => {
    const row = parameterRows.find((known) => known.id === id || known.name === id);
    const shown = typeof value === 'number' ? value : toHex(value);
    return row === undefined ? { id, ignored: true, value: shown } : { id: row.id, name: row.name, value: shown };
  });
  return {
    comment: `${frame}: ${comment}`,
    requirements: [requirement],
    flags: [flag],
    frame,
    list: toHex(list(...parameters)),
    ...VALID,
    expected,
  };
}

function bad(
  comment: string,
  frame: string,
  flag: string,
  requirement: string,
  error: string,
  octets: Uint8Array,
): Draft {
  return {
    comment: `${frame}: ${comment}`,
    requirements: [requirement, ...(flag === 'CheckOrder' ? ['WIR-027'] : [])],
    flags: [flag],
    frame,
    list: toHex(octets),
    ...fails('parameters', error),
  };
}

/** Octets of the integer types; an opaque value has any length. */
const SIZES: Readonly<Record<string, number>> = { u8: 1, u32: 4, u53: 8 };

const sizeOf = (row: ParameterRow): number => SIZES[row.type ?? ''] ?? 0;

function ranges(row: ParameterRow): Draft[] {
  const { name, min = 0, max = 0 } = row;
  const opaque = row.type === 'opaque';
  const value = (amount: bigint): Uint8Array =>
    opaque ? octetsFor(name, Number(amount)) : integer(amount, sizeOf(row));
  return row.in.flatMap((frame) => {
    const inside = [...new Set([min, row.default ?? min + 1, max - 1, max])];
    const largest = opaque ? [] : [2n ** BigInt(8 * sizeOf(row)) - 1n];
    const outside = [BigInt(min) - 1n, BigInt(max) + 1n, ...largest].filter((amount) => amount >= 0n);
    const unit = opaque ? ' octets' : '';
    return [
      ...inside.map((amount) =>
        good(`${name} = ${amount}${unit}`, frame, 'Boundary', 'WIR-026', [
          { id: name, value: opaque ? value(BigInt(amount)) : amount },
        ]),
      ),
      ...outside.map((amount) =>
        bad(
          `${name} = ${String(amount)}${unit}`,
          frame,
          row.type === 'u53' ? 'Precision' : 'Range',
          'WIR-026',
          'PARAMETER_INVALID',
          list({ id: name, value: value(amount) }),
        ),
      ),
    ];
  });
}

/** The same number, in other sizes than the type has. */
function sizes(row: ParameterRow): Draft[] {
  const right = sizeOf(row);
  // A number of four octets has 1024 in it, which is in range of all of them.
  const others = right === 4 ? [0, 1, 2, 3, 5, 8] : [0, 1, 2, 4, 7, 8, 9].filter((size) => size !== right);
  return row.in.flatMap((frame, at) =>
    others
      .filter((size) => at === 0 || size === 4 || size === 8)
      .map((size) => {
        const octets = new Uint8Array(size);
        octets.set(size > 0 ? [1] : [], Math.max(0, size - 1));
        if (right === 4 && size >= 2) octets.set([0x04, 0x00], size - 2);
        return bad(
          `${row.name} in ${size} octets`,
          frame,
          'Size',
          'WIR-025',
          'PARAMETER_INVALID',
          list({ id: row.id, value: octets }),
        );
      }),
  );
}

function placement(row: ParameterRow): Draft[] {
  const value = row.type === 'opaque' ? octetsFor(row.name, 4) : (row.default ?? 0);
  return FRAMES.filter((frame) => !row.in.includes(frame)).map((frame) =>
    bad(
      `${row.name}, which does not belong there`,
      frame,
      'Placement',
      'WIR-024',
      'PARAMETER_INVALID',
      list({ id: row.id, value }),
    ),
  );
}

function unknown(): Draft[] {
  const ignored = [
    { id: 0x801b, value: none, comment: 'GREASE without a value' },
    { id: 0x803a, value: octetsFor('grease', 16), comment: 'GREASE of 16 octets' },
    { id: 0xfffe, value: octetsFor('grease', 1), comment: 'unknown ignorable 0xfffe' },
    { id: 0xffff, value: octetsFor('grease', 3), comment: 'last id' },
    { id: 0x8000, value: octetsFor('grease', 3), comment: 'first ignorable id' },
    {
      id: 0x8001,
      value: octetsFor('grease', 2),
      comment: 'liveness_interval_ms with the ignorable bit, which is another parameter',
    },
    { id: 0x8010, value: octetsFor('grease', 5000), comment: 'ignorable parameter longer than any known one' },
  ];
  const critical = [0x0000, 0x0006, 0x000f, 0x0011, 0x001b, 0x001f, 0x0029, 0x002f, 0x7fff].map((id) => ({
    id,
    comment: `unknown critical ${idText(id)}`,
  }));
  const planned = PLANNED.map(({ id, name }) => ({ id, comment: `planned ${name}` }));
  return [
    ...ignored.map(({ comment, ...parameter }) => good(comment, 'CHALLENGE', 'Extension', 'WIR-023', [parameter])),
    ...FRAMES.slice(1).map((frame) =>
      good('GREASE', frame, 'Extension', 'WIR-023', [{ id: 0x8059, value: octetsFor('grease', 7) }]),
    ),
    ...[...critical, ...planned].map(({ id, comment }) =>
      bad(
        comment,
        'CHALLENGE',
        'UnknownCritical',
        'WIR-022',
        'PARAMETER_UNKNOWN',
        list({ id, value: octetsFor('critical', 4) }),
      ),
    ),
    ...FRAMES.slice(1).map((frame) =>
      bad(
        'unknown critical 0x7ffe',
        frame,
        'UnknownCritical',
        'WIR-022',
        'PARAMETER_UNKNOWN',
        list({ id: 0x7ffe, value: none }),
      ),
    ),
    bad(
      'unknown critical between known and ignorable',
      'CONNECT',
      'UnknownCritical',
      'WIR-022',
      'PARAMETER_UNKNOWN',
      list({ id: 'initial_message_credit', value: 1 }, { id: 0x0006, value: none }, { id: 0x801b, value: none }),
    ),
  ];
}

function order(): Draft[] {
  const interval = { id: 'liveness_interval_ms', value: 1000 };
  const size = { id: 'max_message_bytes', value: 4096 };
  const credit = { id: 'initial_message_credit', value: 4 };
  const bytes = { id: 'initial_byte_credit', value: 4096 };
  const grease = { id: 0x801b, value: none };
  const continuity = [
    { id: 'custody', value: 1 },
    { id: 'session_retention_ms', value: 3_600_000 },
    { id: 'connection_deadline_ms', value: 86_400_000 },
  ];
  const rejection = [
    { id: 'final_receive_cursor', value: 17 },
    { id: 'final_send_cursor', value: 2 ** 40 },
    { id: 'gap_first', value: 5 },
    { id: 'gap_last', value: 8 },
  ];
  const malformed = (comment: string, frame: string, ...parameters: readonly ParameterInput[]): Draft =>
    bad(comment, frame, 'Order', 'WIR-020', 'PARAMETER_MALFORMED', list(...parameters));
  return [
    good('no parameters', 'CHALLENGE', 'Boundary', 'WIR-019', []),
    good('no parameters', 'OPEN', 'Boundary', 'WIR-019', []),
    good('all that are defined for it', 'CHALLENGE', 'Ordinary', 'WIR-019', [interval, size]),
    good('all that are defined for it', 'CONNECT', 'Ordinary', 'WIR-019', [
      interval,
      size,
      credit,
      bytes,
      ...continuity,
    ]),
    good('all that are defined for it', 'ACCEPT', 'Ordinary', 'WIR-019', [
      { id: 'max_channels', value: 8 },
      credit,
      bytes,
      ...continuity,
    ]),
    good('all that are defined for it', 'OPEN', 'Ordinary', 'WIR-019', [
      { id: 'application_data', value: octetsFor('data', 5) },
      { id: 'priority', value: 2 },
      { id: 'outcomes', value: 1 },
    ]),
    good('all that are defined for it', 'REJECT', 'Ordinary', 'WIR-019', rejection),
    good('all that are defined for it, and an ignorable one', 'REJECT', 'Extension', 'WIR-023', [...rejection, grease]),
    good('no parameters', 'REJECT', 'Boundary', 'WIR-019', []),
    good('final cursors without a gap', 'REJECT', 'Ordinary', 'WIR-019', rejection.slice(0, 2)),
    good('gap without final cursors, which decodes', 'REJECT', 'Ordinary', 'WIR-019', rejection.slice(2)),
    good('gap whose first number is behind its last, which decodes', 'REJECT', 'Boundary', 'WIR-019', [
      { id: 'gap_first', value: 9 },
      { id: 'gap_last', value: 8 },
    ]),
    good('several ignorable parameters in order', 'OPENED', 'Extension', 'WIR-023', [
      grease,
      { id: 0x801c, value: none },
      { id: 0xffff, value: none },
    ]),
    malformed('two in descending order', 'CHALLENGE', size, interval),
    malformed('last two in descending order', 'CONNECT', interval, bytes, credit),
    malformed('known one behind an ignorable one', 'CHALLENGE', grease, interval),
    malformed('the same one twice with the same value', 'CHALLENGE', interval, interval),
    malformed('the same one twice with different values', 'CHALLENGE', interval, { ...interval, value: 2000 }),
    malformed('the same ignorable one twice', 'OPEN', grease, grease),
    malformed('the same one twice with another between', 'CHALLENGE', interval, size, interval),
    malformed('ignorable ones in descending order', 'OPENED', { id: 0x803a, value: none }, grease),
    malformed('session_retention_ms before custody', 'CONNECT', ...continuity.slice(0, 2).reverse()),
    malformed('session_retention_ms twice', 'ACCEPT', ...continuity.slice(1, 2), ...continuity.slice(1, 2)),
    malformed('outcomes before priority', 'OPEN', { id: 'outcomes', value: 1 }, { id: 'priority', value: 0 }),
    malformed('outcomes twice', 'OPEN', { id: 'outcomes', value: 0 }, { id: 'outcomes', value: 1 }),
    malformed('gap_last before gap_first', 'REJECT', ...rejection.slice(2).reverse()),
    malformed('gap before the final cursors', 'REJECT', ...rejection.slice(2), ...rejection.slice(0, 2)),
    malformed(
      'application data twice',
      'OPEN',
      { id: 'application_data', value: none },
      { id: 'application_data', value: none },
    ),
  ];
}

function shape(): Draft[] {
  const whole = list({ id: 'liveness_interval_ms', value: 1000 });
  const malformed = (comment: string, octets: Uint8Array): Draft =>
    bad(comment, 'CHALLENGE', 'Truncated', 'WIR-021', 'PARAMETER_MALFORMED', octets);
  return [
    ...[1, 2, 3].map((length) => malformed(`header of ${length} octets`, whole.subarray(0, length))),
    ...[4, 5, 7].map((length) => malformed(`value cut after ${length - 4} octets`, whole.subarray(0, length))),
    ...[1, 2, 3].map((length) =>
      malformed(`${length} octets behind the last parameter`, concat(whole, new Uint8Array(length))),
    ),
    ...[1, 7].map((length) =>
      bad(
        `gap_last cut after ${length} octets`,
        'REJECT',
        'Truncated',
        'WIR-021',
        'PARAMETER_MALFORMED',
        list({ id: 'gap_last', value: 8 }).subarray(0, 4 + length),
      ),
    ),
    malformed('value one octet longer than the list', Uint8Array.of(0x80, 0x1b, 0, 3, 1, 2)),
    malformed('value of 65,535 octets announced', Uint8Array.of(0x80, 0x1b, 0xff, 0xff, 1, 2)),
    malformed('second value reaches past the list', concat(whole, Uint8Array.of(0x80, 0x1b, 0, 1))),
  ];
}

function checkOrder(): Draft[] {
  const critical = { id: 0x0000, value: none };
  const grease = { id: 0x801b, value: none };
  const rows: readonly (readonly [string, string, string, Uint8Array])[] = [
    [
      'list is walked before a critical parameter is judged',
      'WIR-020',
      'PARAMETER_MALFORMED',
      list(critical, grease, grease),
    ],
    [
      'list is walked before a range is judged',
      'WIR-021',
      'PARAMETER_MALFORMED',
      concat(list({ id: 'liveness_interval_ms', value: 0 }), Uint8Array.of(0)),
    ],
    [
      'first parameter before second',
      'WIR-026',
      'PARAMETER_INVALID',
      list({ id: 'liveness_interval_ms', value: 0 }, { id: 0x0006, value: none }),
    ],
    [
      'unknown before a later one out of range',
      'WIR-022',
      'PARAMETER_UNKNOWN',
      list(critical, { id: 'liveness_interval_ms', value: 0 }),
    ],
  ];
  return rows.map(([comment, requirement, error, octets]) =>
    bad(`two defects: ${comment}`, 'CHALLENGE', 'CheckOrder', requirement, error, octets),
  );
}

export function parameterVectors(): DraftFile {
  return {
    name: 'parameters',
    prefix: 'parameter',
    description:
      'Parameter lists, without the u16 that holds their length, as they stand in the frame that `frame` names (section 3.7).',
    drafts: [
      ...order(),
      ...parameterRows.flatMap(ranges),
      ...INTEGERS.flatMap(sizes),
      ...parameterRows.flatMap(placement),
      ...unknown(),
      ...shape(),
      ...checkOrder(),
    ],
  };
}
