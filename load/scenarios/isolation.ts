import { getMessages, roundRobin } from '../calls.ts'
import { sum } from '../numbers.ts'
import { noFailures } from '../rules.ts'
import { defineScenario } from '../scenario.ts'
import { withoutCache } from '../servers.ts'

const delayedUsers = 10
const delayMs = 3

/**
 * Very many calls of many users at full speed, each response checked to be its caller's: half of them by a server with
 * its cache, half by one that calls Graph each time. In an emulated tenant some users' responses come late, so that
 * responses overtake each other all the time.
 */
export const isolation = defineScenario({
  name: 'isolation',
  description: 'closed model: very many calls of many users, and not one response to another user',
  needs: 'target',
  defaults: { users: 1_000, connections: 32, calls: 100_000 },
  async run(harness, { users: count, connections, calls }) {
    const users = await harness.users(count)
    const tenant = await harness.tenant().catch(() => undefined)
    await tenant?.addFaults(
      ...Array.from({ length: Math.min(delayedUsers, users.length) }, (_, index) => {
        const user = users[Math.floor((index * users.length) / delayedUsers)]?.reader ?? ''
        return { target: 'graph', kind: 'delay', delayMs, user } as const
      }),
    )
    try {
      // One user after the other, who all ask for the same and little: whatever could be mixed up, is.
      const load = { connections, next: roundRobin(users, () => getMessages({ top: 2 })) }
      const half = harness.isOwn ? Math.ceil(calls / 2) : calls
      const measurements = [
        await harness.closed({ ...load, name: 'cached', target: await harness.server(), calls: half }),
      ]
      if (harness.isOwn && calls > half) {
        const target = await harness.server(withoutCache)
        measurements.push(await harness.closed({ ...load, name: 'every call to Graph', target, calls: calls - half }))
      }
      const correct = sum(measurements.map((one) => one.correct))
      const complete = {
        description: 'as many calls as were asked for have their own response',
        passed: correct === calls,
        observed: String(correct),
      }
      return { measurements, rules: [complete, noFailures(...measurements)] }
    } finally {
      await tenant?.clearFaults()
    }
  },
})
