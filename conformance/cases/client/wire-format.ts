import { greaseType } from '../../model/codec.ts';
import { registry } from '../../model/registry.ts';
import type { ClientCase } from '../case.ts';
import { clientCases } from '../case.ts';

/** Chapter 3, for a client. */
export const wireFormat: readonly ClientCase[] = clientCases([
  {
    id: 'WIR-001/client-header-alone',
    requirements: ['WIR-001'],
    title: 'a frame that announces too much is refused at its header',
    stimulus:
      'In an established session the header of a PING arrives that announces 16,369 octets, and nothing behind it.',
    expectation: 'The client answers with CLOSE(FRAME_TOO_LARGE) without waiting for the payload.',
    run: async (context) => {
      const { peer } = await context.established();
      const length = registry.header.maxPayloadBytes + 1;
      peer.sendFrame(peer.build('PING', { rawPayload: new Uint8Array(0), lengthOverride: length }));
      await peer.expectViolation('FRAME_TOO_LARGE', { requirement: 'WIR-001', probe: false });
    },
  },
  {
    id: 'WIR-002/client-single-octets',
    requirements: ['WIR-002'],
    title: 'frames are accepted octet by octet',
    stimulus: 'CHALLENGE and ACCEPT are sent with each octet in a TLS record of its own.',
    expectation: 'The client establishes the session.',
    run: async (context) => {
      const { peer, client } = await context.connected();
      const challenge = peer.build('CHALLENGE', { fields: { server_nonce: context.bytes(32) } });
      peer.challengeFrame = challenge;
      await peer.sendChunks(challenge, new Array<number>(challenge.length).fill(1));
      await peer.expectConnect();
      const accept = peer.buildAccept();
      await peer.sendChunks(accept, new Array<number>(accept.length).fill(1));
      await client.expectEvent('established', 'WIR-002');
      await peer.barrier('WIR-002');
    },
  },
  {
    id: 'WIR-006/client-ignorable',
    requirements: ['WIR-006'],
    title: 'an unknown frame that may be ignored is ignored',
    stimulus:
      'In an established session a frame of an ignorable unknown type arrives, with flags, a channel and a payload.',
    expectation: 'The session goes on.',
    run: async (context) => {
      const { peer } = await context.established();
      peer.sendRaw({ type: greaseType(1), flags: 0xff, channel: 77, payload: context.bytes(16) });
      await peer.barrier('WIR-006');
    },
  },
  {
    id: 'WIR-022/challenge-critical',
    requirements: ['WIR-022', 'EST-027'],
    title: 'an unknown critical parameter is refused',
    stimulus: 'CHALLENGE carries the parameter 0x0f00, which is not defined and may not be ignored.',
    expectation: 'The client sends CLOSE(PARAMETER_UNKNOWN) and no CONNECT.',
    run: async (context) => {
      const { peer } = await context.connected();
      peer.sendChallenge([{ id: 0x0f00, value: new Uint8Array(0) }]);
      await peer.expectViolation('PARAMETER_UNKNOWN', { requirement: 'WIR-022' });
    },
  },
]);
