import { greaseFrameTypes, greaseNumbers, greaseParameters } from './grease.ts';
import { PSEUDO_COLUMNS, columnsOf } from './machines.ts';
import type { Extension, Field, Frame, Machine, Registry } from './registry-types.ts';

const INTEGER_MAX: Readonly<Record<string, number>> = {
  u8: 0xff,
  u16: 0xffff,
  u32: 0xffff_ffff,
  u53: Number.MAX_SAFE_INTEGER,
};

const hex = (value: number): string => `0x${value.toString(16).padStart(2, '0')}`;

/**
 * Checks what the schema can not say: uniqueness, references, ranges, totality and collisions.
 *
 * @returns one line per problem; empty when the registry is sound.
 */
export function checkRegistry(registry: Registry): readonly string[] {
  return [
    ...checkUniqueness(registry),
    ...checkHeader(registry),
    ...registry.frames.flatMap((frame) => checkFrame(registry, frame)),
    ...checkParameters(registry),
    ...checkErrors(registry),
    ...checkExtension(registry),
    ...registry.machines.flatMap((machine) => checkMachine(registry, machine)),
  ];
}

function duplicates<Value>(values: readonly Value[]): readonly Value[] {
  return [...new Set(values.filter((value, index) => values.indexOf(value) !== index))];
}

function checkUniqueness(registry: Registry): readonly string[] {
  const { frames, parameters, signatureSchemes, errors, machines, timers, limits } = registry;
  const named: Readonly<Record<string, readonly { readonly name: string }[]>> = {
    types: registry.types,
    'header fields': registry.header.fields,
    frames,
    parameters,
    signatureSchemes,
    errors,
    timers,
    limits,
    machines,
    testApplications: registry.testApplications,
  };
  const numbered: Readonly<Record<string, readonly number[]>> = {
    frames: frames.map(({ type }) => type),
    parameters: parameters.map(({ id }) => id),
    signatureSchemes: signatureSchemes.map(({ id }) => id),
    errors: errors.map(({ code }) => code),
  };
  const labels = Object.values(registry.protocol.signatureLabels);
  return [
    ...Object.entries(named).flatMap(([kind, entries]) =>
      duplicates(entries.map(({ name }) => name)).map((name) => `${kind}: the name ${name} is used twice`),
    ),
    ...Object.entries(numbered).flatMap(([kind, numbers]) =>
      duplicates(numbers).map((number) => `${kind}: the number ${hex(number)} is used twice`),
    ),
    ...duplicates(signatureSchemes.map(({ key }) => key)).map(
      (key) => `signatureSchemes: the key type ${key} has two schemes`,
    ),
    ...duplicates(labels).map((label) => `protocol: the signature label '${label}' is used twice`),
  ];
}

function checkHeader({ header, types }: Registry): readonly string[] {
  const problems: string[] = [];
  let offset = 0;
  for (const field of header.fields) {
    if (field.offset !== offset) {
      problems.push(`header: ${field.name} stands at offset ${field.offset}, the fields before it end at ${offset}`);
    }
    offset = field.offset + (types.find(({ name }) => name === field.type)?.bytes ?? 0);
  }
  if (offset !== header.bytes) problems.push(`header: the fields end at ${offset}, bytes says ${header.bytes}`);
  return problems;
}

function checkFrame({ types, header }: Registry, frame: Frame): readonly string[] {
  const place = `frame ${frame.name}`;
  const problems = [
    ...duplicates(frame.fields.map(({ name }) => name)).map((name) => `${place}: the field ${name} is defined twice`),
    ...duplicates((frame.flags ?? []).map(({ name }) => name)).map(
      (name) => `${place}: the flag ${name} is defined twice`,
    ),
    ...duplicates((frame.flags ?? []).map(({ bit }) => bit)).map(
      (bit) => `${place}: the bit ${hex(bit)} is used twice`,
    ),
  ];
  frame.fields.forEach((field, index) => {
    const earlier = frame.fields.slice(0, index);
    problems.push(
      ...checkField(field, earlier, header.maxPayloadBytes).map((text) => `${place}: ${field.name} ${text}`),
    );
    if (!types.some(({ name }) => name === field.type))
      problems.push(`${place}: ${field.name} has the undefined type ${field.type}`);
    if (field.type === 'rest' && index !== frame.fields.length - 1) {
      problems.push(`${place}: ${field.name} takes the rest of the payload but is not its last field`);
    }
  });
  return problems;
}

function checkField(field: Field, earlier: readonly Field[], maxPayloadBytes: number): readonly string[] {
  const problems: string[] = [];
  const largest = INTEGER_MAX[field.type] ?? maxPayloadBytes;
  const min = field.min ?? 0;
  const max = field.max ?? largest;
  if (min > max) problems.push(`has min ${min} above max ${max}`);
  if (max > largest) problems.push(`has max ${max}, its type ends at ${largest}`);
  const values = Object.values(field.values ?? {});
  problems.push(...duplicates(values).map((value) => `gives the value ${value} two names`));
  problems.push(
    ...values.filter((value) => value > largest).map((value) => `has the value ${value}, its type ends at ${largest}`),
  );
  for (const [name, value] of Object.entries(field.zeroWhen ?? {})) {
    const reference = earlier.find((other) => other.name === name);
    if (reference === undefined) problems.push(`refers to ${name}, which is no earlier field`);
    else if (reference.values?.[value] === undefined)
      problems.push(`refers to ${name}: ${value}, which is no value of it`);
  }
  return problems;
}

function checkParameters({ parameters, frames, extension }: Registry): readonly string[] {
  const carriers = new Set(
    frames.filter(({ fields }) => fields.some(({ type }) => type === 'parameters')).map(({ name }) => name),
  );
  return parameters.flatMap((parameter) => {
    const place = `parameter ${parameter.name}`;
    const problems: string[] = [];
    if ((parameter.id & extension.parameterIgnorableBit) !== 0) {
      problems.push(`${place}: the id ${hex(parameter.id)} has the ignorable bit`);
    }
    if (parameter.status === 'planned') return problems;
    const { min, max, default: preset = min } = parameter;
    if (min > max) problems.push(`${place}: min ${min} is above max ${max}`);
    if (preset < min || preset > max) problems.push(`${place}: the default ${preset} is outside ${min} to ${max}`);
    const largest = INTEGER_MAX[parameter.type] ?? Infinity;
    if (max > largest) problems.push(`${place}: max ${max} does not fit ${parameter.type}`);
    for (const frame of parameter.in) {
      if (!carriers.has(frame)) problems.push(`${place}: ${frame} is no stable frame with parameters`);
    }
    return problems;
  });
}

function checkErrors({ errors, frames, unknownErrors }: Registry): readonly string[] {
  const carriers = frames.filter(({ fields }) => fields.some(({ name }) => name === 'code')).map(({ name }) => name);
  const problems = errors.flatMap((error) =>
    error.in
      .filter((frame) => !carriers.includes(frame))
      .map((frame) => `error ${error.name}: ${frame} is no stable frame with a code`),
  );
  for (const frame of carriers) {
    if (unknownErrors[frame] === undefined) problems.push(`unknownErrors: nothing is said about ${frame}`);
  }
  for (const [frame, name] of Object.entries(unknownErrors)) {
    const error = errors.find((candidate) => candidate.name === name);
    if (!carriers.includes(frame)) problems.push(`unknownErrors: ${frame} is no stable frame with a code`);
    else if (error === undefined) problems.push(`unknownErrors: ${frame} refers to the undefined error ${name}`);
    else if (!error.in.includes(frame)) problems.push(`unknownErrors: ${name} does not occur in ${frame}`);
  }
  return problems;
}

function checkExtension({ extension, frames, parameters }: Registry): readonly string[] {
  const { frameIgnorableBit, parameterIgnorableBit } = extension;
  return [
    ...checkIgnorableBit('frame', frameIgnorableBit, 0x100),
    ...checkIgnorableBit('parameter', parameterIgnorableBit, 0x1_0000),
    ...checkGrease(
      'greaseFrameTypes',
      greaseNumbers(greaseFrameTypes(extension)),
      0x100,
      frameIgnorableBit,
      frames.map(({ name, type }) => ({ name, number: type })),
    ),
    ...checkGrease(
      'greaseParameters',
      greaseNumbers(greaseParameters(extension)),
      0x1_0000,
      parameterIgnorableBit,
      parameters.map(({ name, id }) => ({ name, number: id })),
    ),
    ...frames
      .filter(({ type }) => (type & frameIgnorableBit) !== 0)
      .map(({ name, type }) => `frame ${name}: the type ${hex(type)} has the ignorable bit`),
  ];
}

function checkIgnorableBit(kind: keyof typeof BIT_OF, bit: number, end: number): readonly string[] {
  const single = bit > 0 && bit < end && (bit & (bit - 1)) === 0;
  return single ? [] : [`extension: ${BIT_OF[kind]} is not one bit`];
}

const BIT_OF = { frame: 'frameIgnorableBit', parameter: 'parameterIgnorableBit' } as const satisfies Record<
  string,
  keyof Extension
>;

function checkGrease(
  series: string,
  numbers: readonly number[],
  end: number,
  ignorableBit: number,
  defined: readonly { readonly name: string; readonly number: number }[],
): readonly string[] {
  const outside = numbers.find((number) => number >= end || (number & ignorableBit) === 0);
  return [
    ...(outside === undefined ? [] : [`extension: ${series} reaches ${hex(outside)}, which is no ignorable number`]),
    ...defined
      .filter(({ number }) => numbers.includes(number))
      .map(({ name, number }) => `extension: ${series} contains ${hex(number)}, which is ${name}`),
  ];
}

function checkMachine(registry: Registry, machine: Machine): readonly string[] {
  const place = `machine ${machine.name}`;
  const states = new Set(machine.states.map(({ name }) => name));
  const frames = new Set(machine.frames);
  const errors = new Set(registry.errors.map(({ name }) => name));
  const stable = registry.frames.filter(({ status }) => status === 'stable');
  const problems = duplicates(machine.states.map(({ name }) => name)).map(
    (name) => `${place}: the state ${name} is defined twice`,
  );
  const refer = (known: ReadonlySet<string>, kind: string, name: string, where: string): void => {
    if (!known.has(name)) problems.push(`${place}: ${where} refers to the undefined ${kind} ${name}`);
  };

  refer(states, 'state', machine.initial, 'initial');
  refer(errors, 'error', machine.otherwise, 'otherwise');
  for (const [frame, error] of Object.entries(machine.otherwiseFrame ?? {})) {
    refer(frames, 'column', frame, 'otherwiseFrame');
    refer(errors, 'error', error, `otherwiseFrame.${frame}`);
  }
  for (const state of machine.states) {
    if (state.otherwise !== undefined) refer(errors, 'error', state.otherwise, `state ${state.name}`);
    if (machine.receive[state.name] === undefined)
      problems.push(`${place}: receive has no row for the state ${state.name}`);
  }
  for (const [state, row] of Object.entries(machine.receive)) {
    refer(states, 'state', state, 'receive');
    for (const [frame, { next, do: action }] of Object.entries(row)) {
      refer(frames, 'column', frame, `receive.${state}`);
      refer(states, 'state', next, `receive.${state}.${frame}`);
      problems.push(...checkAction(registry, action).map((text) => `${place}: receive.${state}.${frame} ${text}`));
    }
  }
  for (const { event, from, next, do: action } of machine.local) {
    for (const state of from) refer(states, 'state', state, `local '${event}'`);
    refer(states, 'state', next, `local '${event}'`);
    problems.push(
      ...[event, action ?? '']
        .flatMap((text) => checkAction(registry, text))
        .map((text) => `${place}: local '${event}' ${text}`),
    );
  }
  const sources = machine.local.flatMap(({ event, from }) => from.map((state) => `'${event}' in ${state}`));
  problems.push(...duplicates(sources).map((source) => `${place}: local ${source} is defined twice`));

  for (const frame of frames) {
    if (!PSEUDO_COLUMNS[machine.layer].includes(frame) && !stable.some(({ name }) => name === frame)) {
      problems.push(`${place}: the column ${frame} is no stable frame`);
    }
  }
  for (const name of columnsOf(machine, stable)) {
    if (!frames.has(name)) problems.push(`${place}: the column ${name} is missing`);
  }
  for (const state of unreachable(machine)) problems.push(`${place}: the state ${state} can not be reached`);
  return problems;
}

/** The frames and codes that an action or event names, as in `send REJECT(ESTABLISHMENT_TIMEOUT)`, exist. */
function checkAction({ frames, errors }: Registry, text: string): readonly string[] {
  return [...text.matchAll(/\bsend ([A-Z][A-Z_]+)(?:\(([A-Z_]+)\))?/g)].flatMap(([, frameName, errorName]) => {
    const frame = frames.find(({ name, status }) => name === frameName && status === 'stable');
    if (frame === undefined) return [`sends ${frameName ?? ''}, which is no stable frame`];
    if (errorName === undefined) return [];
    const error = errors.find(({ name }) => name === errorName);
    if (error === undefined) return [`sends the undefined error ${errorName}`];
    return error.in.includes(frame.name) ? [] : [`sends ${errorName} in ${frame.name}, where it does not occur`];
  });
}

function unreachable(machine: Machine): readonly string[] {
  const reached = new Set([machine.initial]);
  // A Set that grows while it is walked visits what was added.
  for (const state of reached) {
    for (const { next } of Object.values(machine.receive[state] ?? {})) reached.add(next);
    for (const { from, next } of machine.local) if (from.includes(state)) reached.add(next);
  }
  return machine.states.map(({ name }) => name).filter((name) => !reached.has(name));
}
