/** The line before generated content; captures its name. */
export const BEGIN: RegExp = /^<!-- BEGIN GENERATED (\S+) -->$/;

/** The line after generated content; captures its name. */
export const END: RegExp = /^<!-- END GENERATED (\S+) -->$/;

/** Text with its generated parts replaced, and what was wrong with its markers. */
export interface Filled {
  readonly text: string;
  readonly problems: readonly string[];
}

/**
 * Replaces what stands between each pair of markers.
 *
 * @param text - a chapter
 * @param render - the content of a name, or undefined when there is no such name
 */
export function fillMarkers(text: string, render: (name: string) => string | undefined): Filled {
  const problems: string[] = [];
  const output: string[] = [];
  let open: string | undefined;
  text.split('\n').forEach((line, index) => {
    const place = `line ${index + 1}`;
    const begin = BEGIN.exec(line)?.[1];
    const end = END.exec(line)?.[1];
    if (begin === undefined && end === undefined && /(BEGIN|END) GENERATED/.test(line)) {
      problems.push(`${place}: a marker must fill its line, as in <!-- BEGIN GENERATED name -->`);
    }
    if (begin !== undefined) {
      if (open !== undefined) problems.push(`${place}: BEGIN GENERATED ${begin} stands inside ${open}`);
      open = begin;
      const content = render(begin);
      if (content === undefined) problems.push(`${place}: there is nothing to generate by the name ${begin}`);
      output.push(line, '', ...(content ?? '').split('\n'), '');
    } else if (end !== undefined) {
      if (end !== open) problems.push(`${place}: END GENERATED ${end} does not end ${open ?? 'anything'}`);
      open = undefined;
      output.push(line);
    } else if (open === undefined) {
      output.push(line);
    }
  });
  if (open !== undefined) problems.push(`BEGIN GENERATED ${open} has no END`);
  return { text: output.join('\n'), problems };
}
