/** evidence.json: evidence records (section 4.8), right and damaged. */
import { toHex } from '../../conformance/model/codec.ts';
import { registry } from '../../conformance/model/registry.ts';
import { withoutSignature, withSignature } from '../../conformance/model/transcript.ts';
import { Authority } from './authority.ts';
import type { Leaf } from './authority.ts';
import { withBrokenSignature } from './der.ts';
import { ecKey, ed25519Key } from './keys.ts';
import { CLIENT_IDENTITY, establish, KEY_NAMES, SERVER_IDENTITY } from './parties.ts';
import type { Establishment, Parties } from './parties.ts';
import { signerOf } from './signatures.ts';
import { refused, VALID } from './vector.ts';
import type { DraftFile } from './vector.ts';

type Draft = DraftFile['drafts'][number];
type Members = Readonly<Record<string, unknown>>;

/** Why a record is not valid: a closed list. */
export const EVIDENCE_REASONS = [
  'not-a-record',
  'unknown-format',
  'missing-member',
  'unknown-member',
  'invalid-member',
  'invalid-frame',
  'audience-mismatch',
  'client-chain',
  'server-chain',
  'connect-signature',
  'accept-signature',
] as const;

type Reason = (typeof EVIDENCE_REASONS)[number];

const REQUIREMENTS: Readonly<Record<Reason, string>> = {
  'not-a-record': 'EST-031',
  'unknown-format': 'EST-031',
  'missing-member': 'EST-031',
  'unknown-member': 'EST-031',
  'invalid-member': 'EST-031',
  'invalid-frame': 'EST-030',
  'audience-mismatch': 'EST-030',
  'client-chain': 'EST-029',
  'server-chain': 'EST-029',
  'connect-signature': 'EST-029',
  'accept-signature': 'EST-029',
};

const RECORDED_AT = '2026-06-01T00:00:00Z';

function membersOf(parts: Establishment, recordedBy: 'client' | 'server' = 'server'): Members {
  return {
    format: registry.protocol.evidenceFormat,
    recordedBy,
    recordedAt: RECORDED_AT,
    exporter: toHex(parts.exporter),
    clientChain: parts.client.chain.map(toHex),
    serverChain: parts.server.chain.map(toHex),
    challenge: toHex(parts.challenge),
    connect: toHex(parts.connect),
    accept: toHex(parts.accept),
  };
}

const base64 = (octets: Uint8Array): string => Buffer.from(octets).toString('base64');
const flip = (octets: Uint8Array, at: number): Uint8Array =>
  octets.map((octet, index) => (index === at ? octet ^ 1 : octet));
const flipTop = (octets: Uint8Array, at: number): Uint8Array =>
  octets.map((octet, index) => (index === at ? octet ^ 0x80 : octet));
const without = (members: Members, name: string): Members =>
  Object.fromEntries(Object.entries(members).filter(([member]) => member !== name));

export async function evidenceVectors(parties: Parties): Promise<DraftFile> {
  const { client, server, root } = parties;
  const intermediate = await root.subordinate('Hawser test intermediate', ed25519Key('intermediate'));
  const stranger = await Authority.root('Hawser test stranger', ed25519Key('stranger root'));
  const leaf = (
    issuer: Authority,
    owner: 'client' | 'server',
    uris: readonly string[],
    options: Partial<Parameters<Authority['issue']>[2]> = {},
  ): Promise<Leaf> =>
    issuer.issue(
      `evidence ${issuer.name} ${owner} ${uris.join(' ')} ${JSON.stringify(options)}`,
      ecKey('P-256', owner),
      { role: owner, uris, ...options },
    );
  const deepClient = await leaf(intermediate, 'client', [CLIENT_IDENTITY]);
  const deepServer = await leaf(intermediate, 'server', [SERVER_IDENTITY]);
  const short = { notBefore: new Date('2026-02-01T00:00:00Z'), notAfter: new Date('2026-03-01T00:00:00Z') };
  const shortClient = await leaf(root, 'client', [CLIENT_IDENTITY], short);
  const dnsServer = await root.issue('evidence dns server', ecKey('P-256', 'server'), {
    role: 'server',
    dnsNames: ['server.example.test'],
  });

  const trustAnchors = [base64(root.der)];
  const text = (members: Members): string => `${JSON.stringify(members)}\n`;
  const good = (
    comment: string,
    record: string,
    requirements: readonly string[],
    identities: { client?: string; server?: string } = {},
  ): Draft => ({
    comment,
    requirements,
    flags: ['ValidRecord'],
    record,
    trustAnchors,
    ...VALID,
    expected: {
      clientIdentity: identities.client ?? CLIENT_IDENTITY,
      serverIdentity: identities.server ?? SERVER_IDENTITY,
    },
  });
  const bad = (
    comment: string,
    reason: Reason,
    flag: string,
    record: string,
    anchors: readonly string[] = trustAnchors,
  ): Draft => ({
    comment,
    requirements: [REQUIREMENTS[reason]],
    flags: [flag],
    record,
    trustAnchors: anchors,
    ...refused('evidence', reason),
  });

  const parts = establish(client.ed25519, server.ed25519);
  const members = membersOf(parts);
  const other = membersOf(establish(client.ed25519, server.ed25519, { label: 'other' }));
  const change = (changes: Members): string => text({ ...members, ...changes });
  const reordered = Object.fromEntries(Object.entries(members).toReversed());
  const resumed = establish(client.ed25519, server.ed25519, {
    connect: { mode: 'resume', session_id: new Uint8Array(16).fill(7), epoch: 3, attempt: 1, receive_cursor: 5 },
    accept: { epoch: 4, receive_cursor: 9 },
  });
  const dns = establish(client.ed25519, dnsServer, { connect: { audience: 'server.example.test' } });
  const past = establish(shortClient, server.ed25519);
  const deep = establish(deepClient, deepServer);

  const valid = [
    ...KEY_NAMES.flatMap((name) => {
      const record = establish(client[name], server[name], { label: name });
      return (['client', 'server'] as const).map((recorder) =>
        good(`${name} at both ends, recorded by the ${recorder}`, text(membersOf(record, recorder)), ['EST-029']),
      );
    }),
    good('chains over an intermediate', text(membersOf(deep)), ['EST-029']),
    good(
      'chains with the trust anchor at their end',
      change({
        clientChain: [...parts.client.chain, root.der].map(toHex),
        serverChain: [...parts.server.chain, root.der].map(toHex),
      }),
      ['EST-029'],
    ),
    good('members in another order', text(reordered), ['EST-031']),
    good('white space between members', `${JSON.stringify(members, null, 4)}\n\n`, ['EST-031']),
    good('a solidus with an escape, as some libraries write it', text(members).replaceAll('/', '\\/'), ['EST-031']),
    good('a fraction of a second', change({ recordedAt: '2026-06-01T00:00:00.123Z' }), ['EST-031']),
    good('mode resume', text(membersOf(resumed)), ['EST-029']),
    good('a server with a DNS name', text(membersOf(dns)), ['EST-030'], { server: 'server.example.test' }),
    good(
      'a certificate that was valid when it was recorded',
      text({ ...membersOf(past), recordedAt: '2026-02-15T12:00:00Z' }),
      ['EST-029'],
    ),
    good(
      'ignored parameters in every frame',
      text(
        membersOf(
          establish(client.ed25519, server.ed25519, {
            challenge: { parameters: [{ id: 0x801b, value: Uint8Array.of(1) }] },
            connect: { parameters: [{ id: 0x803a, value: Uint8Array.of(2) }] },
            accept: { parameters: [{ id: 0x8059, value: Uint8Array.of(3) }] },
          }),
        ),
      ),
      ['EST-029', 'WIR-023'],
    ),
  ];

  const form = [
    bad('no JSON', 'not-a-record', 'RecordForm', 'evidence'),
    bad('nothing', 'not-a-record', 'RecordForm', ''),
    bad('cut in the middle', 'not-a-record', 'RecordForm', text(members).slice(0, 400)),
    bad('a list with the record in it', 'not-a-record', 'RecordForm', JSON.stringify([members])),
    bad('null', 'not-a-record', 'RecordForm', 'null'),
    bad('a comma behind the last member', 'not-a-record', 'RecordForm', `${JSON.stringify(members).slice(0, -1)},}`),
    bad(
      'a member twice, which I-JSON excludes',
      'not-a-record',
      'RecordForm',
      `${JSON.stringify(members).slice(0, -1)},"recordedBy":"client"}`,
    ),
    bad('two records', 'not-a-record', 'RecordForm', text(members) + text(members)),
    bad('format of another version', 'unknown-format', 'RecordForm', change({ format: 'hawser-evidence/2' })),
    bad('format in upper case', 'unknown-format', 'RecordForm', change({ format: 'HAWSER-EVIDENCE/1' })),
    ...Object.keys(members).map((name) =>
      bad(`no ${name}`, 'missing-member', 'RecordForm', text(without(members, name))),
    ),
    bad('a member more', 'unknown-member', 'RecordForm', change({ note: 'checked' })),
    bad('a member more with the name of none', 'unknown-member', 'RecordForm', change({ '': '' })),
    bad(
      'a member in another case',
      'unknown-member',
      'RecordForm',
      text({ ...members, Exporter: toHex(parts.exporter) }),
    ),
    bad('recorded by a relay', 'invalid-member', 'RecordForm', change({ recordedBy: 'relay' })),
    bad('time without Z', 'invalid-member', 'RecordForm', change({ recordedAt: '2026-06-01T00:00:00' })),
    bad('time with an offset', 'invalid-member', 'RecordForm', change({ recordedAt: '2026-06-01T02:00:00+02:00' })),
    bad('time as a number', 'invalid-member', 'RecordForm', change({ recordedAt: 1_780_272_000 })),
    bad('time that is none', 'invalid-member', 'RecordForm', change({ recordedAt: 'yesterday' })),
    bad(
      'upper-case hexadecimal',
      'invalid-member',
      'RecordForm',
      change({ exporter: toHex(parts.exporter).toUpperCase() }),
    ),
    bad(
      'hexadecimal with an odd number of digits',
      'invalid-member',
      'RecordForm',
      change({ exporter: toHex(parts.exporter).slice(1) }),
    ),
    bad('base64 instead of hexadecimal', 'invalid-member', 'RecordForm', change({ exporter: base64(parts.exporter) })),
    bad('octets as a list of numbers', 'invalid-member', 'RecordForm', change({ exporter: [...parts.exporter] })),
    bad('a chain as text', 'invalid-member', 'RecordForm', change({ clientChain: toHex(parts.client.der) })),
  ];

  const header = registry.header.bytes;
  const ignored = establish(client.ed25519, server.ed25519, {
    connect: { parameters: [{ id: 0x8006, value: Uint8Array.of(1) }] },
  });
  const frames = [
    bad(
      'CHALLENGE with an octet more',
      'invalid-frame',
      'RecordFrame',
      change({ challenge: `${toHex(parts.challenge)}00` }),
    ),
    bad(
      'CHALLENGE with an octet less',
      'invalid-frame',
      'RecordFrame',
      change({ challenge: toHex(parts.challenge.slice(0, -1)) }),
    ),
    bad(
      'CONNECT without its last octet',
      'invalid-frame',
      'RecordFrame',
      change({ connect: toHex(parts.connect.slice(0, -1)) }),
    ),
    bad(
      'ACCEPT without its header',
      'invalid-frame',
      'RecordFrame',
      change({ accept: toHex(parts.accept.slice(header)) }),
    ),
    bad(
      'CONNECT and ACCEPT exchanged',
      'invalid-frame',
      'RecordFrame',
      change({ connect: toHex(parts.accept), accept: toHex(parts.connect) }),
    ),
    bad(
      'CHALLENGE of another type',
      'invalid-frame',
      'RecordFrame',
      change({ challenge: toHex(parts.challenge.map((octet, at) => (at === 0 ? 0x10 : octet))) }),
    ),
    bad(
      'CHALLENGE with a flag',
      'invalid-frame',
      'RecordFrame',
      change({ challenge: toHex(flip(parts.challenge, 1)) }),
    ),
    bad('CONNECT with a channel', 'invalid-frame', 'RecordFrame', change({ connect: toHex(flip(parts.connect, 7)) })),
    bad(
      'ACCEPT with a sequence number',
      'invalid-frame',
      'RecordFrame',
      change({ accept: toHex(flip(parts.accept, 15)) }),
    ),
    bad(
      'CONNECT with an unknown mode',
      'invalid-frame',
      'RecordFrame',
      change({ connect: toHex(parts.connect.map((octet, at) => (at === header ? 2 : octet))) }),
    ),
    bad(
      'CONNECT with an unknown critical parameter',
      'invalid-frame',
      'RecordFrame',
      // Behind the id with its top bit: two octets of length, one of value, two of scheme.
      text({
        ...membersOf(ignored),
        connect: toHex(flipTop(ignored.connect, withoutSignature(ignored.connect).length - 7)),
      }),
    ),
    bad(
      'audience is another server',
      'audience-mismatch',
      'RecordFrame',
      text(
        membersOf(establish(client.ed25519, server.ed25519, { connect: { audience: 'spiffe://example.test/other' } })),
      ),
    ),
    bad(
      'audience differs in case',
      'audience-mismatch',
      'RecordFrame',
      text(
        membersOf(establish(client.ed25519, server.ed25519, { connect: { audience: 'spiffe://example.test/Server' } })),
      ),
    ),
    bad(
      'certificate of another server identity',
      'audience-mismatch',
      'RecordFrame',
      text(membersOf(establish(client.ed25519, dnsServer))),
    ),
  ];

  const binding = [
    bad(
      'a bit of the exporter value',
      'connect-signature',
      'RecordBinding',
      change({ exporter: toHex(flip(parts.exporter, 0)) }),
    ),
    bad(
      'exporter value of another connection',
      'connect-signature',
      'RecordBinding',
      change({ exporter: other['exporter'] }),
    ),
    bad(
      'CHALLENGE of another connection',
      'connect-signature',
      'RecordBinding',
      change({ challenge: other['challenge'] }),
    ),
    bad(
      'a bit of server_nonce',
      'connect-signature',
      'RecordBinding',
      change({ challenge: toHex(flip(parts.challenge, header)) }),
    ),
    bad(
      'a bit of client_nonce',
      'connect-signature',
      'RecordBinding',
      change({ connect: toHex(flip(parts.connect, header + 41)) }),
    ),
    bad(
      'a bit of the signature in CONNECT',
      'connect-signature',
      'RecordBinding',
      change({ connect: toHex(flip(parts.connect, parts.connect.length - 1)) }),
    ),
    bad(
      'another certificate of the same client',
      'connect-signature',
      'RecordBinding',
      change({ clientChain: client['ecdsa-p256'].chain.map(toHex) }),
    ),
    bad(
      'another certificate of the same server',
      'connect-signature',
      'RecordBinding',
      change({ serverChain: server['ecdsa-p256'].chain.map(toHex) }),
    ),
    bad(
      'a certificate for the same key of the client',
      'connect-signature',
      'RecordBinding',
      change({
        clientChain: (
          await root.issue('evidence renewed client', client.ed25519.key, { role: 'client', uris: [CLIENT_IDENTITY] })
        ).chain.map(toHex),
      }),
    ),
    bad('ACCEPT of another connection', 'accept-signature', 'RecordBinding', change({ accept: other['accept'] })),
    bad(
      'a bit of session_id',
      'accept-signature',
      'RecordBinding',
      change({ accept: toHex(flip(parts.accept, header)) }),
    ),
    bad(
      'another epoch',
      'accept-signature',
      'RecordBinding',
      change({ accept: toHex(flip(parts.accept, header + 22)) }),
    ),
    bad(
      'a bit of the signature in ACCEPT',
      'accept-signature',
      'RecordBinding',
      change({ accept: toHex(flip(parts.accept, parts.accept.length - 1)) }),
    ),
    bad(
      'signature of zeros in ACCEPT',
      'accept-signature',
      'RecordBinding',
      change({ accept: toHex(withSignature(parts.accept, new Uint8Array(64))) }),
    ),
    bad(
      'ACCEPT signed by the client',
      'accept-signature',
      'RecordBinding',
      text(membersOf(establish(client.ed25519, server.ed25519, { signAccept: signerOf(client.ed25519.key) }))),
    ),
  ];

  const strangerParts = establish(await leaf(stranger, 'client', [CLIENT_IDENTITY]), server.ed25519);
  const chain = (
    comment: string,
    reason: 'client-chain' | 'server-chain',
    parts: Establishment,
    changes: Members = {},
    anchors?: readonly string[],
  ): Draft => bad(comment, reason, 'RecordChain', text({ ...membersOf(parts), ...changes }), anchors);
  const chains = [
    chain('trust anchor of someone else', 'client-chain', parts, {}, [base64(stranger.der)]),
    chain('no trust anchor', 'client-chain', parts, {}, []),
    chain('client of an unknown authority', 'client-chain', strangerParts),
    chain(
      'server of an unknown authority',
      'server-chain',
      establish(client.ed25519, await leaf(stranger, 'server', [SERVER_IDENTITY])),
    ),
    chain('intermediate left out at the client', 'client-chain', deep, { clientChain: [toHex(deepClient.der)] }),
    chain('intermediate left out at the server', 'server-chain', deep, { serverChain: [toHex(deepServer.der)] }),
    chain('certificate of the client with an octet less', 'client-chain', parts, {
      clientChain: [toHex(parts.client.der.slice(0, -1))],
    }),
    chain(
      'certificate of the client with a broken signature',
      'client-chain',
      establish(
        {
          ...client.ed25519,
          der: withBrokenSignature(client.ed25519.der),
          chain: [withBrokenSignature(client.ed25519.der)],
        },
        server.ed25519,
      ),
    ),
    chain('recorded before the certificates were valid', 'client-chain', parts, { recordedAt: '2025-12-31T23:59:59Z' }),
    chain('recorded after the certificates had expired', 'client-chain', parts, { recordedAt: '2027-01-01T00:00:01Z' }),
    chain('recorded after the certificate of the client had expired', 'client-chain', past, {
      recordedAt: '2026-03-02T00:00:00Z',
    }),
    chain('certificate of a server at the client', 'client-chain', establish(server['ecdsa-p256'], server.ed25519)),
    chain(
      'certificate of a client at the server',
      'server-chain',
      establish(client.ed25519, await leaf(root, 'client', [SERVER_IDENTITY])),
    ),
    chain(
      'client with two identities',
      'client-chain',
      establish(await leaf(root, 'client', [CLIENT_IDENTITY, 'spiffe://example.test/other']), server.ed25519),
    ),
    chain('client without an identity', 'client-chain', establish(await leaf(root, 'client', []), server.ed25519)),
  ];

  return {
    name: 'evidence',
    prefix: 'evidence',
    description:
      'One evidence record each, as the text of a file, with the trust anchors of the verifier. No revocation lists are configured.',
    drafts: [...valid, ...form, ...frames, ...binding, ...chains],
  };
}
