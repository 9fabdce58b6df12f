import { beforeAll, describe, expect, it } from 'vitest';
import { serializeEvidenceRecord } from '../../core/index.ts';
import { verifyEvidence } from '../../node/index.ts';
import { createCertificateAuthority } from '../../pki/index.ts';
import { connectClient, startServer } from './support/endpoints.ts';
import { CLIENT_IDENTITY, type Kit, SERVER_IDENTITY, createKit } from './support/kit.ts';

let kit: Kit;
beforeAll(async () => {
  kit = await createKit();
});

describe('the evidence record of a session', () => {
  it('is kept by both ends, and valid for who trusts the authority [EST-029]', async () => {
    const { port, server } = await startServer(kit);
    const session = await connectClient(kit, port);
    const records = [session.evidence(), server.sessions[0]!.evidence()];
    expect(records.map(({ recordedBy }) => recordedBy)).toEqual(['client', 'server']);
    for (const record of records) {
      const verdict = await verifyEvidence(serializeEvidenceRecord(record), kit.trust);
      expect(verdict).toMatchObject({
        valid: true,
        clientIdentity: CLIENT_IDENTITY,
        serverIdentity: SERVER_IDENTITY,
        epoch: 1,
      });
      if (verdict.valid) expect(Buffer.from(verdict.sessionId).toString('hex')).toBe(session.id);
    }
  });

  it('is not valid with another exporter value, or for another authority', async () => {
    const { port } = await startServer(kit);
    const record = (await connectClient(kit, port)).evidence();
    const exporter = record.exporter.slice();
    exporter[0] = (exporter[0] ?? 0) ^ 1;
    expect(await verifyEvidence({ ...record, exporter }, kit.trust)).toMatchObject({
      valid: false,
      requirement: 'EST-029',
    });
    const other = await createCertificateAuthority({ commonName: 'Other' });
    expect(await verifyEvidence(record, { trustAnchors: [other.certificateDer], crls: [] })).toMatchObject({
      valid: false,
      requirement: 'EST-029',
    });
  });
});
