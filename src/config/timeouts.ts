/** What a peer may take of a caller's time, in milliseconds: to be connected to, and for one request with its response. */
export interface PeerTimeouts {
  readonly connectTimeoutMs: number
  readonly deadlineMs: number
}

const peers = {
  /** The tenant's key set, some 10 KB. */
  keys: { connectTimeoutMs: 2_000, deadlineMs: 5_000 },
  /** One token request: Entra answers in a fraction of a second or not at all. */
  entra: { connectTimeoutMs: 3_000, deadlineMs: 6_000 },
  /** A page of 1,000 messages with bodies is some 8 MB. */
  graph: { connectTimeoutMs: 3_000, deadlineMs: 15_000 },
  /** Key Vault and the managed identity's endpoint: a few kilobytes, in a fraction of a second. */
  azure: { connectTimeoutMs: 2_000, deadlineMs: 5_000 },
  /** Client metadata documents: a host that needs longer for some hundred bytes is no place to sign in from. */
  documents: { connectTimeoutMs: 2_000, deadlineMs: 2_000 },
} as const satisfies Record<string, PeerTimeouts>

export interface Timeouts extends Readonly<Record<keyof typeof peers, PeerTimeouts>> {
  /** A token from Entra, however many requests, pauses and waits for other replicas or a credential it takes. */
  readonly tokenMs: number
  /** All that one call to `/mcp` waits for, counted from its arrival: signing keys, a token and Graph together. */
  readonly callMs: number
  /**
   * A client that takes nothing of a large response for so long does not get the rest, since others wait for its memory.
   * Node may notice twice as late.
   */
  readonly stalledMs: number
}

/** Every wait for others, in one table: no variable changes them. */
export const timeouts: Timeouts = { ...peers, tokenMs: 10_000, callMs: 13_000, stalledMs: 5_000 }
