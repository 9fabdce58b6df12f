import type { ParameterInput, RawField } from '../../model/codec.ts';
import { concat, integer } from '../../model/codec.ts';
import { integerBytes } from '../../model/frame.ts';
import type { ParameterRow } from '../../model/registry.ts';
import { parameterNamed, parameterRows, registry } from '../../model/registry.ts';
import { fail, show } from '../../peer/failure.ts';
import type { ServerCase } from '../case.ts';
import { serverCases } from '../case.ts';
import type { ServerContext } from '../server-context.ts';
import { connectChanged, hex, MAX_PAYLOAD, parameterList, rawList } from './client-frames.ts';

type Case = Omit<ServerCase, 'role'>;

/** The frames with parameters that a client sends. */
type Carrier = 'CONNECT' | 'OPEN';
const CARRIERS: readonly Carrier[] = ['CONNECT', 'OPEN'];

/** The lowest and the highest GREASE number. */
const GREASE: readonly [number, number] = [0x801b, 0xfbfc];

const APPLICATION_DATA = parameterNamed('application_data');

/** Sends the frame with this list, everything else right, and demands the error. */
async function expectListRefused(
  context: ServerContext,
  carrier: Carrier,
  parameters: RawField,
  code: string,
  requirement: string,
): Promise<void> {
  if (carrier === 'CONNECT') {
    const peer = await connectChanged(context, { fields: { parameters } });
    await peer.expectViolation(code, { requirement });
    return;
  }
  const peer = await context.established();
  const fields = { nonce: context.bytes(32), application: 'test/echo', parameters };
  peer.send('OPEN', { channel: 1, fields });
  await peer.expectViolation(code, { requirement });
}

/** Sends the frame with this list, everything else right, and demands that it is taken. */
async function expectListTaken(
  context: ServerContext,
  carrier: Carrier,
  parameters: RawField,
  requirement: string,
): Promise<void> {
  if (carrier === 'CONNECT') {
    const peer = await connectChanged(context, { fields: { parameters } });
    await peer.expectAccept();
    await peer.barrier(requirement);
    return;
  }
  const peer = await context.established();
  peer.send('OPEN', { channel: 1, fields: { nonce: context.bytes(32), application: 'test/echo', parameters } });
  await peer.expect('OPENED', { channel: 1, requirement });
}

interface ListFault {
  readonly slug: string;
  /** Continues "carries a parameter list ...". */
  readonly words: string;
  readonly list: (context: ServerContext) => RawField;
  /** Only in the deep profile. */
  readonly deep?: true;
}

function refusedCases(
  requirement: string,
  code: string,
  carrier: Carrier,
  faults: readonly ListFault[],
): readonly Case[] {
  const answer = carrier === 'CONNECT' ? 'REJECT' : 'CLOSE';
  return faults.map(({ slug, words, list, deep }) => ({
    id: `${requirement}/${carrier.toLowerCase()}-${slug}`,
    requirements: [requirement],
    title: `${carrier} with a parameter list ${words} is refused`,
    stimulus: `${carrier}, otherwise right${carrier === 'CONNECT' ? ' and signed as it is' : ''}, carries a parameter list ${words}.`,
    expectation: `The server answers with ${answer}(${code}).`,
    ...(deep === undefined ? {} : { deep }),
    run: (context) => expectListRefused(context, carrier, list(context), code, requirement),
  }));
}

function takenCases(requirement: string, carrier: Carrier, lists: readonly ListFault[]): readonly Case[] {
  return lists.map(({ slug, words, list }) => ({
    id: `${requirement}/${carrier.toLowerCase()}-${slug}`,
    requirements: [requirement],
    title: `${carrier} with a parameter list ${words} is accepted`,
    stimulus: `${carrier}, otherwise right, carries a parameter list ${words}.`,
    expectation:
      carrier === 'CONNECT' ? 'The session is established.' : 'The application end takes the channel: OPENED arrives.',
    run: (context) => expectListTaken(context, carrier, list(context), requirement),
  }));
}

/** Two parameters that the frame may carry, as they should not stand in a list. */
const known = (carrier: Carrier): ParameterInput =>
  carrier === 'CONNECT'
    ? { id: 'liveness_interval_ms', value: 15_000 }
    : { id: 'application_data', value: Uint8Array.of(1, 2, 3) };

const orderFaults = (carrier: Carrier): readonly ListFault[] => [
  {
    slug: 'repeated',
    words: `that repeats ${String(known(carrier).id)} with the same value`,
    list: () => parameterList(known(carrier), known(carrier)),
  },
  {
    slug: 'repeated-grease',
    words: 'that repeats an ignorable unknown parameter',
    list: (context) =>
      parameterList({ id: GREASE[0], value: context.bytes(2) }, { id: GREASE[0], value: context.bytes(2) }),
  },
  {
    slug: 'grease-first',
    words: `with an ignorable unknown parameter before ${String(known(carrier).id)}`,
    list: (context) => parameterList({ id: GREASE[0], value: context.bytes(2) }, known(carrier)),
  },
  {
    slug: 'grease-descending',
    words: 'with two ignorable unknown parameters in descending order',
    list: (context) =>
      parameterList({ id: GREASE[1], value: context.bytes(2) }, { id: GREASE[0], value: context.bytes(2) }),
  },
];

const overlongFaults = (carrier: Carrier): readonly ListFault[] => [
  ...[1, 2, 3].map((size) => ({
    slug: `header-of-${size}`,
    words: `that ends after ${size} octets of the header of a parameter`,
    list: () => rawList(Uint8Array.of(0x80, 0x1b, 0x00).subarray(0, size)),
  })),
  {
    slug: 'value-too-long',
    words: `whose parameter ${String(known(carrier).id)} announces one octet more than the list has`,
    list: () => {
      const { octets } = parameterList(known(carrier));
      const list = octets.slice(2);
      list[3] = (list[3] ?? 0) + 1;
      return rawList(list);
    },
  },
  {
    slug: 'ignorable-too-long',
    words: 'whose ignorable unknown parameter announces 65,535 octets and has four',
    list: (context) => rawList(concat(integer(GREASE[0], 2), integer(0xffff, 2), context.bytes(4))),
  },
  {
    slug: 'second-header',
    words: `in which one octet follows ${String(known(carrier).id)}`,
    list: () => rawList(concat(parameterList(known(carrier)).octets.subarray(2), Uint8Array.of(0x80))),
  },
];

const unknownIds = [
  { id: 0x0000, slug: '0000' },
  { id: 0x0006, slug: '0006' },
  { id: 0x7fff, slug: '7fff' },
  ...registry.parameters
    .filter(({ status }) => status === 'planned')
    .map(({ id, name }) => ({ id, slug: `planned-${name.replaceAll('_', '-')}` })),
];

const unknownFaults: readonly ListFault[] = unknownIds.map(({ id, slug }) => ({
  slug,
  words: `with the parameter ${hex(id, 4)}, which is ${slug.startsWith('planned') ? 'planned and not yet defined' : 'not defined'} and may not be ignored`,
  list: (context) => parameterList({ id, value: context.bytes(4) }),
}));

const ignorableLists = (carrier: Carrier): readonly ListFault[] => [
  {
    slug: '8000',
    words: 'with the ignorable parameter 0x8000',
    list: () => parameterList({ id: 0x8000, value: Uint8Array.of(0) }),
  },
  {
    slug: 'ffff',
    words: 'with the ignorable parameter 0xffff',
    list: (context) => parameterList({ id: 0xffff, value: context.bytes(300) }),
  },
  {
    slug: 'like-a-known-one',
    words: `with ${String(known(carrier).id)}, and behind it its number with the ignorable bit set and a value of one octet`,
    list: () => {
      const { id } = parameterNamed(String(known(carrier).id));
      return parameterList(known(carrier), { id: 0x8000 | id, value: Uint8Array.of(0xff) });
    },
  },
  {
    slug: 'hundred',
    words: 'with a hundred ignorable unknown parameters',
    list: (context) =>
      parameterList(...Array.from({ length: 100 }, (_, n) => ({ id: 0x9000 + 7 * n, value: context.bytes(n % 9) }))),
  },
];

/** A value of the right size for a parameter that stands in the wrong frame. */
function anyValue(row: ParameterRow): ParameterInput {
  return { id: row.id, value: row.type === 'opaque' ? Uint8Array.of(1) : (row.default ?? row.min ?? 1) };
}

const misplacedFaults = (carrier: Carrier): readonly ListFault[] =>
  parameterRows
    .filter((row) => !row.in.includes(carrier))
    .map((row) => ({
      slug: row.name.replaceAll('_', '-'),
      words: `with ${row.name}, which has no place in ${carrier}`,
      list: () => parameterList(anyValue(row)),
    }));

const integersOfConnect = parameterRows.filter((row) => row.in.includes('CONNECT') && row.type !== 'opaque');

/** Values in more or fewer octets than the type has, of which every way to read too few or too many gives one within the range. */
const sizeFaults: readonly ListFault[] = integersOfConnect.flatMap((row) => {
  const right = integerBytes(row.type ?? '') ?? 4;
  const inRange = integer(row.default ?? 1, right);
  const least = integer(row.min === undefined || row.min === 0 ? 1 : row.min, right);
  const values = [
    new Uint8Array(0),
    inRange.subarray(1),
    // The least value, and it times 256 read as a whole or from behind.
    concat(least, Uint8Array.of(0)),
    concat(inRange, inRange),
  ];
  // For the smallest type two of them are the same.
  const different = values.filter(({ length }, at) => values.findIndex((other) => other.length === length) === at);
  return different.map((value) => ({
    slug: `${row.name.replaceAll('_', '-')}-in-${value.length}`,
    words: `with ${row.name} in ${value.length} octets instead of ${right}`,
    list: () => parameterList({ id: row.id, value }),
  }));
});

const rangeFaults: readonly ListFault[] = integersOfConnect.flatMap((row) => {
  const slug = row.name.replaceAll('_', '-');
  const { min = 0, max = 0xffff_ffff } = row;
  return [
    ...(min > 0
      ? [
          { what: 'below', value: min - 1 },
          { what: 'zero', value: 0, deep: true as const },
        ]
      : []),
    { what: 'above', value: max + 1 },
    { what: 'all-ones', value: 256 ** (integerBytes(row.type ?? 'u32') ?? 4) - 1, deep: true as const },
  ].map(({ what, value, deep }: { what: string; value: number; deep?: true }) => ({
    slug: `${slug}-${what}`,
    words: `with ${row.name} = ${value}, outside of ${min} to ${max}`,
    list: () => parameterList({ id: row.id, value }),
    ...(deep === undefined ? {} : { deep }),
  }));
});

const limitLists: readonly ListFault[] = integersOfConnect.flatMap((row) =>
  (['min', 'max'] as const).map((end) => ({
    slug: `${row.name.replaceAll('_', '-')}-${end}`,
    words: `with ${row.name} = ${row[end] ?? 0}, the ${end === 'min' ? 'least' : 'greatest'} value of its range`,
    list: () => parameterList({ id: row.id, value: row[end] ?? 0 }),
  })),
);

/** Section 3.7, for a server: the parameters of CONNECT and OPEN. */
export const parameters: readonly ServerCase[] = serverCases([
  ...CARRIERS.flatMap((carrier) => refusedCases('WIR-020', 'PARAMETER_MALFORMED', carrier, orderFaults(carrier))),
  ...refusedCases('WIR-020', 'PARAMETER_MALFORMED', 'CONNECT', [
    {
      slug: 'descending',
      words: 'with max_message_bytes before liveness_interval_ms',
      list: () =>
        parameterList({ id: 'max_message_bytes', value: 65_536 }, { id: 'liveness_interval_ms', value: 15_000 }),
    },
    {
      slug: 'repeated-otherwise',
      words: 'that repeats liveness_interval_ms with another value',
      list: () =>
        parameterList({ id: 'liveness_interval_ms', value: 15_000 }, { id: 'liveness_interval_ms', value: 20_000 }),
    },
    {
      slug: 'repeated-apart',
      words: 'with liveness_interval_ms, max_message_bytes and liveness_interval_ms again',
      list: () =>
        parameterList(
          { id: 'liveness_interval_ms', value: 15_000 },
          { id: 'max_message_bytes', value: 65_536 },
          { id: 'liveness_interval_ms', value: 15_000 },
        ),
    },
  ]),
  ...CARRIERS.flatMap((carrier) => refusedCases('WIR-021', 'PARAMETER_MALFORMED', carrier, overlongFaults(carrier))),
  ...CARRIERS.flatMap((carrier) => refusedCases('WIR-022', 'PARAMETER_UNKNOWN', carrier, unknownFaults)),
  ...CARRIERS.flatMap((carrier) => takenCases('WIR-023', carrier, ignorableLists(carrier))),
  ...takenCases('WIR-023', 'OPEN', [
    {
      slug: 'largest-value',
      words: 'with an ignorable unknown parameter that fills the frame to 16,368 octets',
      list: (context) => {
        const rest = 32 + 2 + 'test/echo'.length + 2 + 4;
        return parameterList({ id: GREASE[1], value: context.bytes(MAX_PAYLOAD - rest) });
      },
    },
  ]),
  ...CARRIERS.flatMap((carrier) => refusedCases('WIR-024', 'PARAMETER_INVALID', carrier, misplacedFaults(carrier))),
  ...refusedCases('WIR-025', 'PARAMETER_INVALID', 'CONNECT', sizeFaults),
  ...refusedCases('WIR-026', 'PARAMETER_INVALID', 'CONNECT', rangeFaults),
  ...takenCases('WIR-026', 'CONNECT', limitLists),
  ...refusedCases('WIR-026', 'PARAMETER_INVALID', 'OPEN', [
    {
      slug: 'application-data-4097',
      words: 'with application_data of 4,097 octets',
      list: (context) =>
        parameterList({ id: 'application_data', value: context.bytes((APPLICATION_DATA.max ?? 0) + 1) }),
    },
  ]),
  ...[0, APPLICATION_DATA.max ?? 0].map((size): Case => ({
    id: `WIR-026/open-application-data-${size}`,
    requirements: ['WIR-026', 'APP-001'],
    title: `application_data of ${size} octets is within its range`,
    stimulus: `The client opens test/data with application_data of ${size} octets.`,
    expectation: 'OPENED arrives with the same application_data.',
    run: async (context) => {
      const peer = await context.established();
      const data = context.bytes(size);
      const channel = peer.sendOpen('test/data', data);
      const opened = await peer.expect('OPENED', { channel, requirement: 'WIR-026' });
      const back = opened.parameter('application_data');
      if (show(back) !== show(data)) fail(`application_data ${show(data)}`, show(back), 'APP-001');
    },
  })),
]);
