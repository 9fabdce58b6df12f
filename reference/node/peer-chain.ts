import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';

/**
 * The chain that the peer presented in this TLS handshake: DER certificates, leaf first. Certificates that do not belong
 * to the path are not in it, nor is a trust anchor, which the endpoint knows from its own configuration.
 *
 * @param trustAnchors - DER certificates.
 * @returns an empty chain for a peer without a certificate.
 */
export function peerChain(socket: TLSSocket, trustAnchors: readonly Uint8Array[]): Uint8Array[] {
  const chain: Uint8Array[] = [];
  const anchors = new Set(trustAnchors.map(octets));
  const seen = new Set<string>();
  // Typed as always there; without a certificate it is an empty object, and the root is its own issuer.
  let certificate: Partial<DetailedPeerCertificate> | undefined = socket.getPeerCertificate(true);
  while (certificate?.raw !== undefined) {
    const key = octets(certificate.raw);
    if (seen.has(key) || (anchors.has(key) && chain.length > 0)) break;
    seen.add(key);
    chain.push(new Uint8Array(certificate.raw));
    certificate = certificate.issuerCertificate;
  }
  return chain;
}

function octets(der: Uint8Array): string {
  return Buffer.from(der.buffer, der.byteOffset, der.byteLength).toString('latin1');
}
