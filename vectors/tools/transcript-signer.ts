/** Other keys, schemes, paddings and encodings. */
import type { KeyObject } from 'node:crypto';
import { concat, integer, readInteger } from '../../conformance/model/codec.ts';
import { ed25519Key } from './keys.ts';
import { establish } from './parties.ts';
import type { EstablishmentOptions, KeyName, Parties } from './parties.ts';
import { ecdsa, orderOf, pkcs1, pss, signerOf, toDer } from './signatures.ts';
import type { Signer } from './signatures.ts';
import { bad } from './transcript-case.ts';
import type { Draft } from './transcript-case.ts';

export function wrongKeys({ client, server, root }: Parties): Draft[] {
  const signed = (key: KeyObject): EstablishmentOptions => ({ signConnect: signerOf(key) });
  const another: Readonly<Partial<Record<KeyName, KeyObject>>> = {
    'ecdsa-p256': server['ecdsa-p256'].key,
    'ecdsa-p384': server['ecdsa-p384'].key,
    ed25519: ed25519Key('stranger'),
    'rsa-2048': server['rsa-2048'].key,
  };
  const byType = Object.entries(another).map(([name, key]) =>
    bad(
      `${name}: another key of the same type`,
      'EST-005',
      'WrongKey',
      'connect',
      establish(client[name as KeyName], server.ed25519, signed(key)),
    ),
  );
  return [
    ...byType,
    bad(
      'key of the server',
      'EST-005',
      'WrongKey',
      'connect',
      establish(client.ed25519, server.ed25519, signed(server.ed25519.key)),
    ),
    bad(
      'key of the issuer',
      'EST-005',
      'WrongKey',
      'connect',
      establish(client.ed25519, server.ed25519, signed(root.key)),
    ),
    bad(
      'key of the client',
      'EST-005',
      'WrongKey',
      'accept',
      establish(client.ed25519, server.ed25519, { signAccept: signerOf(client.ed25519.key) }),
    ),
    bad(
      'key of the issuer',
      'EST-005',
      'WrongKey',
      'accept',
      establish(client.ed25519, server.ed25519, { signAccept: signerOf(root.key) }),
    ),
  ];
}

export function wrongSchemes({ client, server }: Parties): Draft[] {
  const row = (comment: string, name: KeyName, scheme: number, signer?: Signer): Draft =>
    bad(
      `${name}: ${comment}`,
      'EST-004',
      'Scheme',
      'connect',
      establish(client[name], server.ed25519, {
        connect: { scheme },
        ...(signer === undefined ? {} : { signConnect: signer }),
      }),
    );
  const rsa = client['rsa-2048'].key;
  const p256 = client['ecdsa-p256'].key;
  return [
    row('scheme 0', 'ed25519', 0),
    row('scheme 0xffff', 'ed25519', 0xffff),
    row('scheme ed448', 'ed25519', 0x0808),
    row('scheme ecdsa_secp256r1_sha256', 'ed25519', 0x0403),
    row('scheme ed25519', 'ecdsa-p256', 0x0807),
    row('scheme ecdsa_secp384r1_sha384, with SHA-384', 'ecdsa-p256', 0x0503, ecdsa(p256, 'sha384')),
    row('scheme ecdsa_secp256r1_sha256, with SHA-256', 'ecdsa-p384', 0x0403, ecdsa(client['ecdsa-p384'].key, 'sha256')),
    row('scheme ecdsa_sha1, with SHA-1', 'ecdsa-p256', 0x0203, ecdsa(p256, 'sha1')),
    row('scheme ecdsa_brainpoolP256r1tls13_sha256', 'ecdsa-p256', 0x081a),
    row('scheme rsa_pkcs1_sha256, with that padding', 'rsa-2048', 0x0401, pkcs1(rsa)),
    row('scheme rsa_pss_pss_sha256', 'rsa-2048', 0x0809),
    row(
      'scheme rsa_pss_rsae_sha384, with SHA-384',
      'rsa-2048',
      0x0805,
      pss(rsa, { hash: 'sha384', maskHash: 'sha384', saltBytes: 48 }),
    ),
    row(
      'scheme rsa_pss_rsae_sha512, with SHA-512',
      'rsa-2048',
      0x0806,
      pss(rsa, { hash: 'sha512', maskHash: 'sha512', saltBytes: 64 }),
    ),
    row('scheme ed25519', 'rsa-2048', 0x0807),
    bad(
      'ed25519: scheme ecdsa_secp256r1_sha256',
      'EST-004',
      'Scheme',
      'accept',
      establish(client.ed25519, server.ed25519, { accept: { scheme: 0x0403 } }),
    ),
    bad(
      'rsa-2048: scheme rsa_pkcs1_sha256, with that padding',
      'EST-004',
      'Scheme',
      'accept',
      establish(client.ed25519, server['rsa-2048'], {
        accept: { scheme: 0x0401 },
        signAccept: pkcs1(server['rsa-2048'].key),
      }),
    ),
  ];
}

export function wrongEncodings({ client, server }: Parties): Draft[] {
  const row = (
    comment: string,
    flag: string,
    name: KeyName,
    change: (signature: Uint8Array, key: KeyObject) => Uint8Array,
  ): Draft => {
    const { key } = client[name];
    const right = signerOf(key);
    return bad(
      `${name}: ${comment}`,
      'EST-005',
      flag,
      'connect',
      establish(client[name], server.ed25519, { signConnect: (content) => change(right(content), key) }),
    );
  };
  const ecdsaRows = (['ecdsa-p256', 'ecdsa-p384'] as const).flatMap((name) => {
    const half = name === 'ecdsa-p256' ? 32 : 48;
    const parts = (signature: Uint8Array): readonly [Uint8Array, Uint8Array] => [
      signature.subarray(0, half),
      signature.subarray(half),
    ];
    const order = (key: KeyObject): Uint8Array => integer(orderOf(key), half);
    const zero = new Uint8Array(half);
    return [
      row('in DER', 'SignatureEncoding', name, toDer),
      row('s before r', 'SignatureEncoding', name, (signature) => concat(...[...parts(signature)].reverse())),
      row('integers with their last octet first', 'SignatureEncoding', name, (signature) =>
        concat(...parts(signature).map((part) => part.slice().reverse())),
      ),
      row('integers with one more zero in front', 'SignatureEncoding', name, (signature) =>
        concat(...parts(signature).flatMap((part) => [Uint8Array.of(0), part])),
      ),
      row('one octet more', 'SignatureEncoding', name, (signature) => concat(signature, Uint8Array.of(0))),
      row('one octet less', 'SignatureEncoding', name, (signature) => signature.subarray(0, -1)),
      row('r alone', 'SignatureEncoding', name, (signature) => signature.subarray(0, half)),
      row('r and s are zero', 'SignatureRange', name, () => concat(zero, zero)),
      row('r is zero', 'SignatureRange', name, (signature) => concat(zero, parts(signature)[1])),
      row('s is zero', 'SignatureRange', name, (signature) => concat(parts(signature)[0], zero)),
      row('r is the order', 'SignatureRange', name, (signature, key) => concat(order(key), parts(signature)[1])),
      row('s is the order', 'SignatureRange', name, (signature, key) => concat(parts(signature)[0], order(key))),
      row('r and s are one', 'SignatureRange', name, () => concat(integer(1, half), integer(1, half))),
    ];
  });
  const L = 2n ** 252n + 27742317777372353535851937790883648493n;
  const littleEndian = (octets: Uint8Array): Uint8Array => octets.slice().reverse();
  const ed25519Rows = [
    row('one octet more', 'SignatureEncoding', 'ed25519', (signature) => concat(signature, Uint8Array.of(0))),
    row('one octet less', 'SignatureEncoding', 'ed25519', (signature) => signature.subarray(0, -1)),
    row('S before R', 'SignatureEncoding', 'ed25519', (signature) =>
      concat(signature.subarray(32), signature.subarray(0, 32)),
    ),
    row('all zeros', 'SignatureRange', 'ed25519', () => new Uint8Array(64)),
    row('S is larger by the order', 'SignatureRange', 'ed25519', (signature) => {
      const s = readInteger(littleEndian(signature.subarray(32)));
      return concat(signature.subarray(0, 32), littleEndian(integer(s + L, 32)));
    }),
  ];
  const rsa = (comment: string, signer: (key: KeyObject) => Signer, flag = 'PssParameters'): Draft =>
    bad(
      `rsa-2048: ${comment}`,
      'EST-005',
      flag,
      'connect',
      establish(client['rsa-2048'], server.ed25519, { signConnect: signer(client['rsa-2048'].key) }),
    );
  const rsaRows = [
    ...[0, 20, 31, 33, 64, 222].map((saltBytes) =>
      rsa(`salt of ${saltBytes} octets`, (key) => pss(key, { saltBytes })),
    ),
    rsa('mask with SHA-1', (key) => pss(key, { maskHash: 'sha1' })),
    rsa('mask with SHA-384', (key) => pss(key, { maskHash: 'sha384' })),
    rsa('SHA-384', (key) => pss(key, { hash: 'sha384', maskHash: 'sha384' })),
    rsa('SHA-1', (key) => pss(key, { hash: 'sha1', maskHash: 'sha1' })),
    rsa('wrong last octet of the encoded message', (key) => pss(key, { trailer: 0xcc })),
    rsa('padding of PKCS #1 version 1.5', (key) => pkcs1(key)),
    row('one octet more in front', 'SignatureEncoding', 'rsa-2048', (signature) => concat(Uint8Array.of(0), signature)),
    row('last octet left out', 'SignatureEncoding', 'rsa-2048', (signature) => signature.subarray(0, -1)),
    row('zeros', 'SignatureRange', 'rsa-2048', (signature) => new Uint8Array(signature.length)),
    row('ones, which is more than the modulus', 'SignatureRange', 'rsa-2048', (signature) =>
      new Uint8Array(signature.length).fill(255),
    ),
  ];
  return [...ecdsaRows, ...ed25519Rows, ...rsaRows];
}
