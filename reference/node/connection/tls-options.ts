import { constants } from 'node:crypto';
import { type ConnectionOptions, type SecureContextOptions, type TlsOptions, createSecureContext } from 'node:tls';
import { PROTOCOL } from '../../core/index.ts';
import type { Credential } from '../../pki/index.ts';
import { type Trust, tlsTrustOptions } from './trust.ts';

/**
 * The secure context of an endpoint: one for all connections of a role, because one for each costs 32 KiB and a third of
 * the connection rate.
 */
export function secureContextOptions(credential: Credential, trust: Trust): SecureContextOptions {
  return {
    cert: credential.chainPem,
    key: credential.keyPem,
    ...tlsTrustOptions(trust),
    // [TLS-001]
    minVersion: 'TLSv1.3',
    // [TLS-005] [TLS-008]; without session handlers the tickets that are sent all the same can not be resumed.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

/** Options of a server's TLS: every certificate passes the handshake and meets the gate behind it. */
export function serverTlsOptions(credential: Credential, trust: Trust, handshakeTimeoutMs: number): TlsOptions {
  return {
    ...secureContextOptions(credential, trust),
    ALPNProtocols: [PROTOCOL.alpn],
    // [TLS-009]; judged by the gate
    requestCert: true,
    rejectUnauthorized: false,
    // A second line behind the establishment deadline; the library's own is 120 s.
    handshakeTimeout: handshakeTimeoutMs,
  };
}

/** Options of a client's TLS that are the same for every connection. Build them once and use them often. */
export function clientTlsOptions(credential: Credential, trust: Trust): ConnectionOptions & { allowHalfOpen: boolean } {
  return {
    secureContext: createSecureContext(secureContextOptions(credential, trust)),
    // [TLS-002]
    ALPNProtocols: [PROTOCOL.alpn],
    rejectUnauthorized: true,
    // The identity is not the host name. It is compared with the audience behind the handshake, where the server can be
    // told the code. [EST-009] [EST-010]
    checkServerIdentity: () => undefined,
    minVersion: 'TLSv1.3',
    // The end of one direction is for the engine to judge.
    allowHalfOpen: true,
  };
}
