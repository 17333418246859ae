/** All timeouts of upstreams, which no variable changes: of each peer to connect and for one request with its response. */
export const timeouts = {
  /** The tenant's key set, some 10 KB. */
  keys: { connectTimeoutMs: 2_000, deadlineMs: 5_000 },
  /** One token request: Entra responds in a fraction of a second or not at all. */
  entra: { connectTimeoutMs: 3_000, deadlineMs: 6_000 },
  /** A page of 1,000 messages with bodies is some 8 MB. */
  graph: { connectTimeoutMs: 3_000, deadlineMs: 15_000 },
  /** Key Vault and the managed identity's endpoint: a few kilobytes, in a fraction of a second. */
  azure: { connectTimeoutMs: 2_000, deadlineMs: 5_000 },
  /** Fifty items of the roadmap are some 100 KB. */
  roadmap: { connectTimeoutMs: 2_000, deadlineMs: 5_000 },
  /** Client metadata documents: some hundred bytes. */
  documents: { connectTimeoutMs: 2_000, deadlineMs: 2_000 },
  /** A token from Entra, with all retries and waits. */
  tokenMs: 10_000,
  /** One call to `/mcp`, from its arrival: signing keys, a token and Graph together. */
  callMs: 13_000,
  /**
   * A client that takes nothing of a large response for so long does not get the rest, since others wait for its memory.
   * Node may notice twice as late.
   */
  stalledMs: 5_000,
}
