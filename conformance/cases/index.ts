import type { ConformanceCase } from './case.ts';
import { authority as clientAuthority } from './client/authority.ts';
import { channelStates as clientChannelStates } from './client/channel-states.ts';
import { channels as clientChannels } from './client/channels.ts';
import { establishment as clientEstablishment } from './client/establishment.ts';
import { continuityAccept as clientContinuityAccept } from './client/continuity-accept.ts';
import { continuityAcks as clientContinuityAcks } from './client/continuity-acks.ts';
import { continuityAgain as clientContinuityAgain } from './client/continuity-again.ts';
import { continuityClose as clientContinuityClose } from './client/continuity-close.ts';
import { continuityReject as clientContinuityReject } from './client/continuity-reject.ts';
import { continuityDrain as clientContinuityDrain } from './client/continuity-drain.ts';
import { continuityRotation as clientContinuityRotation } from './client/continuity-rotation.ts';
import { continuityConnect as clientContinuityConnect } from './client/continuity-connect.ts';
import { keptAnswers as clientKeptAnswers } from './client/kept-answers.ts';
import { outcomes as clientOutcomes } from './client/outcomes.ts';
import { messageFlow as clientMessageFlow } from './client/message-flow.ts';
import { sessionEnd as clientSessionEnd } from './client/session-end.ts';
import { session as clientSession } from './client/session.ts';
import { extensionPoints as clientExtensionPoints } from './client/extension-points.ts';
import { challenge as clientChallenge } from './client/challenge.ts';
import { certificates as clientCertificates } from './client/certificates.ts';
import { silenceBeforeAccept as clientSilenceBeforeAccept } from './client/silence-before-accept.ts';
import { reject as clientReject } from './client/reject.ts';
import { orderOfChecks as clientOrderOfChecks } from './client/order-of-checks.ts';
import { accept as clientAccept } from './client/accept.ts';
import { frameHeader as clientFrameHeader } from './client/frame-header.ts';
import { payloads as clientPayloads } from './client/payloads.ts';
import { parameters as clientParameters } from './client/parameters.ts';
import { tlsProfile as clientTlsProfile } from './client/tls-profile.ts';
import { proof as clientProof } from './client/proof.ts';
import { signedOpened as clientSignedOpened } from './client/signed-opened.ts';
import { wireFormat as clientWireFormat } from './client/wire-format.ts';
import { applications as serverApplications } from './server/applications.ts';
import { channels as serverChannels } from './server/channels.ts';
import { certificates as serverCertificates } from './server/certificates.ts';
import { errorCodes as serverErrorCodes } from './server/error-codes.ts';
import { errors as serverErrors } from './server/errors.ts';
import { establishment as serverEstablishment } from './server/establishment.ts';
import { extension as serverExtension } from './server/extension.ts';
import { extensionPoints as serverExtensionPoints } from './server/extension-points.ts';
import { frameHeader as serverFrameHeader } from './server/frame-header.ts';
import { orderOfChecks as serverOrderOfChecks } from './server/order-of-checks.ts';
import { parameters as serverParameters } from './server/parameters.ts';
import { payloads as serverPayloads } from './server/payloads.ts';
import { session as serverSession } from './server/session.ts';
import { tlsProfile as serverTlsProfile } from './server/tls-profile.ts';
import { wireFormat as serverWireFormat } from './server/wire-format.ts';
import { connectRequest as serverConnectRequest } from './server/connect-request.ts';
import { connectSignature as serverConnectSignature } from './server/connect-signature.ts';
import { accept as serverAccept } from './server/accept.ts';
import { deadlines as serverDeadlines } from './server/deadlines.ts';
import { ping as serverPing } from './server/ping.ts';
import { close as serverClose } from './server/close.ts';
import { liveness as serverLiveness } from './server/liveness.ts';
import { channelNumbers as serverChannelNumbers } from './server/channel-numbers.ts';
import { channelStates as serverChannelStates } from './server/channel-states.ts';
import { messages as serverMessages } from './server/messages.ts';
import { credit as serverCredit } from './server/credit.ts';
import { interopApplications as serverInteropApplications } from './server/interop-applications.ts';
import { authority as serverAuthority } from './server/authority.ts';
import { continuityGrants as serverContinuityGrants } from './server/continuity/grants.ts';
import { continuityAcknowledgements as serverContinuityAcknowledgements } from './server/continuity/acknowledgements.ts';
import { earlyCloses as serverEarlyCloses } from './server/continuity/early-close.ts';
import { keptAnswers as serverKeptAnswers } from './server/continuity/kept-answers.ts';
import { continuityDetached as serverContinuityDetached } from './server/continuity/detached.ts';
import { continuityAttempts as serverContinuityAttempts } from './server/continuity/attempts.ts';
import { continuityGaps as serverContinuityGaps } from './server/continuity/gaps.ts';
import { continuityTakeover as serverContinuityTakeover } from './server/continuity/takeover.ts';
import { continuityResending as serverContinuityResending } from './server/continuity/resending.ts';
import { outcomes as serverOutcomes } from './server/continuity/outcomes.ts';
import { drain as serverDrain } from './server/continuity/drain.ts';
import { connectionDeadlines as serverConnectionDeadlines } from './server/continuity/deadlines.ts';
import { priority as serverPriority } from './server/priority.ts';
import { cuts as serverCuts } from './server/continuity/cuts.ts';
import { forward as serverForward } from './server/forward.ts';
import { forwardPayloads as serverForwardPayloads } from './server/forward-payloads.ts';
import { continuityForward as serverContinuityForward } from './server/continuity/forward.ts';
import { proof as serverProof } from './server/proof.ts';
import { proofSignatures as serverProofSignatures } from './server/proof-signatures.ts';
import { forward as relayForward } from './relay/forward.ts';
import { custody as relayCustody } from './relay/custody.ts';
import { credit as relayCredit } from './relay/credit.ts';
import { errorCodes as relayErrorCodes } from './relay/error-codes.ts';
import { framing as relayFraming } from './relay/framing.ts';
import { outcomes as relayOutcomes } from './relay/outcomes.ts';
import { proof as relayProof } from './relay/proof.ts';
import { unreachable as relayUnreachable } from './relay/unreachable.ts';
import { legs as relayLegs } from './relay/legs.ts';
import { revocation as relayRevocation } from './relay/revocation.ts';
import { proxy as relayProxy } from './relay/proxy.ts';
import { routes as relayRoutes } from './relay/routes.ts';
import { socketEnds as relaySocketEnds } from './relay/socket-ends.ts';
import { properties } from '../properties/index.ts';

/** Every case, by role and chapter. A new file of cases gets an import above and a line here. */
export const cases: readonly ConformanceCase[] = [
  serverTlsProfile,
  serverCertificates,
  serverWireFormat,
  serverFrameHeader,
  serverPayloads,
  serverParameters,
  serverOrderOfChecks,
  serverEstablishment,
  serverSession,
  serverChannels,
  serverErrors,
  serverErrorCodes,
  serverExtension,
  serverExtensionPoints,
  serverApplications,
  serverConnectRequest,
  serverConnectSignature,
  serverAccept,
  serverDeadlines,
  serverPing,
  serverClose,
  serverLiveness,
  serverChannelNumbers,
  serverChannelStates,
  serverMessages,
  serverCredit,
  serverInteropApplications,
  serverAuthority,
  serverContinuityGrants,
  serverContinuityAcknowledgements,
  serverKeptAnswers,
  serverEarlyCloses,
  serverContinuityDetached,
  serverContinuityAttempts,
  serverContinuityGaps,
  serverContinuityTakeover,
  serverContinuityResending,
  serverOutcomes,
  serverDrain,
  serverConnectionDeadlines,
  serverPriority,
  serverCuts,
  serverForward,
  serverForwardPayloads,
  serverContinuityForward,
  serverProof,
  serverProofSignatures,
  clientTlsProfile,
  clientWireFormat,
  clientFrameHeader,
  clientPayloads,
  clientParameters,
  clientEstablishment,
  clientExtensionPoints,
  clientChallenge,
  clientCertificates,
  clientSilenceBeforeAccept,
  clientReject,
  clientOrderOfChecks,
  clientAccept,
  clientSession,
  clientSessionEnd,
  clientAuthority,
  clientChannels,
  clientChannelStates,
  clientMessageFlow,
  clientOutcomes,
  clientKeptAnswers,
  clientContinuityConnect,
  clientContinuityAccept,
  clientContinuityAgain,
  clientContinuityAcks,
  clientContinuityReject,
  clientContinuityClose,
  clientContinuityDrain,
  clientContinuityRotation,
  clientProof,
  clientSignedOpened,
  relayRoutes,
  relayForward,
  relayFraming,
  relaySocketEnds,
  relayProxy,
  relayErrorCodes,
  relayCredit,
  relayCustody,
  relayUnreachable,
  relayProof,
  relayRevocation,
  relayLegs,
  relayOutcomes,
  properties,
].flat();
