import { inTurn } from '../calls.ts'
import { withoutAnswersKept } from '../servers.ts'
import type { Tenant } from '../tenant.ts'
import { failsOnlyBy, phase, staysWithin } from './phases.ts'
import { defineScenario, nothingFails } from './scenario.ts'

const retryAfterSeconds = 1
const allowanceMs = 1_000
/** Longer than what any answer said: whoever was told to wait has waited. */
const settleMs = 3_000
/** What patience looks like: Graph is asked hardly more often than there are calls. */
const mostAttempts = 2

/** Graph refuses half of what is asked, and says when to come again. */
export const throttledGraph = defineScenario({
  name: 'throttled-graph',
  about: 'open model: Graph answers every other call with 429 and Retry-After, and then no longer',
  needs: 'tenant',
  defaults: { users: 100, rate: 40, seconds: 10 },
  async run(stage, { users: count, rate, seconds }) {
    const tenant = await stage.tenant()
    const users = await stage.users(count)
    const target = await stage.server(withoutAnswersKept)
    const next = inTurn(users, () => ({ method: 'tools/call', tool: 'getMessages', args: { top: 5 } }))
    const load = { target, next, perSecond: rate, seconds }
    await stage.closed({ name: 'warming up', target, next, connections: 8, calls: 2 * users.length })

    const before = await phase(stage, { ...load, name: 'as usual' })
    await tenant.resetStats()
    const stop = throttle(tenant, Math.max(1, Math.round(rate / 2)))
    const during = await phase(stage, { ...load, name: 'Graph throttles' }).finally(stop)
    const asked = (await tenant.stats()).endpoints.graph
    await new Promise((resolve) => setTimeout(resolve, settleMs))
    const after = await phase(stage, { ...load, name: 'as usual again' })

    const attempts = asked / (during.right + during.failed)
    return {
      measurements: [before, during, after],
      figures: [{ name: 'calls to Graph for each call while it throttles', value: attempts }],
      rules: [
        nothingFails({ measurements: [before, after] }),
        failsOnlyBy(
          /^tool error graph_(throttled|budget_\w+)$|^HTTP (429|503)( \w+)?$/,
          'while Graph throttles, calls fail by saying so, and when to come again',
          [during],
        ),
        {
          says: `Graph is asked at most ${mostAttempts} times for a call while it throttles`,
          holds: attempts <= mostAttempts,
          seen: attempts.toFixed(2),
        },
        staysWithin(allowanceMs, after),
      ],
      isSequence: true,
    }
  },
})

/** Every second so many calls are refused anew. @returns what ends it */
function throttle(tenant: Tenant, timesASecond: number): () => Promise<void> {
  const refuse = () =>
    tenant.addFaults({
      target: 'graph',
      kind: 'graph-error',
      status: 429,
      code: 'TooManyRequests',
      retryAfter: retryAfterSeconds,
      times: timesASecond,
    })
  let last = refuse()
  const timer = setInterval(() => {
    last = last.then(refuse)
  }, 1_000)
  return async () => {
    clearInterval(timer)
    await last
    await tenant.clearFaults()
  }
}
