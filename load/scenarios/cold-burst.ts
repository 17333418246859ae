import { fiveBodies, roundRobin } from '../calls.ts'
import { sum } from '../numbers.ts'
import { noFailures } from '../rules.ts'
import { defineScenario } from '../scenario.ts'

/** All calls are due within so long. */
const burstSeconds = 0.02

/** A Monday morning after a deployment: everybody's first call, with a verification and a token exchange for each. */
export const coldBurst = defineScenario({
  name: 'cold-burst',
  description: 'open model: users who never called, all at once, retrying after Retry-After; then the same users again',
  needs: 'target',
  defaults: { users: 1_000 },
  async run(harness, { users: count }) {
    const target = await harness.server()
    const users = await harness.newUsers(count)
    const tenant = await harness.tenant().catch(() => undefined)
    await tenant?.resetStats()

    let retries = 0
    const load = { target, perSecond: users.length / burstSeconds, seconds: burstSeconds, maxOutstanding: users.length }
    const burst = (name: string) =>
      harness.open({ ...load, name, next: roundRobin(users, () => fiveBodies), onRetry: () => void retries++ })
    const measurements = [await burst('never seen before'), await burst('the same again')]

    const exchanges = Object.values((await tenant?.stats())?.exchangesByUser ?? {})
    const most = Math.max(0, ...exchanges)
    const exchangedOnce = {
      description: 'each user’s token is exchanged once',
      passed: most === 1 && exchanges.length === users.length,
      observed: `${sum(exchanges)} exchanges for ${users.length} users, at most ${most} for one`,
    }
    const figures = measurements.map(({ name, seconds }) => ({ name: `${name}: all done`, value: seconds, unit: 's' }))
    return {
      measurements,
      figures: [...figures, { name: 'retries after a rejection for now', value: retries }],
      rules: [noFailures(...measurements), ...(harness.isOwn ? [exchangedOnce] : [])],
      isSequence: true,
    }
  },
})
