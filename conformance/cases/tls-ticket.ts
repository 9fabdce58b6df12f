/** Context tag 15 of OpenSSL's SSL_SESSION: how many octets of early data a ticket permits (RFC 9846, section 4.6.1). */
const MAX_EARLY_DATA = 0xaf;

/** One element of DER: its tag, its value, and what follows. */
function element(der: Buffer): { readonly tag: number; readonly value: Buffer; readonly rest: Buffer } {
  const [tag = 0, short = 0] = der;
  const more = short < 0x80 ? 0 : short & 0x7f;
  const length = more === 0 ? short : der.readUIntBE(2, more);
  const start = 2 + more;
  return { tag, value: der.subarray(start, start + length), rest: der.subarray(start + length) };
}

/**
 * How many octets of early data a session permits.
 *
 * @param session - from the `session` event of node:tls, which is OpenSSL's SSL_SESSION in DER.
 */
export function earlyDataOfTicket(session: Buffer): number {
  for (let { value: left } = element(session); left.length > 0;) {
    const { tag, value, rest } = element(left);
    if (tag === MAX_EARLY_DATA) {
      const number = element(value).value;
      return number.length === 0 ? 0 : number.readUIntBE(0, Math.min(number.length, 6));
    }
    left = rest;
  }
  return 0;
}
