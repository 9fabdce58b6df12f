/** The parts of an evidence record that the connection holds; chains and time are its owner's. */
export interface EvidenceMaterial {
  readonly recordedBy: 'client' | 'server';
  readonly exporter: Uint8Array;
  /** The complete frames as sent or received. [EST-001] */
  readonly challenge: Uint8Array;
  readonly connect: Uint8Array;
  readonly accept: Uint8Array;
}
