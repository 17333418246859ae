import { LRUCache } from 'lru-cache'
import { untilAborted } from '../../lib/until-aborted.ts'

/** Some thousand pages without bodies, or a hundred with. */
const defaultMaxBytes = 32 * 1024 * 1024
/** Objects in V8's heap, to a character of their JSON. */
const bytesPerCharacter = 2

/** What a tool returned, and the same as JSON text. */
export interface ToolResult {
  readonly structuredContent: Readonly<Record<string, unknown>>
  readonly text: string
}

export interface ResultCacheOptions {
  /** How long a result is served, in milliseconds; 0: not at all. */
  readonly ttlMs: number
  readonly maxBytes?: number
  /** Milliseconds of a clock that only goes forward. */
  readonly now?: () => number
}

/** A tool call, and the credential that Graph is read with. */
export interface CachedCall {
  /** A hash of the credential: a result is cached for it alone. */
  readonly credentialHash: string
  readonly tool: string
  /** The tool's own arguments: without those that say how to read. */
  readonly args: unknown
  /** Served by nothing that was read, or began to be read, before. */
  readonly fresh: boolean
  /** A client that goes away stops waiting; the read goes on for the others. */
  readonly signal: AbortSignal
}

interface Entry {
  readonly structuredContent: ToolResult['structuredContent']
  /** When the read began. */
  readonly readAtMs: number
  readonly bytes: number
}

/**
 * Results of tools that read, cached for a short while per access token; a call that is made twice at a time is read
 * once. Failures are not cached.
 *
 * The credential is part of the key: what Graph showed for one token is served for no other, whoever its user is.
 */
export function createResultCache({
  ttlMs,
  maxBytes = defaultMaxBytes,
  now = () => performance.now(),
}: ResultCacheOptions) {
  const entries = new LRUCache<string, Entry>({
    maxSize: maxBytes,
    sizeCalculation: ({ bytes }, key) => bytes + key.length,
    ttl: ttlMs,
    ttlResolution: 0,
    perf: { now },
  })
  const reads = new Map<string, Promise<ToolResult>>()
  const requests = { hit: 0, joined: 0, miss: 0 }

  function set(key: string, { structuredContent, text }: ToolResult, readAtMs: number) {
    entries.purgeStale()
    const bytes = text.length * bytesPerCharacter
    entries.set(key, { structuredContent, readAtMs, bytes }, { start: readAtMs })
  }

  function readOnce(key: string, fresh: boolean, read: () => Promise<ToolResult>): Promise<ToolResult> {
    const joined = fresh ? undefined : reads.get(key)
    requests[joined === undefined ? 'miss' : 'joined']++
    if (joined !== undefined) return joined
    const readAtMs = now()
    const isCurrent = () => reads.get(key) === started
    const started = read()
      .then((result) => {
        // Unless a later read has replaced this one, or the credential was revoked.
        if (isCurrent()) set(key, result, readAtMs)
        return result
      })
      .finally(() => {
        if (isCurrent()) reads.delete(key)
      })
    reads.set(key, started)
    return started
  }

  return {
    /**
     * The cached result with its age in whole seconds, else the result of a read.
     *
     * @throws what `read` throws; `call_cancelled` where the signal comes first
     */
    async get(call: CachedCall, read: () => Promise<ToolResult>): Promise<ToolResult & { ageSeconds?: number }> {
      const { credentialHash, tool, args, fresh, signal } = call
      const key = `${credentialHash} ${tool} ${JSON.stringify(args)}`
      const cached = fresh ? undefined : entries.get(key)
      if (cached === undefined) return untilAborted(readOnce(key, fresh, read), signal)
      requests.hit++
      const ageSeconds = Math.floor((now() - cached.readAtMs) / 1000)
      const structuredContent = { ageSeconds, ...cached.structuredContent }
      return { structuredContent, text: JSON.stringify(structuredContent), ageSeconds }
    },
    /** Drops what was read with a credential, and caches nothing that is being read with it. */
    invalidate(credentialHash: string) {
      for (const key of entries.keys()) if (key.startsWith(`${credentialHash} `)) entries.delete(key)
      for (const key of reads.keys()) if (key.startsWith(`${credentialHash} `)) reads.delete(key)
    },
    /** Whether anything is cached at all. */
    isEnabled: ttlMs > 0,
    /** Calls so far by where their result came from (`joined`: another call's read), and what is cached. */
    get stats() {
      return { requests: { ...requests }, entries: entries.size, bytes: entries.calculatedSize }
    },
  }
}
