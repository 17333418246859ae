import { LRUCache } from 'lru-cache'
import { untilAborted } from '../../http/until-aborted.ts'
import type { Payload } from './payload.ts'

/** Some thousand pages without bodies, or a hundred long ones with them. */
const defaultMaxBytes = 64 * 1024 * 1024
const maxEntries = 50_000

export interface AnswerCacheOptions {
  /** How long an answer serves, in milliseconds; 0: not at all. */
  readonly ttlMs: number
  readonly maxBytes?: number
  readonly now?: () => number
}

/** What is asked, and on whose strength. */
export interface Question {
  /** A hash of the credential that Graph is read with. Whatever is kept is kept for it alone. */
  readonly readAs: string
  readonly tool: string
  /** The tool's arguments, those that say how to answer left out. */
  readonly args: unknown
  /** Nothing that was read, or began to be read, before this question answers it. */
  readonly fresh: boolean
  /** Who goes away stops waiting; the reading goes on for the others. */
  readonly signal: AbortSignal
}

interface Kept {
  readonly payload: Payload
  /** When the reading began. */
  readonly readAtMs: number
}

export interface Answered {
  readonly payload: Payload
  /** Where the answer was kept from an earlier call: how old it is, in whole seconds. */
  readonly ageSeconds?: number
}

/**
 * Answers of tools that read, for a short while and for whoever got them; the same question asked twice at a time is
 * answered once. Failures are not kept.
 *
 * The credential is part of the key: what Graph showed for one token is shown for no other, whoever its user is.
 */
export function createAnswerCache({ ttlMs, maxBytes = defaultMaxBytes, now = Date.now }: AnswerCacheOptions) {
  const kept = new LRUCache<string, Kept>({
    max: maxEntries,
    maxSize: maxBytes,
    sizeCalculation: ({ payload }, key) => payload.bytes + key.length + 256,
  })
  const running = new Map<string, Promise<Payload>>()
  const requests = { hit: 0, joined: 0, miss: 0 }

  function readOnce(key: string, fresh: boolean, read: () => Promise<Payload>): Promise<Payload> {
    const joined = fresh ? undefined : running.get(key)
    requests[joined === undefined ? 'miss' : 'joined']++
    if (joined !== undefined) return joined
    const readAtMs = now()
    const isCurrent = () => running.get(key) === started
    const started = read()
      .then((payload) => {
        // A later reading has taken this one's place, or the credential is no longer good.
        if (isCurrent()) kept.set(key, { payload, readAtMs })
        return payload
      })
      .finally(() => {
        if (isCurrent()) running.delete(key)
      })
    running.set(key, started)
    return started
  }

  return {
    /**
     * The answer that is kept, else what is read, now or by somebody who has begun to.
     *
     * @throws what `read` throws; `call_cancelled` where the signal comes first
     */
    async answer({ readAs, tool, args, fresh, signal }: Question, read: () => Promise<Payload>): Promise<Answered> {
      const key = `${readAs} ${tool} ${JSON.stringify(args)}`
      const found = fresh ? undefined : kept.get(key)
      const ageMs = found === undefined ? 0 : now() - found.readAtMs
      if (found !== undefined && ageMs >= 0 && ageMs < ttlMs) {
        requests.hit++
        return { payload: found.payload, ageSeconds: Math.floor(ageMs / 1000) }
      }
      return { payload: await untilAborted(readOnce(key, fresh, read), signal) }
    },
    /** Forgets what was read with this credential, and keeps nothing that is being read with it. */
    forget(readAs: string) {
      for (const held of [kept, running]) {
        for (const key of held.keys()) if (key.startsWith(`${readAs} `)) held.delete(key)
      }
    },
    /** Whether anything is kept at all. */
    isOn: ttlMs > 0,
    /** Calls so far by where their answer came from; `joined`: another call's reading. Answers kept, and their size. */
    get stats() {
      return { requests: { ...requests }, entries: kept.size, bytes: kept.calculatedSize }
    },
  }
}
