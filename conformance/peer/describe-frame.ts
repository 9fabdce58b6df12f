import type { ModelFields, ModelParameter, ModelValue } from '../model/codec.ts';
import { decodeFrame, decodeHeader } from '../model/codec.ts';
import { errorOfCode, frameOfType } from '../model/registry.ts';
import { show } from './failure.ts';

/** The name of a code, with its number where the registry has none. */
export function describeCode(code: number): string {
  return errorOfCode(code)?.name ?? `0x${code.toString(16).padStart(4, '0')}`;
}

/** A parameter, or a value of another list. */
function describeItem(name: string, item: ModelParameter | string | Uint8Array): string {
  return typeof item === 'string' || item instanceof Uint8Array ? describeValue(name, item) : describeParameter(item);
}

function describeParameter(parameter: ModelParameter): string {
  const id = parameter.name ?? `0x${parameter.id.toString(16).padStart(4, '0')}`;
  return `${id}=${show(parameter.value)}`;
}

function describeValue(name: string, value: ModelValue): string {
  if (name === 'code' && typeof value === 'number') return describeCode(value);
  if (Array.isArray(value)) {
    const items = value as readonly (ModelParameter | string | Uint8Array)[];
    return `[${items.map((item) => describeItem(name, item)).join(' ')}]`;
  }
  return value instanceof Uint8Array && value.length > 8
    ? `${Buffer.from(value.subarray(0, 8)).toString('hex')}... (${value.length})`
    : show(value);
}

/** The fields of a frame on one line. */
export function describeFields(fields: ModelFields): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name}=${describeValue(name, value)}`)
    .join(' ');
}

/** Octets that are meant as one frame, on one line, whether they are one or not. */
export function describeOctets(octets: Uint8Array): string {
  const header = decodeHeader(octets);
  if (header === undefined) return `${octets.length} octets (no whole header)`;
  const row = frameOfType(header.type);
  const name = row?.name ?? `type 0x${header.type.toString(16).padStart(2, '0')}`;
  const flags = row?.flags.filter(({ bit }) => (header.flags & bit) !== 0).map((flag) => flag.name) ?? [];
  const parts = [name];
  if (flags.length > 0) parts.push(flags.join('+'));
  if (header.channel !== 0) parts.push(`channel=${header.channel}`);
  if (header.seq !== 0n) parts.push(`seq=${header.seq}`);
  const result = decodeFrame(octets);
  if ('fields' in result) parts.push(describeFields(result.fields));
  else if ('error' in result) parts.push(`(${header.length} octets of payload; ${result.error})`);
  else parts.push(`(incomplete: ${octets.length} of ${result.need} octets)`);
  return parts.filter((part) => part !== '').join(' ');
}
