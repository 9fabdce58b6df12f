/** The JSON Schemas of the vector files, one for each kind. They are closed: a member that they do not name is an error. */

type Schema = Readonly<Record<string, unknown>>;

const DRAFT = 'https://json-schema.org/draft/2020-12/schema';
const BASE = 'https://hawser.example/vectors/schema';

const ref = (name: string): Schema => ({ $ref: `${BASE}/common.schema.json#/$defs/${name}` });
const text: Schema = { type: 'string' };
const flag: Schema = { type: 'boolean' };
const list = (items: Schema): Schema => ({ type: 'array', items });
const oneOf = (...values: readonly string[]): Schema => ({ type: 'string', enum: values });

/** An object with exactly these members; those whose name ends in `?` may be absent. */
function object(members: Readonly<Record<string, Schema>>): Schema {
  const entries = Object.entries(members);
  return {
    type: 'object',
    properties: Object.fromEntries(entries.map(([name, schema]) => [name.replace('?', ''), schema])),
    required: entries.filter(([name]) => !name.endsWith('?')).map(([name]) => name),
    additionalProperties: false,
  };
}

const COMMON: Schema = {
  $schema: DRAFT,
  $id: `${BASE}/common.schema.json`,
  title: 'What all vectors have in common',
  $defs: {
    hex: { description: 'Octets in lower-case hexadecimal.', type: 'string', pattern: '^(?:[0-9a-f]{2})*$' },
    der: {
      description: 'DER in base64 with padding.',
      type: 'string',
      contentEncoding: 'base64',
      pattern: '^[A-Za-z0-9+/]*={0,2}$',
    },
    pem: { description: 'One PEM object.', type: 'string', pattern: '^-----BEGIN ' },
    u53: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
    id: { description: 'Permanent; assigned by the generator.', type: 'string', pattern: '^[a-z-]+-[0-9]{4}$' },
    role: oneOf('client', 'server'),
    comment: { type: 'string', minLength: 1 },
    requirements: {
      description: 'The first one decides.',
      type: 'array',
      minItems: 1,
      items: { type: 'string', pattern: '^[A-Z]{3}-[0-9]{3}$' },
    },
    flags: { description: 'Keys of flags.json.', type: 'array', minItems: 1, items: text },
    errorName: { description: 'Name of an error in the registry.', type: 'string', pattern: '^[A-Z_]+$' },
    reason: { type: 'string', pattern: '^[a-z-]+$' },
    instant: {
      description: 'RFC 3339, UTC.',
      type: 'string',
      pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$',
    },
  },
};

interface Kind {
  readonly title: string;
  /** Members of every vector of this kind. */
  readonly input: Readonly<Record<string, Schema>>;
  /** What a valid vector has besides. */
  readonly valid: Readonly<Record<string, Schema>>;
  readonly layers: readonly string[];
  /** What an invalid vector has besides its layer. */
  readonly invalid: Readonly<Record<string, Schema>>;
}

const parameter = {
  oneOf: [
    object({ id: ref('u53'), name: text, value: { type: 'integer', minimum: 0 } }),
    object({ id: ref('u53'), name: text, value: ref('hex') }),
    object({ id: ref('u53'), ignored: { const: true }, value: ref('hex') }),
  ],
};
const orNull = (schema: Schema): Schema => ({ oneOf: [schema, { type: 'null' }] });
const again = orNull(object({ first: ref('u53'), last: ref('u53') }));
const declarations = object({
  'max_message_bytes?': ref('u53'),
  'max_channels?': ref('u53'),
  'initial_message_credit?': ref('u53'),
  'initial_byte_credit?': ref('u53'),
  'session_retention_ms?': ref('u53'),
  'connection_deadline_ms?': ref('u53'),
});
const steps = list({
  oneOf: [object({ receive: ref('hex') }), object({ send: ref('hex'), cause: oneOf('answer', 'application') })],
});

const KINDS: Readonly<Record<string, Kind>> = {
  frames: {
    title: 'Single frames',
    input: { role: ref('role'), state: text, due: ref('u53'), frame: ref('hex') },
    valid: { expected: { oneOf: [object({ name: text }), object({ ignored: { const: true } })] } },
    layers: ['header', 'frame', 'parameters', 'state'],
    invalid: { error: ref('errorName') },
  },
  parameters: {
    title: 'Parameter lists',
    input: { frame: text, list: ref('hex') },
    valid: { expected: list(parameter) },
    layers: ['parameters'],
    invalid: { error: ref('errorName') },
  },
  streams: {
    title: 'Sequences of frames',
    input: {
      role: ref('role'),
      state: text,
      own: declarations,
      peer: declarations,
      'identity?': text,
      'verdicts?': object({ 'signature?': flag, 'peerIdentity?': flag }),
      'resumed?': object({ sessionId: ref('hex'), steps }),
      steps,
    },
    valid: {
      expected: object({
        connection: text,
        channels: { type: 'object', propertyNames: { pattern: '^[1-9][0-9]*$' }, additionalProperties: text },
        cursors: object({ receive: ref('u53'), send: ref('u53') }),
        delivered: list(object({ channel: ref('u53'), message: ref('hex') })),
        'session?': oneOf('detached', 'ended'),
      }),
    },
    layers: ['header', 'frame', 'parameters', 'state', 'signature'],
    invalid: { error: ref('errorName'), index: ref('u53') },
  },
  outcomes: {
    title: 'Outcomes of messages',
    input: {
      end: oneOf('sender', 'receiver'),
      outcomes: flag,
      messages: list(object({ first: orNull(ref('u53')), last: orNull(ref('u53')) })),
      sent: ref('u53'),
      acknowledged: ref('u53'),
      verdicts: list(object({ lastMessage: ref('u53'), verdict: ref('u53'), 'seq?': ref('u53') })),
      ending: object({
        event: oneOf('reset', 'session-ended', 'resume-gap', 'resume-refused'),
        finalReceiveCursor: orNull(ref('u53')),
      }),
    },
    valid: {
      expected: list({
        oneOf: [
          object({ outcome: oneOf('accepted', 'not-delivered', 'unknown') }),
          object({ outcome: { const: 'rejected' }, verdict: ref('u53') }),
        ],
      }),
    },
    layers: ['state'],
    invalid: { error: ref('errorName') },
  },
  resumption: {
    title: 'Decisions about resumptions',
    input: {
      role: ref('role'),
      memory: orNull(
        object({
          'identity?': text,
          sessionId: ref('hex'),
          state: oneOf('attached', 'detached', 'ended'),
          epoch: ref('u53'),
          attempt: ref('u53'),
          received: ref('u53'),
          sent: ref('u53'),
          acknowledged: ref('u53'),
        }),
      ),
      request: object({
        'identity?': text,
        sessionId: ref('hex'),
        epoch: ref('u53'),
        attempt: ref('u53'),
        receiveCursor: ref('u53'),
        'deadlineMs?': ref('u53'),
      }),
      'room?': flag,
      'accept?': object({
        sessionId: ref('hex'),
        epoch: ref('u53'),
        receiveCursor: ref('u53'),
        'deadlineMs?': ref('u53'),
      }),
      'reject?': object({ code: ref('u53') }),
    },
    valid: {
      expected: {
        oneOf: [
          object({ epoch: ref('u53'), attempt: ref('u53'), receiveCursor: ref('u53'), again, superseded: flag }),
          object({ epoch: ref('u53'), again }),
          object({ session: oneOf('detached', 'ended'), again: flag }),
        ],
      },
    },
    layers: ['state'],
    invalid: {
      error: ref('errorName'),
      'parameters?': { type: 'object', propertyNames: { pattern: '^[a-z_]+$' }, additionalProperties: ref('u53') },
      'session?': orNull(oneOf('attached', 'detached', 'ended')),
    },
  },
  transcripts: {
    title: 'Transcripts and signatures',
    input: {
      signed: oneOf('connect', 'accept'),
      exporter: ref('hex'),
      clientCertificate: ref('der'),
      serverCertificate: ref('der'),
      challenge: ref('hex'),
      connect: ref('hex'),
      'accept?': ref('hex'),
      privateKey: ref('pem'),
    },
    valid: {
      expected: object({
        exporterContext: ref('hex'),
        clientLeaf: ref('hex'),
        serverLeaf: ref('hex'),
        transcriptHash: ref('hex'),
        signedContent: ref('hex'),
      }),
    },
    layers: ['signature'],
    invalid: { error: ref('errorName') },
  },
  proofs: {
    title: 'Signatures of openings that are proved',
    input: {
      signed: oneOf('proof', 'opened'),
      open: ref('hex'),
      prove: ref('hex'),
      proof: ref('hex'),
      'opened?': ref('hex'),
      privateKey: ref('pem'),
    },
    valid: { expected: object({ transcriptHash: ref('hex'), signedContent: ref('hex') }) },
    layers: ['signature'],
    invalid: { error: ref('errorName') },
  },
  evidence: {
    title: 'Evidence records',
    input: { record: text, trustAnchors: list(ref('der')) },
    valid: { expected: object({ clientIdentity: text, serverIdentity: text }) },
    layers: ['evidence'],
    invalid: { reason: ref('reason') },
  },
  certificates: {
    title: 'Certificate chains',
    input: {
      role: ref('role'),
      now: ref('instant'),
      chain: list(ref('der')),
      trustAnchors: list(ref('der')),
      revocation: flag,
      crls: list(ref('der')),
    },
    valid: { expected: object({ identity: text }) },
    layers: ['certificate'],
    invalid: { reason: ref('reason') },
  },
};

/** The kinds of vectors, by the names of their files. */
export const VECTOR_KINDS: readonly string[] = Object.keys(KINDS);

const head = { id: ref('id'), comment: ref('comment'), requirements: ref('requirements'), flags: ref('flags') };

function vectorSchema({ input, valid, invalid, layers }: Kind): Schema {
  return {
    oneOf: [
      object({ ...head, ...input, result: { const: 'valid' }, ...valid }),
      object({ ...head, ...input, result: { const: 'invalid' }, layer: oneOf(...layers), ...invalid }),
    ],
  };
}

function fileSchema(name: string, title: string, vector: Schema): Schema {
  return {
    $schema: DRAFT,
    $id: `${BASE}/${name}.schema.json`,
    title,
    ...object({
      schema: { const: `schema/${name}.schema.json` },
      specRevision: text,
      description: text,
      numberOfVectors: ref('u53'),
      vectors: list({ $ref: '#/$defs/vector' }),
    }),
    $defs: { vector },
  };
}

function mustFailSchema(): Schema {
  const kinds = VECTOR_KINDS.map((kind) =>
    object({ ...head, kind: { const: kind }, vector: { $ref: `${BASE}/${kind}.schema.json#/$defs/vector` } }),
  );
  return fileSchema('must-fail', 'Vectors with wrong expectations', { oneOf: kinds });
}

/** Every schema by its file name below vectors/schema/. */
export function vectorSchemas(): ReadonlyMap<string, Schema> {
  return new Map([
    ['common.schema.json', COMMON],
    ...Object.entries(KINDS).map(
      ([name, kind]) => [`${name}.schema.json`, fileSchema(name, kind.title, vectorSchema(kind))] as const,
    ),
    ['must-fail.schema.json', mustFailSchema()],
  ]);
}
