/** A Markdown table. Bars in cells are escaped. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

/** Marks as code. */
export function code(text: string | number): string {
  return `\`${text}\``;
}

/** Hexadecimal with at least this many digits, marked as code. */
export function hex(value: number, digits: number): string {
  return code(`0x${value.toString(16).padStart(digits, '0')}`);
}

/** A number for people: thousands are separated by commas. */
export function number(value: number): string {
  return value.toLocaleString('en-US');
}

/** A range for people. */
export function range(min: number | undefined, max: number | undefined): string {
  if (min !== undefined && max !== undefined) return min === max ? number(min) : `${number(min)} to ${number(max)}`;
  if (min !== undefined) return `at least ${number(min)}`;
  return max === undefined ? '' : `at most ${number(max)}`;
}
