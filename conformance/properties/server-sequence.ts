import fc from 'fast-check';
import { RELAY } from '../cases/server/forwarded.ts';
import type { ServerContext } from '../cases/server-context.ts';
import { equal } from '../model/codec.ts';
import type { ClientPeer } from '../peer/client-peer.ts';
import { fail } from '../peer/failure.ts';
import type { MessagePlan } from './arbitraries.ts';
import { fragmentsOf, messagePlans } from './arbitraries.ts';
import { readMessage } from './reactions.ts';

/** One thing that a client may do; `channel` picks among those that are open, modulo their number. */
export type ServerCommand =
  | { readonly type: 'open'; readonly application: (typeof APPLICATIONS)[number]; readonly forward: boolean }
  | { readonly type: 'message'; readonly channel: number; readonly message: MessagePlan }
  | { readonly type: 'credit'; readonly channel: number }
  | { readonly type: 'end'; readonly channel: number }
  | { readonly type: 'reset'; readonly channel: number }
  | { readonly type: 'ping' };

const APPLICATIONS = ['test/echo', 'test/echo', 'test/sink', 'test/refuse', 'test/hold', 'test/prove'] as const;

/** Sequences of commands; those that are not possible where they stand are passed over. */
export function serverCommands(): fc.Arbitrary<readonly ServerCommand[]> {
  const channel = fc.nat({ max: 7 });
  return fc.array(
    fc.oneof<fc.Arbitrary<ServerCommand>[]>(
      fc.record({
        type: fc.constant('open' as const),
        application: fc.constantFrom(...APPLICATIONS),
        forward: fc.boolean(),
      }),
      fc.record({ type: fc.constant('message' as const), channel, message: messagePlans() }),
      fc.record({ type: fc.constant('message' as const), channel, message: messagePlans() }),
      fc.record({ type: fc.constant('credit' as const), channel }),
      fc.record({ type: fc.constant('end' as const), channel }),
      fc.record({ type: fc.constant('reset' as const), channel }),
      fc.constant({ type: 'ping' as const }),
    ),
    { minLength: 1, maxLength: 24 },
  );
}

interface OpenChannel {
  readonly number: number;
  readonly application: string;
  messages: number;
  octets: number;
  grants: number;
}

/** Within annex A: at least eight channels and sixteen messages of credit each. */
const MOST_CHANNELS = 6;
const MOST_MESSAGES = 12;

/** Carries out the commands and demands the answer to each. */
export async function runSequence(context: ServerContext, commands: readonly ServerCommand[]): Promise<void> {
  const peer = await context.established(context.has('forward') ? { as: RELAY } : {});
  const open: OpenChannel[] = [];
  for (const command of commands) {
    if (command.type === 'ping') {
      await peer.barrier('SES-004');
    } else if (command.type === 'open') {
      if (open.length < MOST_CHANNELS) await carryOutOpen(context, peer, open, command);
    } else {
      const channel = open[command.channel % Math.max(1, open.length)];
      if (channel !== undefined) await carryOut(peer, open, channel, command);
    }
  }
  for (const channel of [...open]) await carryOut(peer, open, channel, { type: 'end', channel: 0 });
  await peer.barrier('CHN-032');
  await peer.close();
}

async function carryOutOpen(
  context: ServerContext,
  peer: ClientPeer,
  open: OpenChannel[],
  command: Extract<ServerCommand, { type: 'open' }>,
): Promise<void> {
  const proves = command.application === 'test/prove' && context.has('proof');
  const application = command.application === 'test/prove' && !proves ? 'test/echo' : command.application;
  const forwards = command.forward && context.has('forward');
  const client = context.kit.index.clientIdentity;
  const number = forwards ? peer.sendForward(application, { client }) : peer.sendOpen(application);
  if (application === 'test/refuse') {
    const refused = await peer.expect('REFUSED', { channel: number, requirement: 'APP-001' });
    refused.requireCode('APPLICATION_ERROR', 'APP-001');
    return;
  }
  if (proves) {
    await peer.expect('PROVE', { channel: number, requirement: 'APP-001' });
    peer.sendProof(number, forwards ? { credential: context.kit.credential('client') } : {});
  }
  await peer.expect('OPENED', { channel: number, requirement: 'CHN-005' });
  open.push({ number, application, messages: 0, octets: 0, grants: 0 });
}

async function carryOut(
  peer: ClientPeer,
  open: OpenChannel[],
  channel: OpenChannel,
  command: Exclude<ServerCommand, { type: 'open' | 'ping' }>,
): Promise<void> {
  const { number, application } = channel;
  switch (command.type) {
    case 'message':
      if (channel.messages >= MOST_MESSAGES) return;
      channel.messages += 1;
      channel.octets += command.message.octets.length;
      for (const { flags, fragment } of fragmentsOf(command.message)) {
        peer.send('MESSAGE', { channel: number, flags, fields: { fragment } });
      }
      if (application === 'test/echo' || application === 'test/prove') {
        const echo = await readMessage(peer, number, 'CHN-015');
        if (!equal(echo, command.message.octets)) fail('the message that was sent', 'another one', 'CHN-015');
      }
      break;
    case 'credit':
      channel.grants += 1;
      peer.send('CREDIT', {
        channel: number,
        fields: { message_limit: 64 + channel.grants, byte_limit: 1_048_576 + channel.grants },
      });
      break;
    case 'end':
      await carryOutEnd(peer, channel);
      open.splice(open.indexOf(channel), 1);
      break;
    case 'reset':
      peer.send('RESET', { channel: number, fields: { code: 0x0403 } });
      (await peer.expect('RESET', { channel: number, requirement: 'CHN-029' })).requireCode(
        'CHANNEL_CLOSED',
        'CHN-029',
      );
      open.splice(open.indexOf(channel), 1);
      break;
  }
}

async function carryOutEnd(peer: ClientPeer, { number, application, messages, octets }: OpenChannel): Promise<void> {
  peer.send('END', { channel: number });
  if (application === 'test/hold') {
    // It never consumes, so it need not notice the END either; RESET ends it for certain.
    peer.send('RESET', { channel: number, fields: { code: 0x0403 } });
    return;
  }
  if (application === 'test/sink') {
    const text = Buffer.from(await readMessage(peer, number, 'APP-001')).toString();
    const right = `${messages} ${octets}`;
    if (text !== right) fail(`the message "${right}"`, `"${text}"`, 'APP-001');
  }
  await peer.expect('END', { channel: number, requirement: 'APP-001' });
}
