/**
 * Makes the signatures of one endpoint with the key of the leaf certificate that it presents in TLS. [EST-002]
 */
export interface Signer {
  /** The scheme that belongs to the type of the key; a number of the registry's signature schemes. [EST-003] */
  readonly scheme: number;
  /** Length of each signature in octets: the header counts it before the signature exists (chapter 4.2). */
  readonly signatureBytes: number;
  /**
   * Signs content.
   *
   * @param content - the octets to sign; hashing, where the scheme hashes, is the signer's part.
   * @returns the signature in the form that the registry gives for the scheme, `signatureBytes` octets.
   */
  sign(content: Uint8Array): Uint8Array;
}

/** Checks the signatures of one peer with the key of the leaf certificate that it presented in TLS. [EST-002] */
export interface Verifier {
  /**
   * Checks a signature.
   *
   * @param content - the octets that were signed.
   * @param scheme - the scheme that the peer stated: one that does not belong to the peer's key has to be refused.
   *   [EST-004]
   * @param signature - the signature in the form that the registry gives for the scheme, of any length.
   * @returns whether the signature verifies; false, not an exception, for every defect. [EST-005]
   */
  verify(content: Uint8Array, scheme: number, signature: Uint8Array): boolean;
}

/** What ties signatures to one TLS connection (chapter 4.1). */
export interface ChannelBinding {
  /**
   * The TLS exporter of this connection, with the registry's label and length.
   *
   * @param context - the context value: SHA-256 of the CHALLENGE frame.
   * @returns `PROTOCOL.exporterBytes` octets.
   */
  exporter(context: Uint8Array): Uint8Array;
  /** SHA-256 of the client's leaf certificate in DER. */
  readonly clientLeafHash: Uint8Array;
  /** SHA-256 of the server's leaf certificate in DER. */
  readonly serverLeafHash: Uint8Array;
}
