import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  type ChainJudge,
  type EvidenceRecord,
  parseEvidenceRecord,
  serializeEvidenceRecord,
  verifyEvidence,
} from '../../../core/index.ts';
import { clientOptions, establishedPair, SERVER_IDENTITY, toyVerifier } from './pair.ts';

const CLIENT_LEAF = Uint8Array.of(0x30, 1);
const SERVER_LEAF = Uint8Array.of(0x30, 2);

function leafHash(leaf: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(leaf).digest());
}

const binding = {
  ...clientOptions().binding,
  clientLeafHash: leafHash(CLIENT_LEAF),
  serverLeafHash: leafHash(SERVER_LEAF),
};

function record(overrides: Partial<EvidenceRecord> = {}): EvidenceRecord {
  const { client } = establishedPair({ binding, grease: true }, { binding, grease: true });
  return {
    ...client.evidence()!,
    recordedAt: '2026-11-23T15:00:00Z',
    clientChain: [CLIENT_LEAF, Uint8Array.of(0x30, 9)],
    serverChain: [SERVER_LEAF],
    ...overrides,
  };
}

/** Knows both leaves. */
const judge: ChainJudge = ([leaf], role) => {
  const known = role === 'client' ? CLIENT_LEAF : SERVER_LEAF;
  if (leaf === undefined || Buffer.compare(leaf, known) !== 0) return { ok: false, reason: 'unknown issuer' };
  const identity = role === 'client' ? 'spiffe://example.org/client' : SERVER_IDENTITY;
  return { ok: true, identity, verifier: toyVerifier(role) };
};

function jsonOf(change: (members: Record<string, unknown>) => void): string {
  const members = JSON.parse(serializeEvidenceRecord(record())) as Record<string, unknown>;
  change(members);
  return JSON.stringify(members);
}

describe('verifyEvidence', () => {
  it('finds a record of either end valid, and says of what it is evidence [EST-029]', async () => {
    for (const recordedBy of ['client', 'server'] as const) {
      const text = serializeEvidenceRecord(record({ recordedBy }));
      expect(await verifyEvidence(text, judge)).toMatchObject({
        valid: true,
        clientIdentity: 'spiffe://example.org/client',
        serverIdentity: SERVER_IDENTITY,
        mode: 'new',
        epoch: 1,
        record: { recordedBy },
      });
    }
  });

  it('asks for the chains at the time of the record [EST-029]', async () => {
    const asked: unknown[] = [];
    await verifyEvidence(record(), (chain, role, recordedAt) => {
      asked.push([chain.length, role, recordedAt]);
      return judge(chain, role, recordedAt);
    });
    expect(asked).toEqual([
      [2, 'client', '2026-11-23T15:00:00Z'],
      [1, 'server', '2026-11-23T15:00:00Z'],
    ]);
  });

  it('finds it invalid with any octet changed, wherever it is [EST-029] [EST-030]', async () => {
    const whole = record();
    for (const member of ['exporter', 'challenge', 'connect', 'accept'] as const) {
      for (let at = 0; at < whole[member].length; at += 7) {
        const octets = whole[member].slice();
        octets[at]! ^= 0x40;
        expect(await verifyEvidence({ ...whole, [member]: octets }, judge)).toMatchObject({
          valid: false,
          requirement: expect.stringMatching(/^EST-0(29|30)$/) as string,
        });
      }
    }
  });

  it('finds it invalid with a chain that is not accepted, or another leaf [EST-029]', async () => {
    const other = { clientChain: [SERVER_LEAF] };
    expect(await verifyEvidence(record(other), judge)).toEqual({
      valid: false,
      requirement: 'EST-029',
      reason: 'The chain of the client is not valid: unknown issuer',
    });
    const accepting: ChainJudge = (_, role) => ({
      ok: true,
      identity: SERVER_IDENTITY,
      verifier: toyVerifier(role),
    });
    expect(await verifyEvidence(record(other), accepting)).toMatchObject({ valid: false, requirement: 'EST-029' });
    expect(await verifyEvidence(record({ serverChain: [CLIENT_LEAF] }), accepting)).toMatchObject({ valid: false });
  });

  it('finds it invalid when the audience is not the identity of the server [EST-030]', async () => {
    const other: ChainJudge = (chain, role, at) => {
      const verdict = judge(chain, role, at) as Extract<Awaited<ReturnType<ChainJudge>>, { ok: true }>;
      return { ...verdict, identity: 'spiffe://example.org/other' };
    };
    expect(await verifyEvidence(record(), other)).toMatchObject({ valid: false, requirement: 'EST-030' });
  });

  it.each(['challenge', 'connect', 'accept'] as const)(
    'finds it invalid with a frame in place of %s [EST-030]',
    async (member) => {
      const { challenge, accept, connect } = record();
      const replaced = { ...record(), [member]: member === 'challenge' ? accept : challenge };
      expect(await verifyEvidence(replaced, judge)).toMatchObject({ valid: false, requirement: 'EST-030' });
      const cut = { challenge, connect, accept }[member].slice(0, -1);
      expect(await verifyEvidence(record({ [member]: cut }), judge)).toMatchObject({ requirement: 'EST-030' });
      expect(await verifyEvidence(record({ [member]: Uint8Array.of(1) }), judge)).toMatchObject({
        requirement: 'EST-030',
      });
    },
  );

  it('finds it invalid with an exporter value of another length [EST-030]', async () => {
    expect(await verifyEvidence(record({ exporter: new Uint8Array(31) }), judge)).toMatchObject({
      requirement: 'EST-030',
    });
  });
});

describe('parseEvidenceRecord', () => {
  it('reads what was written', () => {
    expect(parseEvidenceRecord(serializeEvidenceRecord(record()))).toEqual(record());
  });

  it.each([
    ['no JSON', 'format'],
    ['no object', '[]'],
    ['null', 'null'],
    ['an unknown format', jsonOf((members) => (members['format'] = 'hawser-evidence/2'))],
    ['a missing member', jsonOf((members) => delete members['accept'])],
    ['an unknown member', jsonOf((members) => (members['note'] = 'x'))],
    ['a member that stands twice', jsonOf(() => undefined).replace('{', '{"challenge":"00",')],
    [
      'a member that stands twice, once with an escape',
      jsonOf(() => undefined).replace('{', '{"\\u0063hallenge":"00",'),
    ],
    ['upper-case digits', jsonOf((members) => (members['exporter'] = 'AB'.repeat(32)))],
    ['half an octet', jsonOf((members) => (members['exporter'] = 'abc'))],
    ['no octets', jsonOf((members) => (members['connect'] = ''))],
    ['an empty chain', jsonOf((members) => (members['clientChain'] = []))],
    ['a chain of numbers', jsonOf((members) => (members['serverChain'] = [1]))],
    ['another recorder', jsonOf((members) => (members['recordedBy'] = 'relay'))],
    ['a local time', jsonOf((members) => (members['recordedAt'] = '2026-11-23T15:00:00+01:00'))],
    ['a month that is none', jsonOf((members) => (members['recordedAt'] = '2026-13-23T15:00:00Z'))],
  ])('refuses %s [EST-031]', (_, text) => {
    expect(parseEvidenceRecord(text)).toMatchObject({ valid: false, requirement: 'EST-031' });
  });
});
