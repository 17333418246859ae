import { inTurn } from '../calls.ts'
import { startFleet } from '../fleet.ts'
import { phase } from './phases.ts'
import { defineScenario, nothingFails } from './scenario.ts'

const replicas = 3
/** Longer than any restart: the load ends with the last of them. */
const longestSeconds = 600

/** A deployment in the middle of the day: every replica is replaced, one after the other, and nobody notices. */
export const rollingRestart = defineScenario({
  name: 'rolling-restart',
  about: `open model: ${replicas} replicas behind nginx are replaced one by one under load`,
  needs: 'processes',
  defaults: { users: 100, rate: 50, seconds: 5 },
  async run(stage, { users: count, rate, seconds }) {
    const users = await stage.users(count)
    const fleet = await startFleet({ ...(await stage.serverOptions()), replicas })
    stage.atEnd(fleet.stop)
    const { target } = fleet
    const next = inTurn(users, () => ({ method: 'tools/call', tool: 'getMessages', args: { top: 5 } }))
    await stage.closed({ name: 'warming up', target, next, connections: 8, calls: replicas * users.length })

    // nginx closes idle connections as it takes a new list of replicas, and a call that is just under way is lost.
    const load = { keepsAlive: false, target, next, perSecond: rate, seconds }
    const before = await phase(stage, { ...load, name: 'as usual' })
    const replaced = new AbortController()
    const restarts = (async () => {
      for (let index = 0; index < fleet.size; index++) {
        await fleet.replace(index)
        stage.progress.say(`replica ${index + 1} of ${fleet.size} is replaced`)
      }
    })().finally(() => replaced.abort())
    const during = await phase(stage, {
      ...load,
      name: 'replicas are replaced',
      seconds: longestSeconds,
      signal: replaced.signal,
    })
    await restarts
    const after = await phase(stage, { ...load, name: 'as usual again' })

    const measurements = [before, during, after]
    return { measurements, rules: [nothingFails({ measurements })], isSequence: true }
  },
})
