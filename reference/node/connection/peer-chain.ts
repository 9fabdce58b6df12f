import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

/**
 * The chain that the peer presented in this TLS handshake, leaf first, each certificate followed by its issuer as DER.
 * Certificates that do not belong to the path are left out, and so is a trust anchor: the endpoint has it in its own
 * configuration. Call it once for each connection, since on Node 20 reading the peer's certificate empties the list.
 *
 * @param trustAnchors - DER certificates.
 * @returns an empty chain for a peer without a certificate.
 */
export function peerChain(socket: TLSSocket, trustAnchors: readonly Uint8Array[]): Uint8Array[] {
  const presented: X509Certificate[] = [];
  for (
    let certificate = socket.getPeerX509Certificate();
    certificate !== undefined;
    certificate = certificate.issuerCertificate
  ) {
    presented.push(certificate);
  }
  const path = presented.splice(0, 1);
  // TLS stacks accept any order above the leaf.
  for (let index = nextIssuer(path, presented); index >= 0; index = nextIssuer(path, presented)) {
    path.push(...presented.splice(index, 1));
  }
  const chain = path.map(({ raw }) => new Uint8Array(raw));
  const end = chain.findIndex((der, index) => index > 0 && isAmong(trustAnchors, der));
  return end < 0 ? chain : chain.slice(0, end);
}

function nextIssuer(path: readonly X509Certificate[], candidates: readonly X509Certificate[]): number {
  const last = path.at(-1);
  return candidates.findIndex((candidate) => last?.checkIssued(candidate) === true);
}

function isAmong(certificates: readonly Uint8Array[], der: Uint8Array): boolean {
  return certificates.some((certificate) => Buffer.compare(certificate, der) === 0);
}
