import { chapterLink } from './chapters.ts';
import { code, hex, number, range, table } from './markdown.ts';
import type { Field, Frame, Registry } from './registry-types.ts';

/** `header`: the fields of the frame header. */
export function headerTable({ header, types }: Registry): string {
  const bytes = (type: string): number => types.find(({ name }) => name === type)?.bytes ?? 0;
  return [
    table(
      ['Offset', 'Field', 'Type', 'Octets'],
      header.fields.map(({ name, type, offset }) => [number(offset), code(name), code(type), number(bytes(type))]),
    ),
    '',
    `The header has ${number(header.bytes)} octets; \`length\` is at most ${number(header.maxPayloadBytes)}.`,
  ].join('\n');
}

/** `types`: the field types of payloads. */
export function typesTable({ types }: Registry): string {
  return table(
    ['Type', 'Octets', 'Meaning'],
    types.map(({ name, bytes, doc }) => [code(name), bytes === undefined ? 'varies' : number(bytes), doc]),
  );
}

/** `frames`: all frame types. */
export function framesTable({ frames }: Registry): string {
  return table(
    ['Type', 'Frame', 'Layer', 'Sender', 'Sequenced', 'Flags', 'Purpose', 'Defined in', 'Status'],
    frames.map((frame) => [
      hex(frame.type, 2),
      frame.name,
      frame.layer,
      frame.sender,
      frame.sequenced ? 'yes' : 'no',
      frame.flags === undefined ? 'none' : frame.flags.map(({ name }) => name).join(', '),
      frame.purpose,
      chapterLink(frame.section),
      frame.status,
    ]),
  );
}

/** `frame:NAME`: one frame. */
export function frameTable(registry: Registry, frame: Frame): string {
  const sender = frame.sender === 'both' ? 'client or server' : frame.sender;
  const facts = [
    `Type ${hex(frame.type, 2)}`,
    `sent by ${sender === 'client or server' ? sender : `the ${sender}`}`,
    frame.sequenced ? 'sequenced' : 'not sequenced',
    frame.layer === 'channel' ? 'on a channel (`channel` is not zero)' : '`channel` is zero',
  ];
  const flags = (frame.flags ?? []).map(({ name, bit, doc }) => [hex(bit, 2), name, doc]);
  const fields = fieldRows(registry, frame.fields);
  return [
    `${facts.join('; ')}.`,
    '',
    fields.length === 0
      ? frame.status === 'planned'
        ? 'The payload is not defined yet.'
        : 'The payload is empty.'
      : table(['Offset', 'Field', 'Type', 'Constraint'], fields),
    '',
    flags.length === 0 ? 'No flags are defined.' : table(['Flag', 'Name', 'Meaning'], flags),
  ].join('\n');
}

function fieldRows({ types }: Registry, fields: readonly Field[]): readonly (readonly string[])[] {
  let offset: number | undefined = 0;
  return fields.map((field) => {
    const row = [
      offset === undefined ? 'varies' : number(offset),
      code(field.name),
      code(field.type),
      constraint(field),
    ];
    const bytes = field.size ?? types.find(({ name }) => name === field.type)?.bytes;
    offset = offset === undefined || bytes === undefined ? undefined : offset + bytes;
    return row;
  });
}

function constraint(field: Field): string {
  const units: Readonly<Record<string, string>> = {
    opaque16: ' octets',
    text16: ' octets',
    opaques16: ' values',
    texts16: ' values',
  };
  const unit = units[field.type] ?? '';
  const bounds = range(field.min, field.max);
  const parts = [
    field.size === undefined ? '' : `${number(field.size)} octets`,
    bounds === '' ? '' : `${bounds}${unit}`,
    Object.entries(field.values ?? {})
      .map(([name, value]) => `${value} = ${code(name)}`)
      .join(', '),
    ...Object.entries(field.zeroWhen ?? {}).map(([name, value]) => `zero when ${code(name)} is ${code(value)}`),
  ];
  return parts.filter((part) => part !== '').join('; ');
}
