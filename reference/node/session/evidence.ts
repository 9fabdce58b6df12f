import { type EvidenceRecord, type EvidenceVerdict, verifyEvidence as verifyRecord } from '../../core/index.ts';
import { createVerifier } from '../connection/signatures.ts';
import { type Trust, judgeChain } from '../connection/trust.ts';

/**
 * Verifies an evidence record off line (section 4.8): its form, both signatures over its octets, the audience, and both
 * chains at the time it states. [EST-029] [EST-030] [EST-031]
 *
 * @param record - the JSON text, or a record that was parsed from it.
 * @param trust - trust anchors of both ends, and the revocation lists that were in force.
 */
export function verifyEvidence(record: string | EvidenceRecord, trust: Trust): Promise<EvidenceVerdict> {
  return verifyRecord(record, async (chain, role, recordedAt) => {
    const verdict = await judgeChain(chain, role, trust, new Date(recordedAt));
    if (!verdict.ok) return { ok: false, reason: `${verdict.message} [${verdict.requirement}]` };
    return { ok: true, identity: verdict.identity.value, verifier: createVerifier(verdict.publicKey) };
  });
}
