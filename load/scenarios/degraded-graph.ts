import { setTimeout as sleep } from 'node:timers/promises'
import { countCalls } from '../call-records.ts'
import { getMessages, roundRobin } from '../calls.ts'
import { noFailures, p99Within } from '../rules.ts'
import { defineScenario } from '../scenario.ts'
import { briefSnapshots } from '../servers.ts'
import type { Tenant } from '../tenant.ts'

const delayMs = 1_000
const retryAfterSeconds = 1
/** What a call may take besides Graph's time, on a machine that is busy with the load as well. */
const allowanceMs = 1_000
/** Longer than any Retry-After: whoever had to wait has waited. */
const settleMs = 3_000
/** A server that waits calls Graph hardly more often than it is called. */
const mostAttempts = 2

/** Graph is slow, and then throttles: callers wait for it and for nothing else, or get what was read before. */
export const degradedGraph = defineScenario({
  name: 'degraded-graph',
  description: `open model: Graph takes ${delayMs / 1_000} s more; later it rejects every other call with 429 and Retry-After`,
  needs: 'tenant',
  defaults: { users: 100, rate: 20, seconds: 10 },
  async run(harness, { users: count, rate, seconds }) {
    const tenant = await harness.tenant()
    const users = await harness.users(count)
    const target = await harness.server(briefSnapshots)
    const load = { target, next: roundRobin(users, () => getMessages()), perSecond: rate, seconds }
    await harness.closed({ ...load, name: 'warm-up', connections: 8, calls: 2 * users.length })

    const before = await harness.open({ ...load, name: 'as usual' })
    await tenant.addFaults({ target: 'graph', kind: 'delay', delayMs })
    const slow = await harness.open({ ...load, name: 'Graph is slow' }).finally(() => tenant.clearFaults())
    const between = await harness.open({ ...load, name: 'as usual again' })
    await tenant.resetStats()
    const stop = throttle(tenant, Math.max(1, Math.round(rate / 2)))
    const throttled = await harness.open({ ...load, name: 'Graph throttles' }).finally(stop)
    const attempts = (await tenant.stats()).endpoints.graph / countCalls(throttled)
    await sleep(settleMs)
    const after = await harness.open({ ...load, name: 'as usual at last' })

    return {
      measurements: [before, slow, between, throttled, after],
      figures: [{ name: 'calls to Graph for each call while it throttles', value: attempts }],
      rules: [
        noFailures(before, slow, between, throttled, after),
        p99Within(delayMs + allowanceMs, slow),
        p99Within(allowanceMs, between),
        {
          description: `Graph is called at most ${mostAttempts} times for a call while it throttles`,
          passed: attempts <= mostAttempts,
          observed: attempts.toFixed(2),
        },
        p99Within(allowanceMs, after),
      ],
      isSequence: true,
    }
  },
})

/** Rejects so many calls in each second. @returns what ends it */
function throttle(tenant: Tenant, times: number): () => Promise<void> {
  const error = { target: 'graph', kind: 'graph-error', status: 429, code: 'TooManyRequests' } as const
  const reject = () => tenant.addFaults({ ...error, retryAfter: retryAfterSeconds, times })
  let last = reject()
  const timer = setInterval(() => {
    last = last.then(reject)
  }, 1_000)
  return async () => {
    clearInterval(timer)
    await last
    await tenant.clearFaults()
  }
}
