/**
 * A predicate over case ids from a glob: `*` stands for any characters, `?` for one. A pattern without `/` and without
 * wildcard names a requirement and so all its cases: `EST-009` is `EST-009/*`.
 */
export function matcher(glob: string): (id: string) => boolean {
  return globMatcher(/[*?/]/.test(glob) ? glob : `${glob}/*`);
}

/** A predicate from a glob over whole names. */
export function globMatcher(glob: string): (name: string) => boolean {
  const source = glob
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  const expression = new RegExp(`^${source}$`);
  return (name) => expression.test(name);
}
