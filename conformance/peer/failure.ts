/** What was demanded of the implementation under test and what it did instead. */
export interface Finding {
  /** The requirement that was broken, where it is another one than the case is about. */
  readonly requirement?: string;
  readonly expected: string;
  readonly actual: string;
}

/** The implementation under test did something that the specification does not allow. */
export class ConformanceFailure extends Error {
  readonly finding: Finding;

  constructor(finding: Finding) {
    super(`expected ${finding.expected}; got ${finding.actual}`);
    this.name = 'ConformanceFailure';
    this.finding = finding;
  }
}

/** A step that a case only builds on went wrong: the case could not ask its own question. */
export class DependencyFailure extends Error {
  readonly finding: Finding;

  constructor(step: string, failure: ConformanceFailure) {
    super(`${step}: ${failure.message}`);
    this.name = 'DependencyFailure';
    this.finding = {
      ...failure.finding,
      actual: `${failure.finding.actual} (${step}, on which this case only builds)`,
    };
  }
}

/** The implementation under test can not be reached, or its driver can not be started or understood. */
export class SetupFailure extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SetupFailure';
  }
}

/** The process under test ended by itself. */
export class TesteeDied extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'TesteeDied';
  }
}

/** The implementation declared that it does not have what the case needs. */
export class UnsupportedFeature extends Error {
  readonly feature: string;

  constructor(feature: string) {
    super(`the feature ${feature} is declared as unsupported`);
    this.name = 'UnsupportedFeature';
    this.feature = feature;
  }
}

/** Ends the case with a failure, in one expression. */
export function fail(expected: string, actual: string, requirement?: string): never {
  throw new ConformanceFailure(requirement === undefined ? { expected, actual } : { requirement, expected, actual });
}

/** Fails unless both are equal; `what` names the thing compared. */
export function assertEqual(what: string, actual: unknown, expected: unknown, requirement?: string): void {
  if (actual !== expected) fail(`${what} ${show(expected)}`, show(actual), requirement);
}

/** Fails unless the condition holds. */
export function assertThat(
  condition: boolean,
  expected: string,
  actual: string,
  requirement?: string,
): asserts condition {
  if (!condition) fail(expected, actual, requirement);
}

/** A value as it is shown in a finding: octets in hexadecimal, long ones cut. */
export function show(value: unknown): string {
  if (value instanceof Uint8Array) {
    const hex = Buffer.from(value.subarray(0, 32)).toString('hex');
    return value.length > 32 ? `${hex}... (${value.length} octets)` : hex === '' ? '(no octets)' : hex;
  }
  return typeof value === 'string' ? `"${value}"` : String(value);
}
