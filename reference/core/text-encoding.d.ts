/**
 * The two encoding classes that every JavaScript platform has and that the language library does not declare.
 * Only the compilation of `core` reads this file; everywhere else the declarations come from the platform's types.
 */
declare class TextEncoder {
  encode(input?: string): Uint8Array<ArrayBuffer>;
}

declare class TextDecoder {
  constructor(label?: 'utf-8', options?: { readonly fatal?: boolean; readonly ignoreBOM?: boolean });
  decode(input?: Uint8Array): string;
}
