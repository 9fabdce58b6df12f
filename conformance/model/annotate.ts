import { decodePayload, checkLength } from './decode.ts';
import { decodeHeader, integerBytes } from './frame.ts';
import { frameOfType, registry } from './registry.ts';

const ROW = 16;

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

/** Lines of at most sixteen octets, the meaning beside the first. */
function rows(bytes: Uint8Array, offset: number, length: number, text: string): string[] {
  const lines: string[] = [];
  for (let at = offset; at < offset + length || lines.length === 0; at += ROW) {
    const octets = bytes.subarray(at, Math.min(at + ROW, offset + length));
    const shown = Array.from(octets, (octet) => hex(octet, 2)).join(' ');
    lines.push(`${hex(at, 4)}  ${shown.padEnd(3 * ROW)} ${lines.length === 0 ? text : ''}`.trimEnd());
  }
  return lines;
}

/**
 * Hexadecimal text of any octets with what they mean: offset, octets, field = value; frame after frame. Where the octets are not
 * a valid frame, the last line of the frame says which error they are.
 */
export function annotate(bytes: Uint8Array): string {
  const lines: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    const header = decodeHeader(bytes.subarray(at));
    if (header === undefined) {
      lines.push(...rows(bytes, at, bytes.length - at, 'incomplete header'));
      break;
    }
    const row = frameOfType(header.type);
    const flags = row?.flags.filter(({ bit }) => (header.flags & bit) !== 0).map(({ name }) => name) ?? [];
    const notes: Readonly<Record<string, string>> = {
      type: `${row?.name ?? 'unknown'} (0x${hex(header.type, 2)})`,
      flags: `0x${hex(header.flags, 2)}${flags.length > 0 ? ` (${flags.join(', ')})` : ''}`,
      length: String(header.length),
      channel: String(header.channel),
      seq: String(header.seq),
    };
    for (const { name, type, offset } of registry.header.fields) {
      lines.push(...rows(bytes, at + offset, integerBytes(type) ?? 0, `${name} = ${notes[name] ?? ''}`));
    }
    const tooLarge = checkLength(header);
    const start = at + registry.header.bytes;
    const payload = bytes.subarray(start, start + header.length);
    let read = 0;
    if (tooLarge !== undefined) {
      lines.push(`      ! ${tooLarge.error} (${tooLarge.requirement})`);
    } else if (row !== undefined && payload.length === header.length) {
      const result = decodePayload(row, payload);
      for (const span of result.spans) {
        lines.push(...rows(bytes, start + span.offset, span.length, span.text));
        read = span.offset + span.length;
      }
      if ('error' in result) lines.push(`      ! ${result.error} (${result.requirement})`);
    }
    if (read < payload.length) lines.push(...rows(bytes, start + read, payload.length - read, 'payload, not read'));
    if (payload.length < header.length) lines.push(`      ! ${header.length - payload.length} octets are missing`);
    at = start + header.length;
  }
  return lines.join('\n');
}
