import { fivePosts, fivePostsElsewhere, inTurn } from '../calls.ts'
import { heapNeededBy, inspectable } from '../heap.ts'
import { residentMiBOf } from '../processes.ts'
import { withoutAnswersKept } from '../servers.ts'
import type { ClosedLoad, Stage } from '../stage.ts'
import { rounded } from '../statistics.ts'
import { ratios } from './ratios.ts'
import { defineScenario, nothingFails } from './scenario.ts'

const fewUsers = 100
/** The aim is 1.1; the rest is the noise of a shared machine. Work for each user is far beyond. */
const mostRatio = 1.3
/** Proof, Graph token and counts of one who called. */
const mostHeapBytes = 4_096
/** Among fewer it cannot be told from what a process takes anyway, which varies by a mebibyte or two. */
const fewestForHeap = 10_000

/** Whether a call costs more because there are many others. */
export const manyUsers = defineScenario({
  name: 'many-users',
  about: 'closed model: as many users as a large tenant has administrators for a month, beside a hundred',
  needs: 'anything',
  defaults: { users: 30_000, connections: 8, seconds: 4, rounds: 3 },
  async run(stage, { users: count, connections, seconds, rounds }) {
    const many = await stage.users(count)
    const few = many.slice(0, fewUsers)
    const load = { connections, seconds }
    const [manyServer, fewServer] = [await inspectedServer(stage), await inspectedServer(stage)]
    const loads: ClosedLoad[] = [
      {
        ...load,
        name: `this server, ${many.length} users`,
        target: manyServer.target,
        next: inTurn(many, () => fivePosts),
      },
      {
        ...load,
        name: `this server, ${few.length} users`,
        target: fewServer.target,
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
    const residentMiB = residentMiBOf(manyServer.target.process?.pid)
    const heapBytes =
      many.length < fewestForHeap
        ? Number.NaN
        : ((await manyServer.heap()) - (await fewServer.heap())) / (many.length - few.length)
    const rules = [
      {
        says: `a call costs at most ${mostRatio} times what it costs with ${few.length} users`,
        holds: growth <= mostRatio,
        seen: growth,
      },
      {
        says: `a user takes at most ${mostHeapBytes} bytes of the heap`,
        holds: heapBytes <= mostHeapBytes,
        seen: heapBytes,
      },
    ]
    return {
      measurements,
      figures: [
        { name: `processor time with ${many.length} users to that with ${few.length}`, value: growth },
        { name: 'heap that another user takes', value: heapBytes, unit: 'bytes' },
        { name: `resident memory with ${many.length} users`, value: residentMiB, unit: 'MiB' },
        ...ratios(measurements),
      ].filter(({ value }) => !Number.isNaN(value)),
      rules: [
        nothingFails({ measurements }),
        // What nobody knows is no broken rule.
        ...rules.flatMap(({ seen, ...rule }) => (Number.isNaN(seen) ? [] : [{ ...rule, seen: `${rounded(seen)}` }])),
      ],
    }
  },
})

/** A server whose heap can be looked at, where this run starts it. */
async function inspectedServer(stage: Stage) {
  const { env, port } = await inspectable()
  const target = await stage.server({ ...withoutAnswersKept, ...env })
  const heap = async () => (target.process === undefined ? Number.NaN : await heapNeededBy(target.process, port))
  return { target, heap }
}
