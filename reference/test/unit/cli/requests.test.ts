import { describe, expect, it } from 'vitest';
import { RequestError, parameterSet, parseRequest } from '../../../cli/testee/requests.ts';

describe('parseRequest', () => {
  it('reads a request', () => {
    expect(parseRequest('{"id":1,"do":"describe","protocol":1}')).toEqual({
      id: 1,
      request: { do: 'describe', protocol: 1 },
    });
  });

  it.each(['', 'x', '[]', 'null', '{"do":"describe"}', '{"id":"1","do":"describe"}'])(
    'finds no request in %j',
    (line) => expect(parseRequest(line)).toBeUndefined(),
  );

  it.each([
    ['{"id":1}', 'unsupported'],
    ['{"id":1,"do":"dance"}', 'unsupported'],
    ['{"id":1,"do":"toString"}', 'unsupported'],
    ['{"id":1,"do":"open","connection":"c"}', 'invalid'],
    ['{"id":1,"do":"send","connection":"c","channel":"1","message":""}', 'invalid'],
  ])('answers %s with %s', (line, refusal) => {
    const request = parseRequest(line)?.request;
    expect(request).toBeInstanceOf(RequestError);
    expect((request as RequestError).refusal).toBe(refusal);
  });
});

describe('parameterSet', () => {
  it('translates the names of the registry', () => {
    expect(parameterSet({ liveness_interval_ms: 1000, max_message_bytes: 2048 })).toEqual({
      livenessIntervalMs: 1000,
      maxMessageBytes: 2048,
    });
    expect(() => parameterSet({ max_channels: 1 })).toThrow(/does not declare max_channels/);
  });
});
