import { type EvidenceMaterial, PROTOCOL } from '../core/index.ts';

/** An evidence record (section 4.8): octets in lower-case hexadecimal. Its JSON is the file. */
export interface EvidenceRecord {
  readonly format: string;
  readonly recordedBy: 'client' | 'server';
  /** RFC 3339, UTC, with `Z`. */
  readonly recordedAt: string;
  readonly exporter: string;
  /** DER certificates, leaf first. */
  readonly clientChain: readonly string[];
  readonly serverChain: readonly string[];
  /** The complete frames as sent or received. */
  readonly challenge: string;
  readonly connect: string;
  readonly accept: string;
}

/**
 * Puts an evidence record together.
 *
 * @param material - what the engine kept of the establishment.
 * @param chains - DER certificates of both ends, leaf first.
 * @param recordedAt - time at the recorder.
 */
export function createEvidenceRecord(
  material: EvidenceMaterial,
  chains: { readonly client: readonly Uint8Array[]; readonly server: readonly Uint8Array[] },
  recordedAt: Date,
): EvidenceRecord {
  return {
    format: PROTOCOL.evidenceFormat,
    recordedBy: material.recordedBy,
    recordedAt: recordedAt.toISOString(),
    exporter: hex(material.exporter),
    clientChain: chains.client.map(hex),
    serverChain: chains.server.map(hex),
    challenge: hex(material.challenge),
    connect: hex(material.connect),
    accept: hex(material.accept),
  };
}

function hex(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('hex');
}
