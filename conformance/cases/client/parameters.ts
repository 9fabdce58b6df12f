import type { ParameterInput, RawField } from '../../model/codec.ts';
import { concat, integer } from '../../model/codec.ts';
import { integerBytes } from '../../model/frame.ts';
import type { ParameterRow } from '../../model/registry.ts';
import { frameNamed, parameterNamed, parameterRows, registry } from '../../model/registry.ts';
import { assertEqual } from '../../peer/failure.ts';
import type { ClientCase } from '../case.ts';
import { clientCases } from '../case.ts';
import type { ClientContext } from '../client-context.ts';
import { hex, MAX_PAYLOAD, parameterList, rawList } from '../server/client-frames.ts';
import type { Ready } from './server-frames.ts';
import { expectClose, sendChanged } from './server-frames.ts';

type Case = Omit<ClientCase, 'role'>;

/** The frames with parameters that a server sends. */
const CARRIERS = ['CHALLENGE', 'ACCEPT', 'OPENED'] as const;
type Carrier = (typeof CARRIERS)[number];

/** The lowest and the highest GREASE number. */
const GREASE: readonly [number, number] = [0x801b, 0xfbfc];

const APPLICATION_DATA = parameterNamed('application_data');

/** Sends the frame with this list, everything else right. */
function sendList(context: ClientContext, carrier: Carrier, parameters: RawField): Promise<Ready> {
  return sendChanged(context, frameNamed(carrier), (input) => ({ fields: { ...input.fields, parameters } }));
}

interface ListInput {
  readonly slug: string;
  /** Continues "carries a parameter list ...". */
  readonly words: string;
  readonly list: (context: ClientContext) => RawField;
  /** Only in the deep profile. */
  readonly deep?: true;
}

const carries = (carrier: Carrier, words: string): string =>
  `${carrier}, otherwise right${carrier === 'ACCEPT' ? ' and signed as it is' : ''}, carries a parameter list ${words}.`;

function refusedCases(
  requirement: string,
  code: string,
  carrier: Carrier,
  faults: readonly ListInput[],
): readonly Case[] {
  return faults.map(({ slug, words, list, deep }) => ({
    id: `${requirement}/client-${carrier.toLowerCase()}-${slug}`,
    requirements: [requirement],
    title: `${carrier} with a parameter list ${words} is refused`,
    stimulus: carries(carrier, words),
    expectation: `The client sends CLOSE(${code})${carrier === 'CHALLENGE' ? ' and no CONNECT' : ''}.`,
    ...(deep === undefined ? {} : { deep }),
    run: async (context) => {
      const { peer } = await sendList(context, carrier, list(context));
      await expectClose(context, peer, code, requirement);
    },
  }));
}

const TAKEN: Readonly<Record<Carrier, string>> = {
  CHALLENGE: 'CONNECT arrives, its signature verifies, and the session is established.',
  ACCEPT: 'The client reports the session.',
  OPENED: 'The client reports that the channel is open.',
};

function takenCases(requirement: string, carrier: Carrier, lists: readonly ListInput[]): readonly Case[] {
  return lists.map(({ slug, words, list }) => ({
    id: `${requirement}/client-${carrier.toLowerCase()}-${slug}`,
    requirements: [requirement],
    title: `${carrier} with a parameter list ${words} is taken`,
    stimulus: carries(carrier, words),
    expectation: TAKEN[carrier],
    run: async (context) => {
      const { peer, client } = await sendList(context, carrier, list(context));
      if (carrier === 'CHALLENGE') {
        await peer.expectConnect();
        peer.sendAccept();
      }
      await client.expectEvent(carrier === 'OPENED' ? 'opened' : 'established', requirement);
      await peer.barrier(requirement);
    },
  }));
}

/** A parameter that the frame may carry. */
const KNOWN: Readonly<Record<Carrier, ParameterInput>> = {
  CHALLENGE: { id: 'liveness_interval_ms', value: 15_000 },
  ACCEPT: { id: 'max_channels', value: 16 },
  OPENED: { id: 'application_data', value: Uint8Array.of(1, 2, 3) },
};

const nameOf = (carrier: Carrier): string => String(KNOWN[carrier].id);

const orderFaults = (carrier: Carrier): readonly ListInput[] => [
  {
    slug: 'repeated',
    words: `that repeats ${nameOf(carrier)} with the same value`,
    list: () => parameterList(KNOWN[carrier], KNOWN[carrier]),
  },
  {
    slug: 'repeated-grease',
    words: 'that repeats an ignorable unknown parameter',
    list: (context) =>
      parameterList({ id: GREASE[0], value: context.bytes(2) }, { id: GREASE[0], value: context.bytes(2) }),
  },
  {
    slug: 'grease-first',
    words: `with an ignorable unknown parameter before ${nameOf(carrier)}`,
    list: (context) => parameterList({ id: GREASE[0], value: context.bytes(2) }, KNOWN[carrier]),
  },
  {
    slug: 'grease-descending',
    words: 'with two ignorable unknown parameters in descending order',
    list: (context) =>
      parameterList({ id: GREASE[1], value: context.bytes(2) }, { id: GREASE[0], value: context.bytes(2) }),
  },
];

const overlongFaults = (carrier: Carrier): readonly ListInput[] => [
  ...[1, 2, 3].map((size) => ({
    slug: `header-of-${size}`,
    words: `that ends after ${size} octets of the header of a parameter`,
    list: () => rawList(Uint8Array.of(0x80, 0x1b, 0x00).subarray(0, size)),
  })),
  {
    slug: 'value-too-long',
    words: `whose parameter ${nameOf(carrier)} announces one octet more than the list has`,
    list: () => {
      const list = parameterList(KNOWN[carrier]).octets.slice(2);
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
    words: `in which one octet follows ${nameOf(carrier)}`,
    list: () => rawList(concat(parameterList(KNOWN[carrier]).octets.subarray(2), Uint8Array.of(0x80))),
  },
];

const unknownFaults: readonly ListInput[] = [
  { id: 0x0000, slug: '0000' },
  { id: 0x0006, slug: '0006' },
  { id: 0x7fff, slug: '7fff' },
  ...registry.parameters
    .filter(({ status }) => status === 'planned')
    .map(({ id, name }) => ({ id, slug: `planned-${name.replaceAll('_', '-')}` })),
].map(({ id, slug }) => ({
  slug,
  words: `with the parameter ${hex(id, 4)}, which is ${slug.startsWith('planned') ? 'planned and not yet defined' : 'not defined'} and may not be ignored`,
  list: (context) => parameterList({ id, value: context.bytes(4) }),
}));

/** Octets of OPENED that are not its parameters. */
const LENGTH_OF_LIST = 2;

const ignorableLists = (carrier: Carrier): readonly ListInput[] => [
  {
    slug: '8000',
    words: 'with the ignorable parameter 0x8000',
    list: () => parameterList({ id: 0x8000, value: Uint8Array.of(0) }),
  },
  {
    slug: 'empty-value',
    words: 'with an ignorable unknown parameter without value',
    list: () => parameterList({ id: GREASE[1], value: new Uint8Array(0) }),
  },
  {
    slug: 'ffff',
    words: 'with the ignorable parameter 0xffff of 300 octets',
    list: (context) => parameterList({ id: 0xffff, value: context.bytes(300) }),
  },
  {
    slug: 'like-a-known-one',
    words: `with ${nameOf(carrier)}, and behind it its number with the ignorable bit set and a value of one octet`,
    list: () => {
      const { id } = parameterNamed(nameOf(carrier));
      return parameterList(KNOWN[carrier], { id: 0x8000 | id, value: Uint8Array.of(0xff) });
    },
  },
  {
    slug: 'hundred',
    words: 'with a hundred ignorable unknown parameters',
    list: (context) =>
      parameterList(...Array.from({ length: 100 }, (_, n) => ({ id: 0x9000 + 7 * n, value: context.bytes(n % 9) }))),
  },
  ...(carrier === 'OPENED'
    ? [
        {
          slug: 'largest-value',
          words: 'with an ignorable unknown parameter that fills the frame to 16,368 octets',
          list: (context: ClientContext) =>
            parameterList({ id: GREASE[1], value: context.bytes(MAX_PAYLOAD - LENGTH_OF_LIST - 4) }),
        },
      ]
    : []),
];

/** A value of the right size for a parameter that stands in the wrong frame. */
function anyValue(row: ParameterRow): ParameterInput {
  return { id: row.id, value: row.type === 'opaque' ? Uint8Array.of(1) : (row.default ?? row.min ?? 1) };
}

const misplacedFaults = (carrier: Carrier): readonly ListInput[] =>
  parameterRows
    .filter((row) => !row.in.includes(carrier))
    .map((row) => ({
      slug: row.name.replaceAll('_', '-'),
      words: `with ${row.name}, which has no place in ${carrier}`,
      list: () => parameterList(anyValue(row)),
    }));

const integersOf = (carrier: Carrier): readonly ParameterRow[] =>
  parameterRows.filter((row) => row.in.includes(carrier) && row.type !== 'opaque');

/** The default of the parameter, in more or fewer octets than its type has. */
const sizeFaults = (carrier: Carrier): readonly ListInput[] =>
  integersOf(carrier).flatMap((row) => {
    const right = integerBytes(row.type ?? '') ?? 4;
    return [...new Set([0, right - 1, right + 1, 2 * right])].map((size) => ({
      slug: `${row.name.replaceAll('_', '-')}-in-${size}`,
      words: `with ${row.name} in ${size} octets instead of ${right}`,
      list: () => parameterList({ id: row.id, value: integer(row.default ?? 1, 2 * right).subarray(2 * right - size) }),
    }));
  });

const rangeFaults = (carrier: Carrier): readonly ListInput[] =>
  integersOf(carrier).flatMap((row) => {
    const { min = 0, max = 0xffff_ffff } = row;
    const below = min > 0 ? [{ what: 'below', value: min - 1 }] : [];
    const zero = min > 1 ? [{ what: 'zero', value: 0, deep: true as const }] : [];
    const above = [
      { what: 'above', value: max + 1 },
      { what: 'all-ones', value: 256 ** (integerBytes(row.type ?? 'u32') ?? 4) - 1, deep: true as const },
    ];
    const values: readonly { what: string; value: number; deep?: true }[] = [...below, ...zero, ...above];
    return values.map(({ what, value, deep }) => ({
      slug: `${row.name.replaceAll('_', '-')}-${what}`,
      words: `with ${row.name} = ${value}, outside of ${min} to ${max}`,
      list: () => parameterList({ id: row.id, value }),
      ...(deep === undefined ? {} : { deep }),
    }));
  });

/** More retention than the client asked for is refused for another reason; see continuity-grants.ts. */
const isGranted = ({ name }: ParameterRow): boolean => name === 'session_retention_ms';

const limitLists = (carrier: Carrier): readonly ListInput[] =>
  integersOf(carrier).flatMap((row) =>
    (isGranted(row) ? (['min'] as const) : (['min', 'max'] as const)).map((end) => ({
      slug: `${row.name.replaceAll('_', '-')}-${end}`,
      words: `with ${row.name} = ${row[end] ?? 0}, the ${end === 'min' ? 'least' : 'greatest'} value of its range`,
      list: () => parameterList({ id: row.id, value: row[end] ?? 0 }),
    })),
  );

/** Section 3.7, for a client: the parameters of CHALLENGE, ACCEPT and OPENED. */
export const parameters: readonly ClientCase[] = clientCases([
  ...CARRIERS.flatMap((carrier) => [
    ...refusedCases('WIR-020', 'PARAMETER_MALFORMED', carrier, orderFaults(carrier)),
    ...refusedCases('WIR-021', 'PARAMETER_MALFORMED', carrier, overlongFaults(carrier)),
    ...refusedCases('WIR-022', 'PARAMETER_UNKNOWN', carrier, unknownFaults),
    ...takenCases('WIR-023', carrier, ignorableLists(carrier)),
    ...refusedCases('WIR-024', 'PARAMETER_INVALID', carrier, misplacedFaults(carrier)),
    ...refusedCases('WIR-025', 'PARAMETER_INVALID', carrier, sizeFaults(carrier)),
    ...refusedCases('WIR-026', 'PARAMETER_INVALID', carrier, rangeFaults(carrier)),
    ...takenCases('WIR-026', carrier, limitLists(carrier)),
  ]),
  ...refusedCases('WIR-020', 'PARAMETER_MALFORMED', 'CHALLENGE', [
    {
      slug: 'descending',
      words: 'with max_message_bytes before liveness_interval_ms',
      list: () =>
        parameterList({ id: 'max_message_bytes', value: 65_536 }, { id: 'liveness_interval_ms', value: 15_000 }),
    },
  ]),
  ...refusedCases('WIR-020', 'PARAMETER_MALFORMED', 'ACCEPT', [
    {
      slug: 'repeated-apart',
      words: 'with max_channels, initial_message_credit and max_channels again',
      list: () =>
        parameterList(
          { id: 'max_channels', value: 16 },
          { id: 'initial_message_credit', value: 64 },
          { id: 'max_channels', value: 16 },
        ),
    },
  ]),
  ...refusedCases('WIR-026', 'PARAMETER_INVALID', 'OPENED', [
    {
      slug: 'application-data-4097',
      words: 'with application_data of 4,097 octets',
      list: (context) =>
        parameterList({ id: 'application_data', value: context.bytes((APPLICATION_DATA.max ?? 0) + 1) }),
    },
  ]),
  ...[0, APPLICATION_DATA.max ?? 0].map((size): Case => ({
    id: `WIR-026/client-opened-application-data-${size}`,
    requirements: ['WIR-026'],
    title: `application_data of ${size} octets is within its range`,
    stimulus: `OPENED carries application_data of ${size} octets.`,
    expectation: 'The client reports that the channel is open, with the same data.',
    run: async (context) => {
      const data = context.bytes(size);
      const { client } = await sendList(context, 'OPENED', parameterList({ id: 'application_data', value: data }));
      const event = await client.expectEvent('opened', 'WIR-026');
      assertEqual('data', event.data, Buffer.from(data).toString('base64'), 'WIR-026');
    },
  })),
]);
