import { setTimeout as sleep } from 'node:timers/promises'
import { readMetrics, type Target } from './servers.ts'

/** Has a Node server collect its heap at SIGWINCH, for {@link heapAfterCollection}. */
export const collectAtSignal = [
  '--expose-gc',
  '--import',
  'data:text/javascript,process.on("SIGWINCH",()=>{gc();gc()})',
] as const

/** Longer than a collection of a heap with tens of thousands of users. */
const collectionMs = 2_000

/** The heap in use once all that can be freed is freed, in bytes; NaN where this run did not start the server. */
export async function heapAfterCollection({ process, metricsUrl }: Target): Promise<number> {
  if (process === undefined || metricsUrl === undefined) return Number.NaN
  process.signal('SIGWINCH')
  await sleep(collectionMs)
  return (await readMetrics(metricsUrl)).get('nodejs_heap_size_used_bytes') ?? Number.NaN
}
