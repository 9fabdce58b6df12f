/** Signatures that verify. */
import { withSignature } from '../../conformance/model/transcript.ts';
import { octetsFor } from './octet-source.ts';
import { establish, KEY_NAMES } from './parties.ts';
import type { Parties } from './parties.ts';
import { hasHighS, withOtherS } from './signatures.ts';
import { good, signatureOf } from './transcript-case.ts';
import type { Draft } from './transcript-case.ts';

export function validSignatures({ client, server }: Parties): Draft[] {
  const ordinary = KEY_NAMES.flatMap((name) => {
    const parts = establish(client[name], server[name], { label: name });
    return (['connect', 'accept'] as const).map((signed) => good(`${name} signs`, 'ValidSignature', signed, parts));
  });
  const mixed = establish(client.ed25519, server['ecdsa-p384'], {
    label: 'mixed',
    challenge: {
      parameters: [
        { id: 'liveness_interval_ms', value: 2000 },
        { id: 0x801b, value: octetsFor('grease', 9) },
      ],
    },
    connect: {
      parameters: [
        { id: 'initial_message_credit', value: 16 },
        { id: 0x803a, value: octetsFor('grease', 3) },
      ],
    },
    accept: {
      parameters: [
        { id: 'max_channels', value: 4 },
        { id: 0x8059, value: octetsFor('grease', 1) },
      ],
    },
  });
  const resume = establish(client['ecdsa-p256'], server.ed25519, {
    label: 'resume',
    connect: { mode: 'resume', session_id: octetsFor('session', 16), epoch: 3, attempt: 4, receive_cursor: 5 },
    accept: { epoch: 4, receive_cursor: 9 },
  });
  const resumptions = KEY_NAMES.flatMap((name) => {
    const session_id = octetsFor('session', 16);
    const parts = establish(client[name], server[name], {
      label: `resumption ${name}`,
      connect: { mode: 'resume', session_id, epoch: 1, attempt: 2, receive_cursor: 0 },
      accept: { session_id, epoch: 2, receive_cursor: 2 ** 40 },
    });
    return (['connect', 'accept'] as const).map((signed) =>
      good(`${name} signs a resumption`, 'ValidSignature', signed, parts),
    );
  });
  const largest = establish(client.ed25519, server['rsa-2048'], {
    label: 'resumption, largest numbers',
    connect: {
      mode: 'resume',
      session_id: new Uint8Array(16).fill(255),
      epoch: Number.MAX_SAFE_INTEGER - 1,
      attempt: Number.MAX_SAFE_INTEGER,
      receive_cursor: Number.MAX_SAFE_INTEGER,
    },
    accept: {
      session_id: new Uint8Array(16).fill(255),
      epoch: Number.MAX_SAFE_INTEGER,
      receive_cursor: Number.MAX_SAFE_INTEGER,
      parameters: [{ id: 'connection_deadline_ms', value: 60_000 }],
    },
  });
  // Of both values of s that belong to a signature, neither is excluded.
  const halves = (['ecdsa-p256', 'ecdsa-p384'] as const).flatMap((name) => {
    const parts = establish(client[name], server[name], { label: `half ${name}` });
    return [parts.connect, withSignature(parts.connect, withOtherS(client[name].key, signatureOf(parts.connect)))].map(
      (connect) => {
        const half = hasHighS(client[name].key, signatureOf(connect)) ? 'upper' : 'lower';
        return good(`${name}, s in the ${half} half`, 'SignatureEncoding', 'connect', { ...parts, connect });
      },
    );
  });
  return [
    ...ordinary,
    ...(['connect', 'accept'] as const).flatMap((signed) => [
      good('with parameters, known and ignored, and keys of two types', 'ValidSignature', signed, mixed),
      good('of a resumption', 'ValidSignature', signed, resume),
    ]),
    ...halves,
    ...resumptions,
    ...(['connect', 'accept'] as const).map((signed) =>
      good('of a resumption with the largest numbers', 'ValidSignature', signed, largest),
    ),
  ];
}
