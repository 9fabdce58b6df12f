import { describe, expect, it } from 'vitest';
import { buildFrame, buildRawFrame, concat, fromHex, greaseType } from '../../model/codec.ts';
import type { FrameInput } from '../../model/codec.ts';
import { judgeStream, ReceiverModel } from '../../model/machine.ts';
import type { ModelOptions } from '../../model/machine.ts';

const BOTH = { flags: ['FIRST', 'LAST'] };

function established(role: 'client' | 'server', options: ModelOptions = {}): ReceiverModel {
  return new ReceiverModel(role, { state: 'established', ...options });
}

const open = (channel: number, seq: number): Uint8Array => buildFrame('OPEN', { channel, seq });

/** A server with channel 1 open; the client's next sequence number is 2. */
function opened(options: ModelOptions = {}): ReceiverModel {
  const model = established('server', options);
  model.receive(open(1, 1));
  expect(model.send(buildFrame('OPENED', { channel: 1, seq: 1 }))).toMatchObject({ channel: { next: 'open' } });
  return model;
}

const message = (seq: number, input: FrameInput = BOTH): Uint8Array =>
  buildFrame('MESSAGE', { channel: 1, seq, ...input });
const ended = (model: ReceiverModel): void => expect(model.state).toBe('closing');

describe('establishment', () => {
  it('leads a client to established', () => {
    const model = new ReceiverModel('client');
    expect(model.receive(buildFrame('CHALLENGE'))).toMatchObject({ next: 'awaiting-accept' });
    expect(model.send(buildFrame('CONNECT'))).toEqual({ next: 'awaiting-accept', action: 'send' });
    expect(model.receive(buildFrame('ACCEPT'))).toEqual({ next: 'established', action: 'verify the signature' });
  });

  it('leads a server to established', () => {
    const model = new ReceiverModel('server', { identity: 'x' });
    expect(model.send(buildFrame('CHALLENGE'))).toEqual({ next: 'awaiting-connect', action: 'send' });
    expect(model.receive(buildFrame('CONNECT'))).toMatchObject({ next: 'deciding' });
    expect(model.send(buildFrame('ACCEPT'))).toEqual({ next: 'established', action: 'send' });
  });

  it.each<[string, ModelOptions, FrameInput, string, string]>([
    ['audience', { identity: 'y' }, {}, 'AUDIENCE_MISMATCH', 'EST-016'],
    ['signature', { verdicts: { signature: false }, identity: 'y' }, {}, 'SIGNATURE_INVALID', 'EST-005'],
    ['identity', { verdicts: { peerIdentity: false } }, {}, 'AUTHENTICATION_FAILED', 'EST-017'],
    ['mode', {}, { fields: { mode: 'resume', epoch: 1 } }, 'RESUME_REFUSED', 'EST-018'],
    ['epoch of a new session', {}, { fields: { epoch: 1 } }, 'FRAME_MALFORMED', 'WIR-017'],
  ])('refuses a CONNECT for its %s', (_, options, input, error, requirement) => {
    const model = new ReceiverModel('server', options);
    expect(model.receive(buildFrame('CONNECT', input))).toEqual({ error, requirement, next: 'closing' });
    expect(model.send(buildFrame('REJECT'))).toEqual({ next: 'closing', action: 'send' });
    expect(model.send(buildFrame('REJECT'))).toMatchObject({ error: 'FRAME_UNEXPECTED', requirement: 'SES-011' });
  });

  it('lets nothing but CLOSE in while the server decides', () => {
    const model = new ReceiverModel('server', { state: 'deciding' });
    expect(model.receive(buildFrame('PING'))).toMatchObject({ error: 'FRAME_UNEXPECTED', requirement: 'EST-014' });
    const other = new ReceiverModel('server', { state: 'deciding' });
    expect(other.receive(buildFrame('CLOSE'))).toEqual({ next: 'closed', action: 'report the code' });
  });

  it('does not ignore ignorable frames before ACCEPT', () => {
    const frame = buildRawFrame({ type: greaseType(1) });
    expect(new ReceiverModel('client').receive(frame)).toMatchObject({ error: 'FRAME_UNEXPECTED' });
    expect(established('client').receive(frame)).toEqual({ next: 'established', action: 'ignore' });
  });

  it('wants epoch 1 and cursor 0', () => {
    const model = new ReceiverModel('client', { state: 'awaiting-accept' });
    expect(model.receive(buildFrame('ACCEPT', { fields: { epoch: 2 } }))).toMatchObject({ requirement: 'EST-021' });
  });
});

describe('order of checks', () => {
  it('reports flags before state, state before channel, channel before sequence number, that before payload', () => {
    const options: ModelOptions = { state: 'awaiting-connect' };
    const reaction = (input: FrameInput): unknown =>
      new ReceiverModel('server', options).receive(buildFrame('CHALLENGE', input));
    const all = { flags: 1, channel: 1, seq: 1, rawPayload: new Uint8Array(0) };
    expect(reaction(all)).toMatchObject({ error: 'FLAGS_INVALID' });
    expect(reaction({ ...all, flags: 0 })).toMatchObject({ error: 'FRAME_UNEXPECTED' });
    const ping = (input: FrameInput): unknown => established('server').receive(buildFrame('PING', input));
    expect(ping({ ...all, flags: 0 })).toMatchObject({ error: 'CHANNEL_INVALID' });
    expect(ping({ seq: 1, rawPayload: new Uint8Array(0) })).toMatchObject({ error: 'SEQUENCE_INVALID' });
    expect(ping({ rawPayload: new Uint8Array(0) })).toMatchObject({ error: 'FRAME_MALFORMED' });
  });

  it('keeps the first error and discards what follows', () => {
    const stream = concat(buildFrame('PING', { seq: 1 }), buildFrame('PING', { channel: 1 }));
    expect(judgeStream('server', stream, { state: 'established' })).toEqual([
      { error: 'SEQUENCE_INVALID', requirement: 'WIR-013', next: 'closing' },
      { next: 'closing', action: 'discard' },
    ]);
  });

  it('refuses a length as soon as the header is there', () => {
    const stream = fromHex('28 00 3ff1 00000001 0000000000000001');
    expect(judgeStream('server', stream, { state: 'established' })).toMatchObject([{ error: 'FRAME_TOO_LARGE' }]);
  });
});

describe('session', () => {
  it('counts sequence numbers over all channels', () => {
    const model = opened();
    expect(model.receive(open(2, 2))).toMatchObject({ channel: { next: 'opening' } });
    expect(model.receive(message(4))).toMatchObject({ error: 'SEQUENCE_INVALID', requirement: 'WIR-012' });
    expect(model.cursors).toEqual({ receive: 2n, send: 1n });
  });

  it('matches PONGs in order', () => {
    const model = established('client');
    model.send(buildFrame('PING', { fields: { data: fromHex('0000000000000001') } }));
    model.send(buildFrame('PING', { fields: { data: fromHex('0000000000000002') } }));
    expect(model.receive(buildFrame('PONG', { fields: { data: fromHex('0000000000000001') } }))).toEqual({
      next: 'established',
      action: 'match the oldest PING',
    });
    expect(model.receive(buildFrame('PONG'))).toMatchObject({ error: 'FRAME_UNEXPECTED', requirement: 'SES-007' });
  });

  it('judges the cursors of CLOSE and still answers', () => {
    const model = opened();
    const close = (receive: number, send: number): Uint8Array =>
      buildFrame('CLOSE', { flags: ['END_SESSION'], fields: { receive_cursor: receive, send_cursor: send } });
    expect(model.receive(close(2, 1))).toEqual({ error: 'CURSOR_INVALID', requirement: 'SES-013', next: 'closed' });
    expect(model.send(close(1, 1))).toEqual({ next: 'closed', action: 'send' });
    expect(opened().receive(close(0, 0))).toMatchObject({ error: 'CURSOR_INVALID' });
    expect(opened().receive(close(1, 1))).toEqual({ next: 'closed', action: 'send CLOSE' });
  });

  it('reads the final cursors while closing', () => {
    const model = established('client');
    expect(model.send(buildFrame('CLOSE'))).toEqual({ next: 'closing', action: 'send' });
    expect(model.receive(buildFrame('CLOSE', { trailing: Uint8Array.of(0) }))).toEqual({
      next: 'closing',
      action: 'discard',
    });
    expect(model.receive(buildFrame('CLOSE'))).toEqual({ next: 'closed', action: 'read the final cursors' });
  });

  it('bounds control frames by budget and tolerance', () => {
    const model = established('client');
    const ping = buildFrame('PING');
    for (let n = 0; n < 256; n += 1) expect(model.receive(ping)).not.toHaveProperty('orError');
    for (let n = 256; n < 1024; n += 1) expect(model.receive(ping)).toHaveProperty('orError');
    model.elapse(1000);
    for (let n = 0; n < 64; n += 1) expect(model.receive(ping)).not.toHaveProperty('orError');
    for (let n = 64; n < 256; n += 1) expect(model.receive(ping)).toHaveProperty('orError');
    expect(model.receive(ping)).toMatchObject({ error: 'RATE_EXCEEDED', requirement: 'SES-010' });
  });
});

describe('channels', () => {
  it('are numbered without gaps', () => {
    expect(established('server').receive(open(2, 1))).toMatchObject({
      error: 'CHANNEL_INVALID',
      requirement: 'CHN-002',
    });
    expect(opened().receive(open(1, 2))).toMatchObject({ error: 'CHANNEL_INVALID', requirement: 'CHN-002' });
    expect(established('client').receive(buildFrame('OPENED', { channel: 1, seq: 1 }))).toMatchObject({
      error: 'CHANNEL_INVALID',
      requirement: 'CHN-003',
    });
  });

  it('are refused beyond the limit', () => {
    const model = opened({ own: { max_channels: 1 } });
    expect(model.receive(open(2, 2))).toMatchObject({ channel: { action: 'send REFUSED(CHANNEL_LIMIT)' } });
    expect(model.send(buildFrame('REFUSED', { channel: 2, seq: 2 }))).toMatchObject({ channel: { next: 'closed' } });
  });

  it.each<[string, ModelOptions, readonly FrameInput[], string, string]>([
    ['a continuation of nothing', {}, [{ flags: ['LAST'], fields: { fragment: 'x' } }], 'FRAGMENT_INVALID', 'CHN-013'],
    [
      'a beginning inside of a message',
      {},
      [
        { flags: ['FIRST'], fields: { fragment: 'x' } },
        { flags: ['FIRST'], fields: { fragment: 'x' } },
      ],
      'FRAGMENT_INVALID',
      'CHN-013',
    ],
    ['an empty fragment', {}, [{ flags: ['FIRST'] }], 'FRAGMENT_INVALID', 'CHN-014'],
    ['too many messages', { own: { initial_message_credit: 1 } }, [BOTH, BOTH], 'CREDIT_EXCEEDED', 'CHN-021'],
    [
      'too many octets',
      { own: { initial_byte_credit: 2 } },
      [{ ...BOTH, fields: { fragment: 'xyz' } }],
      'CREDIT_EXCEEDED',
      'CHN-021',
    ],
    [
      'too large a message',
      { own: { max_message_bytes: 1024 } },
      [
        { flags: ['FIRST'], fields: { fragment: new Uint8Array(1024) } },
        { flags: ['LAST'], fields: { fragment: 'x' } },
      ],
      'MESSAGE_TOO_LARGE',
      'CHN-018',
    ],
  ])('refuse %s', (_, options, inputs, error, requirement) => {
    const model = opened(options);
    const reactions = inputs.map((input, index) => model.receive(message(2 + index, input)));
    expect(reactions.pop()).toEqual({ error, requirement, next: 'closing' });
    for (const reaction of reactions) expect(reaction).toMatchObject({ channel: { action: 'deliver' } });
    ended(model);
  });

  it('take more after CREDIT', () => {
    const model = opened({ own: { initial_message_credit: 1 } });
    model.receive(message(2));
    model.send(buildFrame('CREDIT', { channel: 1, fields: { message_limit: 2, byte_limit: 1_048_576 } }));
    expect(model.receive(message(3))).toMatchObject({ channel: { action: 'deliver' } });
    expect(model.credit(1)?.received).toEqual({ messages: 2n, bytes: 0n });
  });

  it('refuse CREDIT that raises nothing, but not where it is ignored', () => {
    const credit = buildFrame('CREDIT', { channel: 1, fields: { message_limit: 64, byte_limit: 1_048_576 } });
    expect(opened().receive(credit)).toMatchObject({ error: 'CREDIT_INVALID', requirement: 'CHN-022' });
    const model = opened();
    model.send(buildFrame('END', { channel: 1, seq: 2 }));
    expect(model.receive(credit)).toMatchObject({ channel: { action: 'ignore', next: 'half-closed-local' } });
  });

  it('refuse END inside of a message', () => {
    const model = opened();
    model.receive(message(2, { flags: ['FIRST'], fields: { fragment: 'x' } }));
    expect(model.receive(buildFrame('END', { channel: 1, seq: 3 }))).toMatchObject({ requirement: 'CHN-027' });
  });

  it('answer RESET once, and discard after their own', () => {
    const model = opened();
    const reset = (seq: number, code: number): Uint8Array => buildFrame('RESET', { channel: 1, seq, fields: { code } });
    expect(model.receive(reset(2, 0x0403))).toMatchObject({
      channel: { next: 'closed', action: 'send RESET(CHANNEL_CLOSED)' },
    });
    expect(model.send(reset(2, 0x0403))).toMatchObject({ requirement: 'CHN-029' });
    expect(model.send(reset(2, 0x0405))).toMatchObject({ channel: { next: 'closed' } });
    expect(model.send(reset(3, 0x0405))).toMatchObject({ error: 'FRAME_UNEXPECTED' });

    const other = opened();
    other.send(reset(2, 0x0403));
    expect(other.receive(message(2, { flags: ['LAST'] }))).toMatchObject({ channel: { action: 'discard' } });
    expect(other.receive(reset(3, 0x0405))).toMatchObject({ channel: { next: 'closed', action: 'none' } });
    expect(other.receive(message(4))).toMatchObject({ error: 'FRAME_UNEXPECTED', requirement: 'CHN-003' });
  });
});
