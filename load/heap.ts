import { setTimeout as sleep } from 'node:timers/promises'
import { readMetrics, type Target } from './servers.ts'

/** How a Node server is started whose heap {@link heapAfterCollection} can read: SIGWINCH collects it. */
export const collectibleServer = {
  nodeArgs: ['--expose-gc', '--import', 'data:text/javascript,process.on("SIGWINCH",()=>{gc();gc()})'],
  env: { METRICS_PORT: '0' },
} as const

/** Longer than a collection of a heap with tens of thousands of users. */
const collectionMs = 2_000

/** The heap in use once all that can be freed is freed, in bytes; NaN where this run did not start the server. */
export async function heapAfterCollection({ process, metricsUrl }: Target): Promise<number> {
  if (process === undefined || metricsUrl === undefined) return Number.NaN
  process.signal('SIGWINCH')
  await sleep(collectionMs)
  return (await readMetrics(metricsUrl)).get('nodejs_heap_size_used_bytes') ?? Number.NaN
}
