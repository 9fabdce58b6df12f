import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FramingError, createMessageDecoder, encodeMessage } from '../../../../node/relay/framing.ts';
import type { Framing } from '../../../../node/relay/route.ts';

const MAX = 1024;

const text = (value: string): Uint8Array => Buffer.from(value, 'latin1');
const joined = (pieces: readonly Uint8Array[]): Buffer => Buffer.concat(pieces);

/** Decodes chunks to the end. */
function decode(framing: Framing, chunks: readonly Uint8Array[], maxMessageBytes = MAX): Buffer[] {
  const decoder = createMessageDecoder(framing, maxMessageBytes);
  const messages = chunks.flatMap((chunk) => [...decoder.push(chunk)].map((message) => Buffer.from(message)));
  decoder.end();
  return messages;
}

/** The messages that come before the error, and the error. */
function failure(framing: Framing, chunks: readonly Uint8Array[], maxMessageBytes = MAX): readonly [number, unknown] {
  const decoder = createMessageDecoder(framing, maxMessageBytes);
  let messages = 0;
  try {
    for (const chunk of chunks) for (const _ of decoder.push(chunk)) messages += 1;
    decoder.end();
  } catch (error) {
    return [messages, error];
  }
  return [messages, undefined];
}

/** Octets divided at any places, empty chunks included. */
function divided(octets: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const at = cuts.map((cut) => cut % (octets.length + 1)).sort((a, b) => a - b);
  return [0, ...at].map((from, index) => octets.subarray(from, at[index] ?? octets.length));
}

describe('encodeMessage', () => {
  it('writes the length in front, big-endian', () => {
    expect(joined(encodeMessage('length16', text('abc'))).toString('hex')).toBe('0003616263');
    expect(joined(encodeMessage('length32', text('abc'))).toString('hex')).toBe('00000003616263');
    expect(
      joined(encodeMessage('length16', new Uint8Array(258)))
        .subarray(0, 2)
        .toString('hex'),
    ).toBe('0102');
    expect(joined(encodeMessage('length16', text(''))).toString('hex')).toBe('0000');
  });

  it('ends a line with U+000A, and an empty one too', () => {
    expect(joined(encodeMessage('line', text('abc'))).toString()).toBe('abc\n');
    expect(joined(encodeMessage('line', text(''))).toString()).toBe('\n');
  });

  it('adds nothing to a stream, for which an empty message is nothing', () => {
    expect(joined(encodeMessage('stream', text('a\nb'))).toString()).toBe('a\nb');
    expect(encodeMessage('stream', text(''))).toEqual([]);
  });

  it('does not copy the message', () => {
    const message = text('abc');
    for (const framing of ['stream', 'length16', 'length32', 'line'] as const) {
      expect(encodeMessage(framing, message)).toContain(message);
    }
  });

  it('refuses what a length of two octets can not say [RLY-017]', () => {
    expect(
      joined(encodeMessage('length16', new Uint8Array(65_535)))
        .subarray(0, 2)
        .toString('hex'),
    ).toBe('ffff');
    expect(() => encodeMessage('length16', new Uint8Array(65_536))).toThrow(
      expect.objectContaining({ code: 'HAWSER_ERR_FRAMING_TOO_LONG', requirement: 'RLY-017' }),
    );
    expect(encodeMessage('length32', new Uint8Array(65_536))).toHaveLength(2);
  });

  it('refuses a line that holds the octet that ends one [RLY-017]', () => {
    expect(() => encodeMessage('line', text('a\nb'))).toThrow(
      expect.objectContaining({ code: 'HAWSER_ERR_FRAMING_LINE_FEED', requirement: 'RLY-017' }),
    );
    expect(encodeMessage('line', text('a\r'))).toHaveLength(2);
  });
});

describe('a message decoder', () => {
  const messages = fc.array(fc.oneof(fc.uint8Array({ maxLength: 6 }), fc.uint8Array({ maxLength: MAX })), {
    maxLength: 12,
  });
  const cuts = fc.array(fc.nat(), { maxLength: 24 });

  it.each(['length16', 'length32', 'line'] as const)(
    'returns the messages of %s, however they are divided',
    (framing) => {
      fc.assert(
        fc.property(messages, cuts, (given, at) => {
          const sent = given.map((message) =>
            framing === 'line' ? message.filter((octet) => octet !== 0x0a) : message,
          );
          const octets = joined(sent.flatMap((message) => encodeMessage(framing, message)));
          expect(decode(framing, divided(octets, at))).toEqual(sent.map((message) => Buffer.from(message)));
        }),
      );
    },
  );

  it('returns the octets of a stream in order, in messages of at most the bound and never empty', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), cuts, fc.integer({ min: 1, max: 40 }), (octets, at, bound) => {
        const received = decode('stream', divided(octets, at), bound);
        expect(joined(received)).toEqual(Buffer.from(octets));
        expect(received.every(({ length }) => length > 0 && length <= bound)).toBe(true);
      }),
    );
  });

  it('takes the end of octets at no other place than between messages [RLY-018]', () => {
    fc.assert(
      fc.property(fc.constantFrom('length16', 'length32', 'line'), messages, fc.nat(), (framing, given, cut) => {
        const sent = given.map((message) => message.filter((octet) => octet !== 0x0a));
        const encoded = sent.map((message) => joined(encodeMessage(framing, message)));
        const octets = joined(encoded).subarray(0, cut % (joined(encoded).length + 1));
        let whole = 0;
        let length = 0;
        while (whole < encoded.length && length + encoded[whole]!.length <= octets.length)
          length += encoded[whole++]!.length;
        const [count, error] = failure(framing, [octets]);
        expect(count).toBe(whole);
        if (length === octets.length) expect(error).toBeUndefined();
        else expect(error).toMatchObject({ code: 'HAWSER_ERR_FRAMING_INCOMPLETE', requirement: 'RLY-018' });
      }),
    );
  });

  it('finds the same, or fails with the same error, however octets of any kind are divided', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('length16', 'length32', 'line'),
        fc.array(fc.constantFrom(0, 3, 0x0a, 0x61), { maxLength: 100 }),
        cuts,
        (framing, given, at) => {
          const octets = Uint8Array.from(given);
          const [count, error] = failure(framing, divided(octets, at), 16);
          expect(error === undefined || error instanceof FramingError).toBe(true);
          const [countAtOnce, errorAtOnce] = failure(framing, [octets], 16);
          expect([countAtOnce, (errorAtOnce as FramingError | undefined)?.code]).toEqual([
            count,
            (error as FramingError | undefined)?.code,
          ]);
        },
      ),
    );
  });

  it('hands out a message that came whole without a copy', () => {
    for (const framing of ['stream', 'length16', 'length32', 'line'] as const) {
      const octets = joined(encodeMessage(framing, text('abc')));
      const [message] = createMessageDecoder(framing, MAX).push(octets);
      expect(Buffer.from(message!).toString()).toBe('abc');
      expect(message!.buffer).toBe(octets.buffer);
    }
  });

  it.each([
    ['length16', '0401'],
    ['length32', '00000401'],
    ['length32', 'ffffffff'],
  ] as const)('refuses %s %s as soon as it is announced, behind what came before [RLY-018]', (framing, length) => {
    const before = joined(encodeMessage(framing, text('before')));
    const [count, error] = failure(framing, [before, Buffer.from(length, 'hex')]);
    expect(count).toBe(1);
    expect(error).toMatchObject({ code: 'HAWSER_ERR_FRAMING_TOO_LARGE', requirement: 'RLY-018' });
  });

  it('takes a message of exactly the bound', () => {
    const largest = new Uint8Array(MAX).fill(7);
    for (const framing of ['length16', 'length32', 'line'] as const) {
      expect(decode(framing, [joined(encodeMessage(framing, largest))])).toEqual([Buffer.from(largest)]);
    }
  });

  it('refuses a line with its first octet too many, before it ends [RLY-018]', () => {
    const decoder = createMessageDecoder('line', MAX);
    expect([...decoder.push(new Uint8Array(MAX))]).toEqual([]);
    expect(() => [...decoder.push(text('x'))]).toThrow(
      expect.objectContaining({ code: 'HAWSER_ERR_FRAMING_TOO_LARGE', requirement: 'RLY-018' }),
    );
  });

  it('keeps a carriage return: only U+000A ends a line', () => {
    expect(decode('line', [text('a\r\n\n')]).map(String)).toEqual(['a\r', '']);
  });

  it('finds messages one by one: what is behind is looked at when the one before was taken', () => {
    const messages = createMessageDecoder('length16', MAX).push(Buffer.from('0001aaffff', 'hex'))[Symbol.iterator]();
    expect(messages.next().value).toEqual(Buffer.from('aa', 'hex'));
    expect(() => messages.next()).toThrow(FramingError);
  });

  it('holds no more of a message than has come of it', () => {
    const announced = 16 * 1024 * 1024;
    const before = process.memoryUsage().arrayBuffers;
    const decoders = Array.from({ length: 64 }, () => createMessageDecoder('length32', announced));
    for (const decoder of decoders) expect([...decoder.push(Buffer.from('01000000aa', 'hex'))]).toEqual([]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(announced);
  });
});
