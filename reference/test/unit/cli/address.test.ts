import { describe, expect, it } from 'vitest';
import { parseAddress } from '../../../cli/address.ts';

describe('parseAddress', () => {
  it.each([
    ['127.0.0.1:7443', { host: '127.0.0.1', port: 7443 }],
    ['example.org:1', { host: 'example.org', port: 1 }],
    ['[::1]:65535', { host: '::1', port: 65_535 }],
    [':7443', { host: '127.0.0.1', port: 7443 }],
  ])('reads %s', (text, expected) => expect(parseAddress(text, '--listen', 1)).toEqual(expected));

  it.each(['', 'example.org', 'example.org:', 'a:b:1', '::1:80', 'x:65536', 'x:-1', 'x:1.5', '[::1]80'])(
    'refuses %j',
    (text) => expect(() => parseAddress(text, '--listen', 0)).toThrow(/--listen has to be HOST:PORT/),
  );

  it('takes port 0 only where the system may choose', () => {
    expect(parseAddress('x:0', '--listen', 0)).toEqual({ host: 'x', port: 0 });
    expect(() => parseAddress('x:0', 'address', 1)).toThrow(/1 to 65535/);
  });
});
