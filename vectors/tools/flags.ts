/** flags.json: what each flag of a vector stands for. */

/** The kind of mistake that a vector looks for. */
export type BugType =
  | 'BASIC'
  | 'BOUNDARY'
  | 'ENCODING'
  | 'INTEGER'
  | 'MISSING_CHECK'
  | 'WRONG_ORDER'
  | 'STATE_CONFUSION'
  | 'EXTENSION'
  | 'RESOURCES'
  | 'AUTHENTICATION_BYPASS'
  | 'SIGNATURE_CONFUSION'
  | 'HARNESS';

export interface Flag {
  readonly bugType: BugType;
  /** What the vector holds. */
  readonly description: string;
  /** What may come of it where an implementation fails it. */
  readonly effect: string;
}

const INTEROP = 'Peers that are in order are turned away.';
const DISAGREE =
  'Implementations name different errors for the same octets, so that neither side can tell who is wrong.';

export const FLAGS: Readonly<Record<string, Flag>> = {
  Ordinary: { bugType: 'BASIC', description: 'A frame or list as it occurs every day.', effect: INTEROP },
  Boundary: {
    bugType: 'BOUNDARY',
    description: 'A value at or just behind the end of its range.',
    effect: 'Values at the end of a range are refused, or values behind it are taken.',
  },
  Range: {
    bugType: 'MISSING_CHECK',
    description: 'A parameter outside of its range.',
    effect: 'A peer makes an endpoint ping without end, hold too much memory or wait for ever.',
  },
  Size: {
    bugType: 'ENCODING',
    description: 'An integer parameter in another size than its type has.',
    effect: 'One number has several encodings; a signature over the octets no longer says which number was meant.',
  },
  Placement: {
    bugType: 'MISSING_CHECK',
    description: 'A parameter in a frame that does not list it.',
    effect: 'A declaration is taken from the wrong party or at the wrong time.',
  },
  Order: {
    bugType: 'ENCODING',
    description: 'Parameters that repeat or are not in ascending order.',
    effect: 'Two readers of one list take different values from it.',
  },
  UnknownCritical: {
    bugType: 'EXTENSION',
    description: 'An unknown or planned parameter without the ignorable bit.',
    effect: 'An endpoint goes on without an extension on which its peer relies.',
  },
  Extension: {
    bugType: 'EXTENSION',
    description: 'Unknown frames or parameters with the ignorable bit.',
    effect: 'The protocol can no longer be extended, because values from the future end the connection.',
  },
  UnknownCode: {
    bugType: 'EXTENSION',
    description: 'An error code that is unknown or not meant for its frame.',
    effect: 'A new code ends a connection that should have gone on, or nothing is reported.',
  },
  Length: {
    bugType: 'RESOURCES',
    description: 'A header that announces more than the maximum payload.',
    effect: 'A peer makes an endpoint hold or wait for octets beyond its bound.',
  },
  UnknownType: {
    bugType: 'MISSING_CHECK',
    description: 'A frame type that is not defined and may not be ignored.',
    effect: 'A frame that changes what follows is skipped.',
  },
  UndefinedFlag: {
    bugType: 'MISSING_CHECK',
    description: 'A flag that the frame type does not define.',
    effect: 'A flag that a later version gives a meaning can no longer be used.',
  },
  Channel: {
    bugType: 'MISSING_CHECK',
    description: 'A connection frame with a channel, or a channel frame without one.',
    effect: 'A frame acts on a channel that it does not belong to.',
  },
  Sequence: {
    bugType: 'MISSING_CHECK',
    description: 'A sequence number other than the one due.',
    effect: 'Loss, repetition or a change of order goes unnoticed.',
  },
  Precision: {
    bugType: 'INTEGER',
    description: 'A number above 2^53 - 1.',
    effect: 'The number is rounded, and two different numbers become the same.',
  },
  ByteOrder: {
    bugType: 'ENCODING',
    description: 'An integer written with its last octet first.',
    effect: 'The stream is cut in the wrong places.',
  },
  UnexpectedFrame: {
    bugType: 'STATE_CONFUSION',
    description: 'A frame that the state of the connection does not admit, or that this role may not send.',
    effect: 'Steps of establishment are skipped, or a peer acts in the wrong role.',
  },
  Truncated: {
    bugType: 'MISSING_CHECK',
    description: 'A payload, list or value that ends before it is complete.',
    effect: 'Octets behind the frame are read, or values are made up.',
  },
  Trailing: {
    bugType: 'ENCODING',
    description: 'Octets behind the last field.',
    effect: 'Octets that no one reads travel along, and one frame has many encodings.',
  },
  Text: {
    bugType: 'ENCODING',
    description: 'Text at the borders of well-formed UTF-8 and of the permitted code points.',
    effect: 'Two different names are taken for the same, or a log line is forged.',
  },
  CheckOrder: {
    bugType: 'WRONG_ORDER',
    description:
      'Two things are wrong at once; the one that is checked first decides. The only vectors with more than one failure.',
    effect: DISAGREE,
  },
  Establishment: {
    bugType: 'STATE_CONFUSION',
    description: 'The way to the long connection, and what CONNECT and ACCEPT are judged by.',
    effect: 'A peer that was not accepted gets a session.',
  },
  Session: {
    bugType: 'STATE_CONFUSION',
    description: 'PING, PONG and CLOSE with its cursors.',
    effect: 'A dead peer passes for a live one, or truncation for an orderly end.',
  },
  Budget: {
    bugType: 'RESOURCES',
    description: 'Many control frames at once.',
    effect: 'A peer keeps an endpoint busy, or bursts that are allowed end the connection.',
  },
  ChannelNumber: {
    bugType: 'STATE_CONFUSION',
    description: 'Channel numbers that are new, skipped or used again.',
    effect: 'Messages reach an application end that they were not meant for.',
  },
  ChannelState: {
    bugType: 'STATE_CONFUSION',
    description: 'One cell of the channel tables.',
    effect: 'Messages are taken on a channel that is not open, or a channel never ends.',
  },
  Fragment: {
    bugType: 'STATE_CONFUSION',
    description: 'Messages in fragments, in and out of place.',
    effect: 'Messages are mixed, cut short or delivered twice.',
  },
  Credit: {
    bugType: 'RESOURCES',
    description: 'Limits granted, used and exceeded.',
    effect: 'A sender fills the memory of its peer, or both wait for each other.',
  },
  Reset: {
    bugType: 'STATE_CONFUSION',
    description: 'RESET, its answer, and what crosses with them.',
    effect: 'A late frame of an abandoned channel ends the session, or is delivered.',
  },
  Division: {
    bugType: 'BASIC',
    description: 'The same octets, divided into reads in different ways.',
    effect: 'What works on a fast network fails on a slow one.',
  },
  Binding: {
    bugType: 'AUTHENTICATION_BYPASS',
    description: 'A signature over a transcript of another connection or with one part of it changed.',
    effect: 'A signature from one connection is accepted in another, or what was signed is not what is acted upon.',
  },
  Label: {
    bugType: 'SIGNATURE_CONFUSION',
    description: 'A signature under another label, padding or structure of the signed content.',
    effect: 'A signature made for one purpose serves another.',
  },
  WrongKey: {
    bugType: 'AUTHENTICATION_BYPASS',
    description: 'A signature by a key other than that of the leaf certificate.',
    effect: 'Anyone can sign for this identity.',
  },
  Scheme: {
    bugType: 'SIGNATURE_CONFUSION',
    description: 'A signature scheme that is unknown or does not belong to the key.',
    effect: 'A peer chooses a weaker algorithm.',
  },
  SignatureEncoding: {
    bugType: 'ENCODING',
    description: 'An ECDSA or EdDSA signature in another encoding, or of another length.',
    effect: 'One signature has several forms, and records of it can no longer be compared.',
  },
  SignatureRange: {
    bugType: 'AUTHENTICATION_BYPASS',
    description: 'Integers of a signature that are zero, equal to the order or above it.',
    effect: 'A signature that needs no key verifies for every message.',
  },
  PssParameters: {
    bugType: 'SIGNATURE_CONFUSION',
    description: 'RSA with another salt length, mask, hash or padding.',
    effect: 'Weaker paddings are accepted where PSS is required.',
  },
  ValidSignature: { bugType: 'BASIC', description: 'A signature that verifies.', effect: INTEROP },
  LeafHash: {
    bugType: 'AUTHENTICATION_BYPASS',
    description: 'A certificate in place of that whose hash was signed.',
    effect: 'Evidence names someone who never took part.',
  },
  GoodChain: { bugType: 'BASIC', description: 'A certificate chain that has to be accepted.', effect: INTEROP },
  Validity: {
    bugType: 'MISSING_CHECK',
    description: 'A certificate before or after its time.',
    effect: 'A certificate serves for longer than its issuer answers for it.',
  },
  Path: {
    bugType: 'AUTHENTICATION_BYPASS',
    description: 'A chain that does not lead to a trust anchor, or over issuers that may not issue.',
    effect: 'Anyone can issue certificates for any identity.',
  },
  Usage: {
    bugType: 'MISSING_CHECK',
    description: 'Key usages that do not fit the role.',
    effect: 'A client can pass for a server, or a certificate made for another purpose for either.',
  },
  KeyStrength: {
    bugType: 'MISSING_CHECK',
    description: 'Keys and signature hashes outside of the profile.',
    effect: 'Whoever breaks the weak key or hash takes the identity.',
  },
  Identity: {
    bugType: 'AUTHENTICATION_BYPASS',
    description: 'Subject alternative names from which one, no or more than one identity follows.',
    effect: 'Two endpoints take different identities from one certificate.',
  },
  Revocation: {
    bugType: 'MISSING_CHECK',
    description: 'Certificates on revocation lists, and lists that do not serve.',
    effect: 'A key that was stolen and reported goes on being accepted.',
  },
  Malformed: {
    bugType: 'ENCODING',
    description: 'Octets that are not what they should be.',
    effect: 'A parser reads beyond its input or makes values up.',
  },
  ValidRecord: {
    bugType: 'BASIC',
    description: 'An evidence record that has to be reported as valid.',
    effect: 'Evidence is worth nothing when it is needed.',
  },
  RecordForm: {
    bugType: 'ENCODING',
    description: 'A record with missing, unknown or wrongly written members.',
    effect: 'Two verifiers read different facts from one record.',
  },
  RecordFrame: {
    bugType: 'MISSING_CHECK',
    description: 'A record whose frames do not decode or are other frames.',
    effect: 'Octets that no endpoint would have accepted pass for evidence.',
  },
  RecordBinding: {
    bugType: 'AUTHENTICATION_BYPASS',
    description: 'A record with parts of another connection or with one part changed.',
    effect: 'Evidence of a session that never was.',
  },
  RecordChain: {
    bugType: 'AUTHENTICATION_BYPASS',
    description: 'A record whose chains do not satisfy chapter 2 at the recorded time.',
    effect: 'Evidence about an identity that no authority confirms.',
  },
  Grant: {
    bugType: 'MISSING_CHECK',
    description: 'What ACCEPT grants of retention and deadline, and what was asked for.',
    effect: 'A server keeps a session, or a connection, for longer than its client agreed to.',
  },
  Acknowledgement: {
    bugType: 'MISSING_CHECK',
    description: 'ACK with cursors that acknowledge something, nothing, or more than was sent.',
    effect: 'A frame is let go of that the peer does not hold, or ACKs that say nothing keep an endpoint busy.',
  },
  Detach: {
    bugType: 'STATE_CONFUSION',
    description: 'CLOSE that ends the session with its connection, or the connection alone.',
    effect: 'A session is given up that should go on, or kept by one end alone.',
  },
  Drain: {
    bugType: 'STATE_CONFUSION',
    description: 'DRAIN, and what goes on behind it.',
    effect: 'A connection is cut in the middle of its work, or lives longer than its server can serve it.',
  },
  Verdict: {
    bugType: 'STATE_CONFUSION',
    description: 'OUTCOME on messages that have no verdict, have one, or do not exist.',
    effect: 'A message gets a verdict that its receiver never gave, or two different ones.',
  },
  Settling: {
    bugType: 'STATE_CONFUSION',
    description: 'Channels on which both ends have sent END and verdicts are awaited.',
    effect: 'A channel closes before its messages have their outcome, or never.',
  },
  Resumption: {
    bugType: 'STATE_CONFUSION',
    description: 'A session that goes on, or is to go on, over another connection.',
    effect: 'Messages are lost, repeated or reordered where one connection takes over from another.',
  },
  Fencing: {
    bugType: 'AUTHENTICATION_BYPASS',
    description: 'An attempt to take a session that is stale, or that belongs to someone else.',
    effect: 'A session is taken from its owner, or two connections carry it at once.',
  },
  Gap: {
    bugType: 'MISSING_CHECK',
    description: 'Epochs and cursors of two ends that can not go on together.',
    effect: 'A session goes on over a hole, and both ends believe that nothing is missing.',
  },
  Outcome: {
    bugType: 'STATE_CONFUSION',
    description: 'What is reported of each message when its channel or its session ends.',
    effect: 'A message is called accepted or not delivered that was the other, and is lost or sent twice.',
  },
  MustFail: {
    bugType: 'HARNESS',
    description: 'A vector with a wrong expectation on purpose.',
    effect: 'A loader that passes it checks nothing.',
  },
};
