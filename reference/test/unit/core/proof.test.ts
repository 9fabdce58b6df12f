import { describe, expect, it } from 'vitest';
import { encodeForward } from '../../../core/frames/forward.ts';
import { encodeFrame } from '../../../core/frames/header.ts';
import { decodeOpened, encodeOpened } from '../../../core/frames/opened.ts';
import { encodeProve } from '../../../core/frames/prove.ts';
import { ERROR_CODE, type OpenOptions } from '../../../core/index.ts';
import { decodeReset } from '../../../core/frames/reset.ts';
import {
  establishedPair,
  exchange,
  outputOf,
  type Pair,
  takeEvents,
  toyLeafVerifier as leafVerifier,
  toySigner,
} from './pair.ts';
import { codeFrom, eventsOf, framesFrom, octets } from './wire.ts';

const APPLICATION_LEAF = Buffer.from('the application end');
const CLIENT_LEAF = Buffer.from('the client');
const signer = toySigner('the application end');
const clientProof = { chain: [CLIENT_LEAF, octets('01')], signer: toySigner('the client') };
const serverProve = { relay: '', chain: [APPLICATION_LEAF] };

function proofPair(options: OpenOptions = {}, grease = true): { readonly pair: Pair; readonly channel: number } {
  const pair = establishedPair({ leafVerifier, grease }, { leafVerifier, grease });
  const channel = pair.client.openChannel('test/prove', { applicationData: octets('0102'), ...options }, 0);
  exchange(pair);
  return { pair, channel };
}

/** A channel on which PROVE has come. */
function proving(options: OpenOptions = {}): { readonly pair: Pair; readonly channel: number } {
  const made = proofPair(options);
  made.pair.server.prove(made.channel, serverProve, 0);
  exchange(made.pair);
  return made;
}

/** A channel on which PROOF has come. */
function proved(options: OpenOptions = {}): { readonly pair: Pair; readonly channel: number } {
  const made = proving(options);
  made.pair.client.proof(made.channel, clientProof, 0);
  exchange(made.pair);
  return made;
}

describe('end-to-end proof', () => {
  it('opens a channel whose ends have signed [RLY-042] [RLY-045]', () => {
    const { pair, channel } = proofPair({ applicationIdentity: 'spiffe://example.org/application' });
    const [requested] = eventsOf(takeEvents(pair).server, 'channel-requested');
    expect(requested).toMatchObject({ channel, forwarded: undefined });
    pair.server.prove(channel, serverProve, 0);
    exchange(pair);
    const [asked] = eventsOf(takeEvents(pair).client, 'prove-received');
    expect(asked).toMatchObject({ channel, relay: '', applicationIdentity: 'spiffe://example.org/application' });
    expect(asked?.chain.map((der) => Buffer.from(der))).toEqual([APPLICATION_LEAF]);
    expect(asked?.nonce).toHaveLength(32);
    pair.client.proof(channel, clientProof, 0);
    exchange(pair);
    const [given] = eventsOf(takeEvents(pair).server, 'proof-received');
    expect(given?.chain).toHaveLength(2);
    expect(pair.server.session?.isProofSigned(channel)).toBe(true);
    expect(pair.server.session?.provedLeaf(channel)).toEqual(new Uint8Array(APPLICATION_LEAF));
    pair.server.opened(channel, { applicationData: octets('03'), signer }, 0);
    exchange(pair);
    const [opened] = eventsOf(takeEvents(pair).client, 'channel-opened');
    expect(opened?.applicationData).toEqual(octets('03'));
    expect(decodeOpened(opened?.payload ?? octets('')).parameters.open_signature).toHaveLength(2 + 64);
    pair.client.sendMessage(channel, octets('04'), 0);
    exchange(pair);
    expect(eventsOf(takeEvents(pair).server, 'message-received')).toHaveLength(1);
  });

  it('does not find the signature of another key in PROOF [RLY-043]', () => {
    const { pair, channel } = proving();
    pair.client.proof(channel, { ...clientProof, signer: toySigner('somebody else') }, 0);
    exchange(pair);
    expect(pair.server.session?.isProofSigned(channel)).toBe(false);
    pair.server.refuse(channel, 'PROOF_INVALID', 0, 0);
    exchange(pair);
    expect(eventsOf(takeEvents(pair).client, 'channel-refused')).toMatchObject([{ code: 'PROOF_INVALID' }]);
  });

  it.each([
    { flaw: 'wrong-signature', signed: { signer: toySigner('somebody else') } },
    { flaw: 'wrong-signature', signed: { signer: toySigner('the application end', 0x0403) } },
    { flaw: 'no-signature', signed: { payload: encodeOpened({ parameters: {} }) } },
  ])('abandons a channel with $flaw in OPENED [RLY-046]', ({ flaw, signed }) => {
    const { pair, channel } = proved();
    pair.server.opened(channel, signed, 0);
    const [toClient] = [outputOf(pair.server)];
    const events = pair.client.receive(toClient, 0);
    expect(eventsOf(events, 'channel-opened')).toEqual([]);
    expect(eventsOf(events, 'channel-unproved')).toEqual([{ type: 'channel-unproved', channel, flaw }]);
    const reset = framesFrom(pair.client).find(({ name }) => name === 'RESET');
    expect(decodeReset(reset?.payload ?? octets(''))).toEqual({ code: ERROR_CODE.PROOF_INVALID });
  });

  it('does not take the OPENED of another channel [RLY-046]', () => {
    const { pair, channel } = proved();
    const second = pair.client.openChannel('test/prove', {}, 0);
    exchange(pair);
    pair.server.prove(second, serverProve, 0);
    exchange(pair);
    pair.client.proof(second, clientProof, 0);
    exchange(pair);
    takeEvents(pair);
    pair.server.opened(channel, { signer }, 0);
    exchange(pair);
    const [opened] = eventsOf(takeEvents(pair).client, 'channel-opened');
    pair.server.opened(second, { payload: opened?.payload ?? octets('') }, 0);
    exchange(pair);
    expect(eventsOf(takeEvents(pair).client, 'channel-unproved')).toMatchObject([{ channel: second }]);
  });

  it('abandons a channel that is opened without PROVE although proof is demanded [RLY-047]', () => {
    const { pair, channel } = proofPair({ demandProof: true });
    pair.server.opened(channel, {}, 0);
    exchange(pair);
    const { client } = takeEvents(pair);
    expect(eventsOf(client, 'channel-unproved')).toEqual([{ type: 'channel-unproved', channel, flaw: 'no-prove' }]);
    expect(eventsOf(client, 'channel-opened')).toEqual([]);
    expect(eventsOf(client, 'channel-closed')).toHaveLength(1);
  });

  it('ends a session in which a signature comes that nobody has asked for [RLY-048]', () => {
    const { pair, channel } = proofPair();
    pair.server.opened(channel, { payload: encodeOpened({ parameters: { open_signature: octets('080700') } }) }, 0);
    pair.client.receive(outputOf(pair.server), 0);
    expect(pair.client.error).toMatchObject({ requirement: 'RLY-048', wireName: 'PARAMETER_INVALID' });
    expect(codeFrom(pair.client)).toBe('PARAMETER_INVALID');
  });

  it('does not look at a signature behind its own RESET [CHN-031]', () => {
    const { pair, channel } = proofPair();
    pair.client.resetChannel(channel, 'CANCELLED', 0);
    pair.server.opened(channel, { payload: encodeOpened({ parameters: { open_signature: octets('080700') } }) }, 0);
    exchange(pair);
    expect(pair.client.error).toBeUndefined();
  });

  it('discards PROVE and PROOF behind its own RESET [CHN-031]', () => {
    const { pair, channel } = proofPair();
    pair.client.resetChannel(channel, 'CANCELLED', 0);
    pair.server.prove(channel, serverProve, 0);
    exchange(pair);
    const { client } = takeEvents(pair);
    expect(eventsOf(client, 'prove-received')).toEqual([]);
    expect(eventsOf(client, 'channel-closed')).toHaveLength(1);
  });

  it.each(['prove', 'proof'] as const)('is not for the other role: %s', (command) => {
    const { pair, channel } = proofPair();
    const run = {
      prove: () => pair.client.prove(channel, serverProve, 0),
      proof: () => pair.server.proof(channel, clientProof, 0),
    }[command];
    expect(run).toThrow(expect.objectContaining({ code: 'HAWSER_ERR_MISUSE_ROLE' }));
  });

  it('is asked for once, and opens nothing before it is given [RLY-037] [RLY-043]', () => {
    const { pair, channel } = proving();
    const wrong = expect.objectContaining({ code: 'HAWSER_ERR_MISUSE_CHANNEL_STATE' }) as unknown;
    expect(() => pair.server.prove(channel, serverProve, 0)).toThrow(wrong);
    expect(() => pair.server.opened(channel, { signer }, 0)).toThrow(wrong);
    pair.client.proof(channel, clientProof, 0);
    exchange(pair);
    expect(() => pair.server.opened(channel, {}, 0)).toThrow(
      expect.objectContaining({ code: 'HAWSER_ERR_MISUSE_PROOF' }),
    );
    pair.server.opened(channel, { signer }, 0);
    exchange(pair);
    expect(eventsOf(takeEvents(pair).client, 'channel-opened')).toHaveLength(1);
  });

  it('does not send what does not fit into a frame', () => {
    const { pair, channel } = proofPair();
    const chain = [new Uint8Array(16_384)];
    expect(() => pair.server.prove(channel, { relay: '', chain }, 0)).toThrow(
      expect.objectContaining({ code: 'HAWSER_ERR_MISUSE_FRAME_TOO_LARGE' }),
    );
    pair.server.refuse(channel, 'INTERNAL_ERROR', 0, 0);
    exchange(pair);
    expect(eventsOf(takeEvents(pair).client, 'channel-refused')).toHaveLength(1);
  });

  it.each([
    ['OPENED while PROVE is judged', () => encodeFrame('OPENED', encodeOpened({ parameters: {} }), 0, 1, 2)],
    ['a second PROVE', () => encodeFrame('PROVE', encodeProve({ nonce: new Uint8Array(32), ...serverProve }), 0, 1, 2)],
  ])('takes %s for FRAME_UNEXPECTED', (_, frame) => {
    const { pair } = proving();
    pair.client.receive(frame(), 0);
    expect(codeFrom(pair.client)).toBe('FRAME_UNEXPECTED');
  });
});

describe('FORWARD', () => {
  const forwarded = { hopLimit: 3, client: 'spiffe://example.org/client', route: ['spiffe://example.org/relay'] };

  /** The request of a client, as its server has it. */
  function request(): Uint8Array {
    const { pair } = proofPair({ priority: 'bulk', outcomes: true });
    const [requested] = eventsOf(takeEvents(pair).server, 'channel-requested');
    return requested?.openPayload ?? octets('');
  }

  it('passes the payload of OPEN on, octet for octet, and what it says takes effect [RLY-006]', () => {
    const open = request();
    const pair = establishedPair({ leafVerifier }, { leafVerifier });
    const channel = pair.client.forward({ ...forwarded, open }, 0);
    exchange(pair);
    const [requested] = eventsOf(takeEvents(pair).server, 'channel-requested');
    const kind = { application: 'test/prove', priority: 2, outcomes: true, applicationData: octets('0102') };
    expect(requested).toMatchObject({ channel, ...kind, forwarded });
    expect(requested?.openPayload).toEqual(open);
    pair.server.prove(channel, { ...serverProve, relay: 'spiffe://example.org/relay' }, 0);
    exchange(pair);
    const [asked] = eventsOf(takeEvents(pair).client, 'prove-received');
    expect(asked?.relay).toBe('spiffe://example.org/relay');
  });

  it('hands over what the application end answers, whoever is to verify it [RLY-050]', () => {
    const pair = establishedPair();
    const channel = pair.client.forward({ ...forwarded, open: request() }, 0);
    exchange(pair);
    pair.server.prove(channel, serverProve, 0);
    exchange(pair);
    pair.client.proof(channel, { payload: octets('0003 0001 01 0807 0001 02') }, 0);
    exchange(pair);
    expect(eventsOf(takeEvents(pair).server, 'proof-received')).toMatchObject([
      { channel, scheme: 0x0807, payload: octets('0003 0001 01 0807 0001 02') },
    ]);
    const payload = encodeOpened({ parameters: { open_signature: octets('080700') } });
    pair.server.opened(channel, { payload }, 0);
    exchange(pair);
    expect(eventsOf(takeEvents(pair).client, 'channel-opened')).toMatchObject([{ channel, payload }]);
  });

  it('is not sent when the OPEN does not fit [RLY-012]', () => {
    const pair = establishedPair();
    const route = Array.from({ length: 4 }, () => 'r'.repeat(2048));
    const client = 'c'.repeat(2048);
    const { pair: other } = proofPair({ applicationData: new Uint8Array(4096) }, false);
    const [requested] = eventsOf(takeEvents(other).server, 'channel-requested');
    const open = requested?.openPayload ?? octets('');
    const longer = { hopLimit: 0, client, route, open: new Uint8Array(16_000) };
    expect(() => pair.client.forward(longer, 0)).toThrow(
      expect.objectContaining({ code: 'HAWSER_ERR_MISUSE_FRAME_TOO_LARGE' }),
    );
    // No number was given out for it. [CHN-001]
    expect(pair.client.forward({ hopLimit: 0, client, route, open }, 0)).toBe(1);
  });

  it('has the number that is due, like OPEN [CHN-002]', () => {
    const pair = establishedPair();
    const payload = encodeForward({ ...forwarded, open: request() });
    pair.server.receive(encodeFrame('FORWARD', payload, 0, 2, 1), 0);
    expect(codeFrom(pair.server)).toBe('CHANNEL_INVALID');
  });

  it('counts toward the channels that were granted [CHN-009]', () => {
    const pair = establishedPair({}, {}, { maxChannels: 1 });
    const open = request();
    pair.client.forward({ ...forwarded, open }, 0);
    const second = pair.client.forward({ ...forwarded, open }, 0);
    exchange(pair);
    expect(eventsOf(takeEvents(pair).client, 'channel-refused')).toMatchObject([
      { channel: second, code: 'CHANNEL_LIMIT' },
    ]);
  });
});
