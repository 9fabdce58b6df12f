import { equal } from '../../model/codec.ts';
import { greaseType } from '../../model/codec.ts';
import { registry } from '../../model/registry.ts';
import { fail } from '../../peer/failure.ts';
import type { ServerCase } from '../case.ts';
import { serverCases } from '../case.ts';

/** Chapter 3, for a server. */
export const wireFormat: readonly ServerCase[] = serverCases([
  {
    id: 'WIR-001/header-alone',
    requirements: ['WIR-001'],
    title: 'a frame that announces too much is refused at its header',
    stimulus:
      'In an established session the header of a PING arrives that announces 16,369 octets, and nothing behind it.',
    expectation: 'The server answers with CLOSE(FRAME_TOO_LARGE) without waiting for the payload.',
    run: async (context) => {
      const peer = await context.established();
      const length = registry.header.maxPayloadBytes + 1;
      peer.sendFrame(peer.build('PING', { rawPayload: new Uint8Array(0), lengthOverride: length }));
      await peer.expectViolation('FRAME_TOO_LARGE', { requirement: 'WIR-001', probe: false });
    },
  },
  {
    id: 'WIR-001/largest',
    requirements: ['WIR-001'],
    title: 'a frame of the largest size is accepted',
    stimulus: 'A message of 16,368 octets is sent in one frame to test/echo.',
    expectation: 'The same message comes back.',
    run: async (context) => {
      const { peer, channel } = await context.opened('test/echo');
      const message = context.bytes(registry.header.maxPayloadBytes);
      peer.sendMessage(channel, message);
      const echo = await peer.expect('MESSAGE', { channel, requirement: 'WIR-001' });
      if (!equal(echo.bytes('fragment'), message)) fail('the message that was sent', 'another one', 'CHN-015');
    },
  },
  {
    id: 'WIR-002/single-octets',
    requirements: ['WIR-002'],
    title: 'frames are accepted octet by octet',
    stimulus: 'CONNECT and a PING are sent with each octet in a TLS record of its own.',
    expectation: 'The server answers with ACCEPT and PONG.',
    run: async (context) => {
      const peer = await context.challenged();
      const connect = peer.buildConnect();
      peer.connectFrame = connect;
      await peer.sendChunks(connect, new Array<number>(connect.length).fill(1));
      await peer.expectAccept();
      const ping = peer.build('PING', { fields: { data: context.bytes(8) } });
      await peer.sendChunks(ping, new Array<number>(ping.length).fill(1));
      await peer.expect('PONG', { requirement: 'WIR-002' });
    },
  },
  {
    id: 'WIR-002/several-in-one',
    requirements: ['WIR-002'],
    title: 'several frames in one record are accepted',
    stimulus: 'OPEN of test/sink and three PINGs are sent in one TLS record.',
    expectation: 'OPENED and three PONGs arrive.',
    run: async (context) => {
      const peer = await context.established();
      const open = peer.build('OPEN', {
        channel: 1,
        fields: { nonce: context.bytes(32), application: 'test/sink', parameters: [] },
      });
      const pings = [1, 2, 3].map((n) => peer.build('PING', { fields: { data: new Uint8Array(8).fill(n) } }));
      peer.sendTogether([open, ...pings]);
      const seen: string[] = [];
      while (seen.length < 4) seen.push((await peer.next('OPENED and three PONGs', 'PONG')).name);
      if (seen.filter((name) => name === 'PONG').length !== 3 || !seen.includes('OPENED')) {
        fail('OPENED and three PONGs', seen.join(', '), 'WIR-002');
      }
    },
  },
  {
    id: 'WIR-003/payload-withheld',
    requirements: ['WIR-003'],
    title: 'an incomplete frame has no effect',
    stimulus: 'An OPEN is sent but for its last octet, then, on a second connection, a PING; then the last octet.',
    expectation: 'Nothing happens until the last octet is there; then OPENED arrives.',
    run: async (context) => {
      const peer = await context.established();
      const other = await context.established();
      const open = peer.build('OPEN', {
        channel: 1,
        fields: { nonce: context.bytes(32), application: 'test/echo', parameters: [] },
      });
      peer.sendOctets(open.subarray(0, -1), 'OPEN without its last octet');
      await other.barrier();
      peer.sendOctets(open.subarray(-1), 'the last octet of OPEN');
      await peer.expect('OPENED', { requirement: 'WIR-003' });
    },
  },
  {
    id: 'WIR-004/one-record',
    requirements: ['WIR-004'],
    level: 'SHOULD',
    title: 'a frame travels in one TLS record',
    stimulus: 'A PING is sent in an established session, through a relay that sees the TLS records.',
    expectation: 'Its PONG arrives in a single record.',
    run: async (context) => {
      const tap = await context.tap();
      const peer = await context.established({ through: tap });
      await peer.barrier();
      const before = tap.records.length;
      const frames = (await peer.barrier()).length + 1;
      const records = tap.records.slice(before).filter(({ direction }) => direction === 'to-client').length;
      if (records > frames) fail(`at most ${frames} TLS records for ${frames} frames`, String(records), 'WIR-004');
    },
  },
  {
    id: 'WIR-005/unknown-type',
    requirements: ['WIR-005'],
    title: 'an unknown critical frame type is refused',
    stimulus: 'In an established session a frame of type 0x3f arrives, which is not defined and may not be ignored.',
    expectation: 'The server answers with CLOSE(FRAME_UNKNOWN).',
    run: async (context) => {
      const peer = await context.established();
      peer.sendRaw({ type: 0x3f });
      await peer.expectViolation('FRAME_UNKNOWN', { requirement: 'WIR-005' });
    },
  },
  {
    id: 'WIR-006/ignorable',
    requirements: ['WIR-006'],
    title: 'an unknown frame that may be ignored is ignored',
    stimulus:
      'In an established session a frame of an ignorable unknown type arrives, with flags, a channel and a payload.',
    expectation: 'The session goes on.',
    run: async (context) => {
      const peer = await context.established();
      peer.sendRaw({ type: greaseType(0), flags: 0xff, channel: 77, payload: context.bytes(16) });
      await peer.barrier('WIR-006');
    },
  },
  {
    id: 'WIR-007/flag-on-ping',
    requirements: ['WIR-007'],
    title: 'an undefined flag is refused',
    stimulus: 'In an established session a PING arrives with the flag 0x01, which PING does not define.',
    expectation: 'The server answers with CLOSE(FLAGS_INVALID).',
    run: async (context) => {
      const peer = await context.established();
      peer.send('PING', { flags: 0x01 });
      await peer.expectViolation('FLAGS_INVALID', { requirement: 'WIR-007' });
    },
  },
  {
    id: 'WIR-012/gap',
    requirements: ['WIR-012'],
    title: 'a gap in the sequence is refused',
    stimulus: 'The first sequenced frame of a session, an OPEN, carries the number 2.',
    expectation: 'The server answers with CLOSE(SEQUENCE_INVALID).',
    run: async (context) => {
      const peer = await context.established();
      peer.nextSeq = 2n;
      peer.sendOpen('test/echo');
      await peer.expectViolation('SEQUENCE_INVALID', { requirement: 'WIR-012' });
    },
  },
  {
    id: 'WIR-015/trailing',
    requirements: ['WIR-015'],
    title: 'octets after the last field are refused',
    stimulus: 'In an established session a PING arrives with nine octets of payload.',
    expectation: 'The server answers with CLOSE(FRAME_MALFORMED).',
    run: async (context) => {
      const peer = await context.established();
      peer.send('PING', { trailing: Uint8Array.of(0) });
      await peer.expectViolation('FRAME_MALFORMED', { requirement: 'WIR-015' });
    },
  },
]);
