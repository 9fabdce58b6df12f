import { type Credential, type Trust, loadCredential } from '../../node/index.ts';
import type { Kit } from '../integration/support/kit.ts';

/** A certificate chain with its key, and whom to trust, as one process tells another. */
export interface Identity {
  readonly chain: string;
  readonly key: string;
  readonly anchors: readonly string[];
  readonly lists: readonly string[];
}

export function describeIdentity(credential: Credential, trust: Trust): Identity {
  return {
    chain: credential.chainPem,
    key: credential.keyPem,
    anchors: trust.trustAnchors.map((der) => Buffer.from(der).toString('base64')),
    lists: trust.crls.map((der) => Buffer.from(der).toString('base64')),
  };
}

export async function readIdentity({
  chain,
  key,
  anchors,
  lists,
}: Identity): Promise<Pick<Kit, 'trust'> & { readonly credential: Credential }> {
  return {
    credential: await loadCredential({ certPem: chain, keyPem: key }),
    trust: {
      trustAnchors: anchors.map((text) => Buffer.from(text, 'base64')),
      crls: lists.map((text) => Buffer.from(text, 'base64')),
    },
  };
}

/** Where something is kept: a directory, or the URL of a Redis. */
export type StorePlace = { readonly directory: string } | { readonly redis: string };

/** How long a server of a fleet may be silent before its sessions count as left. */
export const LEASE_MS = 3000;

/** What a process of a run is started with. */
export interface Setup {
  readonly seed: number;
  /** Messages in each direction. */
  readonly messages: number;
  readonly identity: Identity;
  readonly sessions: StorePlace;
  /** Where the application keeps what it has done. */
  readonly ledger: StorePlace;
}

export interface ClientSetup extends Setup {
  readonly audience: string;
  readonly ports: readonly number[];
}

/** What a relay is started with; it has no application, and so no ledger. */
export interface RelaySetup {
  readonly messages: number;
  readonly identity: Identity;
  /** Directories of the sessions with its clients, and of that with the server. */
  readonly sessions: string;
  readonly trunks: string;
  /** Identity and port of the server. */
  readonly audience: string;
  readonly port: number;
}

/** What a process is told. */
export type Order =
  | { readonly type: 'client'; readonly setup: ClientSetup }
  | { readonly type: 'server'; readonly setup: Setup }
  | { readonly type: 'relay'; readonly setup: RelaySetup }
  /** Ends the channels and the session (client). */
  | { readonly type: 'finish' }
  | { readonly type: 'describe' }
  | { readonly type: 'stop' };

/** What a process tells. */
export type Report =
  /** The code is loaded: it waits for its setup. */
  | { readonly type: 'loaded' }
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'session'; readonly id: string; readonly restored: boolean }
  | { readonly type: 'attached'; readonly epoch: number }
  /** The session is over, which only the order to finish may cause. */
  | { readonly type: 'ended'; readonly reason: string }
  | { readonly type: 'finished'; readonly reason: string }
  | { readonly type: 'progress'; readonly effects: number; readonly outcomes: number; readonly repeats: number }
  | { readonly type: 'description'; readonly text: string }
  /** The process has found out that another one has its session. */
  | { readonly type: 'fenced' }
  /** Something has happened that must not. */
  | { readonly type: 'violation'; readonly text: string };
