import { fromGraph, roundRobin } from '../calls.ts'
import type { ClosedLoad } from '../harness.ts'
import { collectAtSignal, heapAfterCollection } from '../heap.ts'
import { format } from '../numbers.ts'
import { findFreePort, residentMiBOf } from '../processes.ts'
import type { Rule } from '../report/report.ts'
import { judgeFrom, noFailures } from '../rules.ts'
import { defineScenario } from '../scenario.ts'

const fewUsers = 100
/** The aim is 1.1; the rest is the noise of a shared machine. Work for each user is far beyond. */
const mostCost = 1.3
/** Verification, Graph token and counts of one who called; snapshots have a bound of their own. */
const mostHeapBytes = 4_096
/** Among fewer, it cannot be told from what a process takes anyway, which varies by a mebibyte or two. */
const fewestForHeap = 10_000
/** In fewer, a process is still being compiled. */
const fewestCallsForCost = 5_000

/** Whether a call costs more because there are many other users. */
export const manyUsers = defineScenario({
  name: 'many-users',
  description: 'closed model: as many users as a large tenant has administrators for a month, beside a hundred',
  needs: 'target',
  defaults: { users: 30_000, connections: 8, seconds: 4, rounds: 3 },
  async run(harness, { users: count, connections, seconds, rounds }) {
    const many = await harness.users(count)
    const few = many.slice(0, fewUsers)
    const load = { connections, seconds }
    const startServer = async () => harness.server({ METRICS_PORT: String(await findFreePort()) }, collectAtSignal)
    const [manyTarget, fewTarget] = [await startServer(), await startServer()]
    const next = (users: typeof many) => roundRobin(users, () => fromGraph)
    const loads: ClosedLoad[] = [
      { ...load, name: `this server, ${many.length} users`, target: manyTarget, next: next(many) },
      { ...load, name: `this server, ${few.length} users`, target: fewTarget, next: next(few) },
    ]
    for (const one of loads) {
      const calls = one.target === fewTarget ? few.length : many.length
      await harness.closed({ ...one, calls, name: `${one.name}: first calls` })
    }
    const measurements = await harness.compare(loads, rounds)
    const [ofMany, ofFew] = measurements
    const cost = (ofMany?.cpuUsPerCall ?? Number.NaN) / (ofFew?.cpuUsPerCall ?? Number.NaN)
    const residentMiB = residentMiBOf(manyTarget.process?.pid)
    const heapBytes = (await heapAfterCollection(manyTarget)) - (await heapAfterCollection(fewTarget))
    const heapBytesPerUser = heapBytes / (many.length - few.length)

    const costRule: Rule = {
      description: `a call costs at most ${mostCost} times what it costs with ${few.length} users`,
      passed: cost <= mostCost,
      observed: format(cost),
    }
    const heapRule: Rule = {
      description: `a user takes at most ${mostHeapBytes} bytes of heap`,
      passed: heapBytesPerUser <= mostHeapBytes,
      observed: format(heapBytesPerUser),
    }
    return {
      measurements,
      figures: [
        { name: `CPU a call with ${many.length} users to that with ${few.length}`, value: cost },
        { name: 'heap that another user takes', value: heapBytesPerUser, unit: 'bytes' },
        { name: `resident memory with ${many.length} users`, value: residentMiB, unit: 'MiB' },
      ].filter(({ value }) => Number.isFinite(value)),
      rules: [
        noFailures(...measurements),
        ...(harness.isOwn
          ? [
              judgeFrom(fewestCallsForCost, ofFew?.correct ?? 0, costRule),
              judgeFrom(fewestForHeap, many.length, heapRule),
            ]
          : []),
      ],
    }
  },
})
