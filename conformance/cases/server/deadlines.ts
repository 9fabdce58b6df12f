import type { Socket } from 'node:net';
import { connect as tcpConnect } from 'node:net';
import { setTimeout as elapse } from 'node:timers/promises';
import { timer } from '../../model/registry.ts';
import { assertThat, fail } from '../../peer/failure.ts';
import type { ClientPeer } from '../../peer/client-peer.ts';
import type { ServerCase } from '../case.ts';
import { serverCases } from '../case.ts';
import type { ServerContext } from '../server-context.ts';

const DEADLINE_MS = timer('establishment_deadline_ms');
/** Room for the scheduling of both ends, before and after. */
const EARLY_MS = 2000;
const LATE_MS = 2000;
const ESTIMATE_MS = DEADLINE_MS + 500;

const SECONDS = DEADLINE_MS / 1000;

/** Demands REJECT(ESTABLISHMENT_TIMEOUT) at the deadline after `startedAt`. */
async function expectTimeout(peer: ClientPeer, startedAt: number): Promise<void> {
  const withinMs = DEADLINE_MS + LATE_MS - (performance.now() - startedAt);
  await peer.expectViolation('ESTABLISHMENT_TIMEOUT', { requirement: 'EST-028', withinMs });
  const waitedMs = Math.round(performance.now() - startedAt);
  assertThat(
    waitedMs > DEADLINE_MS - EARLY_MS,
    `REJECT after about ${DEADLINE_MS} ms`,
    `after ${waitedMs} ms`,
    'EST-028',
  );
}

/** A TCP connection to the server, without TLS. */
function tcp(context: ServerContext): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = tcpConnect({ host: context.target.host, port: context.target.port, allowHalfOpen: true });
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
  });
}

const TLS_ALERT = 21;

/** Demands that the server ends a TCP connection at the deadline without a word, or with a TLS alert. */
async function expectSilentEnd(socket: Socket, startedAt: number): Promise<void> {
  const ended = await new Promise<string | undefined>((resolve) => {
    const late = setTimeout(() => resolve(`still open after ${DEADLINE_MS + LATE_MS} ms`), DEADLINE_MS + LATE_MS);
    const settle = (wrong?: string): void => {
      clearTimeout(late);
      resolve(wrong);
    };
    socket.on('data', (octets: Buffer) => {
      if (octets[0] !== TLS_ALERT) settle(`${octets.length} octets`);
    });
    socket.on('end', () => settle());
    socket.on('error', () => settle());
    socket.on('close', () => settle());
  });
  socket.destroy();
  if (ended !== undefined) fail('the end of the connection, without a word', ended, 'EST-028');
  const waitedMs = Math.round(performance.now() - startedAt);
  assertThat(
    waitedMs > DEADLINE_MS - EARLY_MS,
    `the end after about ${DEADLINE_MS} ms`,
    `after ${waitedMs} ms`,
    'EST-028',
  );
}

/** The beginning of a TLS record with a ClientHello in it; what follows would be its random octets. */
const CLIENT_HELLO = Uint8Array.of(0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03);

/** Section 4.7, for a server. The deadline is long: all cases wait beside each other. */
export const deadlines: readonly ServerCase[] = serverCases([
  {
    id: 'EST-028/inside-connect',
    requirements: ['EST-028', 'EST-026', 'WIR-003'],
    title: 'a client that stalls inside CONNECT is not waited for',
    stimulus: 'A client sends CONNECT but for its last octet, and then nothing.',
    expectation: `${SECONDS} seconds after the TCP connection the server answers with REJECT(ESTABLISHMENT_TIMEOUT).`,
    timing: true,
    estimateMs: ESTIMATE_MS,
    run: async (context) => {
      const startedAt = performance.now();
      const peer = await context.challenged();
      peer.sendOctets(peer.buildConnect().subarray(0, -1), 'CONNECT without its last octet');
      await expectTimeout(peer, startedAt);
    },
  },
  {
    id: 'EST-028/octet-by-octet',
    requirements: ['EST-028', 'EST-026'],
    title: 'a client that sends one octet at a time gains no time',
    stimulus: 'A client sends CONNECT with one octet in each quarter of a second.',
    expectation: `${SECONDS} seconds after the TCP connection the server answers with REJECT(ESTABLISHMENT_TIMEOUT).`,
    timing: true,
    estimateMs: ESTIMATE_MS,
    run: async (context) => {
      const startedAt = performance.now();
      const peer = await context.challenged();
      const connect = peer.buildConnect();
      let sent = 0;
      const drip = setInterval(() => {
        if (peer.socket.writable) peer.sendOctets(connect.subarray(sent, sent + 1), `octet ${sent} of CONNECT`);
        sent += 1;
      }, 250);
      try {
        await expectTimeout(peer, startedAt);
      } finally {
        clearInterval(drip);
      }
    },
  },
  {
    id: 'EST-028/counted-from-tcp',
    requirements: ['EST-028'],
    title: 'the deadline is counted from the TCP connection',
    stimulus:
      'A client makes a TCP connection, begins TLS only when half of the time is over, and sends nothing after CHALLENGE.',
    expectation: `${SECONDS} seconds after the TCP connection, not after TLS, the server answers with REJECT(ESTABLISHMENT_TIMEOUT).`,
    timing: true,
    estimateMs: ESTIMATE_MS,
    run: async (context) => {
      const startedAt = performance.now();
      const socket = await tcp(context);
      await elapse(DEADLINE_MS / 2);
      const peer = await context.challenged({ tls: { socket } });
      await expectTimeout(peer, startedAt);
    },
  },
  {
    id: 'EST-028/without-tls',
    requirements: ['EST-028'],
    title: 'a TCP connection without TLS is not kept',
    stimulus: 'A client makes a TCP connection and sends nothing at all.',
    expectation: `After ${SECONDS} seconds the server ends the connection without a word.`,
    timing: true,
    estimateMs: ESTIMATE_MS,
    run: async (context) => {
      const startedAt = performance.now();
      await expectSilentEnd(await tcp(context), startedAt);
    },
  },
  {
    id: 'EST-028/inside-client-hello',
    requirements: ['EST-028'],
    title: 'a client that sends its TLS hello one octet at a time gains no time',
    stimulus: 'A client makes a TCP connection and sends a TLS ClientHello with one octet in each quarter of a second.',
    expectation: `After ${SECONDS} seconds the server ends the connection without a word.`,
    timing: true,
    estimateMs: ESTIMATE_MS,
    run: async (context) => {
      const startedAt = performance.now();
      const socket = await tcp(context);
      let sent = 0;
      const drip = setInterval(() => {
        const octet = CLIENT_HELLO[sent] ?? sent & 0xff;
        sent += 1;
        if (socket.writable) socket.write(Uint8Array.of(octet));
      }, 250);
      try {
        await expectSilentEnd(socket, startedAt);
      } finally {
        clearInterval(drip);
      }
    },
  },
  {
    id: 'EST-028/slow-but-in-time',
    requirements: ['EST-028'],
    title: 'a slow client is accepted before the deadline',
    stimulus: 'A client sends CONNECT when two thirds of the time are over, half of it and a second later the rest.',
    expectation: 'The server answers with ACCEPT.',
    timing: true,
    estimateMs: (2 * DEADLINE_MS) / 3 + 1200,
    run: async (context) => {
      const peer = await context.challenged();
      await elapse((2 * DEADLINE_MS) / 3);
      const connect = peer.buildConnect();
      peer.connectFrame = connect;
      peer.sendOctets(connect.subarray(0, 100), 'the first 100 octets of CONNECT');
      await elapse(1000);
      peer.sendOctets(connect.subarray(100), 'the rest of CONNECT');
      await peer.expectAccept();
    },
  },
  {
    id: 'EST-028/over-with-accept',
    requirements: ['EST-028'],
    title: 'the deadline ends with the establishment',
    stimulus: `A session is established at once, and left alone until ${SECONDS + 1} seconds after the TCP connection.`,
    expectation: 'The session is still there: a PING is answered.',
    timing: true,
    estimateMs: DEADLINE_MS + 1200,
    run: async (context) => {
      const peer = await context.established();
      await elapse(DEADLINE_MS + 1000);
      await peer.barrier('EST-028');
    },
  },
]);
