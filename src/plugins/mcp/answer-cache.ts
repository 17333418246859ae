import { untilAborted } from '../../lib/until-aborted.ts'
import { byteLengthOf, type Payload, type PayloadBytes, toBytes } from './payload.ts'

/** Some thousand pages without bodies, or a thousand with a few. */
const defaultMaxBytes = 64 * 1024 * 1024
/** What an entry takes beside its payload and key. */
const entryBytes = 256

export interface AnswerCacheOptions {
  /** How long an answer serves, in milliseconds; 0: not at all. */
  readonly ttlMs: number
  readonly maxBytes?: number
  /** Milliseconds of a clock that only goes forward. */
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
  readonly payload: PayloadBytes
  /** When the reading began. */
  readonly readAtMs: number
  readonly bytes: number
}

export interface Answered {
  readonly payload: Payload
  /** Where the answer was kept from an earlier call: how old it is, in whole seconds. */
  readonly ageSeconds?: number
}

/**
 * Answers of tools that read, for a short while and for whoever got them; the same question asked twice at a time is
 * answered once. Failures are not kept, nor what there is no room for: all that is there will be over soon, and to throw
 * one answer away for another that may not be asked for again costs more than it saves.
 *
 * The credential is part of the key: what Graph showed for one token is shown for no other, whoever its user is.
 */
export function createAnswerCache({
  ttlMs,
  maxBytes = defaultMaxBytes,
  now = () => performance.now(),
}: AnswerCacheOptions) {
  /** Those kept longest first. */
  const kept = new Map<string, Kept>()
  let keptBytes = 0
  const running = new Map<string, Promise<Payload>>()
  const requests = { hit: 0, joined: 0, miss: 0 }

  const isOver = ({ readAtMs }: Kept) => now() - readAtMs >= ttlMs

  function keep(key: string, payload: Payload, readAtMs: number) {
    drop(key)
    for (const [oldest, entry] of kept) {
      if (!isOver(entry)) break
      drop(oldest)
    }
    const bytes = byteLengthOf(payload) + key.length + entryBytes
    if (keptBytes + bytes > maxBytes) return
    kept.set(key, { payload: toBytes(payload), readAtMs, bytes })
    keptBytes += bytes
  }

  function drop(key: string) {
    keptBytes -= kept.get(key)?.bytes ?? 0
    kept.delete(key)
  }

  function readOnce(key: string, fresh: boolean, read: () => Promise<Payload>): Promise<Payload> {
    const joined = fresh ? undefined : running.get(key)
    requests[joined === undefined ? 'miss' : 'joined']++
    if (joined !== undefined) return joined
    const readAtMs = now()
    const isCurrent = () => running.get(key) === started
    const started = read()
      .then((payload) => {
        // A later reading has taken this one's place, or the credential is no longer good.
        if (isCurrent()) keep(key, payload, readAtMs)
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
      if (found !== undefined && !isOver(found)) {
        requests.hit++
        return { payload: found.payload, ageSeconds: Math.floor((now() - found.readAtMs) / 1000) }
      }
      return { payload: await untilAborted(readOnce(key, fresh, read), signal) }
    },
    /** Forgets what was read with this credential, and keeps nothing that is being read with it. */
    forget(readAs: string) {
      for (const key of kept.keys()) if (key.startsWith(`${readAs} `)) drop(key)
      for (const key of running.keys()) if (key.startsWith(`${readAs} `)) running.delete(key)
    },
    /** Whether anything is kept at all. */
    isOn: ttlMs > 0,
    /** Calls so far by where their answer came from; `joined`: another call's reading. Answers kept, and their size. */
    get stats() {
      return { requests: { ...requests }, entries: kept.size, bytes: keptBytes }
    },
  }
}
