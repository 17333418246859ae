import { getMessages, roundRobin } from '../calls.ts'
import { startFleet } from '../fleet.ts'
import { noFailures } from '../rules.ts'
import { defineScenario } from '../scenario.ts'

const replicas = 3
/** Longer than any restart: the load ends with the last of them. */
const longestSeconds = 600

/** A deployment in the middle of the day: every replica is replaced, one after the other, and nobody notices. */
export const rollingRestart = defineScenario({
  name: 'rolling-restart',
  description: `open model: ${replicas} replicas behind nginx are replaced one by one under load`,
  needs: 'processes',
  defaults: { users: 100, rate: 50, seconds: 5 },
  async run(harness, { users: count, rate, seconds }) {
    const users = await harness.users(count)
    const fleet = await startFleet(await harness.serverOptions(), replicas)
    harness.onClose(fleet.stop)
    // nginx closes idle connections as it takes a new list of replicas, and a call that is just under way is lost.
    const next = roundRobin(users, () => getMessages())
    const load = { target: fleet.target, next, perSecond: rate, seconds, keepAlive: false }
    await harness.closed({ ...load, name: 'warm-up', connections: 8, calls: replicas * users.length })

    const before = await harness.open({ ...load, name: 'as usual' })
    const replaced = new AbortController()
    const replacing = (async () => {
      for (let index = 0; index < replicas; index++) {
        await fleet.replace(index)
        harness.say(`replica ${index + 1} of ${replicas} is replaced`)
      }
    })().finally(() => replaced.abort())
    const rolling = { name: 'replicas are replaced', seconds: longestSeconds, signal: replaced.signal }
    const [during] = await Promise.all([harness.open({ ...load, ...rolling }), replacing])
    const after = await harness.open({ ...load, name: 'as usual again' })

    const measurements = [before, during, after]
    return { measurements, rules: [noFailures(...measurements)], isSequence: true }
  },
})
