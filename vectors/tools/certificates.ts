/** certificates.json: certificate chains and revocation lists (sections 2.3 to 2.5). */
import { certificateKit } from './certificate-case.ts';
import { keyCertificates } from './certificate-keys.ts';
import { identityCertificates, usageCertificates, validityCertificates } from './certificate-leaves.ts';
import { pathCertificates } from './certificate-paths.ts';
import { revocationCertificates } from './certificate-revocation.ts';
import type { Parties } from './parties.ts';
import type { DraftFile } from './vector.ts';

export async function certificateVectors({ root }: Parties): Promise<DraftFile> {
  const kit = await certificateKit(root);
  const makers = [
    keyCertificates,
    pathCertificates,
    validityCertificates,
    usageCertificates,
    identityCertificates,
    revocationCertificates,
  ];
  const drafts = await Promise.all(makers.map((make) => make(kit)));
  return {
    name: 'certificates',
    prefix: 'certificate',
    description:
      'The chain that a peer presents in the role given, leaf first, judged at `now`. The endpoint is configured with `crls` where ' +
      '`revocation` is true, and with no lists where it is false.',
    drafts: drafts.flat(),
  };
}
