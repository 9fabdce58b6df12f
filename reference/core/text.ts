const ENCODER = new TextEncoder();
const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Writes a `text16` without its length.
 *
 * @returns undefined when the text can not be one: a lone surrogate, or a control character. [WIR-018]
 */
export function encodeText(text: string): Uint8Array | undefined {
  return LONE_SURROGATE.test(text) || hasControlCharacter(text) ? undefined : ENCODER.encode(text);
}

/**
 * Reads the octets of a `text16`.
 *
 * @returns undefined when they are not well-formed UTF-8 or hold a control character. [WIR-018]
 */
export function decodeText(bytes: Uint8Array): string | undefined {
  let text: string;
  try {
    text = DECODER.decode(bytes);
  } catch {
    return undefined;
  }
  return hasControlCharacter(text) ? undefined : text;
}

/** A code point below U+0020, or U+007F. */
function hasControlCharacter(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit < 0x20 || unit === 0x7f) return true;
  }
  return false;
}
