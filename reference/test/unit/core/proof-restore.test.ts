import { describe, expect, it } from 'vitest';
import type { OpenOptions } from '../../../core/index.ts';
import { takeEvents, toySigner } from './pair.ts';
import { type StoredPair, openStored, reconnect, settle, storedPair } from './stored-pair.ts';
import { eventsOf, octets } from './wire.ts';

const APPLICATION_LEAF = Buffer.from('the application end');
const serverProve = { relay: '', chain: [APPLICATION_LEAF] };
const signer = toySigner('the application end');
const clientProof = { chain: [Buffer.from('the client')], signer: toySigner('the client') };

/** A stored pair, and a channel that the client has asked for. */
function asked(options: OpenOptions = {}): { readonly stored: StoredPair; readonly channel: number } {
  const stored = storedPair();
  const channel = stored.pair.client.openChannel('test/prove', options, 0);
  settle(stored);
  return { stored, channel };
}

/** The client takes the place of one that has crashed. */
function restartClient(stored: StoredPair): ReturnType<StoredPair['client']['restart']>['events'] {
  const { end, events } = stored.client.restart();
  stored.client = end;
  return events;
}

/** So does the server. */
function restartServer(stored: StoredPair): ReturnType<StoredPair['server']['restart']>['events'] {
  const { end, events } = stored.server.restart();
  stored.server = end;
  return events;
}

describe('a channel that is not open when an end crashes', () => {
  it('is asked for again at the server, with what a relay has added', () => {
    const { stored: other } = asked({ applicationData: octets('01') });
    const [request] = eventsOf(takeEvents(other.pair).server, 'channel-requested');
    const stored = storedPair();
    const forwarded = { hopLimit: 1, client: 'spiffe://example.org/client', route: ['spiffe://example.org/relay'] };
    const open = request?.openPayload ?? octets('');
    const channel = stored.pair.client.forward({ ...forwarded, open }, 0);
    settle(stored);
    const told = { channel, forwarded, nonce: request?.nonce, applicationData: octets('01') };
    const server = restartServer(stored);
    expect(eventsOf(server, 'channel-requested')).toMatchObject([{ ...told, openPayload: open }]);
    expect(eventsOf(restartClient(stored), 'channel-restored')).toMatchObject([{ ...told, state: 'opening' }]);
  });

  it('goes on at the client with the PROVE that it has not answered', () => {
    const { stored, channel } = asked({ applicationIdentity: 'spiffe://example.org/application' });
    stored.pair.server.prove(channel, serverProve, 0);
    settle(stored);
    const [before] = eventsOf(takeEvents(stored.pair).client, 'prove-received');
    const events = restartClient(stored);
    expect(eventsOf(events, 'prove-received')).toEqual([before]);
    expect(eventsOf(events, 'channel-restored')).toMatchObject([{ channel, state: 'proving' }]);
    stored.client.session.proof(channel, clientProof, 0);
    reconnect(stored);
    settle(stored);
    expect(stored.server.session.isProofSigned(channel)).toBe(true);
    stored.pair.server.opened(channel, { signer }, 0);
    settle(stored);
    expect(eventsOf(takeEvents(stored.pair).client, 'channel-opened')).toHaveLength(1);
  });

  it('goes on at the server that has sent PROVE, which it sends no other', () => {
    const { stored, channel } = asked();
    stored.pair.server.prove(channel, serverProve, 0);
    settle(stored);
    const events = restartServer(stored);
    expect(eventsOf(events, 'channel-requested')).toMatchObject([{ channel }]);
    expect(eventsOf(events, 'proof-received')).toEqual([]);
    expect(stored.server.session.provedLeaf(channel)).toEqual(new Uint8Array(APPLICATION_LEAF));
    stored.client.session.proof(channel, clientProof, 0);
    reconnect(stored);
    settle(stored);
    expect(eventsOf(takeEvents(stored.pair).server, 'proof-received')).toMatchObject([{ channel }]);
    expect(stored.server.session.isProofSigned(channel)).toBe(true);
  });

  it('goes on at the server with the PROOF that it has not judged, and is verified by a client that has crashed too', () => {
    const { stored, channel } = asked();
    stored.pair.server.prove(channel, serverProve, 0);
    settle(stored);
    stored.pair.client.proof(channel, clientProof, 0);
    settle(stored);
    const [before] = eventsOf(takeEvents(stored.pair).server, 'proof-received');
    expect(eventsOf(restartServer(stored), 'proof-received')).toEqual([before]);
    restartClient(stored);
    expect(stored.server.session.isProofSigned(channel)).toBe(true);
    stored.server.session.opened(channel, { applicationData: octets('07'), signer }, 0);
    reconnect(stored);
    settle(stored);
    expect(eventsOf(takeEvents(stored.pair).client, 'channel-opened')).toMatchObject([
      { channel, applicationData: octets('07') },
    ]);
  });

  it.each([
    { flaw: 'wrong-signature', options: {}, proves: true },
    { flaw: 'no-prove', options: { demandProof: true }, proves: false },
  ])('is not taken for proved by a client that has crashed: $flaw [RLY-046] [RLY-047]', ({ flaw, options, proves }) => {
    const { stored, channel } = asked(options);
    if (proves) {
      stored.pair.server.prove(channel, serverProve, 0);
      settle(stored);
      stored.pair.client.proof(channel, clientProof, 0);
      settle(stored);
    }
    restartClient(stored);
    stored.server.session.opened(channel, proves ? { signer: toySigner('somebody else') } : {}, 0);
    reconnect(stored);
    settle(stored);
    expect(eventsOf(takeEvents(stored.pair).client, 'channel-unproved')).toMatchObject([{ channel, flaw }]);
  });

  it('of a relay keeps the OPENED that it has to pass on [RLY-050]', () => {
    const { stored: other } = asked();
    const open = eventsOf(takeEvents(other.pair).server, 'channel-requested')[0]?.openPayload ?? octets('');
    const stored = storedPair();
    const { client, server } = stored.pair;
    const channel = client.forward({ hopLimit: 1, client: 'spiffe://example.org/client', route: [], open }, 0);
    settle(stored);
    server.opened(channel, { applicationData: octets('07') }, 0);
    settle(stored);
    const [opened] = eventsOf(takeEvents(stored.pair).client, 'channel-opened');
    expect(eventsOf(restartClient(stored), 'channel-restored')).toMatchObject([
      { channel, state: 'open', openedPayload: opened?.payload },
    ]);
  });

  it('keeps nothing of its opening once it is open, but who has asked', () => {
    const { stored, channel } = asked();
    stored.pair.server.opened(channel, {}, 0);
    settle(stored);
    const [restored] = eventsOf(restartServer(stored), 'channel-restored');
    expect(restored).toMatchObject({ channel, state: 'open', nonce: expect.any(Uint8Array) as unknown });
    expect(stored.server.session.provedLeaf(channel)).toBeUndefined();
  });
});

describe('a message on which nobody gives a verdict', () => {
  /** A stored channel with outcomes, on which the client has sent messages. */
  function sent(messages: number): { readonly stored: StoredPair; readonly channel: number } {
    const stored = storedPair();
    const channel = openStored(stored, { outcomes: true });
    for (let number = 1; number <= messages; number += 1) {
      stored.pair.client.sendMessage(channel, Uint8Array.of(number), 0);
    }
    settle(stored);
    takeEvents(stored.pair);
    return { stored, channel };
  }

  it('is let go of, and no OUTCOME covers it [CNT-040]', () => {
    const { stored, channel } = sent(3);
    const { server } = stored.pair;
    server.settle(channel, 1, 0, 0);
    server.settle(channel, 3, 0, 0);
    server.settle(channel, 2, undefined, 0);
    server.consume(channel, 3, 3, 0);
    settle(stored);
    expect(eventsOf(takeEvents(stored.pair).client, 'messages-settled')).toMatchObject([{ first: 1, last: 1 }]);
    expect(server.session?.settledMessages(channel)).toBe(3);
    expect(eventsOf(restartServer(stored), 'message-received')).toEqual([]);
  });

  it('keeps the channel from being judged later, also after a crash', () => {
    const { stored, channel } = sent(2);
    stored.pair.server.settle(channel, 1, undefined, 0);
    settle(stored);
    restartServer(stored);
    expect(() => stored.server.session.settle(channel, 2, 0, 0)).toThrow(
      expect.objectContaining({ code: 'HAWSER_ERR_MISUSE_VERDICT' }),
    );
    stored.server.session.settle(channel, 2, undefined, 0);
    expect(stored.server.session.settledMessages(channel)).toBe(2);
  });

  it('leaves the channel open to RESET when both directions have ended (RLY-030)', () => {
    const { stored, channel } = sent(1);
    const { client, server } = stored.pair;
    server.settle(channel, 1, undefined, 0);
    client.endChannel(channel, 0);
    server.endChannel(channel, 0);
    settle(stored);
    expect(eventsOf(takeEvents(stored.pair).client, 'channel-closed')).toEqual([]);
    server.resetChannel(channel, 'NO_ERROR', 0);
    settle(stored);
    expect(eventsOf(takeEvents(stored.pair).client, 'channel-reset')).toMatchObject([{ code: 'NO_ERROR' }]);
  });
});
