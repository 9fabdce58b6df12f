/** Defects of the header, and frames that the state does not admit. */
import { buildRawFrame } from '../../conformance/model/codec.ts';
import { frameNamed, frameRows, machineOf, registry } from '../../conformance/model/registry.ts';
import type { Role } from '../../conformance/model/registry.ts';
import { bad, draft, DUE, frame, MAX_U53 } from './frame-case.ts';
import type { Context, Draft } from './frame-case.ts';
import { decodingFails } from './vector.ts';

export function headerDefects(): Draft[] {
  const established = (role: Role): Context => ({ role, state: 'established', due: DUE });
  const tooLong = [16_369, 0x4000, 0xffff].flatMap((length) => [
    draft(
      `MESSAGE: length ${length}, header alone`,
      ['WIR-001'],
      ['Length'],
      established('server'),
      buildRawFrame({ type: 0x28, flags: 3, channel: 1, seq: DUE, length }),
      decodingFails('FRAME_TOO_LARGE'),
    ),
    draft(
      `ignorable type: length ${length}, header alone`,
      ['WIR-001'],
      ['Length'],
      established('client'),
      buildRawFrame({ type: 0x9b, length }),
      decodingFails('FRAME_TOO_LARGE'),
    ),
  ]);
  const first = draft(
    'CHALLENGE: length 16369, header alone',
    ['WIR-001'],
    ['Length'],
    { role: 'client', state: 'awaiting-challenge', due: 1 },
    buildRawFrame({ type: 0x01, length: 16_369 }),
    decodingFails('FRAME_TOO_LARGE'),
  );
  const planned = registry.frames.filter(({ status }) => status === 'planned').map(({ type }) => type);
  const unknown = [0x00, 0x05, 0x0f, 0x15, 0x1b, 0x26, 0x2d, 0x7f, ...planned].map((type) =>
    draft(
      `type 0x${type.toString(16).padStart(2, '0')}${planned.includes(type) ? ', planned' : ''}`,
      ['WIR-005'],
      ['UnknownType'],
      established('client'),
      buildRawFrame({ type }),
      decodingFails('FRAME_UNKNOWN'),
    ),
  );
  const flags = frameRows.flatMap(({ name, flags: defined }) =>
    [0x80, 1 << defined.length].map((bit) =>
      bad(
        `undefined flag 0x${bit.toString(16).padStart(2, '0')}`,
        'WIR-007',
        'FLAGS_INVALID',
        name,
        { flags: bit },
        'UndefinedFlag',
      ),
    ),
  );
  const channels = frameRows.flatMap(({ name, layer }) =>
    (layer === 'channel' ? [0] : [1, 0x8000_0000]).map((channel) =>
      bad(`channel ${channel}`, 'WIR-009', 'CHANNEL_INVALID', name, { channel }, 'Channel'),
    ),
  );
  const sequenced = frameRows
    .filter((row) => row.sequenced)
    .flatMap(({ name }) =>
      [
        ['zero', 0n],
        ['repeated', BigInt(DUE - 1)],
        ['with a gap', BigInt(DUE + 1)],
      ].map(([comment, seq]) =>
        bad(
          `sequence number ${String(comment)}`,
          'WIR-012',
          'SEQUENCE_INVALID',
          name,
          { seq: BigInt(seq ?? 0) },
          'Sequence',
        ),
      ),
    );
  const outside = [2n ** 53n, 2n ** 53n + BigInt(DUE), 2n ** 63n + BigInt(DUE), 2n ** 64n - 1n].map((seq) =>
    bad(`sequence number ${String(seq)}`, 'WIR-012', 'SEQUENCE_INVALID', 'END', { seq }, 'Precision'),
  );
  const beyondLast = draft(
    'END: sequence number 2^53, which a double cannot tell from 2^53 + 1, behind 2^53 - 1',
    ['WIR-012'],
    ['Precision'],
    { role: 'client', state: 'established', due: Number(MAX_U53) },
    frame('END', { seq: MAX_U53 + 1n }),
    decodingFails('SEQUENCE_INVALID'),
  );
  const unsequenced = frameRows
    .filter((row) => !row.sequenced)
    .map(({ name }) => bad('sequence number 1', 'WIR-013', 'SEQUENCE_INVALID', name, { seq: 1 }, 'Sequence'));
  const due = bad(
    'sequence number that is due for a sequenced frame',
    'WIR-013',
    'SEQUENCE_INVALID',
    'CREDIT',
    { seq: DUE },
    'Sequence',
  );
  const ignorable = [1n, 2n ** 64n - 1n].map((seq) =>
    draft(
      `ignorable type: sequence number ${String(seq)}`,
      ['WIR-013', 'WIR-006'],
      ['Sequence', 'Extension'],
      established('server'),
      buildRawFrame({ type: 0x9b, seq }),
      decodingFails('SEQUENCE_INVALID'),
    ),
  );
  return [
    ...tooLong,
    first,
    ...unknown,
    ...flags,
    ...channels,
    ...sequenced,
    ...outside,
    beyondLast,
    ...unsequenced,
    due,
    ...ignorable,
  ];
}

/** Every cell of the connection tables that names an error. */
export function stateDefects(): Draft[] {
  return (['client', 'server'] as const).flatMap((role) =>
    machineOf(role, 'connection')
      .rows.filter(({ error }) => error !== undefined)
      .map(({ state, frame: name, error }) => {
        const early = state !== 'established';
        const seq = early ? 1 : DUE;
        const octets =
          name === 'IGNORABLE' ? buildRawFrame({ type: 0x9b }) : frame(name, frameNamed(name).sequenced ? { seq } : {});
        return draft(
          `${name} to a ${role} in state ${state}`,
          [state === 'deciding' ? 'EST-014' : 'SES-001', ...(name === 'IGNORABLE' ? ['WIR-006'] : [])],
          ['UnexpectedFrame'],
          { role, state, due: seq },
          octets,
          decodingFails(error ?? ''),
        );
      }),
  );
}
