/**
 * A predicate over case ids from a glob: `*` stands for any characters, `?` for one. A pattern without `/` and without
 * wildcard names a requirement and so all its cases: `EST-009` is `EST-009/*`.
 */
export function matcher(glob: string): (id: string) => boolean {
  const whole = /[*?/]/.test(glob) ? glob : `${glob}/*`;
  const source = whole
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  const expression = new RegExp(`^${source}$`);
  return (id) => expression.test(id);
}
