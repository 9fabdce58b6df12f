import { describe, expect, it } from 'vitest';
import {
  type CodeFrame,
  ConfigError,
  ERROR_CODE,
  type ErrorName,
  ERRORS,
  type HawserError,
  IncompatibleError,
  InternalError,
  isFailure,
  mayCarry,
  meaningOf,
  MisuseError,
  PeerViolationError,
  RemoteError,
  TimeoutError,
  TransportError,
  UNKNOWN_ERROR,
  wireErrorOf,
} from '../../../core/index.ts';

const NAMES = Object.keys(ERROR_CODE) as ErrorName[];
const FRAMES = Object.keys(UNKNOWN_ERROR) as CodeFrame[];

describe('wireErrorOf', () => {
  it('gives every error that breaks the protocol its own code, and names the requirement [ERR-005]', () => {
    for (const name of NAMES) {
      const error = new PeerViolationError(name, 'WIR-001', 'test');
      expect(wireErrorOf(error)).toBe(name);
      expect(error).toMatchObject({
        code: `HAWSER_ERR_PEER_${name}`,
        requirement: 'WIR-001',
        wireCode: ERRORS[name].code,
        scope: ERRORS[name].scope,
      });
    }
  });

  it.each<[HawserError, ErrorName | undefined]>([
    [
      new IncompatibleError('HAWSER_ERR_INCOMPATIBLE_X', 'AUDIENCE_MISMATCH', 'EST-016', 'a', 'b', 'test'),
      'AUDIENCE_MISMATCH',
    ],
    [new TimeoutError('establishment', 1, 'test'), 'ESTABLISHMENT_TIMEOUT'],
    [new TimeoutError('liveness', 1, 'test'), 'LIVENESS_TIMEOUT'],
    [new TimeoutError('close', 1, 'test'), undefined],
    [new RemoteError('BUSY', 0x0205, 'test'), undefined],
    [new TransportError('HAWSER_ERR_TRANSPORT_X', 'test', 'test'), undefined],
    [new MisuseError('HAWSER_ERR_MISUSE_X', 'test'), 'INTERNAL_ERROR'],
    [new ConfigError('HAWSER_ERR_CONFIG_X', 'key', 'test'), 'INTERNAL_ERROR'],
    [new InternalError('test'), 'INTERNAL_ERROR'],
  ])('maps %s to %s', (error, name) => {
    expect(wireErrorOf(error)).toBe(name);
  });

  it('gives INTERNAL_ERROR to what may end a session in any state: every frame that reports an error carries it', () => {
    expect(FRAMES.filter((frame) => !mayCarry(frame, 'INTERNAL_ERROR'))).toEqual(['DRAIN']);
  });

  it('lets DRAIN carry what a server plans, and nothing else [ERR-001]', () => {
    expect(NAMES.filter((name) => mayCarry('DRAIN', name))).toEqual([
      'NO_ERROR',
      'SHUTTING_DOWN',
      'CONNECTION_EXPIRED',
    ]);
  });
});

describe('meaningOf', () => {
  it('keeps the codes that the registry lists for the frame, and replaces the others [ERR-002]', () => {
    for (const frame of FRAMES) {
      for (const name of NAMES) {
        const listed = (ERRORS[name].frames as readonly string[]).includes(frame);
        expect(mayCarry(frame, name)).toBe(listed);
        expect(meaningOf(frame, ERROR_CODE[name])).toBe(listed ? name : UNKNOWN_ERROR[frame]);
      }
      expect(meaningOf(frame, 0x7777)).toBe(UNKNOWN_ERROR[frame]);
    }
  });
});

describe('isFailure', () => {
  it('takes an orderly end and a planned one for no failure', () => {
    expect(NAMES.filter((name) => !isFailure(name))).toEqual(['NO_ERROR', 'SHUTTING_DOWN']);
  });
});
