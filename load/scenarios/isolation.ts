import { inTurn } from '../calls.ts'
import { withoutAnswersKept } from '../servers.ts'
import { defineScenario, nothingFails } from './scenario.ts'

const delayedUsers = 10
const delayMs = 3

/**
 * Very many calls of many users at full speed, each answer checked to be its caller's: half of them by a server that
 * keeps answers, half by one that asks Graph each time. In an emulated tenant some users' answers come late, so that
 * answers overtake each other all the time.
 */
export const isolation = defineScenario({
  name: 'isolation',
  about: 'closed model: 100,000 calls of many users, and not one answer for another',
  needs: 'anything',
  defaults: { users: 1_000, connections: 32, calls: 100_000 },
  async run(stage, { users: count, connections, calls }) {
    const users = await stage.users(count)
    const tenant = await stage.tenant().catch(() => undefined)
    // Users who are asked for one after the other, and all ask the same and little: whatever could be mixed up, is.
    const load = {
      connections,
      next: inTurn(users, () => ({ method: 'tools/call', tool: 'getMessages', args: { top: 2 } })),
    }
    await tenant?.addFaults(
      ...Array.from({ length: Math.min(delayedUsers, users.length) }, (_, index) => {
        const user = users[Math.floor((index * users.length) / delayedUsers)]?.reader ?? ''
        return { target: 'graph', kind: 'delay', delayMs, user } as const
      }),
    )
    try {
      const kept = await stage.server()
      const share = stage.isOwn ? Math.ceil(calls / 2) : calls
      const measurements = [await stage.closed({ ...load, name: 'answers kept', target: kept, calls: share })]
      if (stage.isOwn && calls > share) {
        const target = await stage.server(withoutAnswersKept)
        const name = 'every call to Graph'
        measurements.push(await stage.closed({ ...load, name, target, calls: calls - share }))
      }
      const answered = measurements.reduce((sum, one) => sum + one.right, 0)
      return {
        measurements,
        rules: [
          {
            says: 'as many calls as were asked for have their own answer',
            holds: answered === calls,
            seen: String(answered),
          },
          nothingFails({ measurements }),
        ],
      }
    } finally {
      await tenant?.clearFaults()
    }
  },
})
