import { existsSync, readFileSync } from 'node:fs';
import { Command } from 'commander';
import { EXIT, UsageError, fileProblem } from '../failure.ts';
import { type AnnotatedField, type AnnotatedFrame, HEADER_BYTES, annotate } from '../../core/index.ts';

/** Octets to decode, with a title where the input has several parts. */
interface Part {
  readonly title: string | undefined;
  readonly octets: Uint8Array;
}

/** `hawser decode`: octets to annotated frames. */
export function decodeCommand(): Command {
  return new Command('decode')
    .description('print the frames in a file, standard input or hex digits, field by field')
    .argument(
      '[input]',
      'file (frames as octets or hex, or an evidence record), - for standard input, or hex digits',
      '-',
    )
    .option('--json', 'one JSON object per frame')
    .addHelpText(
      'after',
      '\nHex may hold white space, and comments from # to the end of the line. Exit status: 0, or 1 when a frame is malformed.\n' +
        '\nExamples:\n' +
        '  hawser decode 100000080000000000000000000000000102030405060708\n' +
        '  hawser decode session.json\n',
    )
    .action((input: string, flags: { json?: boolean }) => {
      let malformed = false;
      for (const { title, octets } of readParts(input)) {
        if (title !== undefined && flags.json !== true) process.stdout.write(`# ${title}\n`);
        const { frames, rest } = annotate(octets);
        for (const frame of frames) {
          process.stdout.write(flags.json === true ? `${JSON.stringify(frame)}\n` : render(frame));
        }
        const cut = rest > 0 && frames.at(-1)?.offset !== octets.length - rest;
        if (cut)
          process.stderr.write(`hawser: The last ${rest} octets are no whole frame of at least ${HEADER_BYTES}.\n`);
        malformed ||= cut || frames.some(({ problem }) => problem !== undefined);
      }
      if (malformed) process.exitCode = EXIT.failed;
    });
}

function readParts(input: string): Part[] {
  if (input === '-') return partsOf(readInput(0, 'standard input'), 'standard input');
  if (existsSync(input)) return partsOf(readInput(input, input), input);
  const octets = fromHex(input);
  if (octets !== undefined) return [{ title: undefined, octets }];
  throw new UsageError(
    '[input]',
    `"${input}" is neither a file nor hex digits. Give one of them, or - for standard input.`,
  );
}

function readInput(file: string | number, name: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new UsageError('[input]', `${name} can not be read: ${fileProblem(cause)}. Name a readable file.`, cause);
  }
}

function partsOf(content: Buffer, name: string): Part[] {
  if (content.length === 0) throw new UsageError('[input]', `${name} is empty. Give frames as octets or hex.`);
  const text = content.toString('utf8');
  const octets = fromHex(text.replaceAll(/#.*$/gm, ''));
  if (octets !== undefined) return [{ title: undefined, octets }];
  const isText = Buffer.from(text, 'utf8').equals(content) && !/[\0-\x08\x0e-\x1f]/.test(text);
  if (!isText) return [{ title: undefined, octets: new Uint8Array(content) }];
  const parts = evidenceParts(text);
  if (parts !== undefined) return parts;
  throw new UsageError('[input]', `${name} holds neither octets of frames, nor hex digits, nor an evidence record.`);
}

function fromHex(text: string): Uint8Array | undefined {
  const digits = text.replaceAll(/\s+/g, '');
  if (digits === '' || digits.length % 2 !== 0 || !/^[0-9a-fA-F]+$/.test(digits)) return undefined;
  return new Uint8Array(Buffer.from(digits, 'hex'));
}

/** The three frames of an evidence record. */
function evidenceParts(text: string): Part[] | undefined {
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (record === null || typeof record !== 'object') return undefined;
  const parts: Part[] = [];
  for (const title of ['challenge', 'connect', 'accept']) {
    const value = (record as Record<string, unknown>)[title];
    const octets = typeof value === 'string' ? fromHex(value) : undefined;
    if (octets === undefined) return undefined;
    parts.push({ title, octets });
  }
  return parts;
}

/** Octets on one line, before they are cut. */
const OCTETS_SHOWN = 16;

function render({ name, bytes, offset, fields, problem }: AnnotatedFrame): string {
  const title = `${name ?? 'unknown frame'}, ${bytes} octets at ${offset}`;
  const failure = problem === undefined ? [] : [`  ! ${problem}`];
  return `${[title, ...fields.map(renderField), ...failure].join('\n')}\n`;
}

function renderField({ offset, hex, name, value, meaning }: AnnotatedField): string {
  const size = hex.length / 2;
  const shown = size > OCTETS_SHOWN ? `${hex.slice(0, 2 * OCTETS_SHOWN)}... (${size})` : hex;
  const text = typeof value === 'string' ? JSON.stringify(value) : (value ?? '');
  return `  ${String(offset).padStart(6)}  ${shown.padEnd(2 * OCTETS_SHOWN + 9)}  ${name} ${text} ${meaning ?? ''}`.trimEnd();
}
