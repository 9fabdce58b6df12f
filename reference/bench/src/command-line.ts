import { parseArgs } from 'node:util';
import { MEASURES, type Measure, quick } from './measures.ts';
import { VARIANTS, type VariantName } from './variants.ts';

export const USAGE = `Usage: npm --prefix reference/bench start -- [options]

  --quick            a tenth of the messages, 2 repetitions: shows that everything works
  --only TEXT        only measures, or variants, whose name begins with TEXT; may be given several times
  --repetitions N    default 5
  --json FILE        write every value to FILE
  --profile FOLDER   write CPU profiles of all processes to FOLDER (slows them down)

Measures: ${MEASURES.map(({ id }) => id).join(', ')}
Variants: ${VARIANTS.join(', ')}
`;

/** What to measure. */
export interface Settings {
  readonly measures: readonly Measure[];
  readonly variants: readonly VariantName[];
  readonly repetitions: number;
  readonly json: string | undefined;
  readonly profiles: string | undefined;
}

/** A wrong option: its message says what to give instead. */
export class UsageError extends Error {}

/**
 * Reads the options.
 *
 * @returns undefined when only help was asked for.
 * @throws UsageError
 */
export function parseCommandLine(args: readonly string[]): Settings | undefined {
  const { help, quick: isQuick, only, repetitions, json, profile } = readOptions(args);
  if (help === true) return undefined;
  const count = Number(repetitions ?? (isQuick === true ? 2 : 5));
  if (!Number.isInteger(count) || count < 1) throw new UsageError('--repetitions takes a whole number from 1.');
  const names = [...MEASURES.map(({ id }) => id), ...VARIANTS];
  const stray = only.find((text) => !names.some((name) => name.startsWith(text)));
  if (stray !== undefined) throw new UsageError(`--only ${stray} names nothing; there are ${names.join(', ')}.`);
  const measures = chosen(MEASURES, ({ id }) => id, only);
  return {
    measures: isQuick === true ? measures.map(quick) : measures,
    variants: chosen(VARIANTS, (name) => name, only),
    repetitions: count,
    json,
    profiles: profile,
  };
}

/** The shape of what is returned follows from the options declared. */
function readOptions(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        help: { type: 'boolean' },
        quick: { type: 'boolean' },
        only: { type: 'string', multiple: true, default: [] },
        repetitions: { type: 'string' },
        json: { type: 'string' },
        profile: { type: 'string' },
      },
    });
    return values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** What the texts choose: all, when none of them concerns this list. */
function chosen<Item>(
  items: readonly Item[],
  nameOf: (item: Item) => string,
  texts: readonly string[],
): readonly Item[] {
  const concerned = items.filter((item) => texts.some((text) => nameOf(item).startsWith(text)));
  return concerned.length > 0 ? concerned : items;
}
