/** Signed content and transcripts that were put together in another way. */
import { createHash, createPublicKey, X509Certificate } from 'node:crypto';
import { concat, integer, toHex } from '../../conformance/model/codec.ts';
import { registry } from '../../conformance/model/registry.ts';
import {
  acceptTranscript,
  connectTranscript,
  leafHash,
  sha256,
  signedContent,
  withoutSignature,
} from '../../conformance/model/transcript.ts';
import type { TranscriptInput } from '../../conformance/model/transcript.ts';
import { establish } from './parties.ts';
import type { EstablishmentOptions, Parties } from './parties.ts';
import { bad } from './transcript-case.ts';
import type { Draft } from './transcript-case.ts';

/** The signed content was put together in another way. */
export function wrongContent({ client, server }: Parties): Draft[] {
  const label = (text: string): Uint8Array => new TextEncoder().encode(text);
  const labels = registry.protocol.signatureLabels;
  const content = (
    name: string,
    digest: Uint8Array,
    pad = 64,
    octet = 0x20,
    end: Uint8Array = Uint8Array.of(0),
  ): Uint8Array => concat(new Uint8Array(pad).fill(octet), label(name), end, digest);
  type Content = (transcript: Uint8Array, right: string) => Uint8Array;
  const contents: readonly (readonly [string, string, Content])[] = [
    ['no label', 'Label', (transcript) => content('', sha256(transcript))],
    ['label in lower case', 'Label', (transcript, right) => content(right.toLowerCase(), sha256(transcript))],
    [
      'label of another version',
      'Label',
      (transcript, right) => content(right.replace('/1', '/2'), sha256(transcript)),
    ],
    ['label of TLS 1.3', 'Label', (transcript) => content('TLS 1.3, client CertificateVerify', sha256(transcript))],
    ['63 octets of padding', 'Label', (transcript, right) => content(right, sha256(transcript), 63)],
    ['65 octets of padding', 'Label', (transcript, right) => content(right, sha256(transcript), 65)],
    ['padding of zeros', 'Label', (transcript, right) => content(right, sha256(transcript), 64, 0)],
    [
      'no zero octet behind the label',
      'Label',
      (transcript, right) => content(right, sha256(transcript), 64, 0x20, new Uint8Array(0)),
    ],
    [
      'SHA-384 of the transcript',
      'Label',
      (transcript, right) => content(right, new Uint8Array(createHash('sha384').update(transcript).digest())),
    ],
    ['the transcript instead of its hash', 'Label', (transcript, right) => content(right, transcript)],
    ['the hash of the transcript alone', 'Label', (transcript) => sha256(transcript)],
    ['hash in hexadecimal', 'Label', (transcript, right) => content(right, label(toHex(sha256(transcript))))],
  ];
  const byContent = (['connect', 'accept'] as const).flatMap((signed) =>
    contents.map(([comment, flag, make]) => {
      const mine: EstablishmentOptions =
        signed === 'connect'
          ? { connectContent: (input) => make(connectTranscript(input), labels.connect) }
          : { acceptContent: (input, accept) => make(acceptTranscript(input, accept), labels.accept) };
      return bad(
        `signed content with ${comment}`,
        'EST-005',
        flag,
        signed,
        establish(client.ed25519, server.ed25519, mine),
      );
    }),
  );
  const crossed = [
    bad(
      'signed under the label of ACCEPT',
      'EST-005',
      'Label',
      'connect',
      establish(client.ed25519, server.ed25519, {
        connectContent: (input) => signedContent('accept', connectTranscript(input)),
      }),
    ),
    bad(
      'signed under the label of CONNECT',
      'EST-005',
      'Label',
      'accept',
      establish(client.ed25519, server.ed25519, {
        acceptContent: (input, accept) => signedContent('connect', acceptTranscript(input, accept)),
      }),
    ),
  ];
  type Transcript = (input: TranscriptInput) => Uint8Array;
  const shortHeader = (frame: Uint8Array): Uint8Array => {
    const body = withoutSignature(frame);
    body.set(integer(body.length - registry.header.bytes, 2), 2);
    return body;
  };
  const heads: readonly (readonly [string, Transcript])[] = [
    ['without the exporter value', (input) => connectTranscript({ ...input, exporter: new Uint8Array(0) })],
    [
      'without the leaf hashes',
      (input) => connectTranscript({ ...input, clientLeaf: new Uint8Array(0), serverLeaf: new Uint8Array(0) }),
    ],
    [
      'with the leaf hashes in the other order',
      (input) => connectTranscript({ ...input, clientLeaf: input.serverLeaf, serverLeaf: input.clientLeaf }),
    ],
    [
      'with the exporter value behind the leaf hashes',
      (input) =>
        connectTranscript({
          ...input,
          exporter: input.clientLeaf,
          clientLeaf: input.serverLeaf,
          serverLeaf: input.exporter,
        }),
    ],
    [
      'with certificates instead of their hashes',
      (input) => connectTranscript({ ...input, clientLeaf: client.ed25519.der, serverLeaf: server.ed25519.der }),
    ],
    [
      'with hashes of the keys instead of the certificates',
      (input) =>
        connectTranscript({
          ...input,
          clientLeaf: leafHash(spki(client.ed25519.der)),
          serverLeaf: leafHash(spki(server.ed25519.der)),
        }),
    ],
    ['without CHALLENGE', (input) => connectTranscript({ ...input, challenge: new Uint8Array(0) })],
    [
      'without the header of CHALLENGE',
      (input) => connectTranscript({ ...input, challenge: input.challenge.slice(registry.header.bytes) }),
    ],
    [
      'with a length in the header that leaves the signature out',
      (input) =>
        concat(input.exporter, input.clientLeaf, input.serverLeaf, input.challenge, shortHeader(input.connect)),
    ],
    ['with the length of the signature behind scheme', (input) => concat(connectTranscript(input), integer(64, 2))],
    [
      'with zeros in place of the signature',
      (input) => concat(connectTranscript(input), integer(64, 2), new Uint8Array(64)),
    ],
    ['without scheme', (input) => connectTranscript(input).slice(0, -2)],
  ];
  const byTranscript = heads.map(([comment, make]) =>
    bad(
      `transcript ${comment}`,
      'EST-005',
      'Binding',
      'connect',
      establish(client.ed25519, server.ed25519, { connectContent: (input) => signedContent('connect', make(input)) }),
    ),
  );
  const acceptTranscripts = (
    [
      [
        'with CONNECT without its signature',
        (input: TranscriptInput): TranscriptInput => ({ ...input, connect: withoutSignature(input.connect) }),
      ],
      ['without CONNECT', (input: TranscriptInput): TranscriptInput => ({ ...input, connect: new Uint8Array(0) })],
      ['without CHALLENGE', (input: TranscriptInput): TranscriptInput => ({ ...input, challenge: new Uint8Array(0) })],
    ] as const
  ).map(([comment, change]) =>
    bad(
      `transcript ${comment}`,
      'EST-005',
      'Binding',
      'accept',
      establish(client.ed25519, server.ed25519, {
        acceptContent: (input, accept) => signedContent('accept', acceptTranscript(change(input), accept)),
      }),
    ),
  );
  return [...byContent, ...crossed, ...byTranscript, ...acceptTranscripts];
}

function spki(certificate: Uint8Array): Uint8Array {
  const { publicKey } = new X509Certificate(certificate);
  return new Uint8Array(
    createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })).export({ type: 'spki', format: 'der' }),
  );
}
