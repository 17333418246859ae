/** Timeouts of a peer, in milliseconds: to connect, and for one request with its response. */
export interface PeerTimeouts {
  readonly connectTimeoutMs: number
  readonly deadlineMs: number
}

const peers = {
  /** The tenant's key set, some 10 KB. */
  keys: { connectTimeoutMs: 2_000, deadlineMs: 5_000 },
  /** One token request: Entra responds in a fraction of a second or not at all. */
  entra: { connectTimeoutMs: 3_000, deadlineMs: 6_000 },
  /** A page of 1,000 messages with bodies is some 8 MB. */
  graph: { connectTimeoutMs: 3_000, deadlineMs: 15_000 },
  /** Key Vault and the managed identity's endpoint: a few kilobytes, in a fraction of a second. */
  azure: { connectTimeoutMs: 2_000, deadlineMs: 5_000 },
  /** Client metadata documents: some hundred bytes. */
  documents: { connectTimeoutMs: 2_000, deadlineMs: 2_000 },
} as const satisfies Record<string, PeerTimeouts>

export interface Timeouts extends Readonly<Record<keyof typeof peers, PeerTimeouts>> {
  /** A token from Entra, with all retries and waits. */
  readonly tokenMs: number
  /** One call to `/mcp`, from its arrival: signing keys, a token and Graph together. */
  readonly callMs: number
  /**
   * A client that takes nothing of a large response for so long does not get the rest, since others wait for its memory.
   * Node may notice twice as late.
   */
  readonly stalledMs: number
}

/** All timeouts of upstreams, which no variable changes. */
export const timeouts: Timeouts = { ...peers, tokenMs: 10_000, callMs: 13_000, stalledMs: 5_000 }
