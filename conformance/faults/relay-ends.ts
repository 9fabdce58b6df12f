import type { Fault } from './fault.ts';
import { fault } from './fault.ts';

/** Faults of section 13.3: TCP and TLS peers. */
export const relayEndFaults: readonly Fault[] = [
  fault('relay-writes-lengths-the-other-way', 'RLY-016', 'writes lengths with the small end first', [
    'node/relay/framing',
    'length.writeUIntBE(message.length, 0, lengthBytes);',
    'length.writeUIntLE(message.length, 0, lengthBytes);',
  ]),
  fault('relay-forgets-a-line-feed', 'RLY-016', 'leaves the end of a line in the message', [
    'node/relay/framing',
    'const piece = octets.subarray(at, end < 0 ? octets.length : end);',
    'const piece = octets.subarray(at, end < 0 ? octets.length : end + 1);',
  ]),
  fault('relay-cuts-long-messages', 'RLY-017', 'writes what two octets of length can say of a longer message', [
    'node/relay/framing',
    'if (message.length >= 256 ** lengthBytes) {',
    'if (message.length >= 256 ** lengthBytes) message = message.subarray(0, 65535); if (false) {',
  ]),
  fault('relay-writes-two-lines', 'RLY-017', 'writes a message with a line feed as two lines', [
    'node/relay/framing',
    'if (message.includes(LINE_FEED)) {',
    'if (false) {',
  ]),
  fault('relay-waits-for-too-much', 'RLY-018', 'waits for a message that the client does not take', [
    'node/relay/framing',
    'if (this.#length > this.#maxMessageBytes)',
    'if (false)',
  ]),
  fault('relay-takes-half-a-length', 'RLY-018', 'overlooks that a connection ends within a message', [
    'node/relay/framing',
    'if (this.#lengthRead > 0)',
    'if (false)',
  ]),
  fault('relay-ends-both-directions', 'RLY-019', 'cuts the connection when the client has sent END', [
    'node/relay/socket-end',
    'channel.onEnd = () => this.#writer.end();',
    'channel.onEnd = () => { this.#writer.end(); setTimeout(() => this.#connection.cut(), 5); };',
  ]),
  fault('relay-never-ends', 'RLY-020', 'does not tell the client that the application end has ended', [
    'node/relay/socket-end',
    'this.#channel.end(); // [RLY-020]',
    ';',
  ]),
  fault(
    'relay-takes-a-reset-for-an-end',
    'RLY-021',
    'takes a connection that is reset for one that has ended',
    ['node/relay/socket-end', "this.#warn(error, 'the application end is lost');", 'return;'],
    [
      'node/relay/socket-end',
      'if (!this.#ended || !this.#writer.finished) {',
      'if (!this.#ended) this.#channel.end(); if (false) {',
    ],
  ),
  fault('relay-keeps-connections', 'RLY-023', 'keeps the connection of a channel that was reset', [
    'node/relay/socket-end',
    'this.#connection.cut(); // [RLY-023]',
    ';',
  ]),
  fault('relay-sends-no-header', 'RLY-024', 'sends no PROXY header', [
    'node/relay/socket-end',
    'route.proxy === false ? undefined : encodeProxyHeader(facts)',
    'undefined',
  ]),
  fault('relay-always-sends-a-header', 'RLY-024', 'sends a PROXY header where nobody asks for it', [
    'node/relay/socket-end',
    'route.proxy === false ? undefined : encodeProxyHeader(facts)',
    'encodeProxyHeader(facts)',
  ]),
  fault('relay-signs-headers-with-its-name', 'RLY-024', 'names itself as the client in the PROXY header', [
    'node/relay/proxy-header',
    'encodeTlv(PROXY_TLV.CLIENT_IDENTITY, clientIdentity),',
    'encodeTlv(PROXY_TLV.CLIENT_IDENTITY, relayIdentity),',
  ]),
  fault('relay-holds-without-end', 'RLY-025', 'grants credit for what a peer that reads nothing has not taken', [
    'node/relay/socket-end',
    'await this.#writer.write(message);',
    'this.#writer.write(message).catch(() => undefined);',
  ]),
  fault('relay-reads-without-end', 'RLY-025', 'reads on from a peer whose client takes nothing', [
    'node/relay/socket-end',
    'socket.pause();',
    ';',
  ]),
  fault('relay-judges-for-a-peer', 'RLY-054', 'accepts messages in the name of a peer that gives no verdicts', [
    'node/relay/socket-end',
    'channel.withholdsVerdicts = true;',
    ';',
  ]),
  fault('relay-leaves-outcomes-open', 'RLY-030', 'leaves a channel open on which no verdict will come', [
    'node/relay/socket-end',
    "await this.#channel.written.then(() => this.#channel.reset('NO_ERROR'), ignore);",
    ';',
  ]),
  fault('relay-trusts-any-name', 'RLY-033', 'takes a TLS peer whose certificate has another name', [
    'node/relay/socket-connect',
    'checkServerIdentity: (_host, certificate) => checkServerIdentity(route.serverName, certificate),',
    'checkServerIdentity: () => undefined,',
  ]),
  fault('relay-trusts-any-authority', 'RLY-033', 'takes a TLS peer whatever authority issued its certificate', [
    'node/relay/socket-connect',
    'rejectUnauthorized: true,',
    'rejectUnauthorized: false,',
  ]),
  fault('relay-calls-silence-unreachable', 'RLY-033', 'says of a peer that is silent that it can not be reached', [
    'node/relay/socket-end',
    "request.refuse(error.late ? 'APPLICATION_TIMEOUT' : 'ROUTE_UNREACHABLE'); // [RLY-033]",
    "request.refuse('ROUTE_UNREACHABLE');",
  ]),
  fault('relay-mixes-up-its-clients', 'RLY-003', 'hands what a TCP peer sends to the client that came first', [
    'node/relay/socket-end',
    'await this.#channel.send(message);',
    'await (globalThis.first ??= this.#channel).send(message);',
  ]),
  fault('relay-connects-again', 'RLY-022', 'connects again where a connection was reset', [
    'node/relay/socket-end',
    "this.#warn(error, 'the application end is lost');",
    'connectSocket(this.#parts.route, { header: undefined, timeoutMs: 5000, startedAt: this.#parts.environment.deadlines.now(), deadlines: this.#parts.environment.deadlines, signal: new AbortController().signal }).catch(ignore);',
  ]),
];
