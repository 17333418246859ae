import { inTurn } from '../calls.ts'
import { readMetrics } from '../metrics.ts'
import { descriptorsOf, residentMiBOf } from '../processes.ts'
import type { Rule, Series } from '../report/report.ts'
import type { Target } from '../servers.ts'
import type { Stage } from '../stage.ts'
import { failsAtMost, phase } from './phases.ts'
import { defineScenario } from './scenario.ts'

const shareOfCapacity = 0.7
const samples = 120
/** Growth that a collector which is in no hurry explains. */
const heapGrowth = { times: 1.3, moreMiB: 16 }
const openConnections = 64
/** A stall may open every connection to the server and every one of its own to Graph, also 64; a leak has no such end. */
const descriptorGrowth = openConnections + 64 + 20
/** A machine that is shared has its moments. */
const mostFailing = 0.001

/** Ten minutes of much to do: what grows that should not. */
export const soak = defineScenario({
  name: 'soak',
  about: 'open model: ten minutes at 70 % of what the server can do; its heap, memory and descriptors meanwhile',
  needs: 'anything',
  defaults: { users: 500, connections: 16, seconds: 600 },
  async run(stage, { users: count, connections, seconds }) {
    const users = await stage.users(count)
    const target = await stage.server({}, true)
    const next = inTurn(users, (number) => ({
      method: 'tools/call',
      tool: 'getMessages',
      // Questions that differ, so that some answers are kept, some are new, and some are dropped.
      args: { top: 5, skip: number % 50 },
    }))
    await stage.closed({ name: 'warming up', target, next, connections, calls: 2 * users.length })
    const most = await stage.closed({
      name: 'as fast as it goes',
      target,
      next,
      connections,
      seconds: Math.min(seconds, 10),
    })

    const watched = watch(stage, target, (seconds * 1000) / samples)
    const perSecond = shareOfCapacity * most.perSecond
    const load = {
      name: `${shareOfCapacity * 100} % of that`,
      target,
      next,
      perSecond,
      seconds,
      connections: openConnections,
    }
    const soaked = await phase(stage, load).finally(watched.stop)

    const series = watched.series.filter(({ points }) => points.length > 0)
    return {
      measurements: [most, soaked],
      rules: [
        failsAtMost(mostFailing, `at most ${mostFailing * 100} % of calls fail`, [soaked]),
        ...growthRules(series),
      ],
      series,
      isSequence: true,
    }
  },
})

/** Looks at the server again and again, until it is stopped. */
function watch(stage: Stage, { process, metricsUrl }: Target, everyMs: number) {
  const heap: [number, number][] = []
  const resident: [number, number][] = []
  const descriptors: [number, number][] = []
  const look = async () => {
    if (process === undefined) return
    const metrics = metricsUrl === undefined ? undefined : await readMetrics(metricsUrl).catch(() => undefined)
    const at = stage.now()
    const bytes = metrics?.get('nodejs_heap_size_used_bytes')
    if (bytes !== undefined) heap.push([at, bytes / 1024 / 1024])
    resident.push([at, residentMiBOf(process.pid)])
    descriptors.push([at, descriptorsOf(process.pid)])
  }
  const timer = setInterval(() => void look(), everyMs)
  const series: Series[] = [
    { name: heapName, unit: 'MiB', points: heap },
    { name: 'Resident memory', unit: 'MiB', points: resident },
    { name: descriptorsName, unit: 'open descriptors', points: descriptors },
  ]
  return { series, stop: () => clearInterval(timer) }
}

const heapName = 'Heap in use'
const descriptorsName = 'Open descriptors'

/**
 * The last fifth of the time against the second: in the first, caches fill. The lowest values of each, since a heap is
 * known by what is left after a collection.
 */
function growthRules(series: readonly Series[]): Rule[] {
  const fifths = (name: string) => {
    const values = series.find((one) => one.name === name)?.points.map(([, value]) => value) ?? []
    const fifth = Math.floor(values.length / 5)
    if (fifth === 0) return undefined
    return { early: Math.min(...values.slice(fifth, 2 * fifth)), late: Math.min(...values.slice(-fifth)) }
  }
  const heap = fifths(heapName)
  const descriptors = fifths(descriptorsName)
  return [
    ...(heap === undefined
      ? []
      : [
          {
            says: `the heap in use grows by no more than ${heapGrowth.times} times and ${heapGrowth.moreMiB} MiB`,
            holds: heap.late <= heap.early * heapGrowth.times + heapGrowth.moreMiB,
            seen: `${heap.early.toFixed(0)} MiB early, ${heap.late.toFixed(0)} MiB at the end`,
          },
        ]),
    ...(descriptors === undefined
      ? []
      : [
          {
            says: `at most ${descriptorGrowth} more descriptors are open at the end`,
            holds: descriptors.late <= descriptors.early + descriptorGrowth,
            seen: `${descriptors.early} early, ${descriptors.late} at the end`,
          },
        ]),
  ]
}
