import type { FieldInput, FrameInput } from '../../model/codec.ts';
import { buildFrame, concat, MAX_U53 } from '../../model/codec.ts';
import { decodePayload } from '../../model/decode.ts';
import type { FieldRow, FrameRow } from '../../model/registry.ts';
import { frameNamed, registry } from '../../model/registry.ts';
import type { ClientCase } from '../case.ts';
import { clientCases } from '../case.ts';
import type { ClientContext } from '../client-context.ts';
import { A, parameterList } from '../server/client-frames.ts';
import { EARLY_FRAMES, expectClose, sendChanged, SESSION_FRAMES } from './server-frames.ts';

type Case = Omit<ClientCase, 'role'>;

const MALFORMED = 'FRAME_MALFORMED';
const FRAMES: readonly FrameRow[] = [...EARLY_FRAMES, ...SESSION_FRAMES];

/** CLOSE and PONG end the session, and a malformed ACCEPT is refused, one way or the other: only the code tells why. */
const needsExactCode = (name: string): boolean => ['CLOSE', 'PONG', 'ACCEPT'].includes(name);

/** Sends a frame with a changed payload in the state that it belongs into and demands FRAME_MALFORMED. */
async function expectMalformed(
  context: ClientContext,
  row: FrameRow,
  requirement: string,
  change: (input: FrameInput) => FrameInput,
): Promise<void> {
  const { peer, client } = await sendChanged(context, row, change);
  await expectClose(context, peer, MALFORMED, requirement, needsExactCode(row.name) ? { exact: true } : {});
  if (row.layer === 'establishment') await client.expectEvent('failed', requirement);
}

const answer = (row: FrameRow): string =>
  row.layer === 'establishment'
    ? `The client sends CLOSE(${MALFORMED}), nothing else, and reports a failure.`
    : `The client sends CLOSE(${MALFORMED}).`;

const where = (row: FrameRow): string => {
  if (row.name === 'CHALLENGE' || row.name === 'ACCEPT') return row.name;
  return row.name === 'REJECT' ? 'Instead of ACCEPT, a REJECT' : A(row.name);
};

/** Where a field of a payload begins, and how long it is. */
function extentOf(
  row: FrameRow,
  payload: Uint8Array,
  field: FieldRow,
): { readonly offset: number; readonly length: number } {
  const spans = decodePayload(row, payload).spans.filter((span) => span.field === field.name);
  const offset = spans[0]?.offset ?? payload.length;
  return { offset, length: spans.reduce((length, span) => length + span.length, 0) };
}

/** Fields that are not the smallest possible, so that each can be cut inside. */
function wholeFields(context: ClientContext, row: FrameRow): Readonly<Record<string, FieldInput>> {
  switch (row.name) {
    case 'CHALLENGE':
      return { parameters: [{ id: 'liveness_interval_ms', value: 15_000 }] };
    case 'ACCEPT':
      return {
        session_id: context.bytes(16),
        epoch: 1,
        parameters: [{ id: 'max_channels', value: 16 }],
        scheme: 0x0403,
        signature: context.bytes(64),
      };
    case 'OPENED':
      return { parameters: [{ id: 'application_data', value: context.bytes(6) }] };
    default:
      return {};
  }
}

/** One case for each end of a payload inside a field; in the deep profile also for each end before one. */
const truncatedCases = FRAMES.flatMap((row) =>
  row.fields
    .filter(({ type }) => type !== 'rest')
    .flatMap((field) =>
      (['before', 'inside'] as const).map((place): Case => ({
        id: `WIR-014/client-${row.name.toLowerCase()}-${place}-${field.name.replaceAll('_', '-')}`,
        requirements: ['WIR-014'],
        title: `${row.name} that ends ${place} ${field.name} is refused`,
        stimulus: `${where(row)} arrives whose payload, and the length in its header, end ${
          place === 'before' ? `before the field ${field.name}` : `one octet before the end of the field ${field.name}`
        }.`,
        expectation: answer(row),
        ...(place === 'before' ? { deep: true } : {}),
        run: (context) =>
          expectMalformed(context, row, 'WIR-014', (input) => {
            const fields = { ...input.fields, ...wholeFields(context, row) };
            const payload = buildFrame(row.name, { ...input, fields }).subarray(registry.header.bytes);
            const { offset, length } = extentOf(row, payload, field);
            return { rawPayload: payload.slice(0, place === 'before' ? offset : offset + length - 1) };
          }),
      })),
    ),
);

const trailingCases = FRAMES.filter((row) => row.fields.every(({ type }) => type !== 'rest')).map((row): Case => ({
  id: `WIR-015/client-${row.name.toLowerCase()}`,
  requirements: ['WIR-015'],
  title: `${row.name} with one octet too many is refused`,
  stimulus: `${where(row)} arrives that is right but for one octet behind its last field.`,
  expectation: answer(row),
  run: (context) => expectMalformed(context, row, 'WIR-015', () => ({ trailing: Uint8Array.of(0) })),
}));

interface FieldFault {
  readonly frame: string;
  readonly slug: string;
  /** Continues "ACCEPT arrives with ...". */
  readonly words: string;
  readonly fields: (context: ClientContext) => Readonly<Record<string, FieldInput>>;
}

function fieldCases(requirement: string, faults: readonly FieldFault[]): readonly Case[] {
  return faults.map(({ frame, slug, words, fields }) => {
    const row = frameNamed(frame);
    return {
      id: `${requirement}/client-${frame.toLowerCase()}-${slug}`,
      requirements: [requirement],
      title: `${frame} with ${words} is refused`,
      stimulus: `${where(row)} arrives that is right, and signed where it is signed, but for one thing: it has ${words}.`,
      expectation: answer(row),
      run: (context) =>
        expectMalformed(context, row, requirement, (input) => ({ fields: { ...input.fields, ...fields(context) } })),
    };
  });
}

const U53_FIELDS = [
  ['ACCEPT', 'epoch'],
  ['ACCEPT', 'receive_cursor'],
  ['CLOSE', 'receive_cursor'],
  ['CLOSE', 'send_cursor'],
  ['CREDIT', 'message_limit'],
  ['CREDIT', 'byte_limit'],
] as const;

const u53Cases = fieldCases(
  'WIR-016',
  U53_FIELDS.flatMap(([frame, field]) => [
    {
      frame,
      slug: field.replaceAll('_', '-'),
      words: `2^53 as its ${field}`,
      fields: () => ({ [field]: MAX_U53 + 1n }),
    },
    {
      frame,
      slug: `${field.replaceAll('_', '-')}-all-ones`,
      words: `2^64 - 1 as its ${field}`,
      fields: () => ({ [field]: 2n ** 64n - 1n }),
    },
  ]),
);

const boundCases = fieldCases('WIR-017', [
  { frame: 'ACCEPT', slug: 'epoch-zero', words: 'epoch 0', fields: () => ({ epoch: 0 }) },
  {
    frame: 'ACCEPT',
    slug: 'signature-empty',
    words: 'an empty signature',
    fields: () => ({ signature: new Uint8Array(0) }),
  },
  {
    frame: 'ACCEPT',
    slug: 'signature-1025',
    words: 'a signature of 1,025 octets',
    fields: (context) => ({ signature: context.bytes(1025) }),
  },
]);

/** Section 3.6, for a client: payloads and their fields. */
export const payloads: readonly ClientCase[] = clientCases([
  ...truncatedCases,
  ...trailingCases,
  {
    id: 'WIR-014/client-length-of-signature',
    requirements: ['WIR-014'],
    title: 'a field that announces more than the payload has is refused',
    stimulus: 'ACCEPT arrives whose signature announces 65,535 octets and has 64.',
    expectation: answer(frameNamed('ACCEPT')),
    run: (context) =>
      expectMalformed(context, frameNamed('ACCEPT'), 'WIR-014', () => ({
        fields: { signature: { octets: concat(Uint8Array.of(0xff, 0xff), context.bytes(64)) } },
      })),
  },
  ...['CHALLENGE', 'OPENED'].map((name): Case => ({
    id: `WIR-014/client-${name.toLowerCase()}-length-of-parameters`,
    requirements: ['WIR-014'],
    title: `a parameter list of ${name} that announces more than the payload has is refused`,
    stimulus: `${where(frameNamed(name))} arrives whose parameter list announces one octet more than the payload has.`,
    expectation: answer(frameNamed(name)),
    run: (context) =>
      expectMalformed(context, frameNamed(name), 'WIR-014', (input) => {
        const { octets } = parameterList({ id: 0x801b, value: context.bytes(3) });
        octets[1] = (octets[1] ?? 0) + 1;
        return { fields: { ...input.fields, parameters: { octets } } };
      }),
  })),
  {
    id: 'WIR-015/client-second-frame-inside',
    requirements: ['WIR-015'],
    title: 'a frame does not hold another one',
    stimulus: 'A PING arrives whose payload goes on with a whole second PING, counted in its length.',
    expectation: 'The client sends CLOSE(FRAME_MALFORMED), and no PONG.',
    run: async (context) => {
      const { peer } = await context.established();
      const data = context.bytes(8);
      peer.send('PING', { fields: { data }, trailing: buildFrame('PING', { fields: { data } }) });
      await expectClose(context, peer, MALFORMED, 'WIR-015');
    },
  },
  ...u53Cases,
  {
    id: 'WIR-016/client-largest-credit',
    requirements: ['WIR-016'],
    title: 'the largest number is accepted',
    stimulus: 'The server grants 2^53 - 1 messages and octets on a channel, and the client is asked to send a message.',
    expectation: 'The message arrives.',
    run: async (context) => {
      const { peer, client, channel } = await context.opened();
      peer.send('CREDIT', { channel, fields: { message_limit: MAX_U53, byte_limit: MAX_U53 } });
      client.send(channel, context.bytes(12));
      await peer.expect('MESSAGE', { channel, requirement: 'WIR-016' });
    },
  },
  ...boundCases,
  ...[1, 1024].map((size): Case => ({
    id: `WIR-017/client-accept-signature-${size}`,
    requirements: ['WIR-017', 'EST-005'],
    title: `a signature of ${size} octets is within its bounds`,
    stimulus: `ACCEPT arrives with a signature of ${size} octets.`,
    expectation: 'The client sends CLOSE(SIGNATURE_INVALID).',
    run: async (context) => {
      const { peer } = await sendChanged(context, frameNamed('ACCEPT'), () => ({
        fields: { signature: context.bytes(size) },
      }));
      await expectClose(context, peer, 'SIGNATURE_INVALID', 'WIR-017', { exact: true });
    },
  })),
]);
