import { describe, expect, it } from 'vitest';
import { fillMarkers } from './markers.ts';

const render = (name: string): string | undefined => (name === 'errors' ? 'new' : undefined);
const page = (...lines: readonly string[]): string => lines.join('\n');

describe('fillMarkers', () => {
  it('replaces the content, keeps the markers and the rest, and is idempotent', () => {
    const text = page('before', '<!-- BEGIN GENERATED errors -->', 'old', '<!-- END GENERATED errors -->', 'after', '');
    const first = fillMarkers(text, render);
    expect(first).toEqual({
      text: page(
        'before',
        '<!-- BEGIN GENERATED errors -->',
        '',
        'new',
        '',
        '<!-- END GENERATED errors -->',
        'after',
        '',
      ),
      problems: [],
    });
    expect(fillMarkers(first.text, render)).toEqual(first);
  });

  it.each([
    [
      'unknown name',
      ['<!-- BEGIN GENERATED x -->', '<!-- END GENERATED x -->'],
      'line 1: there is nothing to generate by the name x',
    ],
    ['missing end', ['<!-- BEGIN GENERATED errors -->'], 'BEGIN GENERATED errors has no END'],
    ['missing begin', ['<!-- END GENERATED errors -->'], 'line 1: END GENERATED errors does not end anything'],
    [
      'other end',
      ['<!-- BEGIN GENERATED errors -->', '<!-- END GENERATED x -->'],
      'line 2: END GENERATED x does not end errors',
    ],
    [
      'nesting',
      ['<!-- BEGIN GENERATED errors -->', '<!-- BEGIN GENERATED errors -->', '<!-- END GENERATED errors -->'],
      'line 2: BEGIN GENERATED errors stands inside errors',
    ],
    ['marker in a line', ['see <!-- BEGIN GENERATED errors -->'], 'line 1: a marker must fill its line'],
  ])('reports %s', (_, lines, problem) => {
    expect(fillMarkers(page(...lines), render).problems).toContain(
      problem.includes('fill its line') ? `${problem}, as in <!-- BEGIN GENERATED name -->` : problem,
    );
  });
});
