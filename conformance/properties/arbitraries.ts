import fc from 'fast-check';
import { concat, decodeHeader, integer } from '../model/codec.ts';
import { registry } from '../model/registry.ts';

/** Sizes of the pieces into which a stream is cut; mostly small ones. */
export function chunkSizes(): fc.Arbitrary<readonly number[]> {
  const size = fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 16 }), fc.integer({ min: 1, max: 400 }));
  return fc.array(size, { minLength: 1, maxLength: 40 });
}

/** One message: its octets and where it is cut into fragments. */
export interface MessagePlan {
  readonly octets: Uint8Array;
  /** Sizes of the fragments but the last. */
  readonly cuts: readonly number[];
}

/** Messages up to a few hundred octets, in up to four fragments. */
export function messagePlans(): fc.Arbitrary<MessagePlan> {
  return fc.record({
    octets: fc.uint8Array({ maxLength: 300 }),
    cuts: fc.array(fc.integer({ min: 1, max: 120 }), { maxLength: 3 }),
  });
}

/** The fragments of a message with their flags; none is empty unless the message is. */
export function fragmentsOf(plan: MessagePlan): readonly { readonly flags: string[]; readonly fragment: Uint8Array }[] {
  const pieces: Uint8Array[] = [];
  let rest = plan.octets;
  for (const size of plan.cuts) {
    if (rest.length <= size) break;
    pieces.push(rest.subarray(0, size));
    rest = rest.subarray(size);
  }
  pieces.push(rest);
  return pieces.map((fragment, index) => ({
    flags: [...(index === 0 ? ['FIRST'] : []), ...(index === pieces.length - 1 ? ['LAST'] : [])],
    fragment,
  }));
}

/** One change to the octets of a frame. */
export type Edit =
  | { readonly type: 'octet'; readonly at: number; readonly xor: number }
  | { readonly type: 'header'; readonly field: string; readonly value: number }
  | { readonly type: 'cut'; readonly octets: number }
  | { readonly type: 'append'; readonly octets: Uint8Array }
  | { readonly type: 'oversize'; readonly by: number };

/** One to three changes. */
export function edits(): fc.Arbitrary<readonly Edit[]> {
  const small = fc.oneof(fc.nat({ max: 4 }), fc.nat({ max: 255 }));
  const header = fc.record({
    type: fc.constant('header' as const),
    field: fc.constantFrom('type', 'flags', 'channel', 'seq'),
    value: small,
  });
  const edit: fc.Arbitrary<Edit> = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        type: fc.constant('octet' as const),
        at: fc.nat({ max: 120 }),
        xor: fc.integer({ min: 1, max: 255 }),
      }),
    },
    { weight: 4, arbitrary: header },
    { weight: 2, arbitrary: fc.record({ type: fc.constant('cut' as const), octets: fc.integer({ min: 1, max: 40 }) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        type: fc.constant('append' as const),
        octets: fc.uint8Array({ minLength: 1, maxLength: 8 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ type: fc.constant('oversize' as const), by: fc.integer({ min: 1, max: 100 }) }),
    },
  );
  return fc.array(edit, { minLength: 1, maxLength: 3 });
}

/** A frame after its changes. Its length is set right, so that it is complete, unless it announces too much. */
export function applyEdits(frame: Uint8Array, list: readonly Edit[]): Uint8Array {
  const { bytes, fields, maxPayloadBytes } = registry.header;
  let octets: Uint8Array = frame.slice();
  let oversize = 0;
  for (const edit of list) {
    switch (edit.type) {
      case 'octet': {
        const at = edit.at % octets.length;
        octets[at] = (octets[at] ?? 0) ^ edit.xor;
        break;
      }
      case 'header': {
        const field = fields.find(({ name }) => name === edit.field);
        const size = registry.types.find(({ name }) => name === field?.type)?.bytes ?? 1;
        octets.set(integer(edit.value, size), field?.offset ?? 0);
        break;
      }
      case 'cut':
        octets = octets.slice(0, Math.max(bytes, octets.length - edit.octets));
        break;
      case 'append':
        octets = concat(octets, edit.octets);
        break;
      case 'oversize':
        oversize = edit.by;
        break;
    }
  }
  const lengthAt = fields.find(({ name }) => name === 'length')?.offset ?? 0;
  octets.set(integer(oversize > 0 ? maxPayloadBytes + oversize : octets.length - bytes, 2), lengthAt);
  return oversize > 0 ? octets.slice(0, bytes) : octets;
}

/** Octets after TLS that are mostly not frames; some begin like one. */
export function strayOctets(): fc.Arbitrary<Uint8Array> {
  const header = fc
    .record({
      type: fc.oneof(fc.constantFrom(...registry.frames.map(({ type }) => type)), fc.nat({ max: 255 })),
      payload: fc.uint8Array({ maxLength: 60 }),
      missing: fc.nat({ max: 2 }),
    })
    .map(({ type, payload, missing }) => {
      const prefix = concat(Uint8Array.of(type, 0), integer(payload.length + missing, 2), new Uint8Array(12));
      return concat(prefix, payload);
    });
  return fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 200 }), header);
}

/** Octets for a report: the header decoded where there is one, all in hexadecimal. */
export function showOctets(octets: Uint8Array): string {
  const header = decodeHeader(octets);
  const hex = Buffer.from(octets).toString('hex');
  return header === undefined ? hex : `${hex} (type 0x${header.type.toString(16)}, length ${header.length})`;
}
