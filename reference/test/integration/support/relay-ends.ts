import { ChannelEndpoint } from '../../../node/session/channel.ts';
import type { Channel, Session } from '../../../node/index.ts';
import { SessionEndpoint } from '../../../node/session/session.ts';

/** The side of a session that relays use. */
export function sessionEndpoint(session: Session): SessionEndpoint {
  if (session instanceof SessionEndpoint) return session;
  throw new TypeError('This session is none of the node shell.');
}

/** The side of a channel that relays use. */
export function channelEndpoint(channel: Channel): ChannelEndpoint {
  if (channel instanceof ChannelEndpoint) return channel;
  throw new TypeError('This channel is none of the node shell.');
}
