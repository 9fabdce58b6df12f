import {
  HawserError,
  IncompatibleError,
  MisuseError,
  PeerViolationError,
  RemoteError,
  TimeoutError,
  TransportError,
} from './errors.ts';
import { ERROR_NAME, ERRORS, type ErrorName, UNKNOWN_ERROR } from './registry.gen.ts';

/** A frame that carries an error code. */
export type CodeFrame = keyof typeof UNKNOWN_ERROR;

/** The codes that a frame may carry. [ERR-001] */
export type CodeIn<Frame extends CodeFrame> = {
  [Name in ErrorName]: Frame extends (typeof ERRORS)[Name]['frames'][number] ? Name : never;
}[ErrorName];

/** Whether a frame may carry a code. [ERR-001] */
export function mayCarry(frame: CodeFrame, name: ErrorName): boolean {
  return (ERRORS[name].frames as readonly string[]).includes(frame);
}

/**
 * Refuses to send a code in a frame that does not carry it. [ERR-001]
 *
 * @throws MisuseError `HAWSER_ERR_MISUSE_CODE`.
 */
export function checkCode(frame: CodeFrame, name: ErrorName): void {
  if (!mayCarry(frame, name)) {
    throw new MisuseError('HAWSER_ERR_MISUSE_CODE', `${frame} does not carry the code ${name}.`);
  }
}

/** What a code on the wire means: one that is unknown, or not listed for the frame, stands for another. [ERR-002] */
export function meaningOf(frame: CodeFrame, wireCode: number): ErrorName {
  const name = ERROR_NAME[wireCode];
  return name !== undefined && mayCarry(frame, name) ? name : UNKNOWN_ERROR[frame];
}

/** Whether a code that ended a session, or kept it from beginning, tells of a failure. */
export function isFailure(name: ErrorName): boolean {
  return name !== 'NO_ERROR' && name !== 'SHUTTING_DOWN';
}

/**
 * What goes on the wire for an error: the name of the code; undefined when nothing can or may be sent any more.
 *
 * @param error - any error of the taxonomy; one that has no code of its own is INTERNAL_ERROR to the peer.
 */
export function wireErrorOf(error: HawserError): ErrorName | undefined {
  if (error instanceof PeerViolationError || error instanceof IncompatibleError) return error.wireName;
  if (error instanceof RemoteError || error instanceof TransportError) return undefined;
  if (error instanceof TimeoutError) {
    return ({ establishment: 'ESTABLISHMENT_TIMEOUT', liveness: 'LIVENESS_TIMEOUT', close: undefined } as const)[
      error.timer
    ];
  }
  return 'INTERNAL_ERROR';
}
