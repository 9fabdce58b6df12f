/**
 * The naive codec: built from the registry's tables alone, without a line of the reference implementation. It is slow on purpose
 * where that makes it easier to see that it is right.
 */
export { annotate } from './annotate.ts';
export { buildFrame, buildParameter, buildParameters, buildPayload, buildRawFrame, greaseType } from './build.ts';
export type { FieldInput, FrameInput, ParameterInput, RawField } from './build.ts';
export { decodeFrame, decodeParameters, decodePayload, FrameReader, measureFrame } from './decode.ts';
export type { FrameResult, PayloadResult, ReadFrame, Span } from './decode.ts';
export { decodeHeader, isIgnorable, MAX_U53 } from './frame.ts';
export type { Header, ModelFields, ModelFrame, ModelParameter, ModelValue, Violation } from './frame.ts';
export { concat, equal, fromHex, integer, readInteger, toHex } from './octets.ts';
