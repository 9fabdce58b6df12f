import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCertificateAuthority } from '../../../dist/reference/pki/index.js';

export const SERVER_IDENTITY = 'spiffe://bench.example/server';
export const CLIENT_IDENTITY = 'spiffe://bench.example/client';

/** What one role authenticates itself and its peer with, as PEM. */
export interface KeyFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Issues P-256 certificates for both roles into a new temporary folder. */
export async function issueKeyFiles(): Promise<{ readonly folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'hawser-bench-'));
  const authority = await createCertificateAuthority({ commonName: 'Bench authority' });
  const server = await authority.issue({ role: 'server', uris: [SERVER_IDENTITY], dnsNames: ['localhost'] });
  const client = await authority.issue({ role: 'client', uris: [CLIENT_IDENTITY] });
  const files = {
    'ca.pem': authority.certificatePem,
    'server.pem': server.chainPem,
    'server.key': server.privateKeyPem,
    'client.pem': client.chainPem,
    'client.key': client.privateKeyPem,
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text, { mode: 0o600 });
  return { folder, remove: () => rm(folder, { recursive: true }) };
}

/** Reads the files of one role. */
export async function readKeyFiles(folder: string, role: 'client' | 'server'): Promise<KeyFiles> {
  const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8');
  return { ca: await read('ca.pem'), cert: await read(`${role}.pem`), key: await read(`${role}.key`) };
}
