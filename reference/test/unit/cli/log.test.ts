import { describe, expect, it } from 'vitest';
import { describeError } from '../../../cli/log.ts';
import { InternalError, MisuseError, PeerViolationError, RemoteError, TransportError } from '../../../core/errors.ts';

const system = (code: string, facts: object = {}): Error =>
  Object.assign(new Error('told by the system'), { code, ...facts });

describe('an error in the log', () => {
  it('of a peer, of the transport or of the system is told without a stack', () => {
    expect(describeError(new PeerViolationError('FRAME_MALFORMED', 'WIR-004', 'Too short.'))).toEqual({
      type: 'PeerViolationError',
      message: 'Too short.',
      code: 'HAWSER_ERR_PEER_FRAME_MALFORMED',
      requirement: 'WIR-004',
      wireName: 'FRAME_MALFORMED',
    });
    expect(describeError(new RemoteError('BUSY', 0x0205, 'Busy.'))).not.toHaveProperty('stack');
    expect(describeError(system('ECONNRESET', { syscall: 'read' }))).toEqual({
      type: 'Error',
      message: 'told by the system',
      code: 'ECONNRESET',
      syscall: 'read',
    });
    for (const code of [
      'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'SELF_SIGNED_CERT_IN_CHAIN',
      'CERT_HAS_EXPIRED',
    ]) {
      expect(describeError(system(code))).toEqual({ type: 'Error', message: 'told by the system', code });
    }
  });

  it('tells its cause the same way', () => {
    const cause = system('ERR_SSL_TLSV1_ALERT_UNKNOWN_CA');
    expect(describeError(new TransportError('HAWSER_ERR_TRANSPORT_TLS', 'tls', 'TLS failed.', { cause }))).toEqual({
      type: 'TransportError',
      message: 'TLS failed.',
      code: 'HAWSER_ERR_TRANSPORT_TLS',
      phase: 'tls',
      cause: { type: 'Error', message: 'told by the system', code: 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA' },
    });
  });

  it('of the program itself keeps its stack', () => {
    for (const error of [
      new TypeError('x is not a function'),
      new InternalError('can not be'),
      new MisuseError('HAWSER_ERR_MISUSE_VERDICT', 'wrong'),
      system('ERR_INVALID_ARG_TYPE'),
    ]) {
      expect(describeError(error)).toHaveProperty('stack', expect.stringContaining('log.test.ts'));
    }
  });

  it('that is none stays what it is', () => expect(describeError('text')).toBe('text'));
});
