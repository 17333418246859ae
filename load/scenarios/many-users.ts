import { fivePosts, fivePostsElsewhere, inTurn } from '../calls.ts'
import { residentMiBOf } from '../processes.ts'
import { withoutAnswersKept } from '../servers.ts'
import type { ClosedLoad } from '../stage.ts'
import { ratios } from './ratios.ts'
import { defineScenario, nothingFails } from './scenario.ts'

const fewUsers = 100
/** What a processor's caches make of a larger table, and the noise of a shared machine; work for each user is far beyond. */
const mostRatio = 1.5

/** Whether a call costs more because there are many others. */
export const manyUsers = defineScenario({
  name: 'many-users',
  about: 'closed model: as many users as a large tenant has administrators for a month, beside a hundred',
  needs: 'anything',
  defaults: { users: 30_000, connections: 8, seconds: 4, rounds: 3 },
  async run(stage, { users: count, connections, seconds, rounds }) {
    const many = await stage.users(count)
    const few = many.slice(0, fewUsers)
    const manyServer = await stage.server(withoutAnswersKept)
    const load = { connections, seconds }
    const loads: ClosedLoad[] = [
      { ...load, name: `this server, ${many.length} users`, target: manyServer, next: inTurn(many, () => fivePosts) },
      {
        ...load,
        name: `this server, ${few.length} users`,
        // A process that has seen no others.
        target: await stage.server(withoutAnswersKept),
        next: inTurn(few, () => fivePosts),
      },
    ]
    if (stage.isOwn) {
      const target = await stage.peer('floor')
      loads.push({ ...load, name: 'floor', target, next: inTurn(many, () => fivePostsElsewhere) })
    }

    for (const one of loads) {
      const calls = one === loads[1] ? few.length : many.length
      const { seconds: taken } = await stage.closed({ ...one, calls, name: `${one.name}: first calls` })
      stage.progress.say(`${one.name}: everybody’s first call, ${taken.toFixed(1)} s`)
    }
    const measurements = await stage.inTurn(loads, rounds)

    const growth = (measurements[0]?.cpuUsPerCall ?? Number.NaN) / (measurements[1]?.cpuUsPerCall ?? Number.NaN)
    const flat = {
      says: `a call costs at most ${mostRatio} times what it costs with ${few.length} users`,
      holds: growth <= mostRatio,
      seen: growth.toFixed(2),
    }
    const residentMiB = residentMiBOf(manyServer.process?.pid)
    return {
      measurements,
      figures: [
        { name: `processor time with ${many.length} users to that with ${few.length}`, value: growth },
        { name: `resident memory with ${many.length} users`, value: residentMiB, unit: 'MiB' },
        ...ratios(measurements),
      ].filter(({ value }) => !Number.isNaN(value)),
      rules: [nothingFails({ measurements }), ...(Number.isNaN(growth) ? [] : [flat])],
    }
  },
})
