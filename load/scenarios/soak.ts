import { getMessages, roundRobin } from '../calls.ts'
import { descriptorsOf, findFreePort, residentMiBOf } from '../processes.ts'
import type { Rule, Series } from '../report/report.ts'
import { failuresAtMost } from '../rules.ts'
import { defineScenario } from '../scenario.ts'
import { readMetrics, type Target } from '../servers.ts'

const shareOfCapacity = 0.7
const samples = 120
/** Of fewer samples, the lowest of a fifth says little. */
const fewestSamples = 50
/** Growth that a garbage collector in no hurry explains. */
const heapGrowth = { times: 1.3, moreMiB: 16 }
const connectionsToServer = 64
/** A stall may open every connection to the server and every one of its own to Graph, also 64; a leak has no such end. */
const mostMoreDescriptors = connectionsToServer + 64 + 20
const mostFailures = 0.001

/** Ten busy minutes: what grows that should not. */
export const soak = defineScenario({
  name: 'soak',
  description: `open model: ten minutes at ${shareOfCapacity} of capacity; heap, memory and descriptors meanwhile`,
  needs: 'target',
  // No user shares a post with another here: a server has room for the Message Centers of so many.
  defaults: { users: 100, connections: 16, seconds: 600 },
  async run(harness, { users: count, connections, seconds }) {
    const users = await harness.users(count)
    const target = await harness.server({ METRICS_PORT: String(await findFreePort()) })
    // Calls that differ, as users' do.
    const load = { target, next: roundRobin(users, (number) => getMessages({ top: 5, skip: number % 50 })) }
    await harness.closed({ ...load, name: 'warm-up', connections, calls: 2 * users.length })
    const fastest = await harness.closed({ ...load, name: 'capacity', connections, seconds: Math.min(seconds, 10) })

    const watching = watch(target, harness.now, (seconds * 1_000) / samples)
    const perSecond = shareOfCapacity * fastest.perSecond
    harness.say(`${seconds} s at ${Math.round(perSecond)} calls a second`)
    const soaked = await harness
      .open({ ...load, name: `${shareOfCapacity} × capacity`, perSecond, seconds, connections: connectionsToServer })
      .finally(watching.stop)
    const { heap, resident, descriptors } = watching
    return {
      measurements: [fastest, soaked],
      rules: [
        failuresAtMost(mostFailures, soaked.name, soaked),
        ...growthRule(heap, (early) => early * heapGrowth.times + heapGrowth.moreMiB),
        ...growthRule(descriptors, (early) => early + mostMoreDescriptors),
      ],
      series: [heap, resident, descriptors].filter(({ points }) => points.length > 0),
      isSequence: true,
    }
  },
})

/** Samples a server that this run started, until stopped. */
function watch({ process, metricsUrl }: Target, now: () => number, everyMs: number) {
  const heap = { name: 'Heap in use', unit: 'MiB', points: [] as [number, number][] }
  const resident = { name: 'Resident memory', unit: 'MiB', points: [] as [number, number][] }
  const descriptors = { name: 'Open descriptors', unit: 'descriptors', points: [] as [number, number][] }
  async function sample(): Promise<void> {
    if (process === undefined || metricsUrl === undefined) return
    const at = now()
    resident.points.push([at, residentMiBOf(process.pid)])
    descriptors.points.push([at, descriptorsOf(process.pid)])
    const bytes = (await readMetrics(metricsUrl).catch(() => undefined))?.get('nodejs_heap_size_used_bytes')
    if (bytes !== undefined) heap.points.push([at, bytes / 1024 / 1024])
  }
  const timer = setInterval(() => void sample(), everyMs)
  return { heap, resident, descriptors, stop: () => clearInterval(timer) }
}

/**
 * The last fifth of the time against the second: in the first, caches fill. The lowest values of each, since a heap is
 * known by what is left after a collection.
 */
function growthRule({ name, unit, points }: Series, mostLate: (early: number) => number): Rule[] {
  const values = points.map(([, value]) => value).filter(Number.isFinite)
  if (values.length < fewestSamples) return []
  const fifth = Math.floor(values.length / 5)
  const early = Math.min(...values.slice(fifth, 2 * fifth))
  const late = Math.min(...values.slice(-fifth))
  return [
    {
      description: `${name}: at most ${mostLate(early).toFixed(0)} ${unit} at the end`,
      passed: late <= mostLate(early),
      observed: `${early.toFixed(0)} early, ${late.toFixed(0)} at the end`,
    },
  ]
}
