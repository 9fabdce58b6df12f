import {
  type CertificateAuthority,
  type Credential,
  type IssueOptions,
  type IssuedCertificate,
  createCertificateAuthority,
  loadCredential,
} from '../../../pki/index.ts';
import type { Trust } from '../../../node/index.ts';

export const SERVER_IDENTITY = 'spiffe://hawser.test/server';
export const RELAY_IDENTITY = 'spiffe://hawser.test/relay';
export const CLIENT_IDENTITY = 'spiffe://hawser.test/client';

/** One authority with a server and a client, for the scenarios of one file. */
export interface Kit {
  readonly authority: CertificateAuthority;
  readonly server: Credential;
  readonly client: Credential;
  /** Server to its clients, client to application ends. */
  readonly relay: Credential;
  /** The authority and an empty revocation list. */
  readonly trust: Trust;
}

/** Issues a fresh {@link Kit}. */
export async function createKit(): Promise<Kit> {
  const authority = await createCertificateAuthority({ commonName: 'Integration authority' });
  return {
    authority,
    server: await issue(authority, { role: 'server', uris: [SERVER_IDENTITY] }),
    client: await issue(authority, { role: 'client', uris: [CLIENT_IDENTITY] }),
    relay: await issue(authority, { role: 'both', uris: [RELAY_IDENTITY] }),
    trust: { trustAnchors: [authority.certificateDer], crls: [(await authority.crl()).der] },
  };
}

/** Issues a certificate and loads it as a credential. */
export async function issue(authority: CertificateAuthority, options: IssueOptions): Promise<Credential> {
  return toCredential(await authority.issue(options));
}

/** The credential that an issued certificate makes. */
export function toCredential(issued: IssuedCertificate): Promise<Credential> {
  return loadCredential({ certPem: issued.chainPem, keyPem: issued.privateKeyPem });
}
