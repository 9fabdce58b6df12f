import { describe, expect, it } from 'vitest';
import { RemoteError, TransportError } from '../../../../core/index.ts';
import { type ChannelFacts, ChannelRecord } from '../../../../node/relay/channel-record.ts';

const FACTS: ChannelFacts = {
  session: '00ff',
  channel: 3,
  identity: 'spiffe://a/client',
  relays: ['spiffe://a/relay'],
  application: 'payments',
  end: 'tcp://127.0.0.1:8583',
};

describe('ChannelRecord', () => {
  it('counts messages and octets both ways, and the time', () => {
    const record = new ChannelRecord(FACTS, 1000.2);
    record.messageIn(10);
    record.messageIn(0);
    record.messageOut(7);
    expect(record.fields({ type: 'closed' }, 1250.9)).toEqual({
      ...FACTS,
      outcome: 'closed',
      code: 'NO_ERROR',
      messagesIn: 2,
      bytesIn: 10,
      messagesOut: 1,
      bytesOut: 7,
      durationMs: 251,
    });
  });

  it('tells with which code a channel was refused or reset', () => {
    const record = new ChannelRecord(FACTS, 0);
    const error = new RemoteError('ROUTE_UNREACHABLE', 0x0406, 'A test.');
    const refused = record.fields({ type: 'refused', code: 'ROUTE_UNREACHABLE', error }, 1);
    expect(refused).toMatchObject({ outcome: 'refused', code: 'ROUTE_UNREACHABLE', messagesIn: 0 });
    const reset = record.fields({ type: 'reset', code: 'APPLICATION_LOST', remote: false, error }, 1);
    expect(reset).toMatchObject({ outcome: 'reset', code: 'APPLICATION_LOST' });
  });

  it('has no code of its own where the session ended', () => {
    const error = new TransportError('HAWSER_ERR_TRANSPORT_SESSION_ENDED', 'established', 'A test.');
    const fields = new ChannelRecord(FACTS, 0).fields({ type: 'session-ended', error }, 1);
    expect(fields).toMatchObject({ outcome: 'session-ended' });
    expect(fields).not.toHaveProperty('code');
  });
});
