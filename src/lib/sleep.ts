import { setTimeout as delay } from 'node:timers/promises'
import { Failure } from '../errors/index.ts'

/** Waits, as long as the waiter is there. @throws {Failure} `call_cancelled` when the signal comes first */
export async function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await delay(ms, undefined, signal === undefined ? {} : { signal })
  } catch (cause) {
    throw new Failure('call_cancelled', { cause })
  }
}

/** What is added to a wait, so that those who wait for the same moment do not come at once. */
export function jitterMs(): number {
  return 100 + Math.random() * 300
}
