/** What is wrong with the specification's sources: every problem that was found, one line each. */
export class SpecificationError extends Error {
  /** One line per problem, naming the place. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'SpecificationError';
    this.problems = problems;
  }
}

/** Throws a {@link SpecificationError} unless the list is empty. */
export function failOn(problems: readonly string[]): void {
  if (problems.length > 0) throw new SpecificationError(problems);
}

/** Runs a command-line tool: a {@link SpecificationError} becomes lines on stderr and exit status 1. */
export async function runTool(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof SpecificationError)) throw error;
    for (const problem of error.problems) console.error(problem);
    process.exitCode = 1;
  }
}
