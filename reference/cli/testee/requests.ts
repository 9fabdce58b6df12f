import type { DeclaredParameters } from '../../core/index.ts';

/** A request of the conformance harness; see `conformance/testee/README.md`. */
export type Request =
  | { readonly do: 'describe' }
  | {
      readonly do: 'connect';
      readonly connection: string;
      readonly host: string;
      readonly port: number;
      readonly audience: string;
      readonly certificate: string;
      readonly key: string;
      readonly ca: string;
      readonly crl: string;
      readonly reconnect?: boolean;
      readonly parameters?: Readonly<Record<string, number>>;
      readonly continuity?: {
        readonly retentionMs: number;
        readonly deadlineMs?: number;
        readonly reconnectBoundMs?: number;
      };
    }
  | {
      readonly do: 'open';
      readonly connection: string;
      readonly application: string;
      readonly data?: string;
      readonly hold?: boolean;
      readonly priority?: 'urgent' | 'normal' | 'bulk';
      readonly outcomes?: boolean;
      readonly judge?: boolean;
      readonly applicationIdentity?: string;
      readonly demandProof?: boolean;
    }
  | { readonly do: 'send'; readonly connection: string; readonly channel: number; readonly message: string }
  | {
      readonly do: 'close';
      readonly connection: string;
      readonly channel?: number;
      readonly reset?: true;
      readonly rotate?: true;
      readonly detach?: true;
    };

/** Why a request is not carried out. */
export type Refusal = 'unsupported' | 'invalid' | 'refused';

/** A request that is answered with `ok: false`. */
export class RequestError extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal, text: string, cause?: unknown) {
    super(text, { cause });
    this.refusal = refusal;
  }
}

/** Members of each verb: name, type, and whether it may be absent. */
const MEMBERS: Readonly<Record<Request['do'], Readonly<Record<string, 'string' | 'number' | 'boolean' | 'object'>>>> = {
  describe: {},
  connect: {
    connection: 'string',
    host: 'string',
    port: 'number',
    audience: 'string',
    certificate: 'string',
    key: 'string',
    ca: 'string',
    crl: 'string',
  },
  open: { connection: 'string', application: 'string' },
  send: { connection: 'string', channel: 'number', message: 'string' },
  close: { connection: 'string' },
};

/**
 * Reads one line.
 *
 * @returns the id and the request, or the refusal that answers it; undefined for a line that is no request at all.
 */
export function parseRequest(
  line: string,
): { readonly id: number; readonly request: Request | RequestError } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (value === null || typeof value !== 'object') return undefined;
  const { id, ...members } = value as Record<string, unknown>;
  if (typeof id !== 'number' || !Number.isSafeInteger(id)) return undefined;
  const verb = members['do'];
  if (typeof verb !== 'string' || !Object.hasOwn(MEMBERS, verb)) {
    return { id, request: new RequestError('unsupported', `There is no verb ${JSON.stringify(verb)}.`) };
  }
  for (const [name, type] of Object.entries(MEMBERS[verb as Request['do']])) {
    if (typeof members[name] === type) continue;
    return { id, request: new RequestError('invalid', `${verb} needs "${name}", a ${type}.`) };
  }
  return { id, request: members as unknown as Request };
}

const PARAMETERS: Readonly<Record<string, keyof DeclaredParameters>> = {
  liveness_interval_ms: 'livenessIntervalMs',
  max_message_bytes: 'maxMessageBytes',
  initial_message_credit: 'initialMessageCredit',
  initial_byte_credit: 'initialByteCredit',
};

/** The parameters of `connect`, by the names of the reference. */
export function parameterSet(parameters: Readonly<Record<string, number>> = {}): DeclaredParameters {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => {
      const key = PARAMETERS[name];
      if (key === undefined) throw new RequestError('invalid', `A client does not declare ${name}.`);
      return [key, value];
    }),
  );
}
